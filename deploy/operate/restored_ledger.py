"""The ledger's heads after a restore: they know entries that the backup does not hold. The operator says so, signed.

docs/decisions/0013-restore.md
"""

from __future__ import annotations

import dataclasses
import os
from datetime import UTC, datetime
from pathlib import Path

from deploy.local.advice import command
from deploy.local.paths import State
from deploy.operate import archive
from deploy.operate.backup import Client
from deploy.operate.ledger import ROOM, Keys
from services.oversight import heads
from services.oversight.ledger import GENESIS, Head, Restoration


def take_back(client: Client, state: State, folder: Path, manifest: archive.Manifest) -> str:
    """Joins the heads of the backup with those that are here, puts aside what the backup's ledger does not hold, and
    keeps the signed statement; returns it in words. Raises archive.Damaged."""
    directory = state.ledger_heads
    oversight = Keys(state.public_keys)
    _put_foreign_aside(directory, oversight)
    _join(directory, folder, manifest)
    last = client[ROOM]["ledger"].find_one({}, sort=[("_id", -1)])
    sequence, hash = (int(last["sequence"]), str(last["hash"])) if last is not None else (0, GENESIS)
    # whoever writes there could else have the operator sign that a thousand million entries are lost
    known = [head for head in heads.read(directory).heads if _valid(head, oversight)]
    now = datetime.now(UTC)
    if any(datetime.fromisoformat(head.signed_at) >= now for head in known):
        raise archive.Damaged("a head of the ledger was signed later than now: set this machine's clock right first")
    signer = archive.load_key(state.secrets / "keys" / f"{manifest.kid}.pem")
    statement = Restoration(
        sequence, hash, max((head.sequence for head in known), default=0), manifest.backup, manifest.taken_at,
        now.isoformat(), manifest.kid,
    )  # fmt: skip
    statement = dataclasses.replace(statement, signature=signer.sign(statement.message()).hex())
    heads.take_back(directory, statement)
    if statement.lost_to <= sequence:
        return f"oversight: the ledger ends at {sequence}; no signed head here knows a later entry"
    return (
        f"oversight: the ledger ends at {sequence}; entries {sequence + 1}–{statement.lost_to} are lost, and "
        f"{command(state, 'ledger verify')} will always say so"
    )


def _valid(head: Head, keys: Keys) -> bool:
    try:
        return keys.check(head.kid, head.message(), bytes.fromhex(head.signature))
    except ValueError:
        return False


def _put_foreign_aside(directory: Path, keys: Keys) -> None:
    """Heads that another system signed, whose place this one takes."""
    lines = heads.read(directory)
    if lines.heads and not any(_valid(head, keys) for head in lines.heads):
        for file in [*directory.glob("*.jsonl"), *directory.glob("restored-*.json"), directory / heads.HIGHEST]:
            if file.exists():
                os.replace(file, file.with_name(f"{file.name}.of-another-system"))


def _join(directory: Path, folder: Path, manifest: archive.Manifest) -> None:
    """Lines of the backup that are missing here; what is here is newer and stays last."""
    for name in manifest.files:
        if not name.startswith(f"{archive.HEADS}/"):
            continue
        kept = (folder / name).read_bytes()
        target = directory / Path(name).name
        if target.name == heads.HIGHEST:
            continue
        here = target.read_bytes() if target.exists() else b""
        if target.suffix != ".jsonl":
            if not here:
                heads.put(target, [kept])
            continue
        lines = set(here.splitlines())
        missing = [line for line in kept.splitlines(keepends=True) if line.rstrip(b"\n") not in lines]
        if missing:
            heads.put(target, [*missing, here])
