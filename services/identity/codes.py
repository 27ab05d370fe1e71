"""One-time codes: six digits sent to a phone, good once, for five minutes and five tries.

A challenge is the document behind a code: who was sent one, why, and how often it was tried. It holds a keyed digest
of the code and never the code itself. Times are business time.
"""

from __future__ import annotations

import hmac
import secrets
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from services.common import problems
from services.common.problems import Problem

LIFETIME = timedelta(minutes=5)
TRIES = 5
WINDOW = timedelta(minutes=15)


class Purpose(StrEnum):
    """What a code proves. One sent for one purpose serves no other."""

    REGISTRATION = "registration"
    NORMALIZATION = "normalization"
    RECOVERY = "recovery"
    OFFICER_SIGN_IN = "officer_sign_in"
    SUSPENSION = "suspension"
    RESUMPTION = "resumption"
    CANCELLATION = "cancellation"
    PASSWORD_CHANGE = "password_change"
    CERTIFICATE = "certificate"


# Codes to one phone within WINDOW, asked for from one neighbourhood (throttles.py): each costs money, and its owner a
# disturbance. An officer has shown a password before, and comes back at every shift and screen.
MOST_SENT = {
    Purpose.REGISTRATION: 5,
    Purpose.NORMALIZATION: 5,
    Purpose.RECOVERY: 5,
    Purpose.OFFICER_SIGN_IN: 60,
    Purpose.SUSPENSION: 5,
    Purpose.RESUMPTION: 5,
    Purpose.CANCELLATION: 5,
    Purpose.PASSWORD_CHANGE: 5,
    Purpose.CERTIFICATE: 5,
}

_WHAT = {
    Purpose.REGISTRATION: "dang ky tai khoan",
    Purpose.NORMALIZATION: "chuan hoa tai khoan",
    Purpose.RECOVERY: "dat lai mat khau",
    Purpose.OFFICER_SIGN_IN: "dang nhap can bo",
    Purpose.SUSPENSION: "tam dung tai khoan",
    Purpose.RESUMPTION: "mo lai tai khoan",
    Purpose.CANCELLATION: "huy tai khoan",
    Purpose.PASSWORD_CHANGE: "doi mat khau",
    Purpose.CERTIFICATE: "dang ky chung thu so",
}


class Verdict(StrEnum):
    RIGHT = "right"
    WRONG = "wrong"
    ENDED = "ended"  # used, expired, tried too often, or never sent


def new_code() -> str:
    """Six digits from the system's source of randomness."""
    return f"{secrets.randbelow(1_000_000):06d}"


def message(purpose: Purpose, code: str) -> str:
    """The text of the SMS. Without diacritics: one segment in the GSM alphabet."""
    minutes = int(LIFETIME.total_seconds() // 60)
    return f"Mot Cua: ma {_WHAT[purpose]} la {code}, hieu luc {minutes} phut. Khong dua ma nay cho bat ky ai."


def challenge(
    challenge_id: str, purpose: Purpose, *, phone: str, phone_blind: str, digest: str, now: datetime
) -> dict[str, Any]:
    """A new challenge; `phone` is sealed, `phone_blind` its index, `digest` that of the code."""
    return {
        "_id": challenge_id,
        "purpose": str(purpose),
        "account_id": None,
        "phone": phone,
        "phone_blind": phone_blind,
        "digest": digest,
        "tries": 0,
        "sent_at": now,
        "expires_at": now + LIFETIME,
        "used_at": None,
        "waiting": False,
        "code": None,
        "details": {},
    }


def judge(challenge: dict[str, Any] | None, digest: str, now: datetime) -> Verdict:
    """What an entered code's digest is worth against its challenge."""
    if (
        challenge is None
        or challenge["used_at"] is not None
        or challenge["tries"] >= TRIES
        or now >= challenge["expires_at"]
    ):
        return Verdict.ENDED
    return Verdict.RIGHT if hmac.compare_digest(challenge["digest"], digest) else Verdict.WRONG


def wait_before_sending(sent: list[datetime], now: datetime) -> int:
    """Seconds until another code may be sent, where those sent at these times are as many as may be within WINDOW; 0
    for now."""
    ends = min(sent, default=now - WINDOW) + WINDOW
    return 0 if ends <= now else max(1, int((ends - now).total_seconds()) + 1)


def refusal(verdict: Verdict) -> Problem:
    """422 for a code that was not right. Says the same whether the code was wrong or no code was ever sent."""
    if verdict is Verdict.WRONG:
        vi, en = "Mã xác nhận không đúng.", "The code is not right."
    else:
        vi, en = "Mã xác nhận không đúng hoặc đã hết hiệu lực.", "The code is not right or no longer valid."
    return problems.invalid(problems.field_error("code", vi, en))
