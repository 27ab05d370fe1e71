"""What a command of ./motcua stands on: the system that it is about, and the programs that it starts."""

from __future__ import annotations

import argparse
import subprocess
from pathlib import Path

from deploy.local import advice, ownership, production
from deploy.local.paths import ROOT, VENV_PYTHON, state_of
from deploy.local.processes import end_with_parent
from deploy.local.system import System
from deploy.local.trouble import Trouble, say


def call(arguments: list[str], env: dict[str, str], at: Path | None = None) -> int:
    """Run the virtual environment's Python at the terminal and return its exit status; it ends when we end.

    `at`: the folder that it works in instead of the checkout; its modules are the checkout's, whatever lies there.
    """
    if at is not None:
        arguments, env = ["-P", *arguments], {**env, "PYTHONPATH": str(ROOT)}
    # eventlet says at import what docs/decisions/0001-engine.md knows; pytest keeps warnings by its own rules
    quiet = [] if "pytest" in arguments else ["-W", "ignore"]
    command = [str(VENV_PYTHON), *quiet, *arguments]
    return subprocess.run(command, cwd=at or ROOT, env=env, preexec_fn=end_with_parent).returncode


def running(given: argparse.Namespace, start: str = "up --detach") -> System:
    """The running system that a command is about: the main one, else the one that `demo --keep` left; `start` is the
    command that is advised where there is none."""
    for default in ("main", "demo"):
        state = state_of(given.state, default)
        if state.top.exists() and System(state.top).running():
            production.read_settings(state)
            say(ownership.about(state))
            return System.attach(state.top)
    named = f" named {given.state}" if given.state else ""
    others = ownership.running()
    raise Trouble(
        f"No system{named} runs here" + (f"; these do: {', '.join(others)}" if others else ""),
        "name one with --state"
        if others
        else f"start one: {advice.command(state_of(given.state, 'main'), start)}"
        + ("" if given.state else ", or ./motcua demo --keep"),
    )
