"""Since 2025-02-17 an account that is not normalized may only become one (X-8)."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from services.common import permissions
from services.common.actors import Actor, Grant
from services.common.eid import EID_ONLY_SINCE, eid_only
from services.common.problems import Problem
from services.common.roles import NEWCOMER
from services.identity.sign_in_rule import rights

#: The last and the first second of a local day; Vietnam is seven hours ahead.
LAST = datetime(2025, 2, 16, 16, 59, 59, tzinfo=UTC)
FIRST = datetime(2025, 2, 16, 17, 0, 0, tzinfo=UTC)
HELD = [["citizen", "*"]]


def account(kind: str = "citizen", *, normalized: bool = False) -> dict[str, Any]:
    return {"kind": kind, "normalized": normalized}


@pytest.mark.req("X-8", "ID-21", "X-27")
def test_the_rule_begins_with_a_local_day() -> None:
    assert EID_ONLY_SINCE.isoformat() == "2025-02-17"
    assert (eid_only(LAST), eid_only(FIRST)) == (False, True)
    assert rights(account(), HELD, LAST) == HELD
    assert rights(account(), HELD, FIRST) == [[NEWCOMER, "*"]]


@pytest.mark.req("X-8")
def test_normalized_citizens_and_officers_keep_their_rights() -> None:
    assert rights(account(normalized=True), HELD, FIRST) == HELD
    assert rights(account("officer"), [["leader", "u"]], FIRST) == [["leader", "u"]]


def refusal(method: str) -> Problem | None:
    newcomer = Actor("acc-1", "per-1", (Grant(NEWCOMER, "*"),))
    try:
        permissions.check(newcomer, method)
    except Problem as problem:
        return problem
    return None


@pytest.mark.req("X-8", "ID-21")
def test_a_newcomer_may_become_a_citizen_and_leave_and_nothing_else() -> None:
    own = {method for method, roles in permissions.ALLOWED.items() if NEWCOMER in roles}
    assert {"identity.home", "identity.request_normalization_code", "identity.normalize", "identity.sign_out"} <= own
    # Beside the account itself only what was done with it may be read.
    assert {method for method in own if not method.startswith("identity.")} == {"oversight.activity"}
    for method, roles in permissions.ALLOWED.items():
        refused = refusal(method)
        if method in own or permissions.ANYBODY in roles:
            assert refused is None, method
        elif "citizen" in roles:
            assert refused is not None and (refused.status, refused.rule) == (403, "X-8"), method
        else:
            assert refused is not None and (refused.status, refused.rule) == (403, None), method
