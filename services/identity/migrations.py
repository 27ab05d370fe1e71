"""What documents of earlier releases lack.

1  `sessions.method`: before, a citizen signed in with a password and an officer with a code besides, and no otherwise.
2  `accounts.unit`: of residence, unknown; `persons.former_numbers`: none.
3  `accounts.lacks`: what a normalized account has not: phone, birth date.
4  `accounts.grants`: without days, a pair of role and unit.
5  Organisations: there were none, every person is one, and no account holds a tax number.
"""

from __future__ import annotations

from services.common.migrations import Migration
from services.common.store import Document, Store
from services.identity.grants import grant
from services.identity.sessions import Method


def say_how_sessions_were_opened(store: Store) -> None:
    """Safe to repeat."""
    officers: list[Document] = [{"$match": {"kind": "officer"}}, {"$project": {"_id": 1}}]
    ids = [row["_id"] for row in store.collection("accounts").aggregate(officers)]
    sessions = store.collection("sessions")
    missing = {"method": {"$exists": False}}
    sessions.update_many(missing | {"account_id": {"$in": ids}}, {"$set": {"method": str(Method.OTP)}})
    sessions.update_many(missing, {"$set": {"method": str(Method.PASSWORD)}})


def name_units_and_former_numbers(store: Store) -> None:
    """Safe to repeat."""
    store.collection("accounts").update_many({"unit": {"$exists": False}}, {"$set": {"unit": None}})
    store.collection("persons").update_many({"former_numbers": {"$exists": False}}, {"$set": {"former_numbers": []}})


def say_what_normalized_accounts_lack(store: Store) -> None:
    """Safe to repeat. Normalization has always taken both, so what lacks one came from elsewhere."""
    accounts = store.collection("accounts")
    unsaid: Document = {"lacks": {"$exists": False}}
    without = [row["_id"] for row in store.collection("persons").find({"birth_date": None}, {"_id": 1})]
    for start in range(0, len(without), 1000):
        some = {"normalized": True, "person_id": {"$in": without[start : start + 1000]}}
        accounts.update_many(unsaid | some, {"$set": {"lacks": ["birth_date"]}})
    accounts.update_many(unsaid, {"$set": {"lacks": []}})


def give_grants_their_days(store: Store) -> None:
    """Safe to repeat: a grant that is a pair becomes one that always holds."""
    accounts = store.collection("accounts")
    for row in accounts.find({"grants.0": {"$type": "array"}}, {"grants": 1}):
        given = [grant(role, unit) for role, unit in row["grants"]]
        accounts.update_one({"_id": row["_id"], "grants": row["grants"]}, {"$set": {"grants": given}})


def tell_people_from_organisations(store: Store) -> None:
    """Safe to repeat."""
    person: Document = {"kind": "person", "tax_number": None, "tax_blind": None, "representative": None}
    store.collection("persons").update_many({"kind": {"$exists": False}}, {"$set": person})
    none: Document = {"tax_blind": None, "holds_tax_number": False}
    store.collection("accounts").update_many({"tax_blind": {"$exists": False}}, {"$set": none})


MIGRATIONS = [
    Migration(1, "say how each session was opened", say_how_sessions_were_opened),
    Migration(2, "units of residence and former numbers", name_units_and_former_numbers),
    Migration(3, "what normalized accounts lack", say_what_normalized_accounts_lack),
    Migration(4, "days of grants", give_grants_their_days),
    Migration(5, "people and organisations", tell_people_from_organisations),
]
