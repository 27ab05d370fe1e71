"""A run in several processes of pytest-xdist (`-n 2`): a plugin that tests/conftest.py registers.

All tests of one system are one piece of work, so that it is started once and its tests keep their order; of tests that
need none, those of a folder are one. Which test belongs to which piece, only the processes know that collect: each
writes it to a file before it reports what it collected. pytest-xdist's own `--dist loadgroup` says it in the tests'
names, which pytest 9.2 does not let it change.
"""

from __future__ import annotations

import json
import shutil
import tempfile
from collections.abc import Mapping
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from deploy.local.processes import end_with_parent
from tests.support import lifetimes

#: The order in which pieces are given out, by what they need: the longest first, beside it what needs no system.
TURNS = ("journeys", "", "faulty", "watchers", "system")

_left_out: list[str] = []
_folder = pytest.StashKey[Path]()


def piece_of(item: pytest.Item, together: Mapping[str, str]) -> tuple[int, str]:
    """The turn of a test's piece, and its name: a system, a folder or a file."""
    file, needs = item.nodeid.partition("::")[0], lifetimes.needs_of(item)
    folder = file.split("/")[1]
    if needs or folder == "journeys":
        kind = name = together[needs[-1]] if needs else "journeys"
    else:
        kind = "its own" if folder == "faults" else ""
        # what the sessions of a folder make, its files share
        name = file if folder in ("architecture", "faults") else file.rpartition("/")[0]
    return TURNS.index(kind) if kind in TURNS else len(TURNS), name


def together(items: list[pytest.Item]) -> dict[str, str]:
    """Systems that some test needs at once, under one name: they must run in one process."""
    names = {name: name for name in lifetimes.SYSTEMS}
    for item in items:
        joined = {names[name] for name in lifetimes.needs_of(item)}
        name = max(joined, key=lifetimes.SYSTEMS.index, default="")
        names = {of: name if known in joined else known for of, known in names.items()}
    return names


def pytest_configure(config: pytest.Config) -> None:
    if hasattr(config, "workerinput"):
        end_with_parent()  # and our systems with us


def pytest_deselected(items: list[Any]) -> None:
    _left_out.extend(item.nodeid for item in items)


@pytest.hookimpl(tryfirst=True)
def pytest_collection_finish(session: pytest.Session) -> None:
    told = getattr(session.config, "workerinput", {}).get("pieces")
    if not told:
        return
    joined = together(session.items)
    pieces = {item.nodeid: piece_of(item, joined) for item in session.items}
    session.items.sort(key=lambda item: pieces[item.nodeid][0])
    Path(told).write_text(json.dumps({name: piece for name, (_, piece) in pieces.items()}))


def pytest_sessionfinish(session: pytest.Session) -> None:
    if hasattr(session.config, "workeroutput"):
        session.config.workeroutput |= {"starts": lifetimes.starts(), "left_out": _left_out}


# -- in the process that gives the pieces out ------------------------------------------------------------------------


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: Any) -> None:
    if _folder not in node.config.stash:
        node.config.stash[_folder] = Path(tempfile.mkdtemp(prefix="pieces-"))
    node.workerinput["pieces"] = str(node.config.stash[_folder] / node.gateway.id)


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any) -> None:
    """What only the other processes know: how long starts took, and what every one of them left out."""
    told = getattr(node, "workeroutput", {})
    lifetimes.starts().update(told.get("starts", {}))
    if not _left_out:
        left_out = [SimpleNamespace(nodeid=name) for name in told.get("left_out", ())]
        node.config.hook.pytest_deselected(items=left_out)


def pytest_unconfigure(config: pytest.Config) -> None:
    if _folder in config.stash:
        shutil.rmtree(config.stash[_folder], ignore_errors=True)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    from xdist.scheduler import LoadScopeScheduling

    class Pieces(LoadScopeScheduling):
        """Gives out piece by piece, in the order of what was collected."""

        def __init__(self) -> None:
            super().__init__(config, log)
            self._pieces: dict[str, str] = {}

        def add_node_collection(self, node: Any, collection: Any) -> None:
            super().add_node_collection(node, collection)
            self._pieces |= json.loads((config.stash[_folder] / node.gateway.id).read_text())

        def _split_scope(self, nodeid: str) -> str:
            return self._pieces[nodeid]

    config.option.loadscopereorder = False
    return Pieces()
