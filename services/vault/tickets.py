"""Tickets: one file, one operation, one actor, sixty seconds of real time, signed by the vault's own key.

Whoever holds a ticket may do that one thing over HTTP; nothing else about the file is in it, so it may travel in a
header. The vault itself is the only issuer that it believes.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from services.common import problems
from services.common.actors import Signer, Verifier

TICKET_TYPE = "ticket+jwt"
LIFETIME = 60  # seconds
SCHEME = "Ticket"

Operation = Literal["put", "get"]


@dataclass(frozen=True, slots=True)
class Ticket:
    """What a ticket allows. `access` is the row of the access log that a download was written into."""

    file_id: str
    operation: Operation
    purpose: str
    actor: str
    access: str = ""


def issue(signer: Signer, ticket: Ticket) -> str:
    """A signed ticket."""
    return signer.sign(
        {
            "sub": ticket.actor,
            "file_id": ticket.file_id,
            "op": ticket.operation,
            "purpose": ticket.purpose,
            "access": ticket.access,
        },
        LIFETIME,
        TICKET_TYPE,
    )


def read(verifier: Verifier, issuer: str, authorization: str | None, operation: Operation, file_id: str) -> Ticket:
    """The ticket in an Authorization header. Raises Problem 401 (none, forged, expired) or 403 (for something else)."""
    scheme, _, token = (authorization or "").partition(" ")
    if scheme.lower() != SCHEME.lower() or not token.strip():
        raise problems.unauthorized("a ticket is needed")
    claims = verifier.claims(token.strip(), TICKET_TYPE)
    if claims["iss"] != issuer:
        raise problems.unauthorized()
    if claims.get("op") != operation or claims.get("file_id") != file_id:
        raise problems.forbidden("the ticket is for something else")
    return Ticket(file_id, operation, str(claims.get("purpose")), str(claims["sub"]), str(claims.get("access", "")))
