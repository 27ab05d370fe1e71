"""Calendars and strategies shared by the calendar tests."""

from datetime import UTC, date, datetime, time, timedelta

from hypothesis import strategies as st

from services.common.calendar import VIETNAM, ExtraDay, Named, Schedule, WorkingCalendar
from services.common.calendar_data import shipped_calendars

CENTRES = shipped_calendars()["hue-centres"]
OFFICES = shipped_calendars()["hue-offices"]


def at(text: str) -> datetime:
    """`2024-03-08 16:30` in Vietnamese time."""
    return datetime.fromisoformat(text).replace(tzinfo=VIETNAM)


moments = st.datetimes(datetime(2023, 1, 1), datetime(2026, 6, 30)).map(
    lambda naive: naive.replace(microsecond=0, tzinfo=UTC)
)
minutes = st.integers(0, 20 * 480)


@st.composite
def calendars(draw: st.DrawFn) -> WorkingCalendar:
    """Any calendar that has some working time each ordinary week: odd weeks, half days, holidays, extra days."""

    def one_day() -> tuple[tuple[time, time], ...]:
        ends = sorted(draw(st.sets(st.integers(0, 24 * 4 - 1), min_size=0, max_size=6)))
        clock = [time(quarter // 4, quarter % 4 * 15) for quarter in ends]
        return tuple(zip(clock[0::2], clock[1::2], strict=False))

    week = tuple(one_day() for _ in range(6)) + (((time(9), time(10)),),)
    first = date(2023, 1, 1)
    offsets = draw(st.sets(st.integers(0, 1300), max_size=40))
    days = [first + timedelta(days=offset) for offset in offsets]
    return WorkingCalendar(
        id="drawn",
        version=1,
        schedules=(Schedule(week),),
        holidays={day: Named("Lễ", "Holiday") for day in days[::2]},
        extra_days={day: ExtraDay(Named("Làm bù", "Made up"), like=6) for day in days[1::2]},
    )


any_calendar = st.sampled_from([CENTRES, OFFICES]) | calendars()
