"""Signing in through VNeID: a request that is sent to the provider, and what comes back with the browser. Pure.

Three secrets protect the way: `state` (the answer belongs to this request), `nonce` (the provider's statement does) and
the PKCE verifier (nobody else redeems the code). `binding` stays with the browser that began: whoever is lured to
somebody else's way back cannot complete it. A request is good once and for ten minutes of real time.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
import uuid
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from services.common.calendar import local
from services.common.problems import Problem
from services.common.rules import rule
from services.identity.accounts import HOTLINE

LIFETIME = timedelta(minutes=10)
WAY_BACK = "/vneid"
_CITES = "TB 94/TB-UBND §1; CV 2740/STTTT-IOC §1"


class As(StrEnum):
    """Whom somebody signs in as: one person may be both, with an account for each."""

    CITIZEN = "citizen"
    OFFICER = "officer"


@dataclass(frozen=True)
class Secrets:
    """What a request was made with; `binding` goes to the browser, the rest to the provider or nowhere."""

    state: str
    nonce: str
    verifier: str
    binding: str


def new_secrets() -> Secrets:
    """256 bits each; the verifier has the form of RFC 7636."""
    return Secrets(*(secrets.token_urlsafe(32) for _ in range(4)))


def request(made: Secrets, wanted: As, channel: str, sealed: dict[str, str], now: datetime) -> dict[str, Any]:
    """The document of a request. `sealed`: nonce and verifier, which are needed once more. `now` is real time."""
    return {
        "_id": uuid.uuid4().hex,
        "as": str(wanted),
        "channel": channel,
        "state_digest": digest(made.state),
        "binding_digest": digest(made.binding),
        **sealed,
        "begun_at": now,
        "expires_at": now + LIFETIME,
        "used_at": None,
    }


def digest(secret: str) -> str:
    """Random secrets need no slow hash."""
    return hashlib.sha256(secret.encode()).hexdigest()


def is_good(found: dict[str, Any] | None, state: str, binding: str, now: datetime) -> bool:
    """Whether a request may be completed with what the browser brings. `now` is real time."""
    if found is None:
        return False
    same = hmac.compare_digest(found["state_digest"], digest(state))
    bound = hmac.compare_digest(found["binding_digest"], digest(binding))
    return same and bound and found["used_at"] is None and now < found["expires_at"]


@rule("ID-08", title="Đăng nhập VNeID chỉ mở từ thời điểm được thông báo", cites=_CITES)
def refuse_before(active_from: datetime | None, now: datetime) -> None:
    """Raises Problem 403 naming the time, before VNeID is activated; `now` is business time."""
    if active_from is not None and now >= active_from:
        return
    when = f"{local(active_from):%H:%M %d/%m/%Y}" if active_from else None
    raise Problem(
        "/problems/vneid-not-active",
        f"Đăng nhập VNeID mở từ {when}" if when else "Đăng nhập VNeID chưa được mở",
        f"Sign-in through VNeID opens at {when}" if when else "Sign-in through VNeID is not open yet",
        403,
        rule="ID-08",
        citation=_CITES,
        extra={"active_from": active_from.isoformat() if active_from else None},
    )


@rule("ID-08", title="Đăng nhập VNeID chỉ dành cho người đã chuẩn hóa tài khoản", cites=_CITES)
def normalize_first() -> Problem:
    """403 for a person without a normalized account: whether there is another account is not said."""
    return Problem(
        "/problems/normalize-first",
        "Chưa có tài khoản đã chuẩn hóa cho số định danh này: hãy đăng nhập bằng số điện thoại và chuẩn hóa trước",
        "No normalized account has this personal number: sign in with the phone and normalize the account first",
        403,
        rule="ID-08",
        citation=_CITES,
        extra={"normalization": "/account/normalization", "hotline": HOTLINE},
    )


def not_begun() -> Problem:
    """401: what the browser brings fits no request that waits; the same for one used, expired or another's."""
    return Problem(
        "/problems/vneid-refused",
        "Không xác nhận được đăng nhập VNeID, hãy đăng nhập lại từ đầu",
        "The sign-in at VNeID was not confirmed, sign in again from the start",
        401,
        rule="ID-08",
    )
