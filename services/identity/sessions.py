"""Sessions: a short access token that every room verifies itself, and a rotating refresh token kept as a digest.

A session's lifetime is real time: the rehearsal's clock neither prolongs nor ends it. `sid` is the id that rooms see
in access tokens and that is revoked; the document's own id stays with identity and the refresh token, so a change of
person or rights can end old access tokens without signing anybody out.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
import uuid
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

PORTAL = "portal"  # the channel where a client names none
ACCESS_LIFETIME = 600  # seconds
CITIZEN_LIFETIME = timedelta(days=30)
OFFICER_LIFETIME = timedelta(hours=12)
# A refresh whose answer was lost may be asked again with the former token for this long; later it counts as theft.
ROTATION_GRACE = timedelta(seconds=30)
# A revoked id is remembered a little longer than its last token can live, for clocks that differ.
REVOCATION_SLACK = 60.0  # seconds

Session = dict[str, Any]
#: Pairs of role and unit.
Rights = list[list[str]]


class Method(StrEnum):
    """How somebody signed in; as `amr` in access tokens."""

    PASSWORD = "password"
    OTP = "otp"  # a password and then a code to the phone
    VNEID = "vneid"


class RefreshVerdict(StrEnum):
    ROTATE = "rotate"
    STOLEN = "stolen"  # a token that was rotated away came back
    ENDED = "ended"


def opened(account: dict[str, Any], channel: str, method: Method, now: datetime) -> tuple[Session, str]:
    """A new session of an account and its first refresh token. `now` is real time."""
    token, digest = _token(session_id := uuid.uuid4().hex)
    lifetime = OFFICER_LIFETIME if account["kind"] == "officer" else CITIZEN_LIFETIME
    session = {
        "_id": session_id,
        "sid": uuid.uuid4().hex,
        "account_id": account["_id"],
        "channel": channel,
        "method": str(method),
        "digest": digest,
        "former_digest": None,
        "rotated_at": now,
        "opened_at": now,
        "expires_at": now + lifetime,
        "ended_at": None,
    }
    return session, token


def split(refresh_token: str) -> tuple[str, str]:
    """Session id and digest of a presented refresh token; ("", "") when it has no such form."""
    session_id, dot, secret = refresh_token.partition(".")
    return (session_id, _digest(secret)) if dot and session_id and secret else ("", "")


def judge_refresh(session: Session | None, digest: str, now: datetime) -> RefreshVerdict:
    """What a presented refresh token is worth. `now` is real time."""
    if session is None or session["ended_at"] is not None or now >= session["expires_at"]:
        return RefreshVerdict.ENDED
    if hmac.compare_digest(session["digest"], digest):
        return RefreshVerdict.ROTATE
    former = session["former_digest"]
    if former is not None and hmac.compare_digest(former, digest):
        in_grace = now - session["rotated_at"] <= ROTATION_GRACE
        return RefreshVerdict.ROTATE if in_grace else RefreshVerdict.STOLEN
    return RefreshVerdict.ENDED


def rotate(session: Session, now: datetime) -> str:
    """Gives the session a new refresh token; the former one keeps its grace."""
    token, digest = _token(session["_id"])
    session["former_digest"] = session["digest"]
    session["digest"] = digest
    session["rotated_at"] = now
    return token


def renew_sid(session: Session) -> str:
    """Gives the session a new id for its access tokens; returns the former one, which is to be revoked."""
    former: str = session["sid"]
    session["sid"] = uuid.uuid4().hex
    return former


def revocation(sid: str, now: datetime) -> dict[str, Any]:
    """The row that says from now on: no token of this id. `until` is epoch seconds, real time."""
    until = now.timestamp() + ACCESS_LIFETIME + REVOCATION_SLACK
    return {"_id": sid, "until": until, "ends_at": now + timedelta(seconds=ACCESS_LIFETIME + REVOCATION_SLACK)}


def shown(session: Session, sid: str) -> dict[str, Any]:
    """A session as its owner sees it; `sid` is that of the token in use. Nothing of it opens or ends a session."""
    return {
        "channel": session["channel"],
        "method": session["method"],
        "opened_at": session["opened_at"],
        "last_used_at": session["rotated_at"],
        "expires_at": session["expires_at"],
        "current": session["sid"] == sid,
    }


def claims(account: dict[str, Any], session: Session, rights: Rights) -> dict[str, Any]:
    """What an access token says: opaque ids and what it allows now, no name and no number."""
    return {
        "sub": account["_id"],
        "pid": account["person_id"],
        "grants": [list(grant) for grant in rights],
        "sid": session["sid"],
        "nrm": bool(account["normalized"]),
        "chn": session["channel"],
        "amr": [session["method"]],
    }


def _token(session_id: str) -> tuple[str, str]:
    secret = secrets.token_urlsafe(32)
    return f"{session_id}.{secret}", _digest(secret)


def _digest(secret: str) -> str:
    # 256 random bits need no slow hash.
    return hashlib.sha256(secret.encode()).hexdigest()
