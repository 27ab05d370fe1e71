"""Commands as an operator can copy them: each names the system that it is about, and the kind of a start."""

from __future__ import annotations

import os
import shlex
from pathlib import Path

from deploy.local import paths
from deploy.local.paths import State, read_json, state_of


def command(state: State, words: str) -> str:
    """`./motcua WORDS` for this very system, whatever MOTCUA_STATE says where it is copied to.

    `--state` stands in it unless the system is `main` and the environment names no other; where a system is started
    that is known to be a rehearsal, `--rehearsal` does.
    """
    verb, _, more = words.partition(" ")
    if verb == "up" and "--rehearsal" not in more and (read_json(state.system) or {}).get("rehearsal") is True:
        words = f"up --rehearsal {more}".strip()
    said = f"./motcua {words}"
    main = paths.SHARED / "state" / "main"
    if state.top == main and state_of(None, "main").top == main:
        return said
    return f"{said} --state {shlex.quote(state.name)}"


def here(words: str) -> str:
    """The same from a program that a command of ./motcua has started on a system."""
    where = os.environ.get("MOTCUA_STATE_DIR")
    return command(State(Path(where)), words) if where else f"./motcua {words}"
