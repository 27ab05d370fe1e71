"""`./motcua restore DIR`: starts and ends what each part of a restore needs. The parts: deploy/operate/restore.py.

The rooms are started without the gateway, so that nobody comes in before they agree with each other.
"""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

from deploy.local import ownership, processes, production
from deploy.local.advice import command
from deploy.local.bootstrap import clean_environment
from deploy.local.memory import refuse_half_restored
from deploy.local.paths import ROOT, VENV_PYTHON, State
from deploy.local.processes import end_with_parent
from deploy.local.system import STORES, System
from deploy.local.table import DOMAIN_ROOMS, SIMULATORS
from deploy.local.trouble import Trouble, say

_AGAIN = "mend what is named above and run the same command again; no room starts before it has ended well"


def restore(state: State, folder: Path, options: list[str], *, replace: bool, containers: bool = False) -> int:
    """Brings a backup back into a stopped system; 0 when the rooms agree afterwards. Raises Trouble."""
    if not folder.is_dir():  # before there is a state directory for it
        raise Trouble(f"{folder} is no backup: there is no such folder", "name the folder that ./motcua backup made")
    system = System(state.top)
    if system.running():
        raise Trouble(
            "A system runs here", f"{command(state, 'down')} ends it; a restore replaces everything that its rooms keep"
        )
    say("reading the backup")
    # nothing of it is believed before its signature is: a start makes keys and users of the kind that it names
    alone_env = {**clean_environment(), "MOTCUA_STATE_DIR": str(state.top)}
    found = json.loads(_part(alone_env, "inspect", folder, options))
    system.rehearsal = found["rehearsal"]
    if not system.rehearsal:
        production.refuse_without_trust(state)
    production.check_settings(state, system.rehearsal)
    if not system.rehearsal:
        production.place_heads(state, False)
    try:
        system.start([], containers=containers)
        occupied = json.loads(_part(system.env("operator"), "occupied", folder, options))
        if occupied and not replace and not found["unfinished"]:
            raise Trouble(
                f"There is data already: {', '.join(occupied)}",
                "add --replace to lose it, or name an empty state directory with --state",
            )
        ownership.mark(state, "restore")  # what comes now is no demo's to erase
        say(f"loading {found['documents']} documents of {found['taken_at']}")
        _part(system.env("operator"), "load", folder, options, answer=False)
    finally:
        system.stop()
    return settle(system, folder, options, containers=containers)


def settle(system: System, folder: Path, options: list[str], *, containers: bool = False) -> int:
    """Starts the rooms without the gateway, lets them tell what was on its way, compares, and ends them."""
    say("starting the rooms, without the gateway: they tell again what was on its way")
    outside = [f"{name}-simulator" for name in SIMULATORS] if system.rehearsal else []
    try:
        system.start([*DOMAIN_ROOMS, *outside], containers=containers)
        env = system.env("operator")
        done = _run(env, ["-m", "deploy.operate.restore", "settle", str(folder), *options], capture=False)
        verified = _run(env, ["-m", "deploy.operate.ledger", "verify"], capture=False)
    finally:
        system.stop()
    if done.returncode or verified.returncode:
        raise Trouble(
            "The backup is loaded, but not everything agrees",
            f"see what is named above; {command(system.state, 'up')} starts the system all the same",
        )
    say(f"restored; {command(system.state, 'up')} starts the system")
    return 0


def _part(env: dict[str, str], what: str, folder: Path, options: list[str], *, answer: bool = True) -> str:
    """Runs one part and returns what it prints, where it is asked to `answer`. Raises Trouble."""
    done = _run(env, ["-m", "deploy.operate.restore", what, str(folder), *options], capture=answer)
    if done.returncode:
        raise Trouble(f"The restore stopped at: {what}", _AGAIN if what == "load" else "nothing was changed")
    return done.stdout or ""


def _run(env: dict[str, str], arguments: list[str], *, capture: bool) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [str(VENV_PYTHON), *arguments], cwd=ROOT, env=env, text=True,
        stdout=subprocess.PIPE if capture else None, preexec_fn=end_with_parent,
    )  # fmt: skip


def alone(state: State) -> System:
    """Broker and database of a stopped system, started for an operator's command; the caller stops them.

    Raises Trouble where this system never ran, or holds half of a restore.
    """
    refuse_half_restored(state)
    if not (state.data / "database").is_dir() or not state.system.exists():
        raise Trouble("No system was ever set up here", f"start one: {command(state, 'up --detach')}")
    if any(processes.alive(processes.record_of(state, name)) for name in STORES):
        raise Trouble("An earlier run has left processes", f"{command(state, 'down')} ends them")
    known = json.loads(state.system.read_text())
    return System(state.top, bool(known.get("rehearsal"))).start([])
