"""What `./motcua status` and `./motcua logs` print."""

from __future__ import annotations

import contextlib
import os
import time
from pathlib import Path

from deploy.local import advice, ownership
from deploy.local.paths import State, state_of
from deploy.local.system import System
from deploy.local.table import scanner
from deploy.local.trouble import Trouble, say


def status(system: System) -> int:
    """Prints processes, addresses and health; 1 where one is not ready."""
    rows = system.status()
    print(f"{'process':22} {'state':10} {'pid':>8} {'restarts':>8}  addresses")
    for row in rows:
        where = "  ".join(f"{key} {row[key]}" for key in ("http", "health") if row[key])
        print(f"{row['name']:22} {row['state']:10} {row['pid'] or '–':>8} {row['restarts']:>8}  {where}")
    print(f"portal  {system.base_url}")
    print(f"malware scanner  {scanner() or 'none is plugged in (docs/operations/malware.md)'}")
    return 0 if all(row["state"] in ("ready", "by address") for row in rows if row["name"] != "epmd") else 1


def logged(given: str | None) -> State:
    """The system whose logs are meant, said aloud: the running one that every command takes, else one that ran before.

    Raises Trouble where there is neither.
    """
    states = [state_of(given, default) for default in ("main", "demo")]
    for state in states:
        if state.top.exists() and System(state.top).running():
            say(ownership.about(state))
            return state
    for state in states:
        if any(state.logs.glob("*.log")):
            say(f"{ownership.about(state)}; it does not run, these are its last logs")
            return state
    named, others = given or os.environ.get("MOTCUA_STATE"), ownership.running()
    raise Trouble(
        f"No system{f' named {named}' if named else ''} runs here or has left logs"
        + (f"; these run: {', '.join(others)}" if others else ""),
        "name one with --state"
        if others
        else f"start one: {advice.command(states[0], 'up --detach')}, or ./motcua demo --keep",
    )


def logs(files: list[Path], follow: bool) -> int:
    """Prints logs, each line after its process where there are several; `follow`: until Ctrl-C."""
    with contextlib.ExitStack() as stack:
        opened = [(file.stem, stack.enter_context(open(file, errors="replace"))) for file in files]
        while True:
            quiet = True
            for name, handle in opened:
                for line in handle:
                    quiet = False
                    print(line if len(opened) == 1 else f"{name}: {line}", end="" if line.endswith("\n") else "\n")
            if not follow:
                return 0
            if quiet:
                time.sleep(0.3)
