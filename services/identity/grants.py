"""Grants of officers: a role in a unit for some days (RO-04). Roles are those of services/common/roles.py; a citizen
holds one grant everywhere and always.

A grant holds from the first to the last of its days, both local and included, while its unit is open. It ends by
itself: a token says what holds when it is signed, and lives no longer than that.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date, datetime, time, timedelta
from typing import Any

from services.common import problems, roles
from services.common.calendar import VIETNAM, local_date
from services.common.problems import Problem, field_error
from services.common.rules import rule
from services.identity.sessions import Rights

Grant = dict[str, Any]
_CITES = "QĐ 08/2025/QĐ-UBND Đ3.4, Đ20.2"


def grant(role: str, unit: str, since: date | None = None, until: date | None = None, by: str | None = None) -> Grant:
    """A grant as it is stored: days as ISO text, None for an open side; `by` is the subject who gave it."""
    return {
        "role": role,
        "unit": unit,
        "since": since.isoformat() if since else None,
        "until": until.isoformat() if until else None,
        "by": by,
    }


CITIZEN = [grant(roles.CITIZEN, "*")]


def checked(pairs: Iterable[Iterable[str]]) -> list[Grant]:
    """An officer's grants of a seed, pairs of role and unit id, as they are stored, without repeats.

    Raises ValueError for a role that no officer has, a missing unit, or `*` (no officer acts everywhere).
    """
    result: list[Grant] = []
    for role, unit in pairs:
        if role not in roles.OFFICERS:
            raise ValueError(f"{role} is no officer's role")
        if not unit or unit == "*":
            raise ValueError(f"a grant of {role} names its unit")
        if grant(role, unit) not in result:
            result.append(grant(role, unit))
    if not result:
        raise ValueError("an officer has a grant")
    return result


@rule("RO-04", title="Quyền theo vai trò và đơn vị, trong thời hạn được cấp", cites=_CITES)
def held(grants: Iterable[Grant], closed: Mapping[str, date], now: datetime) -> list[Grant]:
    """The grants that hold at a moment; `closed`: the first day on which a unit is no more, by its id."""
    today = local_date(now).isoformat()
    return [
        row
        for row in grants
        if (row["since"] is None or row["since"] <= today)
        and (row["until"] is None or today <= row["until"])
        and not (row["unit"] in closed and closed[row["unit"]].isoformat() <= today)
    ]


def rights(grants: Iterable[Grant]) -> Rights:
    """What a token says of grants: pairs of role and unit, without repeats."""
    pairs: Rights = []
    for row in grants:
        if [row["role"], row["unit"]] not in pairs:
            pairs.append([row["role"], row["unit"]])
    return pairs


def seconds_left(grants: Iterable[Grant], closed: Mapping[str, date], now: datetime) -> float | None:
    """Until the first of these grants ends; None where none does."""
    ends = [date.fromisoformat(row["until"]) + timedelta(days=1) for row in grants if row["until"] is not None]
    ends += [closed[row["unit"]] for row in grants if row["unit"] in closed]
    if not ends:
        return None
    return (datetime.combine(min(ends), time(), VIETNAM) - now).total_seconds()


def add(
    grants: list[Grant], role: str, unit: str, since: date | None, until: date | None, *, by: str, today: date
) -> list[Grant]:
    """The grants with one more; an older one of the same role and unit is replaced. Raises Problem 422."""
    if role not in roles.OFFICERS:
        raise problems.invalid(field_error("role", "Không phải vai trò cán bộ", "No role of an officer", "RO-04"))
    if since and until and until < since:
        raise problems.invalid(
            field_error("until", "Ngày cuối trước ngày đầu", "The last day is before the first", "RO-04")
        )
    if until and until < today:
        raise problems.invalid(field_error("until", "Ngày cuối đã qua", "The last day is over", "RO-04"))
    return [row for row in grants if (row["role"], row["unit"]) != (role, unit)] + [grant(role, unit, since, until, by)]


def remove(grants: list[Grant], role: str, unit: str) -> list[Grant]:
    """The grants without one. Raises Problem 404 where there is no such grant."""
    left = [row for row in grants if (row["role"], row["unit"]) != (role, unit)]
    if len(left) == len(grants):
        raise problems.not_found()
    return left


@rule("RO-04", title="Cán bộ chưa được cấp quyền thì không được vào", cites=_CITES)
def none_held() -> Problem:
    """403 for an officer of whose grants none holds now."""
    return Problem(
        "/problems/not-granted",
        "Tài khoản chưa được cấp quyền cán bộ",
        "No rights of an officer are granted",
        403,
        rule="RO-04",
        citation=_CITES,
    )


def as_answer(pairs: Rights) -> list[dict[str, str]]:
    """Rights as an answer shows them."""
    return [{"role": role, "unit": unit} for role, unit in pairs]
