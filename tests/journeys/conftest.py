"""One system for all journeys, fresh on Monday 2024-03-11 09:00; its clock goes forward only (test_working_hour, last).

Journeys see the system from outside: HTTP to the gateway and to simulators, messages on the partner's queues.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from deploy.demo.audit import Auditor
from deploy.demo.client import LOOKERS
from deploy.demo.people import Citizen, Officer
from deploy.demo.world import World
from deploy.local.system import System
from deploy.rehearsal.cast import PEOPLE
from tests.conftest import NAME, STATES
from tests.journeys.scenes import Scenes, somebody
from tests.support.documented import Operations
from tests.support.leaks import Confided
from tests.support.traffic import pytest_runtest_call as pytest_runtest_call

HERE = Path(__file__).parent


@pytest.hookimpl(trylast=True)  # after the grouping by systems, which sorts by path
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The main job first; then what moves the clock, what looks at all that was left, what speaks at random,
    whatever the names of the files; and at the very end what moves it on to another year's rules."""
    mine = [n for n, item in enumerate(items) if HERE in item.path.parents]
    first, last = ["test_main_job.py"], [
        "test_working_hour.py", "test_identity_no_leak.py", "test_every_operation.py", "test_queue_fuzz.py",
        "test_identity_2025.py",
    ]  # fmt: skip
    order = {name: place - len(first) for place, name in enumerate(first)}
    order |= {name: place + 1 for place, name in enumerate(last)}
    wanted = sorted((items[n] for n in mine), key=lambda item: order.get(item.path.name, 0))
    for n, item in zip(mine, wanted, strict=True):
        items[n] = item


@pytest.fixture(scope="session")
def journeys() -> Iterator[System]:
    """The whole system of the journeys. Tests of rooms move the clock of theirs, so this is another one."""
    whole = System(STATES / f"{NAME}-journeys", rehearsal=True)
    # All journeys come from one address, as no city does: the gateway's limits per address are for tests of their own.
    whole.start(fresh=True, observability=True, env={"MOTCUA_RATE_LIMIT": "100"})
    yield whole
    whole.stop()


@pytest.fixture(scope="session", autouse=True)
def spoken() -> Iterator[Operations]:
    """What the journeys' clients were answered, held against the document."""
    noted = Operations()
    LOOKERS.append(noted.look)
    yield noted
    LOOKERS.remove(noted.look)


@pytest.fixture(scope="session", autouse=True)
def confided() -> Iterator[Confided]:
    """What the journeys' clients said in confidence, to be looked for where it must not stand."""
    noted = Confided()
    LOOKERS.append(noted.look)
    yield noted
    LOOKERS.remove(noted.look)


@pytest.fixture(scope="session")
def world(journeys: System) -> Iterator[World]:
    made = World(journeys)
    yield made
    made.close()


@pytest.fixture(scope="session")
def auditor(journeys: System) -> Iterator[Auditor]:
    made = Auditor(journeys)
    yield made
    made.close()


@pytest.fixture(scope="session")
def officer(world: World) -> Callable[[str], Officer]:
    """`officer("officer-desk")`: signed in, once per session."""
    known: dict[str, Officer] = {}

    def enter(key: str) -> Officer:
        if key not in known:
            known[key] = Officer(world, key).enter()
        return known[key]

    return enter


@pytest.fixture(scope="session")
def desk(officer) -> Officer:
    return officer("officer-desk")


@pytest.fixture(scope="session")
def specialist(officer) -> Officer:
    return officer("officer-specialist")


@pytest.fixture(scope="session")
def ioc(officer) -> Officer:
    return officer("officer-ioc")


@pytest.fixture(scope="session")
def resident(world: World) -> Citizen:
    """Chi, normalized: whose dossiers most journeys are about."""
    citizen = Citizen(world, PEOPLE["citizen-chi"]).enter()
    citizen.normalize()
    return citizen


@pytest.fixture(scope="session")
def stranger(world: World) -> Citizen:
    """Another normalized citizen, who has nothing to do with the resident's dossiers."""
    citizen = Citizen(world, somebody()).enter()
    citizen.normalize()
    return citizen


@pytest.fixture(scope="session")
def scenes(world: World, resident: Citizen, desk: Officer, specialist: Officer) -> Scenes:
    return Scenes(world, resident, desk, specialist)
