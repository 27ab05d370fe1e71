"""The public status, 1–10, from facts in any order."""

import itertools
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from services.common import blocks
from services.common.slips import Act
from services.intake import progress
from services.intake.dossier import State
from tests.unit.intake.conftest import MONDAY

Row = dict[str, Any]
SLIP = {"slip_id": "YC1", "round": 1, "components": ["don"], "file_id": "f9", "at": MONDAY}


def mirror(*changes: Callable[[Row], Any]) -> Row:
    row = progress.empty("c")
    for change in changes:
        change(row)
    return row


def opened(row: Row) -> None:
    progress.case_opened(row, 2)


def ordered(row: Row) -> None:
    progress.order_told(row, "o1", paid=False)


def settled(row: Row) -> None:
    progress.order_told(row, "o1", paid=True)


def waiting(row: Row) -> None:
    progress.supplement_requested(row, SLIP)


def resumed(row: Row) -> None:
    progress.resumed(row, None)


@pytest.mark.req("SY-02")
@pytest.mark.parametrize(
    ("state", "changes", "code"),
    [
        (State.REGISTERED, (), 1),
        (State.GUIDED, (), 5),
        (State.REFUSED, (), 3),
        (State.WITHDRAWN, (opened,), 7),
        (State.ACCEPTED, (), 2),
        (State.ACCEPTED, (opened,), 4),
        (State.ACCEPTED, (opened, ordered), 6),
        (State.ACCEPTED, (opened, ordered, settled), 4),
        (State.ACCEPTED, (opened, waiting), 5),
        (State.ACCEPTED, (opened, waiting, resumed), 4),
        (State.ACCEPTED, (opened, progress.result_ready), 9),
        (State.ACCEPTED, (opened, progress.result_ready, progress.result_attached), 4),
        (State.ACCEPTED, (opened, progress.case_stopped), 8),
        (State.RETURNED, (opened, progress.result_ready), 10),
    ],
)
def test_status_codes(state: State, changes: tuple[Callable[[Row], Any], ...], code: int) -> None:
    row = mirror(*changes)
    assert progress.status_code(state, row) == code
    assert progress.names(code)[0] and progress.names(code)[1]


def test_news_of_case_and_fee_may_come_in_any_order() -> None:
    facts = (opened, ordered, settled)
    assert {progress.status_code(State.ACCEPTED, mirror(*order)) for order in itertools.permutations(facts)} == {4}


def test_progress_grows_with_the_steps_and_ends_at_a_hundred() -> None:
    row = mirror(opened)
    seen = [progress.percent(State.REGISTERED, progress.empty("c")), progress.percent(State.ACCEPTED, mirror())]
    for step in ("tham-dinh", "tham-dinh", "ky-phat-hanh"):
        progress.step_finished(row, step)
        seen.append(progress.percent(State.ACCEPTED, row))
    progress.result_ready(row)
    seen += [progress.percent(State.ACCEPTED, row), progress.percent(State.RETURNED, row)]
    assert seen == sorted(seen)
    assert seen[2] == seen[3]
    assert seen[-1] == 100
    assert progress.percent(State.REFUSED, progress.empty("c")) == 100


@pytest.mark.req("X-18")
def test_blocks_are_per_act_and_older_news_is_dropped() -> None:
    row = mirror()
    assert progress.block_told(row, "guidance", blocked=True, recorded=MONDAY)
    assert progress.blocked_acts(row) == {Act.GUIDANCE}
    assert progress.block_told(row, "guidance", blocked=False, recorded=MONDAY + timedelta(seconds=1))
    assert not progress.block_told(row, "guidance", blocked=True, recorded=MONDAY)
    assert progress.blocked_acts(row) == frozenset()
    progress.block_told(row, "supplement", blocked=True, recorded=MONDAY)
    assert progress.blocked_acts(row) == {Act.SUPPLEMENT_REQUEST}
    with pytest.raises(ValueError, match="no such act"):
        blocks.act_named("refusal")


def test_the_appointment_that_holds_is_the_last_one_told() -> None:
    later = MONDAY + timedelta(days=3)
    assert progress.appointment(MONDAY, mirror()) == MONDAY
    assert progress.appointment(MONDAY, mirror(lambda row: progress.rescheduled(row, later))) == later
    assert progress.appointment(MONDAY, mirror(resumed)) == MONDAY


def test_a_supplement_told_twice_is_kept_once() -> None:
    row = mirror(waiting, waiting)
    assert len(row["supplements"]) == 1
    assert progress.supplement_files(row) == ["f9"]
