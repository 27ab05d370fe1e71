"""Registering and normalizing an organisation's account: what touches database, codes and business register."""

from __future__ import annotations

import uuid
from datetime import date
from typing import Any

from services.common import problems
from services.common.calendar import local_date
from services.common.context import Context
from services.common.crypto import DataKey
from services.common.store import Document
from services.common.unit import UnitOfWork
from services.identity import (
    accounts,
    challenges,
    matching,
    normalization,
    numbers,
    organisations,
    passwords,
    population_log,
    secrecy,
    store,
)
from services.identity.adapters.business_register import BusinessRegister
from services.identity.codes import Purpose
from services.identity.passwords import Passwords


def register(ctx: Context, hasher: Passwords, data: dict[str, Any]) -> dict[str, Any]:
    """Sends a code to the phone; nothing exists until it comes back, as for a person (registration.confirm).

    Says nothing about phone or tax number (X-23). Raises Problem 422 naming every field at fault, 429 or 503.
    """
    phone = challenges.read_phone(data["phone"])
    found = organisations.check_declared(data["organisation_name"], data["tax_number"])
    found += accounts.check_declared(data["full_name"], data["birth_date"], local_date(ctx.now))
    weak = passwords.check_strength(data["password"], phone)
    if weak is not None:
        found.append(weak)
    if found:
        raise problems.invalid(*found)
    key = secrecy.key_of(ctx.kernel)
    number = numbers.normalized_tax_number(data["tax_number"])
    challenge = challenges.ask(
        ctx,
        Purpose.REGISTRATION,
        phone,
        details=lambda: {
            "password_hash": hasher.hash(data["password"]),
            "full_name": key.seal(data["full_name"].strip(), secrecy.REPRESENTATIVE_NAME),
            "birth_date": key.seal(data["birth_date"].isoformat(), secrecy.REPRESENTATIVE_BIRTH_DATE),
            "organisation_name": key.seal(data["organisation_name"].strip(), secrecy.NAME),
            "tax_number": key.seal(number, secrecy.TAX_NUMBER),
            "tax_blind": key.blind(number, secrecy.TAX_NUMBER),
        },
    )
    return {"registration_id": challenge["_id"], "expires_at": challenge["expires_at"]}


def registered(details: Document) -> tuple[Document, Document]:
    """The organisation that a confirmed registration carries, and how its account differs from a person's: it claims
    the tax number from the beginning."""
    person = organisations.declared(
        f"per-{uuid.uuid4().hex}",
        name=details["organisation_name"],
        tax_number=details["tax_number"],
        representative=details["full_name"],
        representative_birth_date=details["birth_date"],
    )
    return person, {"kind": organisations.KIND, "claimed_blind": details["tax_blind"]}


def normalize(ctx: Context, business: BusinessRegister, data: dict[str, Any]) -> dict[str, Any]:
    """Normalizes the signed-in organisation's account.

    Raises Problem 422 (fields, code, no match: the account stays as it is), 409 (a person's account; done before; tax
    number or phone taken) or 503 (business register away).
    """
    account = accounts.must_be_active(ctx.store.get("accounts", ctx.actor.subject))
    organisations.must_be_one(account)
    own = matching.person_to_confirm(ctx, account)
    key = secrecy.key_of(ctx.kernel)
    kept = key.open(own["representative"]["birth_date"], secrecy.REPRESENTATIVE_BIRTH_DATE)
    birth_date = data["birth_date"] or date.fromisoformat(kept)
    phone = _check(ctx, data, birth_date)
    phone_blind = key.blind(phone, secrecy.PHONE)
    tax_number = numbers.normalized_tax_number(data["tax_number"])
    tax_blind = key.blind(tax_number, secrecy.TAX_NUMBER)
    representative = numbers.parse_personal_number(data["id_number"]).digits
    claim = matching.Claim(
        tax_blind,
        lambda: population_log.logged(
            ctx,
            population_log.Purpose.ORGANISATION_NORMALIZATION,
            account["person_id"],
            lambda: business.ask(
                tax_number=tax_number,
                name=data["organisation_name"],
                id_number=representative,
                full_name=data["full_name"],
                birth_date=birth_date,
            ),
        ),
        organisations.refusal,
        store.account_of_tax_number,
        organisations.taken,
    )
    challenge, found = matching.confirm(ctx, account, phone_blind, data["code"], claim)
    unit = ctx.unit()
    person = _settle(
        ctx,
        unit,
        own,
        {
            "full_name": key.seal(data["organisation_name"].strip(), secrecy.NAME),
            "tax_number": key.seal(tax_number, secrecy.TAX_NUMBER),
            "tax_blind": tax_blind,
            "representative": _sealed(key, data["full_name"].strip(), birth_date, representative),
        },
    )
    former = normalization.adopt(
        account,
        person["_id"],
        tax_blind,
        phone=key.seal(phone, secrecy.PHONE),
        phone_blind=phone_blind,
        unit=found.unit,
        now=ctx.now,
    )
    return matching.conclude(ctx, unit, account, former, challenge)


def _check(ctx: Context, data: dict[str, Any], birth_date: date) -> str:
    """The phone in normal form. Raises Problem 422 naming every field at fault."""
    found = organisations.faults(
        data["organisation_name"],
        data["tax_number"],
        data["full_name"],
        data["id_number"],
        birth_date,
        local_date(ctx.now),
    )
    return matching.checked_phone(data["phone"], found)


def _sealed(key: DataKey, full_name: str, birth_date: date, number: str) -> Document:
    return {
        "full_name": key.seal(full_name, secrecy.REPRESENTATIVE_NAME),
        "birth_date": key.seal(birth_date.isoformat(), secrecy.REPRESENTATIVE_BIRTH_DATE),
        "number": key.seal(number, secrecy.REPRESENTATIVE_NUMBER),
    }


def _settle(ctx: Context, unit: UnitOfWork, own: Document, facts: Document) -> Document:
    """The organisation of the tax number: the one that was confirmed before (its account was cancelled since), else the
    account's own."""
    person = store.organisation_of_tax_number(ctx.store, facts["tax_blind"]) or own
    if person["_id"] != own["_id"]:
        own["merged_into"] = person["_id"]
        unit.save("persons", own)
    person |= facts | {"verified_at": ctx.now}
    unit.save("persons", person)
    return person
