"""Who may see or move a case: units and ownership. Roles as such were checked before (permissions). Pure."""

from __future__ import annotations

from typing import Any

from services.common import problems
from services.common.actors import Actor
from services.common.filed_as import Right, filer_may

WATCHERS = frozenset({"ioc", "office"})
_AGENCY = ("desk_officer", "specialist", "leader", "control_officer")


def units_of(case: dict[str, Any]) -> set[str]:
    """Every unit that works on the case: its own, its desk, those of its steps."""
    return {case["unit"], case["desk"], *(step["unit"] for step in case["steps"])}


def is_officer_of(actor: Actor, case: dict[str, Any]) -> bool:
    """An officer of one of the case's units, somebody who watches all, or another room."""
    return actor.is_service or bool(actor.roles & WATCHERS) or works_on(actor, case)


def works_on(actor: Actor, case: dict[str, Any]) -> bool:
    """Whether the actor is an officer of one of the case's units."""
    return any(actor.holds(role, unit) for role in _AGENCY for unit in units_of(case))


def owns(actor: Actor, case: dict[str, Any]) -> bool:
    return bool(actor.person_id) and "citizen" in actor.roles and actor.person_id == case["owner"]


def acts_as_applicant(actor: Actor, case: dict[str, Any], right: Right) -> bool:
    """Whether the actor is the owner, or filed for the owner in a way that gives this right."""
    filed = bool(actor.person_id) and "citizen" in actor.roles and actor.person_id == case["filer"]
    return owns(actor, case) or (filed and filer_may(case["filed_as"], right))


def known(actor: Actor, case: dict[str, Any] | None) -> dict[str, Any]:
    """The case, if the actor may know of it. Citizens learn nothing of foreign ones (404); officers are refused."""
    if case is None:
        raise problems.not_found()
    if acts_as_applicant(actor, case, Right.READ) or is_officer_of(actor, case):
        return case
    if actor.roles <= {"citizen", "anonymous"}:
        raise problems.not_found()
    raise problems.forbidden("không phải đơn vị của bạn / not your unit")


def need_file(actor: Actor, case: dict[str, Any], file_id: str) -> None:
    """Refuse a file of the case that the actor may not look into: IOC reviews slips, results are the units' own.

    Raises Problem 404 for a file that is not of this case, 403 otherwise.
    """
    slips = {slip["file_id"] for slip in case["supplements"]}
    results = {result["file_id"] for result in case["results"]}
    if file_id not in slips | results:
        raise problems.not_found()
    if not (works_on(actor, case) or (file_id in slips and "ioc" in actor.roles)):
        raise problems.forbidden("tệp của đơn vị khác / a file of another unit")


def need(actor: Actor, unit: str, *roles: str) -> None:
    """Raises Problem 403 unless the actor holds one of the roles in that unit."""
    if not any(actor.holds(role, unit) for role in roles):
        who = " or ".join(roles)
        raise problems.forbidden(f"không phải đơn vị của bạn / not your unit: only {who} of the unit in charge")


def need_desk(actor: Actor, case: dict[str, Any]) -> None:
    """Raises Problem 403 unless the actor is an officer of the dossier's desk."""
    if not (actor.holds("desk_officer", case["desk"]) or actor.holds("desk_officer", case["unit"])):
        raise problems.forbidden("không phải một cửa của bạn / not your desk: only the desk of the dossier")


def need_applicant(actor: Actor, case: dict[str, Any] | None, right: Right) -> dict[str, Any]:
    """The case, for its owner or who filed it for her with this right. Raises Problem 404 for anybody else."""
    if case is None or not acts_as_applicant(actor, case, right):
        raise problems.not_found()
    return case
