"""Accounts that a rehearsal starts with: officers with grants, and citizens' accounts of the years before: without a
birth date, with a CMND, or normalized and without phone or birth date (support cases 3 and 5)."""

from __future__ import annotations

from typing import Any

import orjson

from services.common import logs
from services.common.crypto import DataKey
from services.common.kernel import Kernel
from services.identity import accounts, grants, numbers, secrecy, store, units
from services.identity.passwords import Passwords
from services.identity.phones import normal_mobile


def plant(kernel: Kernel, hasher: Passwords) -> None:
    """Inserts what is missing from the seed file; what is there is never overwritten."""
    if kernel.settings.seed_path is None:
        return
    seed = orjson.loads(kernel.settings.seed_path.read_bytes())
    for row in seed.get("units", []):
        _plant_unit(kernel, row)
    planted = sum(_plant(kernel, hasher, row) for row in [*seed["officers"], *seed["citizens"]])
    logs.info("seeded", accounts=planted)


def _plant(kernel: Kernel, hasher: Passwords, row: dict[str, Any]) -> bool:
    if kernel.store.get("accounts", row["account_id"]) is not None:
        _number_what_has_none(kernel, row)
        return False
    key = secrecy.key_of(kernel)
    phone = normal_mobile(row["phone"]) if row["phone"] else None
    number = _number(key, row)
    # An officer who has been confirmed as a citizen before is that person.
    known = store.person_of_number(kernel.store, number["number_blind"]) if number else None
    person_id = known["_id"] if known else row["person_id"]
    person = accounts.person(
        person_id,
        full_name=key.seal(row["full_name"], secrecy.NAME),
        birth_date=key.seal(row["birth_date"], secrecy.BIRTH_DATE) if row["birth_date"] else None,
        **number,
    )
    facts: dict[str, Any] = {
        "phone": key.seal(phone, secrecy.PHONE) if phone else None,
        "phone_blind": key.blind(phone, secrecy.PHONE) if phone else None,
        "password_hash": hasher.hash(row["password"]),
        "now": kernel.now(),
    }
    if row.get("username"):
        account = accounts.officer(
            row["account_id"], person_id, username=row["username"], grants=grants.checked(row["grants"]), **facts
        )
    else:
        account = accounts.citizen(row["account_id"], person_id, **facts)
        _of_the_years_before(kernel, row, account, person)
    for collection, document in (("persons", person), ("accounts", account)):
        kernel.store.collection(collection).update_one(
            {"_id": document.pop("_id")},
            {"$setOnInsert": document | {"version": 1, "schema_version": 1, "seq": 0}},
            upsert=True,
        )
    return True


def _plant_unit(kernel: Kernel, row: dict[str, Any]) -> None:
    first = row["names"][0]
    unit = units.unit(row["unit"], row["kind"], row["parent"], first["vi"], first["en"]) | {"names": row["names"]}
    unit_id = unit.pop("_id")
    kernel.store.collection("units").update_one(
        {"_id": unit_id}, {"$setOnInsert": unit | {"version": 1, "schema_version": 1, "seq": 0}}, upsert=True
    )


def _of_the_years_before(kernel: Kernel, row: dict[str, Any], account: dict[str, Any], person: dict[str, Any]) -> None:
    """What a citizen's old account has: a CMND that nobody confirmed, or a confirmed number and something missing."""
    key = secrecy.key_of(kernel)
    if row.get("old_number"):
        # Known of the person and found by the account; it is nobody's by itself.
        person["number"] = key.seal(row["old_number"], secrecy.NUMBER)
        account["number_blind"] = key.blind(row["old_number"], secrecy.NUMBER)
    if row.get("id_number"):
        missing = [name for name in ("phone", "birth_date") if not row[name]]
        account |= {"normalized": True, "normalized_at": kernel.now(), "holds_number": True, "lacks": missing}
        account["number_blind"] = person["number_blind"]
        person["verified_at"] = kernel.now()


def _number(key: DataKey, row: dict[str, Any]) -> dict[str, str]:
    """The personal number of an officer, by which VNeID names him or her, or of a normalized citizen."""
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
