"""The working hour of the desk."""

from datetime import UTC, datetime, timedelta

import pytest

from services.common.calendar import VIETNAM
from services.intake import catalogue, intake_clock

CALENDAR = catalogue.calendar_of("hue-centres")


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=VIETNAM).astimezone(UTC)


@pytest.mark.req("IN-01", "IN-02")
@pytest.mark.parametrize(
    ("filed", "due"),
    [
        ("2024-03-08T16:30", "2024-03-11T08:00"),
        ("2024-03-11T11:00", "2024-03-11T13:30"),
        ("2024-03-09T10:00", "2024-03-11T08:30"),
        ("2024-04-17T16:40", "2024-04-19T08:10"),
        ("2025-03-03T09:00", "2025-03-03T10:00"),
    ],
)
def test_due_after_one_working_hour(filed: str, due: str) -> None:
    assert intake_clock.open_round(CALENDAR, at(filed))["due"] == at(due)


@pytest.mark.req("IN-01")
def test_late_after_the_due_instant_not_at_it() -> None:
    due = at("2024-03-11T08:00")
    assert not intake_clock.is_late(due, at("2024-03-11T07:59"))
    assert not intake_clock.is_late(due, due)
    assert intake_clock.is_late(due, at("2024-03-11T08:01"))


@pytest.mark.req("IN-02")
def test_minutes_left_are_working_minutes() -> None:
    due = at("2024-03-11T08:00")
    assert intake_clock.minutes_left(CALENDAR, due, at("2024-03-08T16:45")) == 45
    assert intake_clock.minutes_left(CALENDAR, due, at("2024-03-09T10:00")) == 30
    assert intake_clock.minutes_left(CALENDAR, due, at("2024-03-11T08:10")) == -10


@pytest.mark.req("IN-19")
@pytest.mark.parametrize(("minutes", "late"), [(60, False), (61, True)])
def test_an_answer_is_stamped_with_officer_time_and_lateness(minutes: int, late: bool) -> None:
    start = at("2024-03-11T09:00")
    rounds = [intake_clock.open_round(CALENDAR, start)]
    now = start + timedelta(minutes=minutes)
    intake_clock.close_round(rounds, "accept", "acc-officer", now)
    assert (
        rounds[0] | {"outcome": "accept", "answered_at": now, "answered_by": "acc-officer", "late": late} == rounds[0]
    )
    with pytest.raises(ValueError, match="answered before"):
        intake_clock.close_round(rounds, "refuse", "acc-officer", now)


def test_a_withdrawal_makes_nobody_late() -> None:
    start = at("2024-03-11T09:00")
    rounds = [intake_clock.open_round(CALENDAR, start)]
    intake_clock.end_round(rounds, start + timedelta(hours=8))
    assert (rounds[0]["outcome"], rounds[0]["answered_by"], rounds[0]["late"]) == ("withdrawn", None, False)
