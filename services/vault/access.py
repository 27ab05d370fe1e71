"""Who may put and open what, as plain functions, and what is written down when somebody's data is opened."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from services.common import problems
from services.common.actors import Actor
from services.common.problems import Problem

#: Purposes by role; services may store for every purpose. `form` is what the system itself draws up.
_PURPOSES: dict[str, frozenset[str]] = {
    "citizen": frozenset({"component", "own"}),
    "desk_officer": frozenset({"component", "slip", "result"}),
    "specialist": frozenset({"slip", "result"}),
    "leader": frozenset({"slip", "result"}),
    "ioc": frozenset({"slip"}),
    "postal_officer": frozenset({"component"}),
}


def check_purpose(actor: Actor, purpose: str) -> None:
    """Raises Problem 403 where none of the actor's roles stores files of this purpose."""
    if actor.is_service or any(purpose in _PURPOSES.get(role, ()) for role in actor.roles):
        return
    raise problems.forbidden("purpose")


def owner_at_upload(actor: Actor, named: str | None) -> str | None:
    """Whose data an uploaded file is: a citizen's own; a room may name the person; an officer's belongs to nobody yet.

    Raises Problem 403 for a person who names somebody else.
    """
    if actor.is_service:
        return named
    if named is not None:
        raise problems.forbidden("person_id")
    return actor.person_id if "citizen" in actor.roles else None


@dataclass(frozen=True, slots=True)
class Opening:
    """A permitted opening of a file, as it goes into the access log."""

    reason: str
    on_behalf: str | None


def may_open(actor: Actor, file: dict[str, Any], *, holds: bool, reason: str | None, on_behalf: str | None) -> Opening:
    """Decides about opening a file: a service that says why, who uploaded it, or in whose store it lies (`holds`).

    Raises Problem: 422 for a service without a reason, 404 for a citizen (no leak), 403 for an officer.
    """
    if actor.is_service:
        if not reason:
            raise problems.invalid(
                problems.field_error("reason", "Phải nêu lý do mở tệp.", "Say why the file is opened.")
            )
        return Opening(reason, on_behalf)
    if on_behalf is not None:
        raise problems.forbidden("on_behalf")
    if file["uploader"] == actor.subject:
        return Opening(reason or "uploader", None)
    if holds:
        return Opening(reason or "owner", None)
    raise refusal(actor)


def refusal(actor: Actor) -> Problem:
    """The answer to an actor who asks for a file that is not theirs or not there."""
    if actor.is_service or actor.roles <= {"citizen", "anonymous"}:
        return problems.not_found()
    return problems.forbidden()


def log_row(
    row_id: Any, *, file: dict[str, Any], actor: Actor, opening: Opening, at: datetime, recorded: datetime
) -> dict[str, Any]:
    """A row of the access log: opaque ids only. `served` counts how often the bytes were sent under its ticket."""
    return {
        "_id": row_id,
        "schema_version": 1,
        "file_id": file["_id"],
        "person_id": file["person_id"],
        "actor": actor.subject,
        "on_behalf": opening.on_behalf,
        "reason": opening.reason,
        "at": at,
        "recorded_at": recorded,
        "served": 0,
    }
