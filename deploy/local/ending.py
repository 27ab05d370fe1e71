"""`./motcua down`: ends a system; where no name says which, only one that cannot be meant otherwise."""

from __future__ import annotations

from deploy.local import ownership
from deploy.local.paths import state_of
from deploy.local.system import System
from deploy.local.trouble import Trouble, say


def down(chosen: str | None) -> int:
    """Ends the chosen system, or the one of main and demo that runs. Raises Trouble where it ended none but others run.

    `demo --keep` leaves its system in a state directory of its own.
    """
    states = [state_of(chosen, "main")] if chosen else [state_of(None, name) for name in ("main", "demo")]
    left = [state for state in states if any(state.run.glob("*.json"))]
    if len(left) > 1:
        raise Trouble("Two systems run here: main, demo", "say which: ./motcua down --state main, or --state demo")
    for state in left:
        say(ownership.about(state))
        System(state.top).stop()
        say(f"stopped {state.name}")
    if left:
        return 0
    others = ownership.running()
    if others and not chosen:
        raise Trouble(
            f"No system main or demo runs here; these do: {', '.join(others)}", "name one: ./motcua down --state NAME"
        )
    where = f" in {states[0].name}; these run: {', '.join(others)}" if others else ""
    say(f"nothing was running{where}")
    return 0
