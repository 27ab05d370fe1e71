"""200 dossiers by 4 clients while services are killed in the middle of handlers and the broker is restarted once.

Then all rooms are told to stop, one after the other, while the clients go on. The long form is test_2000_dossiers.py.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from deploy.local.system import System
from tests.faults.after_faults import AfterFaults
from tests.faults.chaos import BROKER, ROOMS
from tests.faults.clients import Plan
from tests.faults.walk import Walked, walk

FATES = (
    "returned", "refused", "withdrawn", "registered", "withdrawn", "accepted", "refused", "registered", "refused",
    "withdrawn",
)  # fmt: skip
PLAN = Plan(dossiers=200, clients=4, people=3, fates=FATES, own=frozenset(range(7, 200, 40)))


@pytest.fixture(scope="module")
def walked(faulty: System) -> Iterator[Walked]:
    # The busiest a second time, and no more: the supervisor lets what ends again and again wait ever longer.
    script = [*ROOMS, BROKER, "intake", "oversight"]
    found = walk(faulty, PLAN, script, pause=(0.2, 1.0), within=240)
    yield found
    found.close()


class TestAfter200Dossiers(AfterFaults):
    """Everything that must hold."""
