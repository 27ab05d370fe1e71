"""The commands of ./motcua. Long work is done elsewhere: here is what each command starts, with which environment."""

from __future__ import annotations

import argparse
import json
import os
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path

from deploy.local import (
    advice,
    broker,
    calling,
    ending,
    observability,
    operating,
    ownership,
    production,
    restoring,
    seeding,
    showing,
    testing,
    verifying,
)
from deploy.local.bootstrap import clean_environment, set_up
from deploy.local.memory import refuse_to_forget
from deploy.local.paths import ROOT, SHARED, state_of
from deploy.local.supervise import Supervisor
from deploy.local.system import System
from deploy.local.table import DOMAIN_ROOMS, describe
from deploy.local.trouble import Trouble, complain, say

_EPILOG = """
Everything lives under .motcua/ in this checkout; nothing is installed on the machine. A broker or database of your own:
  MOTCUA_BROKER_URL=http://admin:password@host:15672   management interface; AMQP at host:5672,
                                                        else MOTCUA_BROKER_AMQP=host:port
  MOTCUA_DATABASE_URL=mongodb://admin:password@host:27017/?replicaSet=NAME
Both should serve nothing else: users and databases named after the rooms, operator and partner are made there.
Other settings: MOTCUA_STATE (as --state), MOTCUA_PORT_BASE (first of 64 ports; the portal gets this one). All
settings of docs/operations/production.md may also stand in the file settings.env of the state directory.
"""


def main(arguments: list[str]) -> int:
    """Run one command; returns the exit status."""
    parser, rest = _parser(), list(arguments)
    stands = _stands()
    os.chdir(ROOT)
    # so that `finally` ends what was started; the supervisor puts its own handler in place of this one
    signal.signal(signal.SIGTERM, _leave)
    if rest[:1] == ["verify"]:
        return verifying.verify(rest[1:], stands)
    try:
        if rest and rest[0] in operating.OPERATED and {"-h", "--help"} & set(rest):
            return operating.help_of(rest)
        return _one(parser, rest, stands)
    except Trouble as trouble:
        complain(str(trouble))
        return 1
    except KeyboardInterrupt:
        return 130


def _stands() -> Path:
    """Where the caller stands: from there the files are meant that a command names."""
    try:
        return Path.cwd()
    except FileNotFoundError:  # that folder was removed
        return ROOT


def _one(parser: argparse.ArgumentParser, arguments: list[str], stands: Path) -> int:
    given, unknown = parser.parse_known_args(arguments)
    if given.command is None:
        parser.error("which command? ./motcua --help lists them; ./motcua demo shows what it is")
    given.stands = stands
    if unknown and given.command != "test":
        parser.error(f"unknown argument: {' '.join(unknown)}")
    run: Callable[[argparse.Namespace, list[str]], int] = given.run
    return run(given, unknown)


def _leave(number: int, frame: object) -> None:
    raise SystemExit(128 + number)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="motcua",
        description="Một Cửa on one machine.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    commands = parser.add_subparsers(dest="command", metavar="COMMAND")

    def command(name: str, text: str, run: Callable[[argparse.Namespace, list[str]], int]) -> argparse.ArgumentParser:
        sub = commands.add_parser(name, help=text, description=text, allow_abbrev=False)
        sub.add_argument(
            "--state",
            metavar="NAME",
            help="which system: a name under .motcua/state, or a folder "
            f"(default: MOTCUA_STATE, else {'demo' if name == 'demo' else 'main'})",
        )
        sub.set_defaults(run=run)
        return sub

    demo = command(
        "demo", "set up what is missing, start a fresh system, walk one dossier through it, end everything", _demo
    )
    demo.add_argument("--keep", action="store_true", help="leave the system up afterwards")
    up = command("up", "start the system and keep it up until Ctrl-C", _up)
    up.add_argument("--detach", action="store_true", help="return when it is ready; ./motcua down ends it")
    up.add_argument(
        "--rehearsal",
        action="store_true",
        help="movable clock, simulators and test authority; a state directory is either this or production, for good",
    )
    up.add_argument("--fresh", action="store_true", help="forget the data of this state directory first")
    up.add_argument(
        "--containers", action="store_true", help="broker and database as Docker containers (untried: never run by us)"
    )
    up.add_argument("--observability", action="store_true", help="Prometheus beside it, with our alert rules")
    command("down", "end the system that ./motcua up or demo --keep left running", _down)
    status = command("status", "processes, addresses and health", _status)
    status.add_argument("--json", action="store_true")
    logs = command("logs", "print the logs of all processes or of one", _logs)
    logs.add_argument("name", nargs="?")
    logs.add_argument("-f", "--follow", action="store_true")
    test = command(
        "test", "set up, check style and types, then run all tests; further arguments go to pytest", testing.test
    )
    test.add_argument("--full", action="store_true", help="also what takes longer")
    bench = command("bench", "measure: each figure with its baseline of the same run and their ratio", _bench)
    bench.add_argument(
        "names", nargs="*", metavar="NAME",
        help="rpc, rpc_extensions, event_latency_ms, idle_cpu, rest_memory, read, file, upload, path_1, path_8; or all",
    )  # fmt: skip
    bench.add_argument("--json", action="store_true", help="a list of name, unit, figure, baseline, ratio")
    bench.add_argument("--rounds", type=int, help="alternating rounds of each measure, five where nothing is said")
    trace = command("trace", "requirement → code → tests, and what has none", operating.without_system("trace"))
    trace.add_argument("--json", action="store_true")
    letters = command(
        "dead-letters", "list, show, replay or drop messages that were given up", operating.by("dead_letters")
    )
    letters.add_argument("arguments", nargs=argparse.REMAINDER, metavar="list | show ID | replay ID | drop ID | --help")
    replay = command("replay", "have one room tell another again all that it ever told it", operating.replay)
    replay.add_argument("--from", dest="teller", required=True, choices=DOMAIN_ROOMS, metavar="ROOM")
    replay.add_argument("--to", dest="hearer", required=True, choices=DOMAIN_ROOMS, metavar="ROOM")
    clock = command("clock", "show or set the business clock (rehearsal only)", operating.by("clock"))
    clock.add_argument("arguments", nargs=argparse.REMAINDER, metavar="show | set TIME | --help")
    ledger = command("ledger", "verify the event ledger, or count the figures from it", operating.by("ledger"))
    ledger.add_argument("arguments", nargs=argparse.REMAINDER, metavar="verify | figures | --help")
    migrate = command(
        "migrate",
        "bring stored documents to the current schema versions",
        operating.by("migrate", also_stopped=True),
    )
    migrate.add_argument("arguments", nargs=argparse.REMAINDER, metavar="plan | run | --help")
    backup = command(
        "backup",
        "copy all databases at one point in time, also while it runs",
        operating.by("backup", also_stopped=True),
    )
    backup.add_argument("arguments", nargs=argparse.REMAINDER, metavar="DIR [--key FILE | --without-secrets | --help]")
    seed = command("seed", "put first officers, agencies, procedures … where they are missing", operating.seed)
    seed.add_argument("room", choices=tuple(seeding.SHAPES), metavar="ROOM")
    seed.add_argument("file", type=Path, metavar="FILE")
    rehearse = command(
        "rehearse", "make and sign a paper as one of the cast (rehearsal only)", operating.by("rehearse")
    )
    rehearse.add_argument("arguments", nargs=argparse.REMAINDER, metavar="paper | sign | people | --help")
    trust = command("trust", "who is trusted to sign: show it, change it by two people's signatures", operating.trust)
    trust.add_argument("arguments", nargs=argparse.REMAINDER, metavar="show | add | retire | sign | check | --help")
    # read by deploy/local/verifying.py, before any of these
    check = command("verify", "check digital signatures of files, without any system", _verify)
    check.add_argument("arguments", nargs=argparse.REMAINDER, metavar="FILE… [--json] | --help")
    restore = command("restore", "bring a backup back into a stopped system, and see that the rooms agree", _restore)
    restore.add_argument("folder", type=Path, metavar="DIR")
    restore.add_argument("--key", type=Path, help="file with the key of the backup (default: DIR.key)")
    restore.add_argument(
        "--containers", action="store_true", help="broker and database as Docker containers (untried: never run by us)"
    )
    restore.add_argument("--replace", action="store_true", help="lose what the databases hold now")
    restore.add_argument("--gap", type=int, help="numbers that may have been given since, of each series and day")
    return parser


# -- the system --------------------------------------------------


def _up(given: argparse.Namespace, _: list[str]) -> int:
    set_up()
    state = state_of(given.state, "main")
    production.read_settings(state)
    if given.fresh and describe(state).get("rehearsal", given.rehearsal) != given.rehearsal:
        kinds = ("production system", "rehearsal")[:: -1 if given.rehearsal is False else 1]
        raise Trouble(f"{state.top} holds a {kinds[0]}, for good", f"name another state for a {kinds[1]}: --state NAME")
    if System(state.top).running():
        raise Trouble(
            f"This system runs already ({state.name})",
            f"{advice.command(state, 'status')} shows it, {advice.command(state, 'down')} ends it",
        )
    if given.fresh:
        refuse_to_forget(state, given.rehearsal)
    real = not given.rehearsal and describe(state).get("rehearsal") is not True
    if real:
        production.refuse_without_trust(state)
    production.check_settings(state, not real)
    if real:
        production.place_heads(state, given.fresh)
        for line in production.warnings():
            say(f"warning: {line}")
    if not ownership.maker(state):
        ownership.mark(state, "up")
    if not given.containers and not os.environ.get("MOTCUA_BROKER_URL"):
        broker.fetched()  # here, where somebody sees it
    if given.observability:
        observability.fetched()
    if not given.detach:
        supervisor = Supervisor(state, given.rehearsal, None, None, observability=given.observability)
        return supervisor.run(given.fresh, given.containers)
    system = System(state.top, given.rehearsal)
    say("starting in the background")
    system.start(
        fresh=given.fresh, detached=True, containers=given.containers, observability=given.observability, by="up"
    )
    showing.status(system)
    return 0


def _verify(given: argparse.Namespace, _: list[str]) -> int:
    return verifying.verify(given.arguments, given.stands)


def _down(given: argparse.Namespace, _: list[str]) -> int:
    return ending.down(given.state or os.environ.get("MOTCUA_STATE"))


def _status(given: argparse.Namespace, _: list[str]) -> int:
    system = calling.running(given)
    if given.json:
        print(json.dumps(system.status(), indent=1))
        return 0
    return showing.status(system)


def _logs(given: argparse.Namespace, _: list[str]) -> int:
    state = showing.logged(given.state)
    files = sorted(state.logs.glob(f"{given.name or '*'}.log"))
    if not files:
        known = ", ".join(sorted(file.stem for file in state.logs.glob("*.log")))
        raise Trouble(
            f"No log{f' of {given.name}' if given.name else ''} in {state.name}",
            f"these are there: {known or 'none yet'}",
        )
    return showing.logs(files, given.follow)


# -- demo -----------------------------------------------


def _demo(given: argparse.Namespace, _: list[str]) -> int:
    state = state_of(given.state, "demo")
    ownership.claim(state, "demo")
    set_up()
    if not os.environ.get("MOTCUA_BROKER_URL"):
        broker.fetched()  # here, where somebody sees it
    system = System(state.top, rehearsal=True)
    if system.running():
        say("ending the system that an earlier demo had left")
        system.stop()
    code = 1
    try:
        say("starting the system (fresh data, rehearsal)")
        system.rehearsal = True
        system.start(fresh=True, detached=given.keep, by="demo")
        say(f"ready: {system.base_url}")
        code = calling.call(["-m", "deploy.demo"], system.env("operator"))
    finally:
        if code != 0:
            at = SHARED / "failed" / f"demo-{time.strftime('%Y%m%d-%H%M%S')}"
            say(f"logs of this run are kept in {ownership.failed_logs(state, at)}")
        if not given.keep or code != 0:
            say("ending everything")
            system.stop()
    if given.keep and code == 0:
        showing.status(system)
        say(f"left running; ./motcua down --state {state.name} ends it")
    return code


# -- operator's commands -----------------------------------------


def _restore(given: argparse.Namespace, _: list[str]) -> int:
    set_up()
    options = ["--key", str((given.stands / given.key).resolve())] if given.key else []
    options += ["--gap", str(given.gap)] if given.gap is not None else []
    state = state_of(given.state, "main")
    production.read_settings(state)
    return restoring.restore(
        state, (given.stands / given.folder).resolve(), options,
        replace=given.replace, containers=given.containers,
    )  # fmt: skip


def _bench(given: argparse.Namespace, _: list[str]) -> int:
    set_up("test")
    if given.rounds is not None and given.rounds < 1:
        raise Trouble("--rounds is a number from 1 on", "leave it out for five")
    rounds = [] if given.rounds is None else ["--rounds", str(given.rounds)]
    arguments = [*given.names, *rounds, *(["--json"] if given.json else [])]
    return calling.call(["-m", "bench", *arguments], clean_environment())


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
