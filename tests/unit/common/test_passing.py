"""Which faults of an event handler pass by themselves, and so never make a dead letter (decision 0006)."""

from __future__ import annotations

import pytest
from pymongo.errors import AutoReconnect, DuplicateKeyError, OperationFailure

from services.common import problems
from services.common.bus.events import passing
from services.common.bus.publisher import PublishFailed
from services.common.writes import Duplicate, StaleVersion


@pytest.mark.parametrize(
    ("fault", "passes"),
    [
        (StaleVersion("cases"), True),  # a lost race
        (problems.unavailable(retry_after=1), True),
        (problems.still_running(retry_after=1), True),
        (AutoReconnect("gone"), True),
        (OperationFailure("again", 112, {"errorLabels": ["TransientTransactionError"]}), True),
        (PublishFailed("no confirm"), True),
        (OSError("no route"), True),
        (problems.internal(), False),
        (problems.not_found(), False),
        (Duplicate("cases"), False),
        (DuplicateKeyError("twice"), False),
        (KeyError("clock"), False),
    ],
)
def test_what_passes_by_itself(fault, passes):
    assert passing(fault) is passes
