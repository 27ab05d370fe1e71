"""Who made a state directory, and which system a command is about. The demo and the tests end systems and erase data
without asking: they may do that only to what they made themselves, and the file `made_by` says what that is.
"""

from __future__ import annotations

import shutil
from pathlib import Path

from deploy.local import processes
from deploy.local.paths import SHARED, State, read_json, write_atomically
from deploy.local.table import describe
from deploy.local.trouble import Trouble

STATES = SHARED / "state"
#: Commands that begin with a fresh system, and erase what an earlier run of theirs had left.
WIPING = ("demo", "test")


def maker(state: State) -> str:
    """`demo`, `test`, `up` or `restore`; empty where nobody has said so."""
    file = state.top / "made_by"
    return file.read_text(encoding="utf-8").strip() if file.is_file() else ""


def mark(state: State, by: str) -> None:
    """From now on this state directory is `by`'s. One that the tests made stays theirs."""
    if maker(state) != "test":
        write_atomically(state.top / "made_by", by + "\n")


def claim(state: State, by: str) -> None:
    """Make the state directory `by`'s own, before anything in it is ended or erased.

    Raises Trouble where somebody else made it, where it is no rehearsal, and where nobody knows what lies there.
    """
    known = maker(state)
    if known != by and not (not known and (_empty(state) or _left_by_an_earlier_release(state, by))):
        whose = f"made by `./motcua {known}`" if known else "not made by it"
        raise Trouble(
            f"{state.top} was {whose}: `./motcua {by}` erases only what it made itself",
            f"leave out --state and MOTCUA_STATE, or name a state that is not there yet: --state my-{by}",
        )
    if describe(state).get("rehearsal") is False:
        raise Trouble(f"{state.top} holds a production system", f"name another state: --state my-{by}")
    state.make()
    mark(state, by)


def _empty(state: State) -> bool:
    """Whether no system was ever set up there and there is nothing to lose."""
    erased = (state.data, state.logs, state.ledger_heads, state.home)
    return not state.system.exists() and not any(f.exists() and (f.is_file() or any(f.iterdir())) for f in erased)


def _left_by_an_earlier_release(state: State, by: str) -> bool:
    # before there were marks, demo and tests had a rehearsal at these places
    here = state.top.parent == STATES and describe(state).get("rehearsal") is True
    return here and (state.top.name == by or by == "test" and state.top.name not in ("main", "demo"))


def running() -> list[str]:
    """Names of the systems that run now under .motcua/state."""
    found = []
    for file in sorted(STATES.glob("*/run/supervisor.json")):
        if processes.alive(read_json(file)):
            found.append(file.parent.parent.name)
    return found


def about(state: State) -> str:
    """The first line of a command: which system is meant, and which others run."""
    others = [name for name in running() if STATES / name != state.top]
    more = f"; also running: {', '.join(others)} (--state NAME)" if others else ""
    kind = "rehearsal" if describe(state).get("rehearsal") else "production"
    return f"system: {state.name} ({kind}){more}"


def failed_logs(state: State, at: Path) -> Path:
    """Copy the logs of a failed run to `at`, where no later run erases them; the newest three are kept."""
    shutil.copytree(state.logs, at, dirs_exist_ok=True)
    supervisor = state.top / "supervisor.log"
    if supervisor.exists():
        shutil.copy2(supervisor, at / "supervisor.log")
    for old in sorted(at.parent.iterdir())[:-3]:
        shutil.rmtree(old, ignore_errors=True)
    return at
