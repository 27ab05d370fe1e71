"""Who may see and do what with one dossier. Strangers are not told that it exists; officers of elsewhere are (403)."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from services.common import problems
from services.common.actors import Actor
from services.common.rules import rule

Dossier = Mapping[str, Any]
DESK = "desk_officer"
AGENCY = ("desk_officer", "specialist", "leader", "control_officer")
WATCHERS = frozenset({"ioc", "office"})
OTHER_UNIT = "không phải đơn vị của bạn / not your unit"


def is_owner(actor: Actor, person_id: str, dossier: Dossier) -> bool:
    """Whether the dossier is the actor's own; `person_id` is who the actor is today (accounts are normalized)."""
    return "citizen" in actor.roles and bool(person_id) and person_id == dossier["owner"]


def works_on(actor: Actor, dossier: Dossier) -> bool:
    """Whether the actor is an officer of the receiving desk or of the competent agency."""
    return actor.holds(DESK, dossier["desk"]) or any(actor.holds(role, dossier["unit"]) for role in AGENCY)


@rule("GU-12", title="Người nộp và nơi giải quyết xem được, người lạ thì không", cites="TB 94/TB-UBND §2–3")
def check_read(actor: Actor, person_id: str, dossier: Dossier | None) -> Dossier:
    """The dossier if the actor may read it. Raises Problem 404 (strangers) or 403 (officers of other units)."""
    if dossier is not None and (
        is_owner(actor, person_id, dossier) or works_on(actor, dossier) or actor.roles & WATCHERS or actor.is_service
    ):
        return dossier
    raise _refusal(actor, dossier)


def check_files(actor: Actor, person_id: str, dossier: Dossier | None) -> Dossier:
    """The dossier if the actor may open files of it: the owner, officers of desk and agency, a person of IOC."""
    if dossier is not None and (
        is_owner(actor, person_id, dossier) or works_on(actor, dossier) or "ioc" in actor.roles
    ):
        return dossier
    raise _refusal(actor, dossier)


def check_file(actor: Actor, person_id: str, dossier: Dossier, file_id: str, *, slips: Collection[str]) -> None:
    """Refuse a citizen's paper, a receipt or a result to somebody who reviews slips only. Raises Problem 403."""
    if not (is_owner(actor, person_id, dossier) or works_on(actor, dossier) or file_id in slips):
        raise problems.forbidden("IOC opens the files of slips only")


def check_desk(actor: Actor, dossier: dict[str, Any] | None) -> dict[str, Any]:
    """The dossier if the actor answers for its receiving desk. Raises Problem 404 (no such dossier) or 403."""
    if dossier is None:
        raise problems.not_found()
    if not actor.holds(DESK, dossier["desk"]):
        raise problems.forbidden(OTHER_UNIT)
    return dossier


def check_owner(actor: Actor, person_id: str, dossier: dict[str, Any] | None) -> dict[str, Any]:
    """The dossier if it is the actor's own. Raises Problem 404."""
    if dossier is None or not is_owner(actor, person_id, dossier):
        raise problems.not_found()
    return dossier


def _refusal(actor: Actor, dossier: Dossier | None) -> problems.Problem:
    officers = actor.roles - {"citizen", "anonymous"}
    return problems.forbidden(OTHER_UNIT) if dossier is not None and officers else problems.not_found()
