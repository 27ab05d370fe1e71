"""Normalizing an account: data, code, population database, and then everything that a match changes, at once."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from typing import Any

from services.common import problems
from services.common.calendar import local_date
from services.common.context import Context
from services.common.crypto import DataKey
from services.common.problems import FieldError, Problem
from services.common.store import Document, Store
from services.common.unit import UnitOfWork
from services.common.writes import Duplicate, StaleVersion
from services.identity import (
    accounts,
    audit,
    challenges,
    lifecycle,
    normalization,
    numbers,
    organisations,
    phones,
    population_log,
    secrecy,
    sessions,
    store,
    tokens,
)
from services.identity.adapters.population import Answer, Population
from services.identity.codes import Purpose
from services.identity.normalization import Outcome

OLD_DIGITS = 9  # of a CMND


def home(ctx: Context) -> dict[str, Any]:
    """The account as its owner sees it, with the form until it is normalized. Raises Problem 401 or 403."""
    account = accounts.must_be_active(ctx.store.get("accounts", ctx.actor.subject))
    person = store.person(ctx.store, account["person_id"]) or {}
    key = secrecy.key_of(ctx.kernel)
    number = secrecy.opened(key, person.get("number"), secrecy.NUMBER)
    phone = secrecy.opened(key, account["phone"], secrecy.PHONE)
    return {
        "account": {
            "account_id": account["_id"],
            "kind": account["kind"],
            "person_id": account["person_id"],
            "full_name": secrecy.opened(key, person.get("full_name"), secrecy.NAME),
            "phone": phones.masked(phone) if phone else None,
            "id_number": accounts.masked_number(number) if account["normalized"] else None,
            "tax_number": secrecy.opened(key, person.get("tax_number"), secrecy.TAX_NUMBER),
            "former_id_numbers": [
                accounts.masked_number(key.open(former["number"], secrecy.NUMBER))
                for former in person.get("former_numbers", [])
            ],
            "normalized": account["normalized"],
        },
        "normalization_form": _form(account, person, number),
    }


def _form(account: Document, person: Document, number: str | None) -> dict[str, Any] | None:
    if account["kind"] == organisations.KIND:
        return None if account["normalized"] else organisations.form()
    return normalization.form(
        account,
        has_birth_date=person.get("birth_date") is not None,
        has_old_number=number is not None and len(number) == OLD_DIGITS,
    )


def normalize(ctx: Context, population: Population, data: dict[str, Any]) -> dict[str, Any]:
    """Normalizes the signed-in account.

    Raises Problem 422 (fields, code, no match: the account stays as it is), 409 (done before; number or phone taken)
    or 503 (population database away).
    """
    account = accounts.must_be_active(ctx.store.get("accounts", ctx.actor.subject))
    organisations.must_not_be_one(account)
    own = person_to_confirm(ctx, account)
    key = secrecy.key_of(ctx.kernel)
    kept = secrecy.opened(key, own["birth_date"], secrecy.BIRTH_DATE)
    birth_date = data["birth_date"] or (date.fromisoformat(kept) if kept else None)
    phone = _check(ctx, data, birth_date)
    assert birth_date is not None
    phone_blind = key.blind(phone, secrecy.PHONE)
    number = numbers.parse_personal_number(data["id_number"]).digits
    number_blind = key.blind(number, secrecy.NUMBER)
    claim = Claim(
        number_blind,
        lambda: population_log.ask(
            ctx,
            population,
            population_log.Purpose.NORMALIZATION,
            account["person_id"],
            id_number=number,
            full_name=data["full_name"],
            birth_date=birth_date,
            issue_date=data["issue_date"],
        ),
        normalization.refusal,
        store.account_of_number,
        normalization.taken_identity,
    )
    challenge, found = confirm(ctx, account, phone_blind, data["code"], claim)
    unit = ctx.unit()
    person = _settle_person(ctx, unit, own, number, number_blind, data, birth_date)
    former = normalization.adopt(
        account,
        person["_id"],
        number_blind,
        phone=key.seal(phone, secrecy.PHONE),
        phone_blind=phone_blind,
        unit=found.unit,
        now=ctx.now,
    )
    return conclude(ctx, unit, account, former, challenge)


@dataclass(frozen=True, slots=True)
class Claim:
    """What an account says of itself, by the index of its number, and whom to ask about it: a national database, what
    its answer means, who holds the number already, and what is said then."""

    blind: str
    ask: Callable[[], Answer]
    refusal: Callable[[Outcome], Problem | None]
    holder: Callable[[Store, str], Document | None]
    taken: Callable[[], Problem]


def person_to_confirm(ctx: Context, account: Document) -> Document:
    """The person of an account that is to be normalized. Raises Problem 409 where it was before."""
    if account["normalized"]:
        raise normalization.already_done()
    own: Document | None = store.person(ctx.store, account["person_id"])
    if own is None:
        raise RuntimeError("an account without a person")
    return own


def confirm(ctx: Context, account: Document, phone_blind: str, code: str, claim: Claim) -> tuple[Document, Answer]:
    """The challenge of the claimed phone, whose code was right, and the match.

    Raises Problem 422 (code, no match: the account stays as it is), 409 (number or phone taken) or 503.
    """
    challenge = challenges.enter(
        ctx, store.latest_challenge(ctx.store, Purpose.NORMALIZATION, phone_blind, account["_id"]), code
    )
    found = claim.ask()
    refused = claim.refusal(found.outcome)
    if refused is not None:
        if found.outcome is not Outcome.UNAVAILABLE:
            _keep_claim(ctx, account, challenge, claim.blind)
        raise refused
    holder = claim.holder(ctx.store, claim.blind)
    if holder is not None and holder["_id"] != account["_id"]:
        _lock_duplicate(ctx, account, holder, challenge, claim.blind)
        raise claim.taken()
    holder = store.account_of_phone(ctx.store, phone_blind)
    if holder is not None and holder["_id"] != account["_id"]:
        _keep_claim(ctx, account, challenge, claim.blind)
        raise accounts.taken_phone()
    return challenge, found


def conclude(ctx: Context, unit: UnitOfWork, account: Document, former: str, challenge: Document) -> dict[str, Any]:
    """What follows every match, in the unit and after it: event, rivals locked, sessions renewed, a new access token.

    `former` is the person for whom the account stood before. Raises Problem 401 where the session has ended meanwhile.
    """
    unit.save("accounts", account)
    told = {"account_id": account["_id"], "person_id": account["person_id"], "former_person_id": former}
    unit.tell(account, "account.normalized", told)
    revocations = _lock_rivals(ctx, unit, account)
    challenges.use(unit, challenge, ctx.now)
    live = store.live_sessions(ctx.store, account["_id"])
    revocations += tokens.renew(unit, live)
    mine = next((s for s in live if s["_id"] == _session_id(ctx)), None)
    if mine is None:
        raise problems.unauthorized()
    lasting: dict[str, Any] = {
        "normalized": True,
        "account_id": account["_id"],
        "person_id": account["person_id"],
        "access_token": None,
        "token_type": "Bearer",
        "expires_in": sessions.ACCESS_LIFETIME,
    }
    try:
        # What is kept for a repeated command holds no token: it would outlive the token by a month. Whoever repeats
        # takes one with the refresh token.
        ctx.commit(unit, lasting)
    except Duplicate:
        # Somebody else took number or phone between our look and our write: look again.
        raise StaleVersion("accounts") from None
    tokens.tell(ctx.kernel, revocations)
    return lasting | {"access_token": tokens.access_token(ctx.kernel, account, mine)}


def _session_id(ctx: Context) -> str:
    session = ctx.store.find_one("sessions", {"sid": ctx.actor.session})
    return session["_id"] if session is not None else ""


def _check(ctx: Context, data: dict[str, Any], birth_date: date | None) -> str:
    """The phone in normal form. Raises Problem 422 naming every field at fault."""
    today = local_date(ctx.now)
    found: list[FieldError] = normalization.faults(
        data["full_name"], data["id_number"], data["issue_date"], birth_date, today
    )
    return checked_phone(data["phone"], found)


def checked_phone(text: str, found: list[FieldError]) -> str:
    """The phone in normal form. Raises Problem 422 naming it and the fields that were found at fault before."""
    phone = ""
    try:
        phone = challenges.read_phone(text)
    except Problem as problem:
        found = [*found, *problem.errors]
    if found:
        raise problems.invalid(*found)
    return phone


def _keep_claim(ctx: Context, account: Document, challenge: Document, number_blind: str) -> None:
    """Remembers which personal or tax number the account claimed (ID-05), and takes a try of the code: a code is no key
    to a national database."""
    unit = ctx.unit()
    account["claimed_blind"] = number_blind
    challenge["tries"] += 1
    unit.save("accounts", account)
    unit.save("challenges", challenge)
    unit.commit()


def _lock_duplicate(ctx: Context, account: Document, holder: Document, challenge: Document, number_blind: str) -> None:
    """Locks an account whose data are right but whose person has normalized another one before (ID-05)."""
    account["claimed_blind"] = number_blind
    challenges.use(unit := ctx.unit(), challenge, ctx.now)
    revocations = _lock(ctx, unit, normalization.lock_rivals(holder, [account], ctx.now))
    unit.commit()
    tokens.tell(ctx.kernel, revocations)


def _settle_person(
    ctx: Context,
    unit: UnitOfWork,
    own: Document,
    number: str,
    number_blind: str,
    data: dict[str, Any],
    birth_date: date,
) -> Document:
    """The person of the number: one that was confirmed before, else the one for whom others filed with exactly the
    data that the database confirms, else the account's own. He or she gets the number now."""
    key = secrecy.key_of(ctx.kernel)
    claim = secrecy.claim_blind(key, number, data["full_name"], birth_date.isoformat())
    person = store.person_of_number(ctx.store, number_blind) or store.person_of_claim(ctx.store, claim)
    old = secrecy.opened(key, own["number"], secrecy.NUMBER)
    if person is None and old is not None and old != number:
        # What was filed for the CMND of an older account, under the same name and birth date, is hers too.
        former = secrecy.claim_blind(key, old, data["full_name"], birth_date.isoformat())
        person = store.person_of_claim(ctx.store, former)
    if person is None:
        person = own
        # Whoever mints a person of these data at this moment meets the index, and looks again.
        person["claim_blind"] = claim
    for known in (person, own):
        _keep_former_number(key, person, known, number)
    if person["_id"] != own["_id"]:
        own["merged_into"] = person["_id"]
        unit.save("persons", own)
    person["number"] = key.seal(number, secrecy.NUMBER)
    person["number_blind"] = number_blind
    person["full_name"] = key.seal(data["full_name"].strip(), secrecy.NAME)
    person["birth_date"] = key.seal(birth_date.isoformat(), secrecy.BIRTH_DATE)
    person["issue_date"] = key.seal(data["issue_date"].isoformat(), secrecy.ISSUE_DATE)
    person["verified_at"] = ctx.now
    unit.save("persons", person)
    return person


def _keep_former_number(key: DataKey, person: Document, known: Document, number: str) -> None:
    before = secrecy.opened(key, known["number"], secrecy.NUMBER)
    if before is not None and before != number:
        normalization.keep_former_number(person, known["number"], key.blind(before, secrecy.NUMBER))


def _lock_rivals(ctx: Context, unit: UnitOfWork, winner: Document) -> list[Document]:
    """Locks every account that duplicates or misstates the winner's identity; returns the revocations to tell."""
    rivals = store.rivals(ctx.store, normalization.identity_blind(winner), winner["person_id"])
    return _lock(ctx, unit, normalization.lock_rivals(winner, rivals, ctx.now))


def _lock(ctx: Context, unit: UnitOfWork, locked: list[Document]) -> list[Document]:
    revocations = []
    for rival in locked:
        unit.save("accounts", rival)
        unit.tell(rival, "account.locked", lifecycle.event_of(rival, rival["lock"]["reason"]))
        audit.record(ctx, unit, "lock", rival["_id"], outcome=rival["lock"]["reason"])
        revocations += tokens.end(unit, store.live_sessions(ctx.store, rival["_id"]))
    return revocations
