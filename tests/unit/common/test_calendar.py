import json
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

import pytest
from calendar_cases import CENTRES, OFFICES, any_calendar, at, minutes, moments
from hypothesis import given
from hypothesis import strategies as st

from services.common.calendar import (
    VIETNAM,
    CalendarError,
    ExtraDay,
    Named,
    Schedule,
    Why,
    WorkingCalendar,
    local,
    local_date,
)
from services.common.calendar_data import parse_calendars, shipped_calendars

EMPTY_WEEK = ((),) * 7
NAME = Named("Lễ", "Holiday")


def calendar(**changes: Any) -> WorkingCalendar:
    week = (((time(8), time(12)),),) * 7
    given: dict[str, Any] = {"schedules": (Schedule(week),), "holidays": {}, "extra_days": {}, **changes}
    return WorkingCalendar(id="test", version=1, **given)


# --- vectors of the domain reference, §1.7 ---------------------------------------------------------------------------


@pytest.mark.req("IN-02")
@pytest.mark.parametrize(
    ("start", "due"),
    [
        ("2024-03-08 16:30", "2024-03-11 08:00"),
        ("2024-03-09 10:00", "2024-03-11 08:30"),
        ("2024-03-11 07:00", "2024-03-11 08:30"),
        ("2024-03-11 10:30", "2024-03-11 11:30"),
        ("2024-03-11 11:00", "2024-03-11 13:30"),
        ("2024-03-11 12:00", "2024-03-11 14:00"),
        ("2024-03-11 17:00", "2024-03-12 08:30"),
        ("2024-04-17 16:40", "2024-04-19 08:10"),
    ],
)
def test_sixty_working_minutes(start: str, due: str) -> None:
    assert CENTRES.add_working_minutes(at(start), 60) == at(due)


# --- edges -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("moment", "opening"),
    [
        ("2024-03-11 07:29", "2024-03-11 07:30"),
        ("2024-03-11 07:30", "2024-03-11 07:30"),
        ("2024-03-11 11:29", "2024-03-11 11:29"),
        ("2024-03-11 11:30", "2024-03-11 13:00"),
        ("2024-03-11 17:00", "2024-03-12 07:30"),
        ("2024-03-08 17:00", "2024-03-11 07:30"),
        ("2024-04-26 17:00", "2024-05-02 07:30"),
        ("2024-05-03 18:00", "2024-05-04 07:30"),
    ],
)
def test_the_minute_of_closing_belongs_to_the_next_session(moment: str, opening: str) -> None:
    assert CENTRES.next_opening(at(moment)) == at(opening)


def test_a_result_at_the_end_of_a_session_stays_there() -> None:
    assert CENTRES.add_working_minutes(at("2024-03-11 07:30"), 240) == at("2024-03-11 11:30")
    assert CENTRES.add_working_minutes(at("2024-03-11 07:30"), 480) == at("2024-03-11 17:00")
    assert CENTRES.add_working_minutes(at("2024-03-11 07:30"), 241) == at("2024-03-11 13:01")


def test_adding_nothing_moves_nothing_even_on_a_day_off() -> None:
    assert CENTRES.add_working_minutes(at("2024-03-09 10:00"), 0) == at("2024-03-09 10:00")


def test_time_is_not_taken_away() -> None:
    with pytest.raises(ValueError, match="not taken away"):
        CENTRES.add_working_minutes(at("2024-03-11 09:00"), -1)


def test_seconds_are_kept() -> None:
    assert CENTRES.add_working_minutes(at("2024-03-11 10:30:20"), 60) == at("2024-03-11 13:00:20")


def test_minutes_round_down_so_that_late_is_never_zero() -> None:
    due = at("2024-03-11 08:00")
    assert CENTRES.working_minutes_between(at("2024-03-11 07:30:30"), due) == 29
    assert CENTRES.working_minutes_between(due, due) == 0
    assert CENTRES.working_minutes_between(at("2024-03-11 08:00:01"), due) == -1


def test_a_naive_datetime_is_refused() -> None:
    with pytest.raises(ValueError, match="without a zone"):
        CENTRES.next_opening(datetime(2024, 3, 11, 9))


def test_the_zone_of_the_input_does_not_matter_and_the_output_is_utc() -> None:
    start = at("2024-03-08 16:30")
    due = CENTRES.add_working_minutes(start.astimezone(UTC), 60)
    assert due == CENTRES.add_working_minutes(start, 60) and due.tzinfo is UTC
    assert CENTRES.sessions(date(2024, 3, 11))[0][0] == datetime(2024, 3, 11, 0, 30, tzinfo=UTC)


def test_the_business_day_begins_at_local_midnight() -> None:
    moment = datetime(2024, 3, 10, 17, 0, tzinfo=UTC)
    assert local_date(moment) == date(2024, 3, 11) and local(moment).hour == 0
    assert local_date(moment - timedelta(seconds=1)) == date(2024, 3, 10)


def test_vietnam_agrees_with_the_time_zone_database() -> None:
    zoneinfo = pytest.importorskip("zoneinfo")
    try:
        zone = zoneinfo.ZoneInfo("Asia/Ho_Chi_Minh")
    except zoneinfo.ZoneInfoNotFoundError:
        pytest.skip("no time-zone database on this machine")
    for year in (1980, 2024, 2030):
        assert datetime(year, 7, 1, tzinfo=zone).utcoffset() == datetime(year, 7, 1, tzinfo=VIETNAM).utcoffset()


# --- the shipped calendars -------------------------------------------------------------------------------------------


def test_centres_and_offices_differ_by_half_an_hour_and_both_work_eight_hours() -> None:
    day = date(2024, 3, 11)
    for found, opening, closing in ((CENTRES, "07:30", "17:00"), (OFFICES, "08:00", "17:30")):
        assert found.opening(day) == at(f"2024-03-11 {opening}") and found.closing(day) == at(f"2024-03-11 {closing}")
        assert found.working_minutes_between(at("2024-03-11 00:00"), at("2024-03-12 00:00")) == 480


@pytest.mark.parametrize(("year", "off", "made_up"), [(2023, 11, 0), (2024, 12, 1), (2025, 12, 1), (2026, 13, 2)])
def test_weekdays_off_and_saturdays_made_up(year: int, off: int, made_up: int) -> None:
    days = [date(year, 1, 1) + timedelta(days=number) for number in range(366)]
    days = [day for day in days if day.year == year]
    assert sum(day.weekday() < 5 and not CENTRES.is_working_day(day) for day in days) == off
    assert sum(day.weekday() >= 5 and CENTRES.is_working_day(day) for day in days) == made_up


def test_the_shipped_holidays_hold_the_lunar_anchors() -> None:
    for day in ("2023-01-22", "2024-02-10", "2025-01-29", "2026-02-17"):
        assert CENTRES.holidays[date.fromisoformat(day)].vi == "Tết Nguyên đán"
    for day in ("2023-04-29", "2024-04-18", "2025-04-07", "2026-04-26"):
        assert CENTRES.holidays[date.fromisoformat(day)].vi == "Giỗ Tổ Hùng Vương"


def test_a_made_up_saturday_has_the_sessions_of_the_day_that_it_replaces() -> None:
    assert CENTRES.opening(date(2024, 5, 4)) == at("2024-05-04 07:30")
    assert not CENTRES.is_working_day(date(2024, 5, 11))


def document() -> dict[str, Any]:
    return {
        "known_until": "2024-12-31",
        "holidays": {"2024-01-01": {"vi": "Tết", "en": "New Year"}},
        "extra_working_days": {},
        "calendars": [
            {
                "id": "a",
                "version": 2,
                "name_vi": "A",
                "name_en": "A",
                "schedules": [
                    {"until": "2024-06-30", "sessions": {"mon": [["08:00", "12:00"]]}},
                    {"since": "2024-07-01", "sessions": {"mon": [["09:00", "12:00"]]}},
                ],
            }
        ],
    }


def test_sessions_change_with_their_validity() -> None:
    found = parse_calendars(document())["a"]
    assert found.opening(date(2024, 6, 24)) == at("2024-06-24 08:00")
    assert found.opening(date(2024, 7, 1)) == at("2024-07-01 09:00")
    assert (found.version, found.known_until) == (2, date(2024, 12, 31))


@pytest.mark.parametrize(
    "breakage",
    [
        lambda d: d.pop("holidays"),
        lambda d: d.update(known_until="soon"),
        lambda d: d.update(holidays={"2024-13-01": {"vi": "x", "en": "x"}}),
        lambda d: d.update(holidays=["2024-01-01"]),
        lambda d: d.update(extra_working_days={"2024-01-06": {"vi": "x", "en": "x", "like": "monday"}}),
        lambda d: d.update(extra_working_days={"2024-01-01": {"vi": "x", "en": "x", "like": "mon"}}),
        lambda d: d["calendars"].append(d["calendars"][0]),
        lambda d: d["calendars"][0]["schedules"][0]["sessions"].update(monday=[]),
        lambda d: d["calendars"][0]["schedules"][0]["sessions"].update(mon=[["12:00", "08:00"]]),
        lambda d: d["calendars"][0]["schedules"][0]["sessions"].update(mon=[["08:00", "12:00"], ["11:00", "13:00"]]),
        lambda d: d["calendars"][0]["schedules"][0]["sessions"].update(mon=[["08:00"]]),
        lambda d: d["calendars"][0]["schedules"][1].update(since="2024-06-30"),
    ],
)
def test_a_malformed_document_is_refused(breakage: Any) -> None:
    broken = document()
    breakage(broken)
    with pytest.raises(CalendarError):
        parse_calendars(broken)


def test_the_shipped_file_is_read_once() -> None:
    assert shipped_calendars() is shipped_calendars()
    assert set(shipped_calendars()) == {"hue-centres", "hue-offices"}


# --- immutability and broken calendars -------------------------------------------------------------------------------


def test_a_calendar_does_not_follow_changes_of_what_it_was_made_from() -> None:
    holidays = {date(2024, 3, 12): NAME}
    found = calendar(holidays=holidays)
    holidays.clear()
    assert not found.is_working_day(date(2024, 3, 12))
    with pytest.raises(TypeError):
        found.holidays[date(2024, 3, 13)] = NAME  # type: ignore[index]


def test_calendars_are_told_apart_by_id_and_version() -> None:
    assert calendar() == calendar(holidays={date(2024, 1, 1): NAME})
    assert len({CENTRES, OFFICES, CENTRES}) == 2


def test_a_calendar_without_working_time_says_so_instead_of_running_forever() -> None:
    broken = calendar(schedules=(Schedule(EMPTY_WEEK),))
    for attempt in (
        lambda: broken.next_opening(at("2024-03-11 09:00")),
        lambda: broken.add_working_minutes(at("2024-03-11 09:00"), 1),
        lambda: broken.next_working_day(date(2024, 3, 11)),
    ):
        with pytest.raises(CalendarError, match="no working"):
            attempt()


def test_a_day_off_has_no_edges() -> None:
    with pytest.raises(CalendarError, match="not a working day"):
        CENTRES.opening(date(2024, 3, 10))


def test_a_day_outside_every_schedule_is_a_day_off() -> None:
    found = calendar(schedules=(Schedule((((time(8), time(12)),),) * 7, since=date(2024, 1, 1)),))
    assert not found.is_working_day(date(2023, 12, 31)) and found.is_working_day(date(2024, 1, 1))


@pytest.mark.parametrize("week", [EMPTY_WEEK[:6], (((time(8), time(8)),),) + EMPTY_WEEK[1:]])
def test_a_malformed_week_is_refused(week: Any) -> None:
    with pytest.raises(CalendarError):
        Schedule(week)


def test_a_day_is_not_holiday_and_extra_at_once() -> None:
    day = date(2024, 1, 1)
    with pytest.raises(CalendarError, match="at once"):
        calendar(holidays={day: NAME}, extra_days={day: ExtraDay(NAME)})


# --- explanation -----------------------------------------------------------------------------------------------------


def test_an_hour_over_a_weekend_explains_itself() -> None:
    steps = CENTRES.explain(at("2024-03-08 16:30"), at("2024-03-11 08:00"))
    assert [(step.why, step.start, step.end, step.minutes) for step in steps] == [
        (Why.WORK, at("2024-03-08 16:30"), at("2024-03-08 17:00"), 30),
        (Why.CLOSED, at("2024-03-08 17:00"), at("2024-03-09 00:00"), 0),
        (Why.REST_DAY, at("2024-03-09 00:00"), at("2024-03-11 00:00"), 0),
        (Why.CLOSED, at("2024-03-11 00:00"), at("2024-03-11 07:30"), 0),
        (Why.WORK, at("2024-03-11 07:30"), at("2024-03-11 08:00"), 30),
    ]


def test_each_holiday_is_named() -> None:
    steps = CENTRES.explain(at("2024-04-26 17:00"), at("2024-05-02 07:30"))
    assert [step.text.vi for step in steps if step.why is Why.HOLIDAY] == [
        "Nghỉ: Nghỉ hoán đổi dịp Ngày Chiến thắng 30/4",
        "Nghỉ: Ngày Chiến thắng 30/4",
        "Nghỉ: Quốc tế Lao động 1/5",
    ]


def test_a_night_is_one_step_and_lunch_is_a_break() -> None:
    steps = CENTRES.explain(at("2024-03-11 11:00"), at("2024-03-12 08:00"))
    assert [step.why for step in steps] == [Why.WORK, Why.BREAK, Why.WORK, Why.CLOSED, Why.WORK]


def test_a_step_as_json() -> None:
    (step,) = CENTRES.explain(at("2024-03-11 09:00"), at("2024-03-11 09:00:45"))
    assert json.loads(json.dumps(step.to_dict())) == {
        "from": "2024-03-11T02:00:00+00:00",
        "to": "2024-03-11T02:00:45+00:00",
        "minutes": 0.75,
        "why": "WORK",
        "why_vi": "Giờ làm việc",
        "why_en": "Working time",
    }


# --- properties ------------------------------------------------------------------------------------------------------


@given(found=any_calendar, start=moments, a=minutes, b=minutes)
def test_addition_is_additive(found: WorkingCalendar, start: datetime, a: int, b: int) -> None:
    assert found.add_working_minutes(found.add_working_minutes(start, a), b) == found.add_working_minutes(start, a + b)


@given(found=any_calendar, start=moments, amount=minutes)
def test_measuring_undoes_adding(found: WorkingCalendar, start: datetime, amount: int) -> None:
    due = found.add_working_minutes(start, amount)
    assert found.working_minutes_between(start, due) == amount
    assert found.working_minutes_between(due, start) == -amount


@given(found=any_calendar, first=moments, second=moments, a=minutes, b=minutes)
def test_addition_is_monotone(found: WorkingCalendar, first: datetime, second: datetime, a: int, b: int) -> None:
    early, late = sorted((first, second))
    small, large = sorted((a, b))
    assert found.add_working_minutes(early, small) <= found.add_working_minutes(late, small)
    assert found.add_working_minutes(early, small) <= found.add_working_minutes(early, large)


@given(found=any_calendar, start=moments, amount=st.integers(1, 300))
def test_addition_agrees_with_counting_minute_by_minute(found: WorkingCalendar, start: datetime, amount: int) -> None:
    start = start.replace(second=0)
    due = found.add_working_minutes(start, amount)
    cursor, counted = due - timedelta(minutes=1), 0
    sessions = [span for n in range(-1, 500) for span in found.sessions(local_date(start) + timedelta(days=n))]
    inside = [(opening, closing) for opening, closing in sessions if opening < due and closing > start]
    for opening, closing in inside:
        minute = max(opening, start)
        while minute < min(closing, due):
            counted += 1
            minute += timedelta(minutes=1)
    assert counted == amount
    assert any(opening <= cursor < closing for opening, closing in inside), "the last minute is a working minute"


@given(found=any_calendar, start=moments, amount=minutes)
def test_an_explanation_has_no_gap_and_adds_up(found: WorkingCalendar, start: datetime, amount: int) -> None:
    due = found.add_working_minutes(start, amount)
    steps = found.explain(start, due)
    assert sum(step.minutes for step in steps) == pytest.approx(amount)
    ends = [start, *(step.end for step in steps)]
    assert [step.start for step in steps] == ends[:-1] and ends[-1] == due
    assert all(step.start < step.end and (step.minutes > 0) == (step.why is Why.WORK) for step in steps)
    assert all((a.why, a.text) != (b.why, b.text) for a, b in zip(steps, steps[1:], strict=False))


@given(found=any_calendar, moment=moments)
def test_the_next_opening_is_working_time_with_none_before_it(found: WorkingCalendar, moment: datetime) -> None:
    opening = found.next_opening(moment)
    assert opening >= moment and found.next_opening(opening) == opening
    assert found.working_time_between(moment, opening) == timedelta(0)
    assert found.working_time_between(opening, opening + timedelta(seconds=1)) == timedelta(seconds=1)


@given(found=any_calendar, moments=st.tuples(moments, moments, moments))
def test_measured_time_adds_up(found: WorkingCalendar, moments: tuple[datetime, datetime, datetime]) -> None:
    a, b, c = moments
    assert found.working_time_between(a, b) + found.working_time_between(b, c) == found.working_time_between(a, c)
