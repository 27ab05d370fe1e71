"""The clock of a case: when it runs, when it stands still, which time was promised and why that changed.

Every interval and every promise is kept; nothing is overwritten. Two policies for a supplement request (domain facts
1.6): RESTART counts the whole limit anew from the complete dossier (NĐ 61/2018 Đ19.4), PAUSE moves the appointment by
the working time that was waited. Pure; datetimes are aware, the calendar is the receiving desk's.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from services.common import deadlines
from services.common.calendar import WorkingCalendar
from services.common.problems import field_error, invalid
from services.common.rules import rule

Clock = dict[str, Any]

_ND61 = "NĐ 61/2018/NĐ-CP"


class Policy(StrEnum):
    """What a received supplement does to the appointment."""

    RESTART = "RESTART"
    PAUSE = "PAUSE"


class Kind(StrEnum):
    """Of an interval."""

    RUNNING = "RUNNING"
    STOPPED = "STOPPED"


@dataclass(frozen=True, slots=True)
class Change:
    """Both appointments (hẹn trả trước, hẹn trả mới)."""

    before: datetime
    after: datetime


def begin(
    at: datetime, appointment: datetime, *, policy: str, limit: dict[str, Any] | None, calendar: WorkingCalendar
) -> Clock:
    """A clock that runs from acceptance on, with the appointment that intake promised."""
    return {
        "policy": Policy(policy).value,
        "limit": limit,
        "calendar": {"id": calendar.id, "version": calendar.version},
        "started_at": at,
        "original": appointment,
        "appointment": appointment,
        "appointments": [{"at": at, "before": None, "due": appointment, "why": "accepted"}],
        "intervals": [{"kind": Kind.RUNNING.value, "start": at, "end": None, "why": "accepted"}],
        "ended_at": None,
    }


def running(clock: Clock) -> bool:
    """Whether working time counts now."""
    last = clock["intervals"][-1]
    return last["end"] is None and last["kind"] == Kind.RUNNING


def _switch(clock: Clock, kind: Kind, at: datetime, why: str) -> None:
    last = clock["intervals"][-1]
    if last["end"] is not None or last["kind"] == kind:
        raise ValueError(f"the clock cannot become {kind.value} now")
    last["end"] = at
    clock["intervals"].append({"kind": kind.value, "start": at, "end": None, "why": why})


def stop(clock: Clock, at: datetime, why: str) -> None:
    """Stands still from `at` on. Raises ValueError when it does already, or has ended."""
    _switch(clock, Kind.STOPPED, at, why)


@rule("PR-07", title="Nhận đủ hồ sơ bổ sung thì tính lại hoặc dời hẹn trả", cites=f"{_ND61} Đ19.4")
def resume(clock: Clock, at: datetime, calendar: WorkingCalendar) -> Change:
    """Runs again from `at` on, and promises the new appointment that the policy gives."""
    waited_since = clock["intervals"][-1]["start"]
    _switch(clock, Kind.RUNNING, at, "amended")
    before: datetime = clock["appointment"]
    if clock["policy"] == Policy.RESTART and clock["limit"]:
        limit = deadlines.Limit(int(clock["limit"]["value"] or 0), deadlines.LimitUnit(clock["limit"]["unit"]))
        after = deadlines.appointment(calendar, at, limit).due
    else:
        waited = calendar.working_time_between(waited_since, at)
        after = calendar.add_working_time(before, waited)
    _promise(clock, at, after, "amended")
    return Change(before, after)


@rule("PR-07", title="Xin lỗi và hẹn lại: giữ cả hẹn cũ và hẹn mới", cites=f"{_ND61} Đ19.9")
def reschedule(clock: Clock, at: datetime, new: datetime, calendar: WorkingCalendar) -> Change:
    """Promise a later time with an apology (Mẫu 04). Raises Problem 422 unless it is later and in working time."""
    before: datetime = clock["appointment"]
    if new <= max(at, before):
        raise invalid(
            field_error("new_appointment", "Phải sau giờ đã hẹn và hiện tại", "Later than now and before", "PR-07"),
            citation=f"{_ND61} Đ19.9",
        )
    if calendar.working_time_between(new - timedelta(minutes=1), new) == timedelta(0) and (
        calendar.next_opening(new) != new
    ):
        raise invalid(
            field_error("new_appointment", "Phải trong giờ làm việc", "In working time, please", "PR-07"),
            citation=f"{_ND61} Đ19.9",
        )
    _promise(clock, at, new, "rescheduled")
    return Change(before, new)


def _promise(clock: Clock, at: datetime, due: datetime, why: str) -> None:
    clock["appointments"].append({"at": at, "before": clock["appointment"], "due": due, "why": why})
    clock["appointment"] = due


def end(clock: Clock, at: datetime) -> None:
    """Ends for good."""
    clock["intervals"][-1]["end"] = at
    clock["ended_at"] = at


def minutes(clock: Clock, kind: Kind, until: datetime, calendar: WorkingCalendar) -> int:
    """Whole working minutes that the clock ran or stood still, up to its end or `until`."""
    total = timedelta(0)
    for interval in clock["intervals"]:
        if interval["kind"] == kind:
            total += calendar.working_time_between(interval["start"], interval["end"] or max(until, interval["start"]))
    return total // timedelta(minutes=1)


def late(clock: Clock, now: datetime) -> bool:
    """Against the present appointment; a clock that stands still is never late by waiting."""
    if clock["ended_at"] is not None:
        return bool(clock["ended_at"] > clock["appointment"])
    moment = now if running(clock) else clock["intervals"][-1]["start"]
    return bool(moment > clock["appointment"])


def minutes_left(clock: Clock, now: datetime, calendar: WorkingCalendar) -> int:
    """Working minutes to the appointment, negative when late; frozen while the clock stands still."""
    moment = now if running(clock) else clock["intervals"][-1]["start"]
    return calendar.working_minutes_between(moment, clock["appointment"])


def step_due(since: datetime, allowed: int | None, clock: Clock, calendar: WorkingCalendar) -> datetime:
    """When a step that waits since then should be done: its own working minutes, never after the appointment."""
    appointment: datetime = clock["appointment"]
    if not allowed:
        return appointment
    return min(appointment, calendar.add_working_minutes(since, allowed))
