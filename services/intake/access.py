"""Who may see and do what with one dossier. Strangers are not told that it exists; officers of elsewhere are (403)."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from services.common import problems
from services.common.actors import Actor
from services.common.filed_as import Right, filer_may
from services.common.rules import rule

Dossier = Mapping[str, Any]
DESK = "desk_officer"
AGENCY = ("desk_officer", "specialist", "leader", "control_officer")
WATCHERS = frozenset({"ioc", "office"})
OTHER_UNIT = "không phải đơn vị của bạn / not your unit"


def is_owner(actor: Actor, person_id: str, dossier: Dossier) -> bool:
    """Whether the dossier is the actor's own; `person_id` is who the actor is today (accounts are normalized)."""
    return "citizen" in actor.roles and bool(person_id) and person_id == dossier["owner"]


def acts_as_applicant(actor: Actor, person_id: str, dossier: Dossier, right: Right) -> bool:
    """Whether the actor is the owner, or filed for the owner in a way that gives this right."""
    return is_owner(actor, person_id, dossier) or (
        _is_filer(actor, person_id, dossier) and filer_may(dossier["filed_as"], right)
    )


def filed_for_another(actor: Actor, person_id: str, dossier: Dossier) -> bool:
    """Whether the actor is a citizen who filed it and does not own it."""
    return _is_filer(actor, person_id, dossier) and not is_owner(actor, person_id, dossier)


def _is_filer(actor: Actor, person_id: str, dossier: Dossier) -> bool:
    return "citizen" in actor.roles and bool(person_id) and person_id == dossier["filer"]


def works_on(actor: Actor, dossier: Dossier) -> bool:
    """Whether the actor is an officer of the receiving desk or of the competent agency."""
    return actor.holds(DESK, dossier["desk"]) or any(actor.holds(role, dossier["unit"]) for role in AGENCY)


def watches(actor: Actor, unit: str) -> bool:
    """Whether the actor may follow all dossiers of an agency: its leader and its control officer."""
    return actor.holds("control_officer", unit) or actor.holds("leader", unit)


@rule("GU-12", title="Người nộp và nơi giải quyết xem được, người lạ thì không", cites="TB 94/TB-UBND §2–3")
def check_read(actor: Actor, person_id: str, dossier: Dossier | None) -> Dossier:
    """The dossier if the actor may read it. Raises Problem 404 (strangers) or 403 (officers of other units)."""
    if dossier is not None and (
        acts_as_applicant(actor, person_id, dossier, Right.READ)
        or works_on(actor, dossier)
        or actor.roles & WATCHERS
        or actor.is_service
    ):
        return dossier
    raise _refusal(actor, dossier)


def check_files(actor: Actor, person_id: str, dossier: Dossier | None) -> Dossier:
    """The dossier if the actor may open files of it: the applicant, officers of desk and agency, a person of IOC."""
    if dossier is not None and (
        acts_as_applicant(actor, person_id, dossier, Right.READ) or works_on(actor, dossier) or "ioc" in actor.roles
    ):
        return dossier
    raise _refusal(actor, dossier)


def check_papers(actor: Actor, person_id: str, dossier: Dossier) -> None:
    """Refuse a helper the receipt, which names what the owner's account says of her. Raises Problem 403."""
    if acts_as_applicant(actor, person_id, dossier, Right.READ) and not may_have_papers(actor, person_id, dossier):
        raise _not_the_helpers()


def may_have_papers(actor: Actor, person_id: str, dossier: Dossier) -> bool:
    """Whether receipt and result are for the actor: everybody who may read the dossier, but a helper."""
    return acts_as_applicant(actor, person_id, dossier, Right.PAPERS) or not _is_filer(actor, person_id, dossier)


def check_file(actor: Actor, person_id: str, dossier: Dossier, file_id: str, *, slips: Collection[str]) -> None:
    """Refuse a citizen's paper, a receipt or a result to somebody who reviews slips only, and to a helper what he did
    not send himself. Raises Problem 403."""
    if acts_as_applicant(actor, person_id, dossier, Right.PAPERS) or works_on(actor, dossier) or file_id in slips:
        return
    if not _is_filer(actor, person_id, dossier):
        raise problems.forbidden("IOC opens the files of slips only")
    if file_id not in _sent_by(actor, dossier):
        raise _not_the_helpers()


def _sent_by(actor: Actor, dossier: Dossier) -> set[str]:
    return {
        entry["file_id"]
        for version in dossier["versions"]
        if version["by"] == actor.subject
        for entry in version["components"]
        if entry["component"] in version["changed"]
    }


def check_desk(actor: Actor, dossier: dict[str, Any] | None) -> dict[str, Any]:
    """The dossier if the actor answers for its receiving desk. Raises Problem 404 (no such dossier) or 403."""
    if dossier is None:
        raise problems.not_found()
    if not actor.holds(DESK, dossier["desk"]):
        raise problems.forbidden(OTHER_UNIT)
    return dossier


def check_applicant(actor: Actor, person_id: str, dossier: dict[str, Any] | None, right: Right) -> dict[str, Any]:
    """The dossier if the actor may do this as its owner or for her. Raises Problem 404 (strangers) or 403 (helpers)."""
    if dossier is None or not acts_as_applicant(actor, person_id, dossier, Right.READ):
        raise problems.not_found()
    if not acts_as_applicant(actor, person_id, dossier, right):
        raise _not_the_helpers()
    return dossier


def _not_the_helpers() -> problems.Problem:
    return problems.forbidden(
        "chỉ chủ hồ sơ hoặc người được ủy quyền / only the owner, or somebody authorised by her",
        rule="DF-03",
        citation="CV 2658/UBND-CNTT §3",
    )


def _refusal(actor: Actor, dossier: Dossier | None) -> problems.Problem:
    officers = actor.roles - {"citizen", "anonymous"}
    return problems.forbidden(OTHER_UNIT) if dossier is not None and officers else problems.not_found()
