import json
from datetime import UTC, date, datetime, time, timedelta

import pytest
from calendar_cases import CENTRES, OFFICES, any_calendar, at, moments
from hypothesis import given
from hypothesis import strategies as st

from services.common.calendar import CalendarError, Named, Schedule, WorkingCalendar, local_date
from services.common.deadlines import (
    INTAKE_TARGETS,
    DayCheck,
    IntakeTarget,
    Limit,
    LimitUnit,
    appointment,
    forward_due,
    intake_due,
    same_day_due,
)

MORNINGS = WorkingCalendar("mornings", 1, (Schedule((((time(7, 30), time(11, 30)),),) * 7),), {}, {})


def days(count: int) -> Limit:
    return Limit(count, LimitUnit.WORKING_DAYS)


# --- intake: one working hour ----------------------------------------------------------------------------------------


@pytest.mark.req("IN-01")
def test_filed_on_friday_at_half_past_four_is_due_on_monday_at_eight() -> None:
    deadline = intake_due(CENTRES, at("2024-03-08 16:30"))
    assert deadline.due == at("2024-03-11 08:00") and deadline.due.tzinfo is UTC
    assert not deadline.is_late(at("2024-03-11 07:59"))
    assert not deadline.is_late(at("2024-03-11 08:00"))
    assert deadline.is_late(at("2024-03-11 08:00:01"))
    assert deadline.is_late(at("2024-03-11 08:01"))


@pytest.mark.req("IN-01")
def test_the_hour_is_a_parameter_with_validity() -> None:
    legal = intake_due(CENTRES, at("2025-02-16 23:59"))
    internal = intake_due(CENTRES, at("2025-02-17 00:00"))
    assert "QĐ 88/2017" in legal.reason.vi and "nội bộ" in internal.reason.vi
    assert legal.due == internal.due == at("2025-02-17 08:30")
    longer = (IntakeTarget(480, Named("8 giờ", "8 hours"), since=date(2024, 1, 1)),)
    assert intake_due(CENTRES, at("2024-03-08 16:30"), longer).due == at("2024-03-11 16:30")
    with pytest.raises(CalendarError, match="no intake target"):
        intake_due(CENTRES, at("2023-12-29 09:00"), longer)


def test_each_day_has_exactly_one_intake_target() -> None:
    for day in (date(2023, 1, 1), date(2025, 2, 16), date(2025, 2, 17), date(2026, 12, 31)):
        found = [t for t in INTAKE_TARGETS if (t.since or date.min) <= day <= (t.until or date.max)]
        assert len(found) == 1


@pytest.mark.req("IN-02")
def test_the_hour_of_an_office_with_other_sessions() -> None:
    assert intake_due(OFFICES, at("2024-03-11 11:00")).due == at("2024-03-11 13:30")
    assert intake_due(OFFICES, at("2024-03-11 17:00")).due == at("2024-03-12 08:30")


# --- appointment: hour model, day model beside it --------------------------------------------------------------------


@pytest.mark.req("PR-07")
@pytest.mark.parametrize(
    ("start", "limit", "due", "day"),
    [
        ("2024-03-11 09:00", 3, "2024-03-14 09:00", "2024-03-14"),
        ("2024-03-08 16:30", 1, "2024-03-11 16:30", "2024-03-11"),
        ("2024-04-17 09:00", 3, "2024-04-23 09:00", "2024-04-23"),
        ("2024-04-26 14:00", 5, "2024-05-07 14:00", "2024-05-07"),
        ("2024-03-11 17:30", 7, "2024-03-20 17:00", "2024-03-20"),
        ("2024-03-09 09:00", 1, "2024-03-11 17:00", "2024-03-11"),
    ],
)
def test_appointments_of_the_reference(start: str, limit: int, due: str, day: str) -> None:
    deadline = appointment(CENTRES, at(start), days(limit))
    assert deadline.due == at(due)
    assert deadline.check == DayCheck(date.fromisoformat(day), 0) and deadline.check.agrees


@pytest.mark.req("PR-07")
def test_a_difference_of_the_two_models_is_shown_and_the_hours_decide() -> None:
    deadline = appointment(CENTRES, at("2024-03-11 07:00"), days(1))
    assert deadline.due == at("2024-03-11 17:00")
    assert deadline.check == DayCheck(date(2024, 3, 12), 1) and not deadline.check.agrees
    assert deadline.to_dict()["day_model"] == {"day": "2024-03-12", "difference": 1, "agrees": False}


def test_limits_in_hours_have_no_day_model() -> None:
    deadline = appointment(CENTRES, at("2024-03-11 16:00"), Limit(4, LimitUnit.HOURS))
    assert deadline.due == at("2024-03-12 10:30") and deadline.check is None


@pytest.mark.parametrize(
    ("start", "limit", "due"),
    [
        ("2024-03-11 09:00", 2, "2024-03-13 17:00"),
        ("2024-03-07 09:00", 2, "2024-03-11 17:00"),
        ("2024-04-24 09:00", 5, "2024-05-02 17:00"),
        ("2024-04-24 09:00", 10, "2024-05-04 17:00"),
    ],
)
def test_a_limit_in_calendar_days_ends_on_a_working_day(start: str, limit: int, due: str) -> None:
    assert appointment(CENTRES, at(start), Limit(limit, LimitUnit.CALENDAR_DAYS)).due == at(due)


@pytest.mark.parametrize("value", [0, -1])
def test_a_limit_is_positive(value: int) -> None:
    with pytest.raises(ValueError, match="positive"):
        days(value)


# --- the 15:00 rule --------------------------------------------------------------------------------------------------

SAME_DAY = [
    ("2024-03-11 07:00", "2024-03-11 17:00"),
    ("2024-03-11 15:00", "2024-03-11 17:00"),
    ("2024-03-11 15:00:01", "2024-03-12 17:00"),
    ("2024-03-11 18:00", "2024-03-12 17:00"),
    ("2024-03-08 15:01", "2024-03-11 17:00"),
    ("2024-03-09 09:00", "2024-03-11 17:00"),
    ("2024-03-09 16:00", "2024-03-11 17:00"),
    ("2024-04-26 16:00", "2024-05-02 17:00"),
]


@pytest.mark.parametrize(("start", "due"), SAME_DAY)
def test_same_day_procedures(start: str, due: str) -> None:
    assert same_day_due(CENTRES, at(start)).due == at(due)
    assert appointment(CENTRES, at(start), Limit(0, LimitUnit.SAME_DAY)).due == at(due)


@pytest.mark.parametrize(("start", "due"), SAME_DAY)
def test_forwarding_is_due_at_closing_or_an_hour_after_the_next_opening(start: str, due: str) -> None:
    expected = at(due)
    if expected.date() != at(start).date():
        expected = expected.replace(hour=8, minute=30)
    assert forward_due(CENTRES, at(start)).due == expected


def test_the_grace_after_the_opening_is_configurable() -> None:
    assert forward_due(CENTRES, at("2024-03-08 16:00"), grace_minutes=30).due == at("2024-03-11 08:00")
    assert forward_due(CENTRES, at("2024-03-08 16:00"), grace_minutes=0).due == at("2024-03-11 07:30")


def test_received_before_three_but_after_the_closing_of_a_half_day() -> None:
    assert same_day_due(MORNINGS, at("2024-03-11 11:29")).due == at("2024-03-11 11:30")
    assert same_day_due(MORNINGS, at("2024-03-11 11:30")).due == at("2024-03-12 11:30")
    assert forward_due(MORNINGS, at("2024-03-11 14:00")).due == at("2024-03-12 08:30")


# --- a deadline explains itself --------------------------------------------------------------------------------------


@pytest.mark.req("IN-02")
def test_the_document_of_a_deadline() -> None:
    document = json.loads(json.dumps(intake_due(CENTRES, at("2024-03-11 11:00")).to_dict()))
    assert document["due"] == "2024-03-11T06:30:00+00:00" and document["started"] == "2024-03-11T04:00:00+00:00"
    assert document["rules"] == ["IN-01", "IN-02"]
    assert document["calendar"] == {"id": "hue-centres", "version": 1}
    assert [(step["why"], step["minutes"]) for step in document["steps"]] == [("WORK", 30), ("BREAK", 0), ("WORK", 30)]


def test_beyond_the_known_holidays_a_deadline_is_provisional() -> None:
    assert not appointment(CENTRES, at("2026-12-30 07:30"), days(2)).provisional
    assert appointment(CENTRES, at("2026-12-30 07:30"), days(3)).provisional


limits = st.builds(Limit, st.integers(1, 40), st.sampled_from(LimitUnit))


@given(calendar=any_calendar, received=moments, limit=limits)
def test_any_deadline_lies_after_its_start_and_its_steps_lead_there(
    calendar: WorkingCalendar, received: datetime, limit: Limit
) -> None:
    for deadline in (appointment(calendar, received, limit), forward_due(calendar, received)):
        assert deadline.due > received == deadline.started
        assert deadline.steps[0].start == received and deadline.steps[-1].end == deadline.due
        assert calendar.is_working_day(local_date(deadline.due))


@given(first=moments, second=moments, limit=limits)
def test_who_comes_first_is_never_promised_a_later_time(first: datetime, second: datetime, limit: Limit) -> None:
    early, late = sorted((first, second))
    assert appointment(CENTRES, early, limit).due <= appointment(CENTRES, late, limit).due
    assert forward_due(CENTRES, early).due <= forward_due(CENTRES, late).due
    assert intake_due(CENTRES, early).due <= intake_due(CENTRES, late).due


@given(received=moments, count=st.integers(1, 40))
def test_the_models_differ_by_a_day_at_most_and_only_before_opening(received: datetime, count: int) -> None:
    check = appointment(CENTRES, received, days(count)).check
    assert check is not None
    day = local_date(received)
    at_or_before_opening = CENTRES.is_working_day(day) and received <= CENTRES.opening(day)
    assert check.difference == (1 if at_or_before_opening else 0)


@given(received=moments)
def test_a_longer_limit_is_a_later_appointment(received: datetime) -> None:
    due = [appointment(CENTRES, received, days(count)).due for count in range(1, 6)]
    assert due == sorted(set(due))
    assert all(CENTRES.working_time_between(a, b) == timedelta(hours=8) for a, b in zip(due, due[1:], strict=False))
