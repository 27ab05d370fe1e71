"""The system of the tests of faults: with the limits of `up`; what fails for good is given up within seconds."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from deploy.local.system import System
from tests.conftest import NAME, STATES

pytest.register_assert_rewrite("tests.faults.after_faults", "tests.faults.walk")


@pytest.fixture(scope="session")
def faulty() -> Iterator[System]:
    """One system for the short walk and for what comes after it."""
    from tests.faults.walk import SETTINGS  # after the rewriting above

    system = System(STATES / f"{NAME}-faults", rehearsal=True)
    system.start(fresh=True, env=SETTINGS)
    yield system
    system.stop()
