"""Legal deadlines on a working calendar: intake, forwarding, same-day procedures, appointment.

Each function takes the calendar of the receiving desk and an aware datetime and returns a `Deadline`: the due instant
in UTC with the stretches of time that lead to it, so that it can explain itself. A deadline is met when
`finished_at <= due`. Every rule is that of the day of the act (X-27): nothing here reads a clock.

Known limit: a deadline that reaches beyond the calendar's known holidays is marked `provisional`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum
from typing import Any

from services.common.calendar import CalendarError, Named, Step, WorkingCalendar, local, local_date
from services.common.rules import rule

#: Limits given in working days are counted as hours (domain: 8 hours = 1 working day, X-20).
WORKING_DAY_MINUTES = 480
#: NĐ 61/2018 Đ18, Luật Hộ tịch: received *after* this hour goes to the next working day.
CUTOFF = time(15, 0)


class LimitUnit(StrEnum):
    """How a procedure's limit is counted."""

    HOURS = "hours"
    WORKING_DAYS = "working_days"
    CALENDAR_DAYS = "calendar_days"
    SAME_DAY = "same_day"


@dataclass(frozen=True, slots=True)
class Limit:
    """A procedure's time limit; `value` means nothing for SAME_DAY."""

    value: int
    unit: LimitUnit

    def __post_init__(self) -> None:
        if self.unit is not LimitUnit.SAME_DAY and self.value <= 0:
            raise ValueError("a limit is a positive number")


@dataclass(frozen=True, slots=True)
class DayCheck:
    """What the day model says about a limit in working days; `difference` = its day minus ours, in working days."""

    day: date
    difference: int

    @property
    def agrees(self) -> bool:
        return self.difference == 0


@dataclass(frozen=True, slots=True)
class Deadline:
    """A due instant (UTC) that can explain itself."""

    due: datetime
    started: datetime
    steps: tuple[Step, ...]
    rules: tuple[str, ...]
    reason: Named
    calendar_id: str
    calendar_version: int
    check: DayCheck | None = None
    provisional: bool = False

    def is_late(self, finished_at: datetime) -> bool:
        """Tell whether something finished at that instant (or unfinished now) is late; the due instant is in time."""
        return finished_at > self.due

    def to_dict(self) -> dict[str, Any]:
        """JSON form for answers and for storing beside the dossier."""
        return {
            "due": self.due.isoformat(),
            "started": self.started.isoformat(),
            "reason_vi": self.reason.vi,
            "reason_en": self.reason.en,
            "rules": list(self.rules),
            "calendar": {"id": self.calendar_id, "version": self.calendar_version},
            "provisional": self.provisional,
            "day_model": None
            if self.check is None
            else {"day": self.check.day.isoformat(), "difference": self.check.difference, "agrees": self.check.agrees},
            "steps": [step.to_dict() for step in self.steps],
        }


def _deadline(
    calendar: WorkingCalendar,
    started: datetime,
    due: datetime,
    reason: Named,
    *rules: str,
    check: DayCheck | None = None,
) -> Deadline:
    return Deadline(
        due=due.astimezone(UTC),
        started=started.astimezone(UTC),
        steps=calendar.explain(started, due),
        rules=rules,
        reason=reason,
        calendar_id=calendar.id,
        calendar_version=calendar.version,
        check=check,
        provisional=calendar.known_until is not None and local_date(due) > calendar.known_until,
    )


@dataclass(frozen=True, slots=True)
class IntakeTarget:
    """Working minutes within which an online dossier is answered, by the day of its filing (both ends inclusive)."""

    minutes: int
    source: Named
    since: date | None = None
    until: date | None = None


#: QĐ 08/2025/QĐ-UBND repealed QĐ 88/2017 and names no number: the hour stays as the service's own target (X-5).
INTAKE_TARGETS: tuple[IntakeTarget, ...] = (
    IntakeTarget(
        60,
        Named("01 giờ làm việc (QĐ 88/2017/QĐ-UBND Đ13)", "1 working hour (Decision 88/2017, Art. 13)"),
        until=date(2025, 2, 16),
    ),
    IntakeTarget(
        60,
        Named("01 giờ làm việc (chỉ tiêu phục vụ nội bộ)", "1 working hour (the service's own target)"),
        since=date(2025, 2, 17),
    ),
)


@rule("IN-01", title="Trả lời hồ sơ trực tuyến trong 01 giờ làm việc", cites="QĐ 88/2017/QĐ-UBND Đ13; TB 94/TB-UBND §2",
      until=date(2025, 2, 16))  # fmt: skip
@rule("IN-01", title="Trả lời hồ sơ trực tuyến trong 01 giờ làm việc (chỉ tiêu nội bộ)",
      cites="QĐ 08/2025/QĐ-UBND Đ2 bãi bỏ QĐ 88/2017", since=date(2025, 2, 17))  # fmt: skip
@rule("IN-02", title="Giờ làm việc không gồm nghỉ trưa, đêm, ngày nghỉ", cites="TB 94/TB-UBND §2")
@rule("X-5", title="Giờ tiếp nhận là tham số có thời hạn hiệu lực", cites="QĐ 08/2025/QĐ-UBND Đ2")
def intake_due(
    calendar: WorkingCalendar, filed_at: datetime, targets: Sequence[IntakeTarget] = INTAKE_TARGETS
) -> Deadline:
    """When the desk must have answered a dossier that came in online at `filed_at` (also after an amendment).

    Raises CalendarError where no target is in force on the local day of filing.
    """
    day = local_date(filed_at)
    for target in targets:
        if (target.since is None or target.since <= day) and (target.until is None or day <= target.until):
            due = calendar.add_working_minutes(filed_at, target.minutes)
            return _deadline(calendar, filed_at, due, target.source, "IN-01", "IN-02")
    raise CalendarError(f"no intake target is in force on {day}")


def _within_cutoff(calendar: WorkingCalendar, received_at: datetime) -> bool:
    """Received while the office can still act today: a working day, not after 15:00 and not after closing."""
    moment = local(received_at)
    day = moment.date()
    return calendar.is_working_day(day) and moment.time() <= CUTOFF and moment < calendar.closing(day)


@rule("X-20", title="Thủ tục trả trong ngày; nhận sau 15 giờ thì trả ngày làm việc tiếp theo",
      cites="Luật Hộ tịch 2014; NĐ 23/2015/NĐ-CP Đ7")  # fmt: skip
def same_day_due(calendar: WorkingCalendar, received_at: datetime) -> Deadline:
    """When a same-day procedure received at `received_at` must be finished: a closing."""
    day = local_date(received_at)
    if _within_cutoff(calendar, received_at):
        reason = Named("Nhận đến 15:00: trả trong ngày", "Received by 15:00: due the same day")
        return _deadline(calendar, received_at, calendar.closing(day), reason, "X-20")
    reason = Named(
        "Nhận sau 15:00 hoặc ngoài ngày làm việc: trả ngày làm việc tiếp theo",
        "Received after 15:00 or on a day off: due the next working day",
    )
    return _deadline(calendar, received_at, calendar.closing(calendar.next_working_day(day)), reason, "X-20")


def forward_due(calendar: WorkingCalendar, received_at: datetime, grace_minutes: int = 60) -> Deadline:
    """When the desk must have forwarded a dossier received at `received_at`.

    The law says "at the start of the next working day" for what came after 15:00; the very opening would make
    everything late, so `grace_minutes` working minutes are given (X-20).
    """
    day = local_date(received_at)
    if _within_cutoff(calendar, received_at):
        reason = Named("Nhận đến 15:00: chuyển trong ngày", "Received by 15:00: forwarded the same day")
        return _deadline(calendar, received_at, calendar.closing(day), reason, "X-20")
    opening = calendar.opening(calendar.next_working_day(day))
    reason = Named(
        f"Nhận sau 15:00 hoặc ngoài ngày làm việc: đầu giờ ngày làm việc tiếp theo + {grace_minutes} phút",
        f"Received after 15:00 or on a day off: opening of the next working day + {grace_minutes} minutes",
    )
    return _deadline(calendar, received_at, calendar.add_working_minutes(opening, grace_minutes), reason, "X-20")


@rule("PR-07", title="Hẹn trả theo giờ làm việc của nơi tiếp nhận", cites="NĐ 61/2018/NĐ-CP Đ17–19")
@rule("X-20", title="Mô hình giờ quyết định hẹn trả, mô hình ngày chỉ kiểm tra", cites="NĐ 61/2018/NĐ-CP Đ17–19")
def appointment(calendar: WorkingCalendar, received_at: datetime, limit: Limit) -> Deadline:
    """The promised time of a dossier received at `received_at`, on the receiving desk's calendar.

    Hours and working days run in the hour model (8 hours a day); for working days the day model is computed beside it
    and a difference shown. A limit in calendar days ends at the closing of its last day, moved off days off
    (Bộ luật Dân sự 2015 Đ147–148).
    """
    match limit.unit:
        case LimitUnit.SAME_DAY:
            return same_day_due(calendar, received_at)
        case LimitUnit.CALENDAR_DAYS:
            last = local_date(received_at) + limit.value * timedelta(days=1)
            if not calendar.is_working_day(last):
                last = calendar.next_working_day(last)
            reason = Named(f"{limit.value} ngày", f"{limit.value} calendar days")
            return _deadline(calendar, received_at, calendar.closing(last), reason, "PR-07")
        case LimitUnit.HOURS:
            due = calendar.add_working_minutes(received_at, limit.value * 60)
            reason = Named(f"{limit.value} giờ làm việc", f"{limit.value} working hours")
            return _deadline(calendar, received_at, due, reason, "PR-07", "X-20")
        case LimitUnit.WORKING_DAYS:
            due = calendar.add_working_minutes(received_at, limit.value * WORKING_DAY_MINUTES)
            reason = Named(f"{limit.value} ngày làm việc", f"{limit.value} working days")
            check = _day_check(calendar, received_at, limit.value, local_date(due))
            return _deadline(calendar, received_at, due, reason, "PR-07", "X-20", check=check)


def _day_check(calendar: WorkingCalendar, received_at: datetime, days: int, ours: date) -> DayCheck:
    theirs = calendar.add_working_days(local_date(received_at), days)
    early, late = sorted((ours, theirs))
    distance = 0
    while early < late:
        early = calendar.next_working_day(early)
        distance += 1
    return DayCheck(theirs, distance if theirs >= ours else -distance)
