"""`./motcua restore DIR`: starts and ends what each part of a restore needs. The parts: deploy/operate/restore.py.

The rooms are started without the gateway, so that nobody comes in before they agree with each other.
"""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

from deploy.local import ownership, processes, production
from deploy.local.paths import ROOT, VENV_PYTHON, State
from deploy.local.processes import end_with_parent
from deploy.local.system import STORES, System
from deploy.local.table import DOMAIN_ROOMS, SIMULATORS
from deploy.local.trouble import Trouble, say

_AGAIN = "mend what is named above and run the same command again; no room starts before it has ended well"


def restore(state: State, folder: Path, options: list[str], *, replace: bool, containers: bool = False) -> int:
    """Brings a backup back into a stopped system; 0 when the rooms agree afterwards. Raises Trouble."""
    system = System(state.top)
    if system.running():
        raise Trouble("A system runs here", "./motcua down ends it; a restore replaces everything that its rooms keep")
    say("reading the backup")
    about = _about(folder)
    system.rehearsal = about["rehearsal"]
    if not system.rehearsal:
        production.refuse_without_trust(state)
        production.place_heads(state, False)
    try:
        system.start([], containers=containers)
        found = _part(system, "inspect", folder, options)
        if found["occupied"] and not replace and not found["unfinished"]:
            raise Trouble(
                f"There is data already: {', '.join(found['occupied'])}",
                "add --replace to lose it, or name an empty state directory with --state",
            )
        ownership.mark(state, "restore")  # what comes now is no demo's to erase
        say(f"loading {found['documents']} documents of {found['taken_at']}")
        _part(system, "load", folder, options, answer=False)
    finally:
        system.stop()
    return settle(system, folder, options, containers=containers)


def settle(system: System, folder: Path, options: list[str], *, containers: bool = False) -> int:
    """Starts the rooms without the gateway, lets them tell what was on its way, compares, and ends them."""
    say("starting the rooms, without the gateway: they tell again what was on its way")
    outside = [f"{name}-simulator" for name in SIMULATORS] if system.rehearsal else []
    try:
        system.start([*DOMAIN_ROOMS, *outside], containers=containers)
        done = _run(system, ["-m", "deploy.operate.restore", "settle", str(folder), *options], capture=False)
        verified = _run(system, ["-m", "deploy.operate.ledger", "verify"], capture=False)
    finally:
        system.stop()
    if done.returncode or verified.returncode:
        raise Trouble(
            "The backup is loaded, but not everything agrees",
            "see what is named above; ./motcua up starts the system all the same",
        )
    say("restored; ./motcua up starts the system")
    return 0


def _about(folder: Path) -> dict[str, Any]:
    """The manifest, unverified: only to know how to start. Raises Trouble where there is none."""
    try:
        found = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
        return {"rehearsal": bool(found["rehearsal"])}
    except (OSError, ValueError, KeyError, TypeError):
        raise Trouble(
            f"{folder} is no whole backup: manifest.json is missing or cannot be read",
            "name the folder that ./motcua backup made; one called ….unfinished was cut short",
        ) from None


def _part(system: System, what: str, folder: Path, options: list[str], *, answer: bool = True) -> Any:
    done = _run(system, ["-m", "deploy.operate.restore", what, str(folder), *options], capture=answer)
    if done.returncode:
        raise Trouble(f"The restore stopped at: {what}", _AGAIN if what == "load" else "nothing was changed")
    return json.loads(done.stdout) if answer else None


def _run(system: System, arguments: list[str], *, capture: bool) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [str(VENV_PYTHON), *arguments], cwd=ROOT, env=system.env("operator"), text=True,
        stdout=subprocess.PIPE if capture else None, preexec_fn=end_with_parent,
    )  # fmt: skip


def alone(state: State) -> System:
    """Broker and database of a stopped system, started for an operator's command; the caller stops them.

    Raises Trouble where this system never ran.
    """
    if not (state.data / "database").is_dir() or not state.system.exists():
        raise Trouble("No system was ever set up here", "start one: ./motcua up --detach, or ./motcua demo --keep")
    if any(processes.alive(processes.record_of(state, name)) for name in STORES):
        raise Trouble("An earlier run has left processes", "./motcua down ends them")
    known = json.loads(state.system.read_text())
    return System(state.top, bool(known.get("rehearsal"))).start([])
