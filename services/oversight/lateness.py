"""The intake clock: was each online filing, and each answer to a guidance, answered within its working hour?

A dossier's marks are what happened to it at the desk, each with its sequence number; the intervals are computed from
all marks anew, so marks may arrive in any order. An interval begins at a filing or an amendment before acceptance and
ends at the desk's answer (guidance, acceptance, refusal) or at the citizen's withdrawal.

Pure. Moments are aware and cut to milliseconds, as the database keeps them.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Any

from services.common.calendar_data import shipped_calendars
from services.common.deadlines import intake_due
from services.common.rules import rule

#: One-stop centres and desks; used where an event does not name its desk's calendar.
DESK_CALENDAR = "hue-centres"
#: How long after the due instant a clock that still runs is called late: an answer given in time may be on its way.
GRACE = timedelta(seconds=20)


class Kind(StrEnum):
    """What happened. The first two start the clock, the others end it."""

    FILED = "filed"
    AMENDED = "amended"
    GUIDED = "guided"
    ACCEPTED = "accepted"
    REFUSED = "refused"
    WITHDRAWN = "withdrawn"


_STARTS = frozenset({Kind.FILED, Kind.AMENDED})


@dataclass(frozen=True, slots=True)
class Mark:
    """One event of a dossier at the desk. `due` stands on starts only."""

    sequence: int
    kind: Kind
    at: datetime
    due: datetime | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "at", to_milliseconds(self.at))
        if self.due is not None:
            object.__setattr__(self, "due", to_milliseconds(self.due))
        if (self.kind in _STARTS) != (self.due is not None):
            raise ValueError("a start has a due instant, an end has none")

    def to_dict(self) -> dict[str, Any]:
        """Form to store."""
        return {"sequence": self.sequence, "kind": self.kind.value, "at": self.at, "due": self.due}

    @classmethod
    def from_dict(cls, stored: dict[str, Any]) -> Mark:
        return cls(stored["sequence"], Kind(stored["kind"]), stored["at"], stored["due"])


def to_milliseconds(moment: datetime) -> datetime:
    """The instant in UTC, cut to what the database keeps. Raises ValueError for a datetime without a zone."""
    if moment.tzinfo is None:
        raise ValueError("a datetime without a zone has no meaning here")
    moment = moment.astimezone(UTC)
    return moment.replace(microsecond=moment.microsecond // 1000 * 1000)


@rule("IN-01", title="Đồng hồ tiếp nhận chạy lại khi công dân bổ sung trước tiếp nhận", cites="TB 94/TB-UBND §2")
def start(sequence: int, kind: Kind, at: datetime, due: datetime | None = None, calendar: str | None = None) -> Mark:
    """A start of the clock; without `due` it is computed on the desk's calendar."""
    if due is None:
        due = intake_due(shipped_calendars()[calendar or DESK_CALENDAR], at).due
    return Mark(sequence, kind, at, due)


@dataclass(frozen=True, slots=True)
class Interval:
    """One run of the clock. `opened_by` is the sequence of its start.

    `presumed`: it ended, but the answer that ended it has not reached us yet; nothing is said of it until then.
    """

    opened_by: int
    started: datetime
    due: datetime
    ended: datetime | None = None
    presumed: bool = False

    @rule("IN-01", title="Trả lời đúng hạn khi không sau thời điểm đến hạn", cites="QĐ 88/2017/QĐ-UBND Đ13")
    def is_late(self, now: datetime) -> bool:
        """Whether the answer came after the due instant, or has not come and the instant has passed."""
        if self.presumed:
            return False
        return (self.ended if self.ended is not None else now) > self.due


def intervals(marks: Iterable[Mark]) -> list[Interval]:
    """The runs of the clock, in order."""
    found: list[Interval] = []
    for mark in sorted(marks, key=lambda m: m.sequence):
        running = bool(found) and found[-1].ended is None
        if mark.kind in _STARTS:
            if running:
                last = found[-1]
                found[-1] = Interval(last.opened_by, last.started, last.due, mark.at, presumed=True)
            assert mark.due is not None
            found.append(Interval(mark.sequence, mark.at, mark.due))
        elif running:
            last = found[-1]
            found[-1] = Interval(last.opened_by, last.started, last.due, mark.at)
    return found


def with_mark(marks: list[Mark], mark: Mark) -> list[Mark]:
    """The marks with one more; a repeated one changes nothing."""
    return marks if any(known.sequence == mark.sequence for known in marks) else [*marks, mark]


@rule("IN-01", title="Quá hạn trả lời được ghi nhận đúng một lần", cites="QĐ 88/2017/QĐ-UBND Đ13; TB 94/TB-UBND §2")
def newly_late(found: list[Interval], told: Iterable[int], now: datetime) -> list[Interval]:
    """Late intervals that were not told of before (`told`: their `opened_by`); a running one only after the grace."""
    known = set(told)
    return [
        interval
        for interval in found
        if interval.opened_by not in known
        and interval.is_late(now)
        and (interval.ended is not None or now > interval.due + GRACE)
    ]
