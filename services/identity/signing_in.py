"""Signing in: citizens by phone and password, officers by username, password and a code to their phone."""

from __future__ import annotations

from typing import Any

from services.common.context import Context
from services.common.problems import Problem
from services.common.store import Document
from services.identity import accounts, challenges, secrecy, store, throttles, tokens
from services.identity.codes import Purpose
from services.identity.passwords import Passwords
from services.identity.sessions import PORTAL, Method


def sign_in(ctx: Context, hasher: Passwords, data: dict[str, Any]) -> dict[str, Any]:
    """Tokens for phone and password. Raises Problem 401, 403 (locked, after the right password) or 429."""
    key = secrecy.key_of(ctx.kernel)
    phone = challenges.read_phone(data["phone"])
    blind = key.blind(phone, secrecy.PHONE)
    account = _proved(ctx, hasher, f"phone/{blind}", store.account_of_phone(ctx.store, blind), data["password"])
    unit = ctx.unit()
    answer = tokens.open_session(ctx, unit, account, data["channel"] or ctx.channel or PORTAL, Method.PASSWORD)
    ctx.commit(unit)
    return answer


def officer_sign_in(ctx: Context, hasher: Passwords, username: str, password: str) -> dict[str, Any]:
    """A challenge for username and password; its code goes to the officer's phone.

    Raises Problem 401, 403, 429 or 503.
    """
    key = secrecy.key_of(ctx.kernel)
    name = username.strip().lower()
    blind = key.blind(name, "username")
    account = _proved(ctx, hasher, f"officer/{blind}", store.account_of_officer(ctx.store, name), password)
    tokens.refuse_ungranted(ctx.kernel, account)
    phone = key.open(account["phone"], secrecy.PHONE)
    challenge = challenges.ask(ctx, Purpose.OFFICER_SIGN_IN, phone, account_id=account["_id"])
    return {"challenge_id": challenge["_id"], "expires_at": challenge["expires_at"]}


def officer_confirm(ctx: Context, challenge_id: str, code: str) -> dict[str, Any]:
    """Tokens with the officer's grants for the code. Raises Problem 422 or 403."""
    challenge = challenges.enter_named(ctx, challenge_id, Purpose.OFFICER_SIGN_IN, code)
    account = accounts.must_be_active(ctx.store.get("accounts", challenge["account_id"]))
    tokens.refuse_ungranted(ctx.kernel, account)
    unit = ctx.unit()
    challenges.use(unit, challenge, ctx.now)
    answer = tokens.open_session(ctx, unit, account, ctx.channel or PORTAL, Method.OTP)
    ctx.commit(unit)
    return answer


def _proved(ctx: Context, hasher: Passwords, throttle: str, account: Document | None, password: str) -> Document:
    """The account, if the password is its own and it may be used."""
    found = prove(ctx, hasher, throttle, account, password)
    accounts.refuse_locked(found)
    return found


def prove(ctx: Context, hasher: Passwords, throttle: str, account: Document | None, password: str) -> Document:
    """The account, whatever its state, if the password is its own. Raises Problem 401, 429 or 503."""
    wait, tried = throttles.take_attempt(ctx.store, throttle, ctx.near)
    if wait:
        raise accounts.too_often(wait)
    try:
        right = hasher.right(password, account["password_hash"] if account else None)
    except Problem:
        throttles.give_back(ctx.store, throttle, tried)
        raise
    if not right or account is None:
        raise accounts.wrong_credentials()
    throttles.forget_attempts(ctx.store, throttle, ctx.near)
    return account
