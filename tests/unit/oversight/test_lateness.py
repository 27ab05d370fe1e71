from datetime import UTC, datetime, timedelta
from itertools import permutations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.oversight.lateness import GRACE, Interval, Kind, Mark, intervals, newly_late, start, with_mark

#: Friday 16:30 in Huế; desks work until 17:00 and from 07:30 on Monday.
FRIDAY = datetime(2024, 3, 8, 9, 30, tzinfo=UTC)
MONDAY_8 = datetime(2024, 3, 11, 1, 0, tzinfo=UTC)
MINUTE = timedelta(minutes=1)


def filed(at: datetime = FRIDAY) -> Mark:
    return start(1, Kind.FILED, at)


@pytest.mark.req("IN-01", "IN-02")
def test_the_working_hour_of_a_friday_filing_ends_on_monday_at_eight() -> None:
    assert filed().due == MONDAY_8


@pytest.mark.req("IN-01")
@pytest.mark.parametrize(("after_due", "late"), [(-MINUTE, False), (timedelta(0), False), (MINUTE, True)])
def test_an_answer_at_the_due_instant_is_in_time_and_a_minute_later_is_not(after_due: timedelta, late: bool) -> None:
    (run,) = intervals([filed(), Mark(2, Kind.ACCEPTED, MONDAY_8 + after_due)])
    assert run.is_late(MONDAY_8 + timedelta(days=9)) is late
    assert bool(newly_late([run], [], MONDAY_8 + timedelta(days=9))) is late


@pytest.mark.req("IN-01")
@pytest.mark.parametrize(
    ("after_due", "told"), [(-MINUTE, False), (timedelta(0), False), (GRACE, False), (MINUTE, True)]
)
def test_a_running_clock_is_told_late_a_minute_after_it_is_due(after_due: timedelta, told: bool) -> None:
    assert bool(newly_late(intervals([filed()]), [], MONDAY_8 + after_due)) is told


@pytest.mark.req("IN-01")
def test_each_interval_is_told_once() -> None:
    runs = intervals([filed()])
    now = MONDAY_8 + timedelta(hours=3)
    assert [run.opened_by for run in newly_late(runs, [], now)] == [1]
    assert newly_late(runs, [1], now) == []
    answered = intervals([filed(), Mark(2, Kind.GUIDED, now), start(3, Kind.AMENDED, now)])
    assert newly_late(answered, [1], now) == []
    assert [run.opened_by for run in newly_late(answered, [1], now + timedelta(hours=30))] == [3]


@pytest.mark.req("IN-01")
def test_an_amendment_before_acceptance_starts_the_clock_anew() -> None:
    amended_at = datetime(2024, 3, 11, 4, 0, tzinfo=UTC)  # 11:00: lunch from 11:30, so due at 13:30
    runs = intervals([filed(), Mark(2, Kind.GUIDED, FRIDAY + MINUTE), start(3, Kind.AMENDED, amended_at)])
    assert [run.due for run in runs] == [MONDAY_8, datetime(2024, 3, 11, 6, 30, tzinfo=UTC)]
    assert runs[0].ended == FRIDAY + MINUTE
    assert runs[1].ended is None


def test_a_due_instant_that_intake_tells_is_taken_over() -> None:
    due = datetime(2024, 3, 12, 1, 0, tzinfo=UTC)
    assert start(1, Kind.FILED, FRIDAY, due).due == due


def test_marks_count_in_their_sequence_whatever_the_order_of_their_coming() -> None:
    marks = [
        filed(),
        Mark(2, Kind.GUIDED, FRIDAY + 10 * MINUTE),
        start(3, Kind.AMENDED, MONDAY_8),
        Mark(4, Kind.ACCEPTED, MONDAY_8 + 10 * MINUTE),
    ]
    wanted = intervals(marks)
    assert len(wanted) == 2
    for order in permutations(marks):
        assert intervals(order) == wanted


def test_nothing_is_said_of_an_interval_whose_answer_is_still_on_its_way() -> None:
    runs = intervals([filed(), start(3, Kind.AMENDED, MONDAY_8 + timedelta(days=1))])
    assert runs[0].presumed
    assert newly_late(runs[:1], [], MONDAY_8 + timedelta(days=2)) == []


def test_a_withdrawal_ends_the_clock_but_does_not_answer_in_time() -> None:
    (run,) = intervals([filed(), Mark(2, Kind.WITHDRAWN, MONDAY_8 + MINUTE)])
    assert run.is_late(MONDAY_8 + MINUTE)


def test_a_repeated_mark_changes_nothing_and_marks_survive_their_storing() -> None:
    marks = with_mark([filed()], filed())
    assert len(marks) == 1
    assert Mark.from_dict(marks[0].to_dict()) == marks[0]


def test_a_start_needs_a_due_instant_and_an_end_has_none() -> None:
    with pytest.raises(ValueError, match="due"):
        Mark(1, Kind.FILED, FRIDAY)
    with pytest.raises(ValueError, match="due"):
        Mark(2, Kind.GUIDED, FRIDAY, MONDAY_8)
    with pytest.raises(ValueError, match="zone"):
        Mark(2, Kind.GUIDED, datetime(2024, 3, 8))


@given(st.lists(st.tuples(st.sampled_from(list(Kind)), st.integers(0, 5000)), max_size=12))
def test_intervals_never_overlap_and_only_the_last_may_run(steps: list[tuple[Kind, int]]) -> None:
    at, marks = FRIDAY, []
    for number, (kind, minutes) in enumerate(steps, 1):
        at += minutes * MINUTE
        due = at + 60 * MINUTE if kind in (Kind.FILED, Kind.AMENDED) else None
        marks.append(Mark(number, kind, at, due))
    runs = intervals(marks)
    assert all(run.ended is not None for run in runs[:-1])
    for earlier, later in zip(runs, runs[1:], strict=False):
        assert earlier.ended is not None
        assert earlier.started <= earlier.ended <= later.started
    told = [run.opened_by for run in newly_late(runs, [], at + timedelta(days=9))]
    assert newly_late(runs, told, at + timedelta(days=99)) == []


def test_an_interval_knows_when_it_is_late_by_its_answer_not_by_the_clock() -> None:
    run = Interval(1, FRIDAY, MONDAY_8, ended=MONDAY_8)
    assert not run.is_late(MONDAY_8 + timedelta(days=100))
