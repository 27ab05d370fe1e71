"""2,000 dossiers by 8 clients while services are killed in the middle of handlers, the broker twice and mongod once.

Most dossiers share ten files that were checked before, 50 bring their own. The load ends at rest or after 240 seconds.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from deploy.local.system import System
from tests.conftest import NAME, STATES
from tests.faults.after_faults import AfterFaults
from tests.faults.chaos import BROKER, DATABASE, ROOMS
from tests.faults.clients import Plan
from tests.faults.walk import SETTINGS, Walked, walk

pytestmark = pytest.mark.full

SECONDS = 240
#: Of a hundred: 2 returned, 4 accepted, 10 refused, 20 withdrawn, the others left at the desk.
FATES = tuple(
    {7: "returned", 57: "returned", 21: "accepted", 41: "accepted", 61: "accepted", 81: "accepted"}.get(
        number, "refused" if number % 10 == 3 else "withdrawn" if number % 5 == 4 else "registered"
    )
    for number in range(100)
)
#: Five people have two files each: ten that are shared.
PLAN = Plan(dossiers=2000, clients=8, people=5, fates=FATES, own=frozenset(range(13, 2000, 40)))


@pytest.fixture(scope="module")
def walked() -> Iterator[Walked]:
    system = System(STATES / f"{NAME}-faults-2000", rehearsal=True)
    system.start(fresh=True, env=SETTINGS)
    try:
        script = [*ROOMS, BROKER, BROKER, DATABASE, "intake", "oversight", "notifier"]
        found = walk(system, PLAN, script, pause=(1.0, 6.0), within=SECONDS)
        yield found
        found.close()
    finally:
        system.stop()


class TestAfter2000Dossiers(AfterFaults):
    """Everything that must hold."""

    broker_restarts = 2
    database_kills = 1
    seconds = SECONDS
