"""Registry of legal rules.

A legal rule is a function with an id, a citation and a period of validity::

    @rule("IN-01", title="Trả lời hồ sơ trực tuyến trong 1 giờ làm việc", cites="QĐ 88/2017/QĐ-UBND Đ13")
    def intake_due(...): ...

The program can list what it enforces (`all_rules`) and ask whether a rule applied on a day (`in_force`).
A refusal names the id; `motcua trace` finds the decorators by reading the source, so ids are written as literals.

Known limit: the registry knows only modules that were imported.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from typing import Any, TypeVar

F = TypeVar("F", bound=Callable[..., Any])

# Two capital letters and two digits (IN-01, MO-14), or a resolved conflict of the sources (X-1 … X-28).
_ID = re.compile(r"(?:[A-Z]{2}-\d{2}|X-[1-9]\d?)")


@dataclass(frozen=True, slots=True)
class Rule:
    """One place in the code that enforces a legal rule.

    `since` is the first day on which the rule applies, `until` the last one; None leaves that side open.
    """

    id: str
    title: str
    cites: str
    since: date | None
    until: date | None
    where: str

    def applies(self, on: date) -> bool:
        """Tell whether the rule is in force on the local calendar day `on` (both ends inclusive)."""
        return (self.since is None or self.since <= on) and (self.until is None or on <= self.until)


_registry: dict[tuple[str, str, date | None], Rule] = {}


def rule(id: str, *, title: str, cites: str, since: date | None = None, until: date | None = None) -> Callable[[F], F]:
    """Register the decorated function as a place that enforces rule `id`; the function itself stays as it is.

    Several rules may be stacked on one function, one id may stand on several functions (a rule may live in two
    places), and on one function for several periods (its source or strength changed). Raises ValueError for a
    malformed id, an empty title or citation, or a period that ends before it begins.
    """
    if not _ID.fullmatch(id):
        raise ValueError(f"not a rule id: {id!r} (expected e.g. 'IN-01' or 'X-17')")
    if not title.strip() or not cites.strip():
        raise ValueError(f"rule {id} needs a title and a citation")
    if since is not None and until is not None and until < since:
        raise ValueError(f"rule {id} ends ({until}) before it begins ({since})")

    def register(function: F) -> F:
        where = f"{function.__module__}:{function.__qualname__}"
        # Keyed by place and period: importing a module twice (reload, `python -m`) must not list its rules twice.
        _registry[(id, where, since)] = Rule(id, title, cites, since, until, where)
        return function

    return register


def _order(found: Rule) -> tuple[str, int, str, date]:
    letters, number = found.id.split("-")
    return letters, int(number), found.where, found.since or date.min


def all_rules() -> tuple[Rule, ...]:
    """Every registered rule, ordered by id, place and period."""
    return tuple(sorted(_registry.values(), key=_order))


def in_force(id: str, on: date) -> bool:
    """Tell whether rule `id` applies on the local calendar day `on`, at any of its places.

    Raises KeyError when no imported module registers that id: an unknown rule is a mistake of the caller, not "no".
    """
    places = [found for found in _registry.values() if found.id == id]
    if not places:
        raise KeyError(f"no rule {id!r} is registered")
    return any(found.applies(on) for found in places)
