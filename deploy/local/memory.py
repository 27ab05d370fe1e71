"""What a state directory remembers of its system from one start to the next, and how it forgets."""

from __future__ import annotations

import os
import shlex
import shutil
from datetime import UTC, datetime

from deploy.local.advice import command
from deploy.local.paths import State, read_json, write_json
from deploy.local.table import REHEARSAL_START, Addresses
from deploy.local.trouble import Trouble

#: Stands in the state directory while a restore is under way, and after one that was cut short.
RESTORE_MARKER = "restore.json"


def wipe(state: State) -> None:
    """Forget all data, logs and ledger heads of a stopped system; ports and secrets stay."""
    for folder in (state.data, state.logs, state.ledger_heads, state.home, state.rehearsal_trust):
        shutil.rmtree(folder, ignore_errors=True)
    (state.top / "clock.json").unlink(missing_ok=True)
    (state.top / RESTORE_MARKER).unlink(missing_ok=True)
    state.make()


def refuse_half_restored(state: State) -> None:
    """Raises Trouble where a restore was begun and not completed: no room may see half of a database."""
    begun = read_json(state.top / RESTORE_MARKER)
    if begun is not None or (state.top / RESTORE_MARKER).exists():
        folder = shlex.quote(str((begun or {}).get("folder", "DIR")))
        forget = command(state, "up --fresh")
        raise Trouble(
            "A restore was begun here and not completed: the databases hold a part of it",
            f"run it again: {command(state, f'restore {folder}')}"
            + (f"; or {forget} forgets everything" if "--rehearsal" in forget else ""),
        )


def refuse_to_forget(state: State, rehearsal: bool) -> None:
    """Raises Trouble where a start is to forget the data of a production system: they are real.

    `rehearsal`: what is to be started; it tells of what kind data are where the state directory does not.
    """
    known = (read_json(state.system) or {}).get("rehearsal", rehearsal)
    held = [folder for folder in (state.data, state.ledger_heads) if folder.is_dir() and any(folder.iterdir())]
    if known or not held:
        return
    folders = " ".join(shlex.quote(str(folder)) for folder in held)
    raise Trouble(
        f"{state.top} holds a production system: its data are real, --fresh does not forget them",
        f"leave --fresh out; for an empty system name another one: --state NAME. If they are really to go: back them "
        f"up ({command(state, 'backup DIR')}), move away or remove {folders}, then run the same again",
    )


def clock_offset(state: State) -> float:
    """Seconds between business and real time, fixed at the first start of this data (rehearsal begins at its date)."""
    file = state.top / "clock.json"
    known = read_json(file)
    if isinstance(known, dict) and "offset" in known:
        return float(known["offset"])
    begin = datetime.fromisoformat(os.environ.get("MOTCUA_REHEARSAL_START", REHEARSAL_START))
    offset = round((begin - datetime.now(UTC)).total_seconds(), 3)
    write_json(file, {"offset": offset, "start": begin.isoformat()})
    return offset


def refuse_other_kind(state: State, rehearsal: bool) -> None:
    """Raises Trouble where there is data of the other kind: rehearsal is a choice of the set-up.

    A rehearsal puts seeds with known passwords into its databases and moves its clock; real data must never see that.
    """
    known = read_json(state.system) or {}
    if not known or bool(known.get("rehearsal")) == rehearsal or not (state.data / "database.prepared").exists():
        return
    if rehearsal:
        raise Trouble(
            "This system was set up without rehearsal: its data are real",
            "leave --rehearsal out, or choose another --state for the rehearsal",
        )
    raise Trouble("This system was set up for rehearsal", "add --rehearsal, or choose another --state")


def remember(state: State, addresses: Addresses, rehearsal: bool) -> None:
    """Notes what the system is and where its stores are."""
    write_json(
        state.system,
        {
            "rehearsal": rehearsal,
            "broker": addresses.broker,
            "database": addresses.database,
            "replica_set": addresses.replica_set,
        },
    )
