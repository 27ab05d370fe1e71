"""Fixtures shared by all tests.

`system` is one whole system in rehearsal (all rooms, simulators, a real broker and database). `stores` is a broker and
a database alone, for the kernel's tests. Each starts when the first test asks for it and ends after the last one
(tests/support/lifetimes.py).
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pymongo
import pytest

from deploy.local.system import System
from tests.support import lifetimes, pieces
from tests.support.bus import Bus, Tokens
from tests.support.programs import Program

STATES = Path(__file__).resolve().parent.parent / ".motcua" / "state"
NAME = os.environ.get("MOTCUA_TEST_STATE", "test")  # another name lets two runs stand side by side


def pytest_configure(config: pytest.Config) -> None:
    config.pluginmanager.register(lifetimes)
    config.pluginmanager.register(pieces)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Tests of the long run are left out unless MOTCUA_FULL=1; the others are grouped by the system that they need."""
    long = [item for item in items if item.get_closest_marker("full")]
    if long and os.environ.get("MOTCUA_FULL") != "1":
        config.hook.pytest_deselected(items=long)
        items[:] = [item for item in items if item not in long]
    lifetimes.group(items)


@pytest.fixture(scope="session")
def system() -> Iterator[System]:
    """The whole system, fresh, in rehearsal."""
    whole = System(STATES / NAME, rehearsal=True)
    whole.start(fresh=True)
    yield whole
    whole.stop()


@pytest.fixture(scope="session")
def stores() -> Iterator[System]:
    """A broker and a database, fresh, without any room."""
    bare = System(STATES / f"{NAME}-stores", rehearsal=True)
    bare.start([], fresh=True)
    yield bare
    bare.stop()


@pytest.fixture
def bus(system: System) -> Iterator[Bus]:
    """The system's broker, as the operator."""
    line = Bus(system.amqp_url("operator"))
    yield line
    line.close()


@pytest.fixture
def rpc(bus: Bus):
    """`rpc(method, token=None, key=None, channel="portal", **kwargs)`: calls a room and returns its answer."""
    return bus.call


@pytest.fixture
def tell(bus: Bus):
    """`tell(name, data, subject=…, source=…, sequence=1)`: publishes an event as a room would."""
    return bus.tell


@pytest.fixture(scope="session")
def tokens(system: System) -> Tokens:
    return Tokens(system.state.secrets / "keys")


@pytest.fixture
def actor(tokens: Tokens):
    """`actor(role, unit="*", person_id=…, subject=…)`: a token of a person."""
    return tokens.person


@pytest.fixture(scope="session")
def database(system: System) -> Iterator[pymongo.MongoClient]:
    """All databases, as the operator: for auditors' looks, never for writing what a room owns."""
    client: pymongo.MongoClient = pymongo.MongoClient(system.mongo_url("operator"), tz_aware=True)
    yield client
    client.close()


@pytest.fixture(scope="session")
def keeper(stores: System) -> Iterator[Program]:
    """The test room as `oversight`, which also keeps the clock."""
    program = Program(stores, "oversight").start()
    yield program
    program.end()


@pytest.fixture
def line(stores: System) -> Iterator[Bus]:
    bus = Bus(stores.amqp_url("operator"))
    yield bus
    bus.close()


@pytest.fixture
def operator(stores: System) -> str:
    return Tokens(stores.state.secrets / "keys").operator()


@pytest.fixture(scope="session")
def makers(stores: System) -> Tokens:
    return Tokens(stores.state.secrets / "keys")


@pytest.fixture(scope="session")
def data(stores: System) -> Iterator[pymongo.MongoClient]:
    client: pymongo.MongoClient = pymongo.MongoClient(stores.mongo_url("operator"), tz_aware=True)
    yield client
    client.close()
