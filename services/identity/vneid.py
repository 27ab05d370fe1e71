"""Signing in through VNeID: the part that touches the database and the provider."""

from __future__ import annotations

import functools
from datetime import UTC, datetime, timedelta
from typing import Any

from services.common.context import Context
from services.common.kernel import Kernel
from services.common.store import Document
from services.identity import accounts, grants, secrecy, store, tokens, vneid_sign_in
from services.identity.adapters.vneid import NotProved, Registration, Vneid
from services.identity.sessions import PORTAL, Method
from services.identity.vneid_sign_in import As

KEPT = timedelta(days=1)  # then the database forgets a request


@functools.cache
def _provider(known_as: Registration) -> Vneid:
    return Vneid(known_as)


def provider(kernel: Kernel) -> Vneid:
    """The provider's client, one a process."""
    settings = kernel.settings
    way_back = settings.public_url.rstrip("/") + vneid_sign_in.WAY_BACK
    return _provider(Registration(settings.vneid_url, settings.vneid_client_id, settings.vneid_secret_path, way_back))


def begin(ctx: Context, wanted: str, channel: str | None) -> dict[str, Any]:
    """The address to which the browser goes, and what it keeps. Raises Problem 403 (not active yet) or 503."""
    vneid_sign_in.refuse_before(ctx.kernel.settings.vneid_from, ctx.now)
    key = secrecy.key_of(ctx.kernel)
    made = vneid_sign_in.new_secrets()
    url = provider(ctx.kernel).authorization_url(made.state, made.nonce, made.verifier)
    sealed = {
        "nonce": key.seal(made.nonce, secrecy.VNEID_NONCE),
        "verifier": key.seal(made.verifier, secrecy.VNEID_VERIFIER),
    }
    now = datetime.now(UTC)
    request = vneid_sign_in.request(made, As(wanted), channel or ctx.channel or PORTAL, sealed, now)
    unit = ctx.unit()
    unit.insert("vneid_requests", request | {"purge_at": now + KEPT})
    ctx.commit(unit)
    return {
        "sign_in_id": request["_id"],
        "authorization_url": url,
        "binding": made.binding,
        "expires_at": request["expires_at"],
    }


def complete(ctx: Context, data: dict[str, Any]) -> dict[str, Any]:
    """Tokens for the code with which the browser came back.

    Raises Problem 401 (nothing proved), 403 (not active, not normalized, no grant, locked) or 503. A request is used
    up before the provider is asked: of two at once with the same answer, one gets in.
    """
    vneid_sign_in.refuse_before(ctx.kernel.settings.vneid_from, ctx.now)
    request = ctx.store.get("vneid_requests", data["sign_in_id"])
    if request is None or not vneid_sign_in.is_good(request, data["state"], data["binding"], datetime.now(UTC)):
        raise vneid_sign_in.not_begun()
    key = secrecy.key_of(ctx.kernel)
    nonce = key.open(request["nonce"], secrecy.VNEID_NONCE)
    verifier = key.open(request["verifier"], secrecy.VNEID_VERIFIER)
    _use_up(ctx, request)
    try:
        number = provider(ctx.kernel).personal_number(data["code"], nonce, verifier)
    except NotProved:
        raise vneid_sign_in.not_begun() from None
    find = _officer if request["as"] == As.OFFICER else _citizen
    account = find(ctx, key.blind(number, secrecy.NUMBER))
    unit = ctx.unit()
    answer = tokens.open_session(ctx, unit, account, request["channel"], Method.VNEID)
    ctx.commit(unit)
    return answer


def _use_up(ctx: Context, request: Document) -> None:
    unit = ctx.unit()
    request["used_at"] = datetime.now(UTC)
    request["nonce"] = request["verifier"] = None
    unit.save("vneid_requests", request)
    unit.commit()


def _citizen(ctx: Context, number_blind: str) -> Document:
    """The normalized account of the number. Raises Problem 403."""
    account = store.account_of_number(ctx.store, number_blind)
    if account is None:
        raise vneid_sign_in.normalize_first()
    return accounts.must_be_active(account)


def _officer(ctx: Context, number_blind: str) -> Document:
    """The officer's account of the person, with a grant that holds now. Raises Problem 403."""
    person = store.person_of_number(ctx.store, number_blind)
    account = store.officer_of_person(ctx.store, person["_id"]) if person else None
    if account is None:
        raise grants.none_held()
    accounts.must_be_active(account)
    tokens.refuse_ungranted(ctx.kernel, account)
    return account
