"""The clock of a case: intervals, both policies, both dates."""

from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.common.problems import Problem
from services.processing import clock as clocks
from services.processing.clock import Kind
from tests.unit.processing.papers import calendar, local

BEGIN = local("2024-03-11", "09:00")
PROMISED = local("2024-03-14", "09:00")


def begun(policy: str = "RESTART", begin: datetime = BEGIN, promised: datetime = PROMISED) -> clocks.Clock:
    limit = {"value": 3, "unit": "working_days"}
    return clocks.begin(begin, promised, policy=policy, limit=limit, calendar=calendar())


@pytest.mark.req("PR-07")
@pytest.mark.parametrize(
    ("policy", "stopped", "resumed", "expected"),
    [
        # RESTART: the whole limit of 3 working days again, from the answer on
        ("RESTART", ("2024-03-12", "09:00"), ("2024-03-13", "10:00"), ("2024-03-18", "10:00")),
        ("RESTART", ("2024-03-12", "09:00"), ("2024-03-16", "10:00"), ("2024-03-20", "17:00")),  # answered on Saturday
        ("RESTART", ("2024-03-12", "09:00"), ("2024-04-17", "09:00"), ("2024-04-23", "09:00")),  # over 18/4
        # PAUSE: moved by the working time that was waited
        ("PAUSE", ("2024-03-12", "09:00"), ("2024-03-12", "11:00"), ("2024-03-14", "11:00")),
        ("PAUSE", ("2024-03-12", "16:00"), ("2024-03-13", "08:30"), ("2024-03-14", "11:00")),  # 60 + 60 minutes
        ("PAUSE", ("2024-03-12", "11:30"), ("2024-03-12", "13:00"), ("2024-03-14", "09:00")),  # over lunch: nothing
        ("PAUSE", ("2024-03-15", "17:00"), ("2024-03-18", "07:30"), ("2024-03-14", "09:00")),  # over a weekend
    ],
)
def test_a_received_supplement_moves_the_appointment(
    policy: str, stopped: tuple[str, str], resumed: tuple[str, str], expected: tuple[str, str]
) -> None:
    clock = begun(policy)
    clocks.stop(clock, local(*stopped), "supplement")
    change = clocks.resume(clock, local(*resumed), calendar())
    assert (change.before, change.after) == (PROMISED, local(*expected))
    assert clock["appointment"] == local(*expected)
    assert clock["original"] == PROMISED
    assert [promise["due"] for promise in clock["appointments"]] == [PROMISED, local(*expected)]


def test_every_interval_is_kept_without_gap() -> None:
    clock = begun()
    times = [local("2024-03-11", h) for h in ("10:00", "11:00", "14:00", "15:00")]
    clocks.stop(clock, times[0], "supplement")
    clocks.resume(clock, times[1], calendar())
    clocks.stop(clock, times[2], "supplement")
    clocks.resume(clock, times[3], calendar())
    clocks.end(clock, local("2024-03-11", "16:00"))
    assert [interval["kind"] for interval in clock["intervals"]] == [
        "RUNNING", "STOPPED", "RUNNING", "STOPPED", "RUNNING",
    ]  # fmt: skip
    ends = [interval["end"] for interval in clock["intervals"]]
    assert [interval["start"] for interval in clock["intervals"]] == [BEGIN, *ends[:-1]]
    assert clocks.minutes(clock, Kind.RUNNING, ends[-1], calendar()) == 60 + 90 + 60
    assert clocks.minutes(clock, Kind.STOPPED, ends[-1], calendar()) == 60 + 60


def test_the_clock_cannot_stop_twice_or_run_twice() -> None:
    clock = begun()
    with pytest.raises(ValueError, match="cannot become RUNNING"):
        clocks.resume(clock, PROMISED, calendar())
    clocks.stop(clock, BEGIN, "supplement")
    with pytest.raises(ValueError, match="cannot become STOPPED"):
        clocks.stop(clock, BEGIN, "supplement")
    clocks.end(clock, PROMISED)
    with pytest.raises(ValueError, match="cannot become RUNNING"):
        clocks.resume(clock, PROMISED, calendar())


def test_lateness_is_decided_at_the_minute_and_frozen_while_waiting() -> None:
    clock = begun()
    assert not clocks.late(clock, PROMISED)
    assert clocks.late(clock, PROMISED + timedelta(seconds=1))
    assert clocks.minutes_left(clock, BEGIN, calendar()) == 3 * 480
    assert clocks.minutes_left(clock, local("2024-03-14", "10:00"), calendar()) == -60
    clocks.stop(clock, local("2024-03-12", "09:00"), "supplement")
    for later in (local("2024-03-20", "09:00"), local("2024-05-20", "09:00")):
        assert not clocks.late(clock, later)
        assert clocks.minutes_left(clock, later, calendar()) == 2 * 480


def test_a_finished_case_is_late_by_its_end() -> None:
    clock = begun()
    clocks.end(clock, PROMISED)
    assert not clocks.late(clock, PROMISED + timedelta(days=90))
    late = begun()
    clocks.end(late, PROMISED + timedelta(minutes=1))
    assert clocks.late(late, PROMISED + timedelta(days=90))


@pytest.mark.req("PR-07")
@pytest.mark.parametrize(
    ("new", "allowed"),
    [
        (("2024-03-15", "09:00"), True),
        (("2024-03-15", "17:00"), True),  # a closing
        (("2024-03-14", "09:00"), False),  # no later than promised
        (("2024-03-13", "09:00"), False),
        (("2024-03-15", "12:15"), False),  # lunch
        (("2024-03-16", "09:00"), False),  # Saturday
        (("2024-04-18", "09:00"), False),  # a holiday
    ],
)
def test_a_new_appointment_is_later_and_in_working_time(new: tuple[str, str], allowed: bool) -> None:
    clock = begun()
    if allowed:
        change = clocks.reschedule(clock, BEGIN, local(*new), calendar())
        assert (change.before, clock["appointment"], clock["original"]) == (PROMISED, local(*new), PROMISED)
        return
    with pytest.raises(Problem) as refused:
        clocks.reschedule(clock, BEGIN, local(*new), calendar())
    assert refused.value.status == 422
    assert clock["appointment"] == PROMISED


def test_a_step_is_due_by_its_own_minutes_and_never_after_the_appointment() -> None:
    clock = begun()
    assert clocks.step_due(BEGIN, 60, clock, calendar()) == local("2024-03-11", "10:00")
    assert clocks.step_due(BEGIN, 10_000, clock, calendar()) == PROMISED
    assert clocks.step_due(BEGIN, None, clock, calendar()) == PROMISED


@given(
    stopped=st.integers(min_value=0, max_value=30 * 24 * 60),
    waited=st.integers(min_value=0, max_value=30 * 24 * 60),
)
def test_a_pause_never_takes_time_away(stopped: int, waited: int) -> None:
    clock = begun("PAUSE")
    at = BEGIN + timedelta(minutes=stopped)
    clocks.stop(clock, at, "supplement")
    left = clocks.minutes_left(clock, at, calendar())
    resumed = at + timedelta(minutes=waited)
    change = clocks.resume(clock, resumed, calendar())
    assert change.after >= change.before
    if left > 0:  # in time before, in time after, with the same working time left
        assert clocks.minutes_left(clock, resumed, calendar()) == left
