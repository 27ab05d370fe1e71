"""Working calendars: pure arithmetic of working time (the legal deadlines on top are in `deadlines`).

One immutable `WorkingCalendar` holds the sessions of each weekday (by period of validity), holidays and extra
working days of one kind of office. Inputs are aware datetimes of any zone; **every datetime returned is UTC**;
dates are local calendar days of Vietnam. Durations are working minutes.

Conventions at the edges: a session is `[opening, closing)` for what begins (11:30 sharp begins at 13:00), a result
that falls on a closing stays there (11:30, not 13:00), and adding nothing moves nothing. These make addition additive:
`add(add(t, a), b) == add(t, a + b)`.

Known limit: beyond `known_until` no holiday is known, weekdays count as worked.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta, timezone
from enum import StrEnum
from types import MappingProxyType
from typing import Any

#: Vietnam has had one fixed offset since 1975; a fixed zone needs no time-zone files on the machine.
VIETNAM = timezone(timedelta(hours=7), "Asia/Ho_Chi_Minh")
#: A calendar without any session for longer than this is broken, not slow.
_HORIZON_DAYS = 400
_DAY = timedelta(days=1)
_ZERO = timedelta(0)

Session = tuple[time, time]
Week = tuple[tuple[Session, ...], ...]


class CalendarError(ValueError):
    """The calendar is inconsistent, or it has no working time where some is needed."""


def local(moment: datetime) -> datetime:
    """The same instant in Vietnamese time. Raises ValueError for a datetime without a zone."""
    if moment.tzinfo is None:
        raise ValueError("a datetime without a zone has no meaning here")
    return moment.astimezone(VIETNAM)


def local_date(moment: datetime) -> date:
    """The business day (Vietnamese calendar day) of an instant."""
    return local(moment).date()


@dataclass(frozen=True, slots=True)
class Named:
    """A name in both languages: a holiday, or the reason of an extra working day."""

    vi: str
    en: str


@dataclass(frozen=True, slots=True)
class Schedule:
    """Sessions of the seven weekdays (Monday first) from `since` to `until`, both inclusive, None = open."""

    week: Week
    since: date | None = None
    until: date | None = None
    source: str = ""

    def __post_init__(self) -> None:
        if len(self.week) != 7:
            raise CalendarError("a week has seven days")
        for sessions in self.week:
            ends = [moment for session in sessions for moment in session]
            if any(later <= earlier for earlier, later in zip(ends, ends[1:], strict=False)):
                raise CalendarError(f"sessions are empty, overlapping or unordered: {sessions}")

    def applies(self, day: date) -> bool:
        return (self.since is None or self.since <= day) and (self.until is None or day <= self.until)


@dataclass(frozen=True, slots=True)
class ExtraDay:
    """A rest day that is worked, with the sessions of weekday `like` (0 = Monday)."""

    name: Named
    like: int = 0


class Why(StrEnum):
    """What a stretch of time is to the clock."""

    WORK = "WORK"
    BREAK = "BREAK"
    CLOSED = "CLOSED"
    REST_DAY = "REST_DAY"
    HOLIDAY = "HOLIDAY"


_TEXT = {
    Why.WORK: Named("Giờ làm việc", "Working time"),
    Why.BREAK: Named("Nghỉ giữa hai buổi", "Break between sessions"),
    Why.CLOSED: Named("Ngoài giờ làm việc", "Outside working hours"),
    Why.REST_DAY: Named("Ngày nghỉ hằng tuần", "Weekly rest day"),
}


@dataclass(frozen=True, slots=True)
class Step:
    """One stretch of a deadline's explanation; `minutes` are those that count (0 outside working time)."""

    start: datetime
    end: datetime
    minutes: float
    why: Why
    text: Named

    def to_dict(self) -> dict[str, Any]:
        """JSON form; times are ISO 8601 in UTC."""
        return {
            "from": self.start.isoformat(),
            "to": self.end.isoformat(),
            "minutes": int(self.minutes) if self.minutes.is_integer() else round(self.minutes, 2),
            "why": self.why.value,
            "why_vi": self.text.vi,
            "why_en": self.text.en,
        }


@dataclass(frozen=True)
class WorkingCalendar:
    """The working time of one kind of office. Compared and stored by `id` and `version`."""

    id: str
    version: int
    schedules: Sequence[Schedule] = field(compare=False)
    holidays: Mapping[date, Named] = field(compare=False)
    extra_days: Mapping[date, ExtraDay] = field(compare=False)
    known_until: date | None = field(default=None, compare=False)
    name: Named = field(default=Named("", ""), compare=False)

    def __post_init__(self) -> None:
        both = set(self.holidays).intersection(self.extra_days)
        if both:
            raise CalendarError(f"holiday and extra working day at once: {sorted(both)}")
        # Own copies: a caller who changes its mapping later does not change the calendar.
        object.__setattr__(self, "schedules", tuple(self.schedules))
        object.__setattr__(self, "holidays", MappingProxyType(dict(self.holidays)))
        object.__setattr__(self, "extra_days", MappingProxyType(dict(self.extra_days)))
        for number, first in enumerate(self.schedules):
            for second in self.schedules[number + 1 :]:
                if (first.until or date.max) >= (second.since or date.min) and (second.until or date.max) >= (
                    first.since or date.min
                ):
                    raise CalendarError("two schedules are in force on the same day")

    def _sessions(self, day: date) -> list[tuple[datetime, datetime]]:
        if day in self.holidays:
            return []
        extra = self.extra_days.get(day)
        weekday = day.weekday() if extra is None else extra.like
        for schedule in self.schedules:
            if schedule.applies(day):
                return [
                    (datetime.combine(day, opening, VIETNAM), datetime.combine(day, closing, VIETNAM))
                    for opening, closing in schedule.week[weekday]
                ]
        return []

    def sessions(self, day: date) -> tuple[tuple[datetime, datetime], ...]:
        """Openings and closings of a local day in UTC; empty on a day off."""
        return tuple((opening.astimezone(UTC), closing.astimezone(UTC)) for opening, closing in self._sessions(day))

    def is_working_day(self, day: date) -> bool:
        """Tell whether the office works at all on that local day."""
        return bool(self._sessions(day))

    def opening(self, day: date) -> datetime:
        """First opening of a working day. Raises CalendarError on a day off."""
        return self._edges(day)[0]

    def closing(self, day: date) -> datetime:
        """Last closing of a working day. Raises CalendarError on a day off."""
        return self._edges(day)[1]

    def _edges(self, day: date) -> tuple[datetime, datetime]:
        sessions = self.sessions(day)
        if not sessions:
            raise CalendarError(f"{day} is not a working day of {self.id}")
        return sessions[0][0], sessions[-1][1]

    def next_working_day(self, day: date) -> date:
        """The first working day strictly after a local day."""
        for distance in range(1, _HORIZON_DAYS):
            if self.is_working_day(day + distance * _DAY):
                return day + distance * _DAY
        raise CalendarError(f"{self.id} has no working day within {_HORIZON_DAYS} days after {day}")

    def add_working_days(self, day: date, count: int) -> date:
        """The day model: the `count`-th working day after a local day, which itself is not counted."""
        for _ in range(count):
            day = self.next_working_day(day)
        return day

    def _remaining_sessions(self, moment: datetime) -> Iterator[tuple[datetime, datetime]]:
        """Sessions, or what is left of them, from `moment` on; ends after a long stretch without any."""
        start = local(moment)
        day, last = start.date(), start.date()
        while day - last < timedelta(days=_HORIZON_DAYS):
            for opening, closing in self._sessions(day):
                if closing > start:
                    yield max(opening, start), closing
                    last = day
            day += _DAY
        raise CalendarError(f"{self.id} has no working time within {_HORIZON_DAYS} days after {last}")

    def next_opening(self, moment: datetime) -> datetime:
        """The instant itself inside a session, else the opening of the next one."""
        return next(self._remaining_sessions(moment))[0].astimezone(UTC)

    def add_working_time(self, moment: datetime, duration: timedelta) -> datetime:
        """The instant when `duration` of working time has passed since `moment`. Raises ValueError below zero."""
        if duration < _ZERO:
            raise ValueError("working time is added, not taken away")
        if duration == _ZERO:
            return local(moment).astimezone(UTC)
        for start, closing in self._remaining_sessions(moment):
            if duration <= closing - start:
                return (start + duration).astimezone(UTC)
            duration -= closing - start
        raise AssertionError("the sessions of a calendar end with an error, not silently")

    def add_working_minutes(self, moment: datetime, minutes: int) -> datetime:
        """`add_working_time` in minutes."""
        return self.add_working_time(moment, timedelta(minutes=minutes))

    def working_time_between(self, start: datetime, end: datetime) -> timedelta:
        """Working time from `start` to `end`; negative when `end` lies before `start`."""
        if end < start:
            return -self.working_time_between(end, start)
        begin, finish = local(start), local(end)
        total, day = _ZERO, begin.date()
        while day <= finish.date():
            for opening, closing in self._sessions(day):
                total += max(min(closing, finish) - max(opening, begin), _ZERO)
            day += _DAY
        return total

    def working_minutes_between(self, start: datetime, end: datetime) -> int:
        """Whole working minutes from `start` to `end`, rounded down (so a late minute is -1, never 0)."""
        return self.working_time_between(start, end) // timedelta(minutes=1)

    def explain(self, start: datetime, end: datetime) -> tuple[Step, ...]:
        """Everything between two instants, cut where its meaning to the clock changes; no gaps, no overlaps."""
        begin, finish = local(start), local(end)
        steps: list[Step] = []
        day = begin.date()
        while day <= finish.date():
            for left, right, why, text in self._pieces(day):
                left, right = max(left, begin), min(right, finish)
                if left >= right:
                    continue
                if steps and steps[-1].why is why and steps[-1].text == text:
                    left = steps.pop().start
                minutes = (right - left) / timedelta(minutes=1) if why is Why.WORK else 0.0
                steps.append(Step(left.astimezone(UTC), right.astimezone(UTC), minutes, why, text))
            day += _DAY
        return tuple(steps)

    def _pieces(self, day: date) -> Iterator[tuple[datetime, datetime, Why, Named]]:
        """One local day from midnight to midnight."""
        cursor = datetime.combine(day, time(), VIETNAM)
        midnight = cursor + _DAY
        sessions = self._sessions(day)
        if not sessions:
            holiday = self.holidays.get(day)
            if holiday is None:
                yield cursor, midnight, Why.REST_DAY, _TEXT[Why.REST_DAY]
            else:
                yield cursor, midnight, Why.HOLIDAY, Named(f"Nghỉ: {holiday.vi}", f"Day off: {holiday.en}")
            return
        idle = Why.CLOSED
        for opening, closing in sessions:
            yield cursor, opening, idle, _TEXT[idle]
            yield opening, closing, Why.WORK, _TEXT[Why.WORK]
            cursor, idle = closing, Why.BREAK
        yield cursor, midnight, Why.CLOSED, _TEXT[Why.CLOSED]
