"""Commands that a program of the operator's carries out (deploy/operate), on a running system or on its folder."""

from __future__ import annotations

import argparse
import os
from collections.abc import Callable

from deploy.local import calling, production, restoring, seeding
from deploy.local.bootstrap import clean_environment, set_up
from deploy.local.paths import state_of
from deploy.local.system import System
from deploy.local.table import describe, trust_env
from deploy.local.trouble import Trouble

#: Commands whose arguments are read by a program of the operator's; it also knows their --help.
OPERATED = {
    "clock": "clock",
    "dead-letters": "dead_letters",
    "ledger": "ledger",
    "migrate": "migrate",
    "backup": "backup",
    "rehearse": "rehearse",
    "trust": "trust",
}


def help_of(arguments: list[str]) -> int:
    """--help of an operator's command, told by its own program; no system needs to run."""
    set_up()
    named = [word for word in arguments[1:] if not word.startswith("-")][:1]
    code = calling.call(["-m", f"deploy.operate.{OPERATED[arguments[0]]}", *named, "--help"], clean_environment())
    print("\n  --state NAME or DIR may stand anywhere: the system that is meant")
    return code


def _own_arguments(given: argparse.Namespace) -> list[str]:
    """--state is ours wherever it stands; what remains, in its order, is the operator's program's own."""
    own = argparse.ArgumentParser(prog="motcua", add_help=False, allow_abbrev=False)
    own.add_argument("--state", default=given.state)
    mine, arguments = own.parse_known_args(given.arguments)
    given.state = mine.state
    return arguments


def by(module: str, *, also_stopped: bool = False) -> Callable[[argparse.Namespace, list[str]], int]:
    """The command that deploy.operate.MODULE carries out. `also_stopped`: broker and database of a stopped system are
    started for the command alone."""

    def run(given: argparse.Namespace, _: list[str]) -> int:
        arguments = _own_arguments(given)
        set_up()
        try:
            # papers are rehearsed: a system that is real once stays so
            start = "up --rehearsal --detach" if module == "rehearse" else "up --detach"
            system, ours = calling.running(given, start), False
        except Trouble:
            if not also_stopped:
                raise
            production.read_settings(state_of(given.state, "main"))
            system, ours = restoring.alone(state_of(given.state, "main")), True
        try:
            return calling.call(["-m", f"deploy.operate.{module}", *arguments], system.env("operator"), given.stands)
        finally:
            if ours:
                system.stop()

    return run


def trust(given: argparse.Namespace, _: list[str]) -> int:
    """On the state directory itself: whoever is trusted is settled before a system runs, and while it does."""
    arguments = _own_arguments(given)
    set_up()
    state = state_of(given.state, "main")
    if not given.state and not os.environ.get("MOTCUA_STATE") and not System(state.top).running():
        demo = state_of(None, "demo")
        state = demo if System(demo.top).running() else state
    production.read_settings(state)
    env = {**clean_environment(), **trust_env(state, bool(describe(state).get("rehearsal")))}
    return calling.call(["-m", "deploy.operate.trust", *arguments], env, given.stands)


def seed(given: argparse.Namespace, _: list[str]) -> int:
    """Puts first documents into a room."""
    set_up()
    return seeding.seed(calling.running(given), given.room, (given.stands / given.file).resolve())


def replay(given: argparse.Namespace, _: list[str]) -> int:
    """Has one room tell another again."""
    set_up()
    arguments = ["-m", "deploy.operate.replay", "--from", given.teller, "--to", given.hearer]
    return calling.call(arguments, calling.running(given).env("operator"))


def without_system(module: str) -> Callable[[argparse.Namespace, list[str]], int]:
    """The command that deploy.operate.MODULE carries out on the checkout alone."""

    def run(given: argparse.Namespace, _: list[str]) -> int:
        set_up()
        return calling.call(
            ["-m", f"deploy.operate.{module}", *(["--json"] if given.json else [])], clean_environment()
        )

    return run
