"""A dossier is not returned without the report about its result, whoever granted it."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from services.common.problems import Problem
from services.intake import grants
from services.intake.dossier import Command, Facts, State, move

BEFORE = datetime(2024, 3, 3, 9, 0, tzinfo=UTC)
SINCE = datetime(2024, 3, 3, 18, 0, tzinfo=UTC)  # 2024-03-04 01:00 in Vietnam


@pytest.mark.req("SG-04", "X-27")
@pytest.mark.parametrize(
    ("at", "result", "returned"),
    [
        (SINCE, {"file_id": "f", "sha256": "s", "report_id": "rep-1", "name": "n"}, True),
        (SINCE, {"file_id": "f", "sha256": "s", "report_id": None, "name": "n"}, False),
        (SINCE, {"file_id": "f", "sha256": "s", "report_id": "", "name": "n"}, False),
        (SINCE, None, False),
        (BEFORE, None, True),
    ],
)
def test_the_returned_state_needs_a_report_from_the_day_of_the_rule_on(
    dossier: dict[str, Any], at: datetime, result: dict[str, Any] | None, returned: bool
) -> None:
    dossier["state"] = State.ACCEPTED.value
    row = move(State.ACCEPTED, Command.RETURN_RESULT, Facts(granted=True))
    if returned:
        grants.return_result(dossier, row, by="acc", at=at, result=result, collector=None)
        assert dossier["state"] == State.RETURNED
        return
    with pytest.raises(Problem) as refused:
        grants.return_result(dossier, row, by="acc", at=at, result=result, collector=None)
    assert (refused.value.status, refused.value.rule) == (409, "SG-04")
    assert dossier["state"] == State.ACCEPTED
