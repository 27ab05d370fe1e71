"""`./motcua test`: style and types, then the tests."""

from __future__ import annotations

import argparse
import os

from deploy.local import calling, observability, ownership
from deploy.local.bootstrap import clean_environment, set_up
from deploy.local.paths import ROOT, TMP, State
from deploy.local.system import System
from deploy.local.trouble import Trouble, complain, say

TEST_ORDER = ("unit", "corpus", "architecture", "contract", "service", "journeys", "faults")


def test(given: argparse.Namespace, pytest_arguments: list[str]) -> int:
    """Further arguments are pytest's."""
    if given.state:
        raise Trouble("Tests have state directories of their own", "leave --state out; MOTCUA_TEST_STATE names others")
    # whatever system MOTCUA_STATE names, it is none of the tests'
    state = State(ownership.STATES / (os.environ.get("MOTCUA_TEST_STATE") or "test"))
    ownership.claim(state, "test")
    set_up("test")
    try:
        observability.program("promtool")  # tests of alerts and dashboards fail without it; the others need not
    except Trouble as trouble:
        complain(f"no Prometheus for the tests: {trouble}")
    environment = {**clean_environment(), "TMPDIR": str(TMP), "MOTCUA_STATE": str(state.top)}
    if given.full:
        environment["MOTCUA_FULL"] = "1"
    for name, command in (("ruff", ["ruff", "check", "."]), ("types", ["mypy"])):
        say(f"checking: {name}")
        if calling.call(["-m", *command], environment) != 0:
            complain(f"{name}: findings above; tests were not run")
            return 1
    chosen = any(not a.startswith("-") and (ROOT / a.split("::")[0]).exists() for a in pytest_arguments)
    folders = [] if chosen else [f"tests/{part}" for part in TEST_ORDER if (ROOT / "tests" / part).is_dir()]
    if not pytest_arguments and len(os.sched_getaffinity(0)) > 1:
        # everything: two systems beside each other; who chooses tests or asks for a debugger is served by one process
        pytest_arguments = ["-n", "2", "--max-worker-restart", "0"]
    try:
        return calling.call(["-m", "pytest", *folders, *pytest_arguments], environment)
    finally:
        # tests end their own systems; a killed test run may have left one
        System(state.top).stop()
