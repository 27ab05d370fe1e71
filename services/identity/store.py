"""Identity's collections, indexes and queries.

Aggregates: accounts, sessions, support_cases, eid_cases, units. Besides: persons, challenges (codes that were sent),
revocations (ids of sessions whose access tokens may still live), vneid_requests (sign-ins under way), throttles
(throttles.py), access_log (who read which person's data, and why), account_log (who did what to which account, and
why).
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, date, datetime
from typing import Any

from pymongo import ReturnDocument
from pymongo.errors import DuplicateKeyError

from services.common import cursors
from services.common.store import Document, Index, Store
from services.identity import units
from services.identity.account_states import State
from services.identity.grants import Grant

AGGREGATES = ["accounts", "sessions", "support_cases", "eid_cases", "units"]

_THERE = {"$exists": True}
_MOST_FOUND = 50

INDEXES = [
    # One live account per phone, one normalized account per personal number (ID-06), one officer per username.
    Index(
        "accounts",
        [("phone_blind", 1)],
        {"name": "one_account_per_phone", "unique": True, "partialFilterExpression": {"holds_phone": True}},
    ),
    Index(
        "accounts",
        [("number_blind", 1)],
        {
            "name": "one_normalized_account_per_number",
            "unique": True,
            "partialFilterExpression": {"holds_number": True},
        },
    ),
    Index(
        "accounts",
        [("tax_blind", 1)],
        {
            "name": "one_normalized_account_per_tax_number",
            "unique": True,
            "partialFilterExpression": {"holds_tax_number": True},
        },
    ),
    Index(
        "accounts",
        [("username", 1)],
        {
            "name": "one_officer_per_username",
            "unique": True,
            "partialFilterExpression": {"username": {"$type": "string"}},
        },
    ),
    Index(
        "accounts",
        [("claimed_blind", 1)],
        {"name": "by_claimed_number", "partialFilterExpression": {"claimed_blind": {"$type": "string"}}},
    ),
    Index("accounts", [("person_id", 1)], {"name": "by_person"}),
    Index(
        "accounts",
        [("grants.unit", 1), ("username", 1)],
        {"name": "officers_of_unit", "partialFilterExpression": {"kind": "officer"}},
    ),
    # For figures: all that the counting looks at stands in the first; the others lead to what happened on a day.
    Index("accounts", [("kind", 1), ("unit", 1), ("state", 1), ("normalized", 1)], {"name": "by_state"}),
    Index("accounts", [("registered_at", 1)], {"name": "by_registration"}),
    Index("accounts", [("normalized_at", 1)], {"name": "by_normalization"}),
    Index("accounts", [("lock.at", 1)], {"name": "by_lock"}),
    # What support finds by: accounts that hold a phone or number no more are found by it too.
    Index("accounts", [("phone_blind", 1), ("registered_at", -1)], {"name": "ever_of_phone"}),
    Index(
        "accounts",
        [("number_blind", 1), ("registered_at", -1)],
        {"name": "ever_of_number", "partialFilterExpression": {"number_blind": {"$type": "string"}}},
    ),
    Index(
        "accounts", [("_id", 1), ("lacks", 1)], {"name": "incomplete", "partialFilterExpression": {"lacks.0": _THERE}}
    ),
    Index("eid_cases", [("unit", 1), ("opened_at", 1), ("_id", 1)], {"name": "of_desk"}),
    Index("eid_cases", [("unit", 1), ("state", 1), ("opened_at", 1), ("_id", 1)], {"name": "of_desk_by_state"}),
    Index(
        "eid_cases",
        [("unit", 1), ("number_blind", 1)],
        {"name": "one_open_per_number", "unique": True, "partialFilterExpression": {"open": True}},
    ),
    *(
        Index("support_cases", [*key, ("opened_at", 1), ("_id", 1)], {"name": name})
        for name, key in {
            "all": [],
            "by_state": [("state", 1)],
            "by_account": [("account_id", 1)],
            "by_number": [("case", 1)],
        }.items()
    ),
    Index(
        "persons",
        [("number_blind", 1)],
        {
            "name": "one_person_per_number",
            "unique": True,
            "partialFilterExpression": {"number_blind": {"$type": "string"}},
        },
    ),
    Index(
        "persons",
        [("tax_blind", 1)],
        {
            "name": "one_organisation_per_tax_number",
            "unique": True,
            "partialFilterExpression": {"tax_blind": {"$type": "string"}},
        },
    ),
    Index(
        "persons",
        [("claim_blind", 1)],
        {
            "name": "one_person_per_claim",
            "unique": True,
            "partialFilterExpression": {"claim_blind": {"$type": "string"}},
        },
    ),
    Index(
        "persons",
        [("former_numbers.blind", 1)],
        {"name": "by_former_number", "partialFilterExpression": {"former_numbers.blind": {"$type": "string"}}},
    ),
    Index("challenges", [("phone_blind", 1), ("purpose", 1), ("sent_at", -1)], {"name": "by_phone"}),
    Index("challenges", [("waiting", 1)], {"name": "to_send", "partialFilterExpression": {"waiting": True}}),
    Index("challenges", [("purge_at", 1)], {"name": "kept_one_day", "expireAfterSeconds": 0}),
    Index("sessions", [("sid", 1)], {"name": "by_sid", "unique": True}),
    Index("sessions", [("account_id", 1), ("ended_at", 1)], {"name": "by_account"}),
    Index("sessions", [("expires_at", 1)], {"name": "kept_until_expired", "expireAfterSeconds": 86_400}),
    Index(
        "accounts",
        [("vneid_told", 1)],
        {"name": "by_told_time", "partialFilterExpression": {"normalized": True}},
    ),
    Index("vneid_requests", [("purge_at", 1)], {"name": "kept_one_day", "expireAfterSeconds": 0}),
    Index("revocations", [("ends_at", 1)], {"name": "kept_until_harmless", "expireAfterSeconds": 0}),
    Index("throttles", [("purge_at", 1)], {"name": "kept_for_a_window", "expireAfterSeconds": 0}),
    Index("access_log", [("person_id", 1), ("at", -1)], {"name": "by_person"}),
    Index("access_log", [("at", 1)], {"name": "by_time"}),
    Index(
        "persons",
        [("merged_into", 1)],
        {"name": "by_what_it_turned_out_to_be", "partialFilterExpression": {"merged_into": {"$type": "string"}}},
    ),
    *(
        Index("account_log", [*key, ("at", 1), ("_id", 1)], {"name": name})
        for name, key in {
            "all": [],
            "by_account": [("account_id", 1)],
            "by_case": [("case_id", 1)],
            "by_number_of_case": [("case", 1)],
        }.items()
    ),
]

_LOG_ORDER: cursors.Order = {"at": datetime, "_id": str}
_CASE_ORDER: cursors.Order = {"opened_at": datetime, "_id": str}
_ID_ORDER: cursors.Order = {"_id": str}


def account_of_phone(store: Store, phone_blind: str) -> Document | None:
    """The account that holds this phone (citizens only: officers' phones are not held)."""
    return store.find_one("accounts", {"phone_blind": phone_blind, "holds_phone": True})


def account_of_officer(store: Store, username: str) -> Document | None:
    return store.find_one("accounts", {"username": username})


def officers_of(store: Store, unit: str) -> list[Document]:
    """Accounts with a grant in a unit."""
    return list(store.find("accounts", {"grants.unit": unit, "kind": "officer"}))


def closed_units(store: Store, grants: Iterable[Grant]) -> dict[str, date]:
    """Of the units of these grants those that close, with the first day without them."""
    asked = [("units", row["unit"]) for row in grants if row["unit"] != "*"]
    return units.closed(row for row in store.get_each(*asked) if row is not None) if asked else {}


def account_of_number(store: Store, number_blind: str) -> Document | None:
    """The normalized account of a personal number."""
    return store.find_one("accounts", {"number_blind": number_blind, "holds_number": True})


def account_of_tax_number(store: Store, tax_blind: str) -> Document | None:
    """The normalized account of an organisation's tax number."""
    return store.find_one("accounts", {"tax_blind": tax_blind, "holds_tax_number": True})


def organisation_of_tax_number(store: Store, tax_blind: str) -> Document | None:
    """The organisation that the business register confirmed under this tax number."""
    return store.find_one("persons", {"tax_blind": tax_blind})


def account_of_person(store: Store, person_id: str) -> Document | None:
    """The account of a person; a normalized one before others, never a cancelled one: its phone may be another's."""
    query = {"person_id": person_id, "state": {"$ne": str(State.CANCELLED)}}
    return store.find_one("accounts", query, sort=[("normalized", -1)])


def officer_of_person(store: Store, person_id: str) -> Document | None:
    """The officer's account of a person, who may have a citizen's beside it."""
    query = {"person_id": person_id, "kind": "officer", "state": {"$ne": str(State.CANCELLED)}}
    return store.find_one("accounts", query)


def _not_told(active_from: datetime) -> Document:
    # An account of an earlier release has no such field, and so was not told.
    return {"normalized": True, "kind": "citizen", "state": str(State.ACTIVE), "vneid_told": {"$ne": active_from}}


def not_told(store: Store, active_from: datetime, most: int) -> list[Document]:
    """Normalized accounts whose owners were not told that VNeID opens them from that time."""
    return list(store.find("accounts", _not_told(active_from), limit=most))


def count_not_told(store: Store, active_from: datetime) -> int:
    return int(store.collection("accounts").count_documents(_not_told(active_from)))


def rivals(store: Store, number_blind: str, person_id: str) -> list[Document]:
    """Accounts that last tried to normalize with this personal or tax number, or stand for its person."""
    return list(store.find("accounts", {"$or": [{"claimed_blind": number_blind}, {"person_id": person_id}]}))


def person(store: Store, person_id: str) -> Document | None:
    """A person; a former id leads to the person that it turned out to be."""
    found = store.get("persons", person_id)
    while found is not None and found["merged_into"]:
        found = store.get("persons", found["merged_into"])
    return found


def ids_of_person(store: Store, person_id: str) -> list[str]:
    """The id and the former ones that lead to it."""
    found = [person_id]
    for known in found:  # grows while it is read
        found += [row["_id"] for row in store.find("persons", {"merged_into": known})]
    return found


def person_of_number(store: Store, number_blind: str) -> Document | None:
    """The person whom the population database confirmed under this number."""
    return store.find_one("persons", {"number_blind": number_blind})


def person_of_former_number(store: Store, number_blind: str) -> Document | None:
    """The person who had this number before (an old CMND, as declared by its owner)."""
    return store.find_one("persons", {"former_numbers.blind": number_blind})


def person_of_claim(store: Store, claim_blind: str) -> Document | None:
    """The person of whom somebody else declared these data (number, name, birth date)."""
    found = store.find_one("persons", {"claim_blind": claim_blind})
    return None if found is None else person(store, found["_id"])


def accounts_ever_of_phone(store: Store, phone_blind: str) -> list[Document]:
    """Citizens' and organisations' accounts that hold or held this phone, newest first."""
    query = {"phone_blind": phone_blind, "kind": {"$ne": "officer"}}
    return list(store.find("accounts", query, sort=[("registered_at", -1)], limit=_MOST_FOUND))


def accounts_ever_of_number(store: Store, number_blind: str) -> list[Document]:
    """Accounts that have, had or claim this number, or whose person has it or had it (an old CMND), newest first."""
    persons = store.find(
        "persons", {"$or": [{"number_blind": number_blind}, {"former_numbers.blind": number_blind}]}, limit=_MOST_FOUND
    )
    mine = {"person_id": {"$in": [person["_id"] for person in persons]}}
    query = {"$or": [{"number_blind": number_blind}, {"claimed_blind": number_blind}, mine], "kind": {"$ne": "officer"}}
    return list(store.find("accounts", query, sort=[("registered_at", -1)], limit=_MOST_FOUND))


def incomplete_accounts(store: Store, cursor: str | None, limit: int) -> tuple[list[Document], str | None]:
    """Normalized accounts that lack phone or birth date and are not cancelled, by id."""
    query = {"lacks.0": _THERE, "state": {"$ne": str(State.CANCELLED)}}
    return cursors.read(store, "accounts", query, _ID_ORDER, cursor, limit)


def support_cases(store: Store, asked: Document, cursor: str | None, limit: int) -> tuple[list[Document], str | None]:
    """A page of cases, oldest first; `asked`: fields that must be as given."""
    return cursors.read(store, "support_cases", asked, _CASE_ORDER, cursor, limit)


def eid_cases(store: Store, asked: Document, cursor: str | None, limit: int) -> tuple[list[Document], str | None]:
    """A page of a desk's e-ID cases, oldest first; `asked`: fields that must be as given."""
    return cursors.read(store, "eid_cases", asked, _CASE_ORDER, cursor, limit)


def open_eid_case(store: Store, unit: str, number_blind: str) -> Document | None:
    """The open case of a number at a desk."""
    return store.find_one("eid_cases", {"unit": unit, "number_blind": number_blind, "open": True})


def log_page(store: Store, asked: Document, cursor: str | None, limit: int) -> tuple[list[Document], str | None]:
    """A page of the account log, oldest first; `asked`: fields that must be as given."""
    return cursors.read(store, "account_log", asked, _LOG_ORDER, cursor, limit)


def latest_challenge(store: Store, purpose: str, phone_blind: str, account_id: str | None = None) -> Document | None:
    """The last code sent to a phone for a purpose (and account): a newer code ends the older ones."""
    query: dict[str, Any] = {"phone_blind": phone_blind, "purpose": purpose}
    if account_id is not None:
        query["account_id"] = account_id
    return store.find_one("challenges", query, sort=[("sent_at", -1), ("_id", -1)])


def codes_to_send(store: Store, now: datetime) -> list[Document]:
    """Challenges whose code waits to be sent and still serves."""
    return list(store.find("challenges", {"waiting": True, "expires_at": {"$gt": now}}, limit=100))


def live_sessions(store: Store, account_id: str) -> list[Document]:
    return list(store.find("sessions", {"account_id": account_id, "ended_at": None}))


def live_revocations(store: Store) -> list[Document]:
    """Sessions whose access tokens must still be refused."""
    return list(store.find("revocations", {"ends_at": {"$gt": datetime.now(UTC)}}))


def update_throttle(store: Store, key: str, update: list[Document]) -> Document:
    """The row of a name after this update, which also makes it."""
    while True:
        try:
            row: Document = store.collection("throttles").find_one_and_update(
                {"_id": key}, update, upsert=True, return_document=ReturnDocument.AFTER
            )
            return row
        except DuplicateKeyError:
            continue  # another request made the row at the same moment: now it is there
