"""Which running systems the tests need, in what order, and when each ends: a plugin that tests/conftest.py registers.

A system is a dozen processes. So tests are grouped by the system that they ask for, each system ends after its last
test, and the time of every package and of every start is told at the end. tests/support/pieces.py does the same for a
run in several processes.
"""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Generator
from pathlib import PurePath
from typing import Any

import pytest

#: Fixtures that hold a running system, in the order in which their tests run.
SYSTEMS = ("stores", "watchers", "system", "february", "journeys", "faulty")

FOLDERS = ("unit", "corpus", "architecture", "contract", "service", "journeys", "faults")

_last_user: dict[str, pytest.Item] = {}
_started: dict[str, tuple[pytest.FixtureDef[Any], pytest.FixtureRequest]] = {}
_packages: dict[str, list[float]] = defaultdict(lambda: [0, 0.0])
_starts: dict[str, float] = {}


def needs_of(item: pytest.Item) -> list[str]:
    names = getattr(item, "fixturenames", ())
    return [name for name in SYSTEMS if name in names]


def turn_of(item: pytest.Item) -> int:
    """What needs no system first; then system by system; then journeys; faults of systems of their own last."""
    needs, folder = needs_of(item), item.nodeid.split("/")[1]
    if folder == "journeys":
        return SYSTEMS.index("journeys") + 1
    if needs:
        return SYSTEMS.index(needs[-1]) + 1
    return len(SYSTEMS) + 1 if folder == "faults" else 0


def group(items: list[pytest.Item]) -> None:
    """Sorts tests by the system that they need, then by folder and file: one order, however the tests were named."""
    items.sort(key=lambda item: (turn_of(item), _folder(item), str(item.path)))


def _folder(item: pytest.Item) -> int:
    # a room that faults leave behind must not answer for one that a service test plays
    folder = item.nodeid.split("/")[1]
    return FOLDERS.index(folder) if folder in FOLDERS else len(FOLDERS)


def pytest_collection_finish(session: pytest.Session) -> None:
    for item in session.items:
        for name in needs_of(item):
            _last_user[name] = item


@pytest.hookimpl(wrapper=True)
def pytest_fixture_setup(
    fixturedef: pytest.FixtureDef[Any], request: pytest.FixtureRequest
) -> Generator[None, object, object]:
    if fixturedef.argname not in SYSTEMS:
        return (yield)
    begun = time.monotonic()
    try:
        return (yield)
    finally:
        _starts[fixturedef.argname] = time.monotonic() - begun
        _started[fixturedef.argname] = (fixturedef, request)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_teardown(item: pytest.Item) -> Generator[None, None, None]:
    yield
    for name in needs_of(item):
        if _last_user.get(name) is item and name in _started:
            fixturedef, request = _started.pop(name)
            fixturedef.finish(request)  # type: ignore[arg-type]  # ends first what was made from it


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    folders = PurePath(report.nodeid.partition("::")[0]).parts[1:-1]
    package = _packages["/".join(folders[:2]) if folders[:1] == ("service",) else "/".join(folders[:1])]
    package[0] += report.when == "call"
    package[1] += report.duration


def starts() -> dict[str, float]:
    """Seconds of every start of a system in this process."""
    return _starts


def pytest_terminal_summary(terminalreporter: Any) -> None:
    """Seconds per package; a system's start is in the time of the first package that asks, its end in the last's."""
    terminalreporter.section("seconds per package")
    for name, (tests, seconds) in sorted(_packages.items()):
        terminalreporter.write_line(f"{seconds:7.1f}  {name} ({tests:.0f} tests)")
    for name, seconds in _starts.items():
        terminalreporter.write_line(f"{seconds:7.1f}  of these: start of {name!r}")
