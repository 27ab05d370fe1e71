"""One point in time over all databases, taken while the system runs: python -m deploy.operate.backup DIR

  --key FILE          seals the rooms' keys with what this file holds; it is made where it is missing (default: DIR.key)
  --without-secrets   leaves the keys out: then this backup serves only where `secrets/` of this system is kept

Every collection of every room is read at one and the same cluster time (snapshot reads), so whatever one room knows of
another's deed, that deed is in the backup too. Writers are not held up. Settings: MOTCUA_MONGO_URL_ADMIN,
MOTCUA_STATE_DIR, MOTCUA_KEY, MOTCUA_REHEARSAL.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import bson
import pymongo
from bson import Timestamp
from bson.codec_options import CodecOptions
from bson.raw_bson import RawBSONDocument
from pymongo.client_session import ClientSession
from pymongo.errors import OperationFailure, PyMongoError

from deploy.local.broker import listeners
from deploy.local.paths import ROOT, State
from deploy.local.trouble import Trouble
from deploy.operate import archive
from services.common import wire
from services.common.restored import UNFINISHED

#: Seconds for which the database keeps the past while a backup is read (its own default is 300).
HISTORY = 6 * 3600
_WINDOW = "minSnapshotHistoryWindowInSeconds"
#: The snapshot is gone, or a collection was made or changed since: begin again at a new one.
_BEGIN_AGAIN = (239, 246)  # SnapshotTooOld, SnapshotUnavailable
_TRIES = 4
_BATCH = 1000
_RAW: CodecOptions[RawBSONDocument] = CodecOptions(document_class=RawBSONDocument)

Client = pymongo.MongoClient[dict[str, Any]]


class HalfRestored(Exception):
    """The databases hold a part of a restore: a copy of them would be no system at any point in time."""


class Snapshot:
    """Reads at one cluster time. `client` may read all rooms' databases."""

    def __init__(self, client: Client, session: ClientSession) -> None:
        self._client = client
        self._session = session
        # a document that every system has, so that the time lies after all that is acknowledged by now
        first = self._find(wire.ROOMS[0], "kernel", {"level": "snapshot"}, limit=1, singleBatch=True)
        self.at: Timestamp = first["cursor"]["atClusterTime"]

    def _find(self, room: str, collection: str, concern: dict[str, Any], **more: Any) -> Any:
        return self._client[room].command(
            {"find": collection, "readConcern": concern, **more}, codec_options=_RAW, session=self._session
        )

    def batches(self, room: str, collection: str) -> Iterator[tuple[bytes, int]]:
        """The documents as they stood then, as BSON, and how many in each batch."""
        concern = {"level": "snapshot", "atClusterTime": self.at}
        cursor = self._find(room, collection, concern, batchSize=_BATCH)["cursor"]
        batch = cursor["firstBatch"]
        while True:
            yield b"".join(document.raw for document in batch), len(batch)
            if not cursor["id"]:
                return
            cursor = self._client[room].command(
                {"getMore": cursor["id"], "collection": collection, "batchSize": _BATCH},
                codec_options=_RAW,
                session=self._session,
            )["cursor"]
            batch = cursor["nextBatch"]

    def kernel(self, room: str) -> dict[str, dict[str, Any]]:
        """What the room's kernel noted of its database then, by id."""
        batches = (bson.decode_all(batch) for batch, number in self.batches(room, "kernel") if number)
        return {row["_id"]: row for rows in batches for row in rows}


@contextmanager
def longer_history(client: Client) -> Iterator[None]:
    """The database keeps the past long enough for a long backup, where we may say so."""
    try:
        before = client.admin.command({"getParameter": 1, _WINDOW: 1})[_WINDOW]
        client.admin.command({"setParameter": 1, _WINDOW: max(before, HISTORY)})
    except OperationFailure:
        yield  # somebody else administers this server: a copy that takes longer than its window fails and says so
        return
    try:
        yield
    finally:
        client.admin.command({"setParameter": 1, _WINDOW: before})


def collections(client: Client, room: str) -> list[str]:
    """A room's collections; the bytes of files come last, because they take longest."""
    names = client[room].list_collection_names(filter={"type": "collection"})
    return sorted(
        (name for name in names if not name.startswith("system.")), key=lambda name: (".chunks" in name, name)
    )


def indexes(client: Client, room: str, names: list[str]) -> dict[str, list[dict[str, Any]]]:
    """Definitions of all indexes that we made, as `createIndexes` takes them; `key` as pairs: their order counts."""
    found = {}
    for name in names:
        rows = [dict(row) for row in client[room][name].list_indexes() if row["name"] != "_id_"]
        found[name] = [
            {
                key: list(value.items()) if key == "key" else value
                for key, value in row.items()
                if key not in ("v", "ns")
            }
            for row in rows
        ]
    return found


def copy(client: Client, writer: archive.Writer) -> tuple[Timestamp, dict[str, Any], dict[str, Any]]:
    """Writes every collection at one cluster time; returns it, the indexes and the clock's row of that time.

    Raises HalfRestored.
    """
    with client.start_session(causal_consistency=False) as session:
        snapshot = Snapshot(client, session)
        if any(UNFINISHED in snapshot.kernel(room) for room in wire.ROOMS):
            raise HalfRestored("a restore into this system was begun and not completed; run it again first")
        made = {}
        for room in wire.ROOMS:
            names = collections(client, room)
            made[room] = indexes(client, room, names)
            for name in names:
                writer.documents(room, name, snapshot.batches(room, name))
        return snapshot.at, made, snapshot.kernel("oversight").get("clock", {})


def secrets_of(state: State) -> dict[str, bytes]:
    """The keys without which a restored system could not read, sign or prove what was kept; no passwords."""
    shared = (state.secrets / "provider.secret", state.secrets / "vneid.secret")
    # the second is made at the first start of a release that knows it
    found = {f"secrets/{file.name}": file.read_bytes() for file in shared if file.exists()}
    for folder in (state.secrets / "keys", state.secrets / "data"):
        found |= {f"secrets/{folder.name}/{file.name}": file.read_bytes() for file in sorted(folder.iterdir())}
    found |= {f"public-keys/{file.name}": file.read_bytes() for file in sorted(state.public_keys.glob("*.pem"))}
    return found


def schemas_of(client: Client) -> dict[str, int]:
    """The number of the last migration of each room's database."""
    rows = {room: client[room]["kernel"].find_one({"_id": "schema"}) for room in wire.ROOMS}
    return {room: int(row["number"]) if row else 0 for room, row in rows.items()}


def release() -> str:
    """The commit of this checkout; empty where there is no git."""
    try:
        done = subprocess.run(["git", "rev-parse", "HEAD"], cwd=ROOT, capture_output=True, text=True, timeout=10)
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return done.stdout.strip()


def take(client: Client, state: State, place: Path, key: bytes | None, *, rehearsal: bool) -> archive.Manifest:
    """Takes a backup; `key` seals the secrets, None leaves them out. Raises HalfRestored, PyMongoError,
    OSError."""
    writer = archive.Writer(place)
    signer = archive.load_key(state.secrets / "keys" / "operator-1.pem")
    with longer_history(client):
        for attempt in range(1, _TRIES + 1):
            try:
                taken_at = datetime.now(UTC)
                at, made, clock = copy(client, writer)
                break
            except OperationFailure as exc:
                if exc.code not in _BEGIN_AGAIN or attempt == _TRIES:
                    raise
                writer.clear()
                time.sleep(1)
    for file in sorted([*state.ledger_heads.glob("*.jsonl"), *state.ledger_heads.glob("restored-*.json")]):
        content = file.read_bytes()
        # a line that is being written is no head yet
        writer.file(f"{archive.HEADS}/{file.name}", content[: content.rfind(b"\n") + 1] if content else content)
    if key is not None:
        writer.file(archive.SECRETS, archive.seal(secrets_of(state), key))
    manifest = archive.Manifest(
        backup=uuid.uuid4().hex,
        taken_at=taken_at.isoformat(),
        business_at=(taken_at + timedelta(seconds=float(clock.get("offset", 0.0)))).isoformat(),
        cluster_time=[at.time, at.inc],
        release=release(),
        rehearsal=rehearsal,
        schemas=schemas_of(client),
        listens=listeners(),
        key_prints={
            file.stem: archive.key_print(file.read_bytes()) for file in sorted((state.secrets / "data").glob("*.key"))
        },
        secrets=key is not None,
        kid="operator-1",
        public_key=archive.public_text(signer),
        indexes=made,
    )
    writer.finish(manifest, signer)
    return manifest


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="motcua backup", description="One point in time over all databases.")
    parser.add_argument("folder", type=Path, metavar="DIR")
    choice = parser.add_mutually_exclusive_group()
    choice.add_argument("--key", type=Path, help="file with the key that seals the rooms' keys (default: DIR.key)")
    choice.add_argument("--without-secrets", action="store_true", help="leave the rooms' keys out")
    return parser


def main(arguments: list[str] | None = None) -> int:
    """Takes one backup; 1 with the reason where it was not taken (then nothing has its name)."""
    given = _parser().parse_args(arguments)
    place = given.folder.resolve()
    state = State(Path(os.environ["MOTCUA_STATE_DIR"]))
    key_file: Path | None = None if given.without_secrets else given.key or place.with_name(place.name + ".key")
    client: Client = pymongo.MongoClient(
        os.environ["MOTCUA_MONGO_URL_ADMIN"], tz_aware=True, serverSelectionTimeoutMS=10_000
    )
    try:
        if place.exists():
            raise FileExistsError(place)
        state.refuse_heads_away()  # they would be missing in it
        if key_file is not None and not key_file.exists():
            key_file.parent.mkdir(parents=True, exist_ok=True)
            archive.make_key_file(key_file)
        manifest = take(
            client, state, place, key_file.read_bytes() if key_file else None,
            rehearsal=os.environ.get("MOTCUA_REHEARSAL") == "1",
        )  # fmt: skip
    except FileExistsError:
        print(f"motcua backup: {place} is there already; name a new folder", file=sys.stderr)
        return 1
    except HalfRestored as exc:
        print(f"motcua backup: not taken: {exc}", file=sys.stderr)
        return 1
    except Trouble as exc:
        print(f"motcua backup: not taken: {exc}", file=sys.stderr)
        return 1
    except OSError as exc:
        print(
            f"motcua backup: not taken: {exc.filename or place}: {exc.strerror or exc}\n"
            "  What to do: name a new folder (and --key FILE) where you may write and there is room",
            file=sys.stderr,
        )
        return 1
    except PyMongoError as exc:
        print(f"motcua backup: not taken: {type(exc).__name__}: {exc}", file=sys.stderr)
        return 1
    finally:
        client.close()
    print(report(manifest, place, key_file))
    return 0


def report(manifest: archive.Manifest, place: Path, key_file: Path | None) -> str:
    """What the operator must know now."""
    number = sum(count for _, _, count in manifest.collections())
    size = sum(about["bytes"] for about in manifest.files.values()) / 1e6
    lines = [
        f"Đã sao lưu / backed up: {place}",
        f"  {number} documents of {len(manifest.schemas)} rooms at {manifest.taken_at}, {size:.1f} MB",
    ]
    if key_file is None:
        lines += [
            "  KHÔNG có khóa / WITHOUT the rooms' keys: names, numbers and phones in it can only be read by a system",
            "  that still has the secrets of this one (folder secrets/ of its state directory).",
        ]
    else:
        lines += [
            f"  Khóa của các phòng được niêm bằng / the rooms' keys are sealed with: {key_file}",
            "  Keep that file apart from the backup: who has both can read everything; without it nothing sealed is",
            "  ever read again.",
        ]
    lines.append("  Citizens' files lie in it as they lie in the database: keep it where only operators read.")
    return "\n".join(lines)


if __name__ == "__main__":
    sys.exit(main())
