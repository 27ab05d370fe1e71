"""Accounts that a rehearsal starts with: officers with grants, and an old citizen account without a birth date."""

from __future__ import annotations

from typing import Any

import orjson

from services.common import logs
from services.common.crypto import DataKey
from services.common.kernel import Kernel
from services.identity import accounts, grants, numbers, secrecy, store
from services.identity.passwords import Passwords
from services.identity.phones import normal_mobile


def plant(kernel: Kernel, hasher: Passwords) -> None:
    """Inserts what is missing from the seed file; what is there is never overwritten."""
    if kernel.settings.seed_path is None:
        return
    seed = orjson.loads(kernel.settings.seed_path.read_bytes())
    planted = sum(_plant(kernel, hasher, row) for row in [*seed["officers"], *seed["citizens"]])
    logs.info("seeded", accounts=planted)


def _plant(kernel: Kernel, hasher: Passwords, row: dict[str, Any]) -> bool:
    if kernel.store.get("accounts", row["account_id"]) is not None:
        _number_what_has_none(kernel, row)
        return False
    key = secrecy.key_of(kernel)
    phone = normal_mobile(row["phone"])
    person = accounts.person(
        row["person_id"],
        full_name=key.seal(row["full_name"], secrecy.NAME),
        birth_date=key.seal(row["birth_date"], secrecy.BIRTH_DATE) if row["birth_date"] else None,
        **_number(key, row),
    )
    facts: dict[str, Any] = {
        "phone": key.seal(phone, secrecy.PHONE),
        "phone_blind": key.blind(phone, secrecy.PHONE),
        "password_hash": hasher.hash(row["password"]),
        "now": kernel.now(),
    }
    if row.get("username"):
        account = accounts.officer(
            row["account_id"], row["person_id"], username=row["username"], grants=grants.checked(row["grants"]), **facts
        )
    else:
        account = accounts.citizen(row["account_id"], row["person_id"], **facts)
    for collection, document in (("persons", person), ("accounts", account)):
        kernel.store.collection(collection).update_one(
            {"_id": document.pop("_id")},
            {"$setOnInsert": document | {"version": 1, "schema_version": 1, "seq": 0}},
            upsert=True,
        )
    return True


def _number(key: DataKey, row: dict[str, Any]) -> dict[str, str]:
    """An officer's personal number, by which VNeID names the officer."""
    if not row.get("id_number"):
        return {}
    number = numbers.parse_personal_number(row["id_number"]).digits
    return {"number": key.seal(number, secrecy.NUMBER), "number_blind": key.blind(number, secrecy.NUMBER)}


def _number_what_has_none(kernel: Kernel, row: dict[str, Any]) -> None:
    """Officers of an earlier release have no number; one who normalized an account as a citizen keeps it there."""
    known = _number(secrecy.key_of(kernel), row)
    if known and store.person_of_number(kernel.store, known["number_blind"]) is None:
        kernel.store.collection("persons").update_one(
            {"_id": row["person_id"], "number_blind": None}, {"$set": known, "$inc": {"version": 1}}
        )
