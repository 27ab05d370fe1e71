"""A request to sign in through VNeID: what protects it, and whom it is refused to."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from services.common.problems import Problem
from services.identity import vneid_sign_in
from services.identity.vneid_sign_in import As

NOW = datetime(2024, 3, 11, 2, 0, tzinfo=UTC)


def begun() -> tuple[vneid_sign_in.Secrets, dict[str, Any]]:
    made = vneid_sign_in.new_secrets()
    return made, vneid_sign_in.request(made, As.CITIZEN, "portal", {"nonce": "sealed", "verifier": "sealed"}, NOW)


@pytest.mark.req("ID-08")
def test_a_request_keeps_none_of_its_secrets() -> None:
    made, request = begun()
    secrets = (made.state, made.nonce, made.verifier, made.binding)
    assert len(set(secrets)) == 4 and all(43 <= len(secret) <= 128 for secret in secrets)
    assert not any(secret in str(request) for secret in secrets)


@pytest.mark.req("ID-08")
def test_a_request_is_completed_once_in_time_by_its_own_browser() -> None:
    made, request = begun()
    last = NOW + vneid_sign_in.LIFETIME - timedelta(seconds=1)
    assert vneid_sign_in.is_good(request, made.state, made.binding, last)
    assert not vneid_sign_in.is_good(request, made.state, made.binding, NOW + vneid_sign_in.LIFETIME)
    assert not vneid_sign_in.is_good(request, made.state, made.state, NOW)
    assert not vneid_sign_in.is_good(request, made.binding, made.binding, NOW)
    assert not vneid_sign_in.is_good({**request, "used_at": NOW}, made.state, made.binding, NOW)
    assert not vneid_sign_in.is_good(None, made.state, made.binding, NOW)


def refusal(active_from: datetime | None, now: datetime) -> Problem | None:
    try:
        vneid_sign_in.refuse_before(active_from, now)
    except Problem as problem:
        return problem
    return None


@pytest.mark.req("ID-08", "NT-03")
def test_before_its_time_the_time_is_named_and_without_one_it_never_opens() -> None:
    opens = datetime(2024, 7, 1, tzinfo=UTC)
    early = refusal(opens, opens - timedelta(seconds=1))
    assert early is not None and (early.status, early.rule) == (403, "ID-08")
    assert "07:00 01/07/2024" in early.title_vi and early.extra["active_from"] == opens.isoformat()
    assert refusal(opens, opens) is None
    never = refusal(None, opens)
    assert never is not None and never.extra["active_from"] is None
