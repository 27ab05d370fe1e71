"""Báo cáo số: how many accounts there are, in which state, by unit of residence and by day. Pure.

Figures are counted when they are asked for, on indexes, and so cannot drift from what is there. A citizen's unit is
the commune of residence that the population database told with the match; before it is unknown.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any

from services.common import problems
from services.common.calendar import VIETNAM, local_date
from services.common.problems import field_error
from services.common.rules import rule

MOST_DAYS = 92
USUAL_DAYS = 30

#: States of the report: an account stands in exactly one, so that they add up to the total.
NORMALIZED, PENDING = "normalized", "pending"
RESTING = ("locked", "suspended", "blocked", "cancelled")
COUNTED = (NORMALIZED, PENDING, *RESTING)
#: What happens on a day.
HAPPENED = ("registered", NORMALIZED, *RESTING)


@dataclass(frozen=True, slots=True)
class Count:
    """A row of the database: accounts of a unit (None: unknown) in a state."""

    unit: str | None
    state: str
    normalized: bool
    number: int


@rule("ID-09", title="Báo cáo số về kết quả chuẩn hóa: tổng số, đã chuẩn hóa, chờ, bị khóa", cites="TB 94/TB-UBND §1")
def totals(counts: Iterable[Count]) -> dict[str, int]:
    """Accounts by the report's states, with their total."""
    found = dict.fromkeys(COUNTED, 0)
    for row in counts:
        found[_state(row)] += row.number
    return {"total": sum(found.values()), **found}


def by_unit(counts: Iterable[Count]) -> list[dict[str, Any]]:
    """The same for each unit, in their order; the unknown one last."""
    groups: defaultdict[str | None, list[Count]] = defaultdict(list)
    for row in counts:
        groups[row.unit].append(row)
    return [{"unit": unit, **totals(groups[unit])} for unit in sorted(groups, key=lambda u: (u is None, u or ""))]


def by_day(happened: Iterable[tuple[str, str, int]]) -> list[dict[str, Any]]:
    """What happened on each local day, from rows of (day, what, number); days without anything are left out."""
    days: defaultdict[str, dict[str, int]] = defaultdict(lambda: dict.fromkeys(HAPPENED, 0))
    for day, what, number in happened:
        days[day][what] += number
    return [{"day": day, **days[day]} for day in sorted(days)]


def _state(row: Count) -> str:
    if row.state in RESTING:
        return row.state
    return NORMALIZED if row.normalized else PENDING


def period(since: date | None, until: date | None, now: datetime) -> tuple[datetime, datetime]:
    """From the begin of the first local day to the end of the last; the last USUAL_DAYS where none is named.

    Raises Problem 422 for days in the wrong order or more than MOST_DAYS.
    """
    last = until or local_date(now)
    first = since or last - timedelta(days=USUAL_DAYS - 1)
    if first > last:
        raise problems.invalid(field_error("until", "Ngày cuối trước ngày đầu.", "The last day is before the first."))
    if (last - first).days >= MOST_DAYS:
        raise problems.invalid(
            field_error("since", f"Tối đa {MOST_DAYS} ngày một lần.", f"At most {MOST_DAYS} days at once.")
        )
    return _begin(first), _begin(last + timedelta(days=1))


def _begin(day: date) -> datetime:
    return datetime.combine(day, time(), VIETNAM)
