"""Sending codes and taking them back: the part of one-time codes that touches database and notifier."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

from services.common import logs
from services.common.context import Context
from services.common.faults import DatabaseAway
from services.common.problems import Problem, field_error, invalid
from services.common.unit import UnitOfWork
from services.identity import accounts, codes, secrecy, store, throttles
from services.identity.codes import Purpose, Verdict
from services.identity.phones import PhoneError, normal_mobile

KEPT = timedelta(days=1)  # real time; then the database forgets a challenge
SEND_TIMEOUT = 5.0  # seconds


def read_phone(text: str, field: str = "phone") -> str:
    """A mobile phone in normal form. Raises Problem 422 at the field."""
    try:
        return normal_mobile(text)
    except PhoneError as error:
        raise invalid(field_error(field, error.message_vi, error.message_en)) from None


def issue(
    ctx: Context,
    unit: UnitOfWork,
    purpose: Purpose,
    phone: str,
    *,
    account_id: str | None = None,
    details: Callable[[], dict[str, Any]] | None = None,
) -> tuple[dict[str, Any], str]:
    """A new challenge in the unit, and its code, which the caller sends after the commit.

    The sending is counted at once, before anything costly: `details` is asked for only then. Raises Problem 429 when
    too many codes went to this phone.
    """
    key = secrecy.key_of(ctx.kernel)
    blind = key.blind(phone, secrecy.PHONE)
    sent = throttles.take_sending(ctx.store, purpose, blind, ctx.near, ctx.now, codes.WINDOW, codes.MOST_SENT[purpose])
    if sent:
        raise accounts.too_often(codes.wait_before_sending(sent, ctx.now))
    challenge_id, code = uuid.uuid4().hex, codes.new_code()
    challenge = codes.challenge(
        challenge_id,
        purpose,
        phone=key.seal(phone, secrecy.PHONE),
        phone_blind=blind,
        digest=secrecy.code_digest(key, challenge_id, code),
        now=ctx.now,
    )
    challenge |= {
        "account_id": account_id,
        "details": details() if details else {},
        "purge_at": datetime.now(UTC) + KEPT,
    }
    unit.insert("challenges", challenge)
    return challenge, code


def send(ctx: Context, challenge: dict[str, Any], phone: str, code: str) -> None:
    """Hands the code to notifier, which sends it at once and keeps nothing. Raises Problem 503."""
    purpose = Purpose(challenge["purpose"])
    ctx.call(
        "notifier.send_code",
        as_service=True,
        timeout=SEND_TIMEOUT,
        phone=phone,
        purpose=str(purpose),
        text=codes.message(purpose, code),
        reference=challenge["_id"],
    )


def ask(
    ctx: Context,
    purpose: Purpose,
    phone: str,
    *,
    account_id: str | None = None,
    details: Callable[[], dict[str, Any]] | None = None,
) -> dict[str, Any]:
    """A new challenge that is kept and whose code was sent to the phone. Raises Problem 429 or 503."""
    unit = ctx.unit()
    challenge, code = issue(ctx, unit, purpose, phone, account_id=account_id, details=details)
    ctx.commit(unit)
    send(ctx, challenge, phone, code)
    return challenge


def enter_named(ctx: Context, challenge_id: str, purpose: Purpose, code: str) -> dict[str, Any]:
    """The challenge of that id and purpose, if the code is right. Raises Problem 422."""
    found = ctx.store.get("challenges", challenge_id)
    return enter(ctx, found if found is not None and found["purpose"] == purpose else None, code)


def enter(ctx: Context, challenge: dict[str, Any] | None, code: str) -> dict[str, Any]:
    """The challenge, if the code is right; a wrong one is counted. Raises Problem 422.

    The count is written before the answer goes out, against the version that was read: of many guesses at once, one
    is judged at a time.
    """
    key = secrecy.key_of(ctx.kernel)
    digest = secrecy.code_digest(key, challenge["_id"] if challenge else "none", code)
    verdict = codes.judge(challenge, digest, ctx.now)
    if challenge is not None and verdict is Verdict.RIGHT:
        return challenge
    if challenge is not None and verdict is Verdict.WRONG:
        spend(ctx, challenge)
    raise codes.refusal(verdict)


def spend(ctx: Context, challenge: dict[str, Any]) -> None:
    """Takes one try away, at once and for good. Raises StaleVersion."""
    unit = ctx.unit()
    challenge["tries"] += 1
    unit.save("challenges", challenge)
    unit.commit()


def use(unit: UnitOfWork, challenge: dict[str, Any], now: datetime) -> None:
    """Uses up a challenge in the unit that does what it allowed; what it carried is forgotten."""
    challenge["used_at"] = now
    challenge["details"] = {}
    challenge["code"] = None
    unit.save("challenges", challenge)


def send_waiting(ctx: Context) -> None:
    """Sends the codes that were not sent within their request, each once; one that fails waits for the next run."""
    for challenge in store.codes_to_send(ctx.store, ctx.now):
        try:
            _send_late(ctx, challenge)
        except Problem:
            continue  # tried again in the next run, until the code expires
        except DatabaseAway:  # the database is away: the others would wait for it as long
            raise
        except Exception as fault:  # one code's fault is not the others'
            logs.fault("code_not_sent", fault, challenge=challenge["_id"])


def _send_late(ctx: Context, challenge: dict[str, Any]) -> None:
    key = secrecy.key_of(ctx.kernel)
    phone, code = key.open(challenge["phone"], secrecy.PHONE), key.open(challenge["code"], secrecy.CODE)
    send(ctx, challenge, phone, code)
    unit = ctx.unit()
    challenge["waiting"] = False
    challenge["code"] = None
    unit.save("challenges", challenge)
    unit.commit()
