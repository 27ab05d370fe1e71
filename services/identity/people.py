"""Persons for other rooms: who an opaque id is, read with a purpose and logged; ids for people without account."""

from __future__ import annotations

import uuid
from typing import Any

from services.common import problems
from services.common.calendar import local_date
from services.common.context import Context
from services.common.crypto import DataKey
from services.common.writes import Duplicate, StaleVersion
from services.identity import accounts, normalization, numbers, secrecy, store
from services.identity.names import same_name
from services.identity.phones import national_form


def read(ctx: Context, person_id: str, purpose: str) -> dict[str, Any]:
    """The person behind an id; the reading is logged with caller and purpose. Raises Problem 404."""
    person = store.person(ctx.store, person_id)
    if person is None:
        raise problems.not_found()
    account = store.account_of_person(ctx.store, person["_id"])
    key = secrecy.key_of(ctx.kernel)
    phone = secrecy.opened(key, account["phone"], secrecy.PHONE) if account else None
    unit = ctx.unit()
    unit.insert(
        "access_log",
        {
            "_id": uuid.uuid4().hex,
            "person_id": person["_id"],
            "caller": ctx.actor.subject,
            "purpose": purpose,
            "correlation_id": ctx.correlation_id,
            "at": ctx.now,
        },
    )
    answer = {
        "person_id": person["_id"],
        "kind": person["kind"],
        "full_name": secrecy.opened(key, person["full_name"], secrecy.NAME),
        "id_number": secrecy.opened(key, person["number"], secrecy.NUMBER),
        "birth_date": secrecy.opened(key, person["birth_date"], secrecy.BIRTH_DATE),
        "tax_number": secrecy.opened(key, person["tax_number"], secrecy.TAX_NUMBER),
        "phone": national_form(phone) if phone else None,
        "has_account": account is not None,
        "verified": person["verified_at"] is not None,
    }
    ctx.commit(unit)
    return answer


def resolve(ctx: Context, data: dict[str, Any]) -> dict[str, Any]:
    """The id of the person with this number, name and birth date, minted now if there is none.

    Only a person whom the population database confirmed holds a number. What others declare of somebody holds none:
    a wrong name beside a number neither shuts its owner out nor leads to her; the same three data lead to the same
    person, who is confirmed, with all that was filed for her, when she normalizes (DF-03, DF-04).

    Raises Problem 422 for malformed data, and, where the caller is `strict`, ID-16 for data that are not those of the
    confirmed person. A citizen who files for another is not told: the answer would say who has an account (X-23).
    """
    try:
        number = numbers.normalized_number(data["id_number"])
    except numbers.NumberError as error:
        raise problems.invalid(numbers.error_of(error.fault, "id_number", "DF-05")) from None
    found = accounts.check_declared(data["full_name"], data["birth_date"], local_date(ctx.now))
    if found:
        raise problems.invalid(*found)
    key = secrecy.key_of(ctx.kernel)
    birth_date = data["birth_date"].isoformat()
    blind = key.blind(number, secrecy.NUMBER)
    known = store.person_of_number(ctx.store, blind)
    if known is not None:
        if _is(key, known, data["full_name"], birth_date):
            return _resolved(known, minted=False)
        if data["strict"]:
            raise normalization.no_match()
    former = store.person_of_former_number(ctx.store, blind)
    if former is not None and _is(key, former, data["full_name"], birth_date):
        return _resolved(former, minted=False)
    claim = secrecy.claim_blind(key, number, data["full_name"], birth_date)
    claimed = store.person_of_claim(ctx.store, claim)
    if claimed is not None:
        return _resolved(claimed, minted=False)
    person = accounts.person(
        f"per-{uuid.uuid4().hex}",
        full_name=key.seal(data["full_name"].strip(), secrecy.NAME),
        birth_date=key.seal(birth_date, secrecy.BIRTH_DATE),
        number=key.seal(number, secrecy.NUMBER),
    )
    unit = ctx.unit()
    unit.insert("persons", person | {"claim_blind": claim})
    try:
        ctx.commit(unit)
    except Duplicate:
        raise StaleVersion("persons") from None  # minted or confirmed by another request meanwhile: read that one
    return _resolved(person, minted=True)


def _is(key: DataKey, person: dict[str, Any], full_name: str, birth_date: str) -> bool:
    name = secrecy.opened(key, person["full_name"], secrecy.NAME) or ""
    return same_name(name, full_name) and secrecy.opened(key, person["birth_date"], secrecy.BIRTH_DATE) == birth_date


def _resolved(person: dict[str, Any], *, minted: bool) -> dict[str, Any]:
    return {"person_id": person["_id"], "minted": minted, "verified": person["verified_at"] is not None}
