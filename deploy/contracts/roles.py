"""The page of roles for people, from the table of roles and the permissions of every method."""

from __future__ import annotations

from services.common import permissions, roles
from services.common.roles import ROLES, Scope
from services.gateway.routes import ROUTES

_SCOPES = {
    Scope.OWN: "what is one's own",
    Scope.UNIT: "the unit of the grant",
    Scope.ALL: "every unit",
}


def markdown() -> str:
    """docs/operations/roles.md."""
    lines = [
        "# Vai trò / Roles",
        "",
        "Generated from `services/common/roles.py` and `services/common/permissions.py` by",
        "`python -m deploy.contracts`; what is not written here is refused.",
        "`tests/journeys/test_identity_permissions.py` tries every role on every route.",
        "",
        "| role | vai trò | may | reaches | source |",
        "|---|---|---|---|---|",
    ]
    lines += [
        f"| `{row.name}` | {' / '.join(row.title)} | {' / '.join(row.may)} | {_SCOPES[row.scope]} | {row.cites} |"
        for row in ROLES.values()
    ]
    lines += ["", "## Routes", "", "| route | who |", "|---|---|"]
    for route in ROUTES:
        if route.rpc:
            lines.append(f"| `{route.method} {route.pattern}` | {_who(permissions.roles_of(route.rpc))} |")
    return "\n".join(lines) + "\n"


def _who(allowed: frozenset[str]) -> str:
    if permissions.ANYBODY in allowed:
        return "anybody"
    people = [name for name in ROLES if name in allowed]
    if frozenset(people) == roles.HOLDERS:
        return "everybody with a token"
    return ", ".join(people)
