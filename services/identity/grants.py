"""Grants of officers: a role in a unit. Roles are those of domain.md §2.6; a citizen holds one grant everywhere."""

from __future__ import annotations

from collections.abc import Iterable

from services.common import roles

CITIZEN = [[roles.CITIZEN, "*"]]


def checked(grants: Iterable[Iterable[str]]) -> list[list[str]]:
    """An officer's grants as they are stored: pairs of role and unit id, without repeats.

    Raises ValueError for a role that no officer has, a missing unit, or `*` (no officer acts everywhere).
    """
    result: list[list[str]] = []
    for grant in grants:
        role, unit = grant
        if role not in roles.OFFICERS:
            raise ValueError(f"{role} is no officer's role")
        if not unit or unit == "*":
            raise ValueError(f"a grant of {role} names its unit")
        if [role, unit] not in result:
            result.append([role, unit])
    if not result:
        raise ValueError("an officer has a grant")
    return result


def as_answer(grants: Iterable[Iterable[str]]) -> list[dict[str, str]]:
    """Grants as an answer shows them."""
    return [{"role": role, "unit": unit} for role, unit in grants]
