"""Registering an account, and coming back to one whose password is forgotten: both by a code to the phone."""

from __future__ import annotations

import uuid
from typing import Any

from services.common import problems
from services.common.calendar import local_date
from services.common.context import Context
from services.common.store import Document
from services.common.writes import Duplicate
from services.identity import (
    accounts,
    challenges,
    lifecycle,
    normalization,
    organisation_accounts,
    passwords,
    secrecy,
    store,
    throttles,
)
from services.identity.codes import Purpose, Verdict, refusal
from services.identity.passwords import Passwords


def register(ctx: Context, hasher: Passwords, data: dict[str, Any]) -> dict[str, Any]:
    """Sends a code to the phone; nothing exists until it comes back. Says nothing about the phone (X-23)."""
    phone = challenges.read_phone(data["phone"])
    found = accounts.check_declared(data["full_name"], data["birth_date"], local_date(ctx.now))
    weak = passwords.check_strength(data["password"], phone)
    if weak is not None:
        found.append(weak)
    if found:
        raise problems.invalid(*found)
    key = secrecy.key_of(ctx.kernel)
    challenge = challenges.ask(
        ctx,
        Purpose.REGISTRATION,
        phone,
        details=lambda: {
            "password_hash": hasher.hash(data["password"]),
            "full_name": key.seal(data["full_name"].strip(), secrecy.NAME),
            "birth_date": key.seal(data["birth_date"].isoformat(), secrecy.BIRTH_DATE),
        },
    )
    return {"registration_id": challenge["_id"], "expires_at": challenge["expires_at"]}


def confirm(ctx: Context, registration_id: str, code: str) -> dict[str, Any]:
    """Makes account and person once the code is right. Raises Problem 422 (code) or 409 (the phone is taken)."""
    challenge = challenges.enter_named(ctx, registration_id, Purpose.REGISTRATION, code)
    details = challenge["details"]
    if store.account_of_phone(ctx.store, challenge["phone_blind"]) is not None:
        unit = ctx.unit()
        challenges.use(unit, challenge, ctx.now)
        unit.commit()
        raise accounts.taken_phone()
    if "tax_number" in details:
        person, more = organisation_accounts.registered(details)
    else:
        person, more = _person(details), {}
    account = accounts.citizen(
        f"acc-{uuid.uuid4().hex}",
        person["_id"],
        phone=challenge["phone"],
        phone_blind=challenge["phone_blind"],
        password_hash=details["password_hash"],
        now=ctx.now,
    )
    account |= more
    unit = ctx.unit()
    unit.insert("persons", person)
    unit.insert("accounts", account)
    unit.tell(account, "account.registered", {"account_id": account["_id"], "person_id": person["_id"]})
    challenges.use(unit, challenge, ctx.now)
    try:
        answer: dict[str, Any] = ctx.commit(unit, {"account_id": account["_id"], "person_id": person["_id"]})
    except Duplicate:
        raise accounts.taken_phone() from None
    return answer


def _person(details: Document) -> Document:
    return accounts.person(f"per-{uuid.uuid4().hex}", full_name=details["full_name"], birth_date=details["birth_date"])


def request_recovery(ctx: Context, phone_text: str) -> dict[str, Any]:
    """Always the same answer in the same time; a code goes out, a little later, only to the phone of an account."""
    phone = challenges.read_phone(phone_text)
    key = secrecy.key_of(ctx.kernel)
    account = store.account_of_phone(ctx.store, key.blind(phone, secrecy.PHONE))
    unit = ctx.unit()
    challenge, code = challenges.issue(ctx, unit, Purpose.RECOVERY, phone)
    sealed = key.seal(code, secrecy.CODE)
    if account is not None:
        challenge |= {"account_id": account["_id"], "waiting": True, "code": sealed}
    ctx.commit(unit)
    return {"accepted": True, "expires_at": challenge["expires_at"]}


def recover(ctx: Context, hasher: Passwords, data: dict[str, Any]) -> dict[str, Any]:
    """A new password for the account whose phone got the code; all its sessions end. Raises Problem 422."""
    phone = challenges.read_phone(data["phone"])
    passwords.refuse_weak(data["new_password"], phone)
    key = secrecy.key_of(ctx.kernel)
    blind = key.blind(phone, secrecy.PHONE)
    challenge = challenges.enter(ctx, store.latest_challenge(ctx.store, Purpose.RECOVERY, blind), data["code"])
    account = ctx.store.get("accounts", challenge["account_id"])
    if account is None or not account["holds_phone"] or account["phone_blind"] != blind:
        raise refusal(Verdict.ENDED)  # none, or cancelled or moved to another phone since
    live = store.live_sessions(ctx.store, account["_id"])
    lifecycle.set_password(ctx, hasher, account, challenge, data["new_password"], "recovery", live)
    throttles.forget_attempts(ctx.store, f"phone/{blind}", ctx.near)
    return {"recovered": True}


def request_normalization_code(ctx: Context, phone_text: str) -> dict[str, Any]:
    """Sends a code to the phone that the form claims (X-28)."""
    account = accounts.must_be_active(ctx.store.get("accounts", ctx.actor.subject))
    if account["normalized"]:
        raise normalization.already_done()
    phone = challenges.read_phone(phone_text)
    challenge = challenges.ask(ctx, Purpose.NORMALIZATION, phone, account_id=account["_id"])
    return {"sent": True, "expires_at": challenge["expires_at"]}
