"""Sessions: rotating refresh tokens, kept as digests, and what an access token says."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from services.identity import sessions
from services.identity.sessions import Method, RefreshVerdict

NOW = datetime(2026, 1, 5, 8, 0, tzinfo=UTC)
CITIZEN: dict[str, Any] = {
    "_id": "acc-1",
    "kind": "citizen",
    "person_id": "per-1",
    "grants": [["citizen", "*"]],
    "normalized": False,
}


def judged(session: dict[str, Any] | None, token: str, now: datetime = NOW) -> RefreshVerdict:
    return sessions.judge_refresh(session, sessions.split(token)[1], now)


def test_a_refresh_token_is_not_kept() -> None:
    session, token = sessions.opened(CITIZEN, "portal", Method.PASSWORD, NOW)
    secret = token.partition(".")[2]
    assert secret not in str(session)
    assert sessions.split(token)[0] == session["_id"]
    assert session["sid"] not in token


def test_rotation_and_grace_and_theft() -> None:
    session, first = sessions.opened(CITIZEN, "portal", Method.PASSWORD, NOW)
    assert judged(session, first) is RefreshVerdict.ROTATE
    second = sessions.rotate(session, NOW)
    assert judged(session, second) is RefreshVerdict.ROTATE
    assert judged(session, first, NOW + sessions.ROTATION_GRACE) is RefreshVerdict.ROTATE, "its answer was lost"
    later = NOW + sessions.ROTATION_GRACE + timedelta(seconds=1)
    assert judged(session, first, later) is RefreshVerdict.STOLEN
    sessions.rotate(session, later)
    assert judged(session, first, later) is RefreshVerdict.ENDED, "two rotations ago it is only an unknown token"


@pytest.mark.parametrize(("kind", "lifetime"), [("citizen", timedelta(days=30)), ("officer", timedelta(hours=12))])
def test_a_session_ends(kind: str, lifetime: timedelta) -> None:
    session, token = sessions.opened({**CITIZEN, "kind": kind}, "portal", Method.PASSWORD, NOW)
    assert judged(session, token, NOW + lifetime - timedelta(seconds=1)) is RefreshVerdict.ROTATE
    assert judged(session, token, NOW + lifetime) is RefreshVerdict.ENDED
    session["ended_at"] = NOW
    assert judged(session, token) is RefreshVerdict.ENDED
    assert judged(None, token) is RefreshVerdict.ENDED


@pytest.mark.parametrize("text", ["", ".", "abc", ".abc", "abc.", "  "])
def test_other_texts_are_no_refresh_token(text: str) -> None:
    assert sessions.split(text) == ("", "")


def test_a_new_sid_leaves_the_refresh_token_good() -> None:
    session, token = sessions.opened(CITIZEN, "portal", Method.PASSWORD, NOW)
    former = sessions.renew_sid(session)
    assert former != session["sid"]
    assert judged(session, token) is RefreshVerdict.ROTATE


def test_a_revocation_outlives_the_last_access_token() -> None:
    row = sessions.revocation("sid", NOW)
    assert row["until"] >= NOW.timestamp() + sessions.ACCESS_LIFETIME
    assert row["ends_at"].timestamp() == row["until"]


def test_an_access_token_says_ids_and_grants_only() -> None:
    account = CITIZEN | {"phone": "sealed", "password_hash": "hash"}
    session, _ = sessions.opened(account, "hue-s", Method.OTP, NOW)
    assert sessions.claims(account, session, account["grants"]) == {
        "sub": "acc-1",
        "pid": "per-1",
        "grants": [["citizen", "*"]],
        "sid": session["sid"],
        "nrm": False,
        "chn": "hue-s",
        "amr": ["otp"],
    }


def test_an_owner_sees_her_sessions_and_nothing_that_opens_one() -> None:
    session, token = sessions.opened(CITIZEN, "hue-s", Method.VNEID, NOW)
    sessions.rotate(session, NOW + timedelta(hours=1))
    seen = sessions.shown(session, session["sid"])
    assert seen == {
        "channel": "hue-s",
        "method": "vneid",
        "opened_at": NOW,
        "last_used_at": NOW + timedelta(hours=1),
        "expires_at": NOW + sessions.CITIZEN_LIFETIME,
        "current": True,
    }
    assert sessions.shown(session, "another")["current"] is False
    assert session["_id"] not in str(seen) and session["sid"] not in str(seen) and token not in str(seen)
