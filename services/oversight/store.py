"""Collections and indexes of oversight.

ledger        one row per entry, `_id` = its sequence; insert only
ledger_state  `head`: sequence and hash of the last entry; its guarded update makes appending serial
dossiers      aggregate: intake clock, recognition, what the figures need
reviews       aggregate: one per slip, `_id` = slip id; text and statement sealed
blocks        aggregate: one per dossier and act, `_id` = `<code>:<act>`
disclosures   aggregate: who of IOC read an account's transactions, and why (sealed)
violations    the register; insert only
centres       which HCC centre is told of a unit's violations
"""

from __future__ import annotations

from typing import Any

from services.common.store import Index, Store
from services.oversight.ledger import GENESIS, Entry

AGGREGATES = ["reviews", "blocks", "dossiers", "disclosures"]
INDEXES = [
    Index("ledger", [("body.id", 1)], {"name": "once_per_event", "unique": True}),
    Index("ledger", [("body.subject", 1), ("_id", 1)], {"name": "by_subject"}),
    Index("ledger", [("body.aggregate_id", 1), ("body.sequence", 1)], {"name": "by_place"}),
    Index("ledger", [("body.actor_id", 1), ("_id", -1)], {"name": "by_actor"}),
    Index(
        "ledger",
        [("body.data.account_id", 1), ("_id", -1)],
        {"name": "by_account", "partialFilterExpression": {"body.data.account_id": {"$type": "string"}}},
    ),
    Index("disclosures", [("account_id", 1), ("at", -1)], {"name": "by_account"}),
    Index("ledger_state", [("sequence", 1)], {"name": "by_sequence"}),
    Index("reviews", [("state", 1), ("at", 1), ("_id", 1)], {"name": "oldest_by_state"}),
    Index("reviews", [("code", 1), ("act", 1), ("round", 1)], {"name": "by_dossier"}),
    Index("reviews", [("file_id", 1), ("state", 1)], {"name": "by_file"}),
    Index("reviews", [("state", 1), ("next_check_at", 1)], {"name": "to_check"}),
    Index("blocks", [("code", 1)], {"name": "by_dossier"}),
    Index("dossiers", [("open_due", 1)], {"name": "running_clocks"}),
    Index("dossiers", [("intake_late", 1), ("_id", 1)], {"name": "late_everywhere"}),
    Index("dossiers", [("intake_late", 1), ("unit", 1), ("_id", 1)], {"name": "late"}),
    Index("dossiers", [("intake_late", 1), ("desk", 1), ("_id", 1)], {"name": "late_at_desk"}),
    Index("dossiers", [("unit", 1), ("filed_at", 1)], {"name": "by_unit"}),
    Index("dossiers", [("filed_at", 1)], {"name": "by_day"}),
    Index("violations", [("unit", 1), ("_id", -1)], {"name": "by_unit"}),
    Index("violations", [("code", 1), ("_id", -1)], {"name": "by_dossier"}),
    Index("centres", [("centre", 1)], {"name": "by_centre"}),
]


def prepare(store: Store, seed: dict[str, Any]) -> None:
    """Makes the ledger's head row and the seeded centres where they are missing."""
    store.collection("ledger_state").update_one(
        {"_id": "head"}, {"$setOnInsert": {"sequence": 0, "hash": GENESIS}}, upsert=True
    )
    for unit, centre in seed.get("centres", {}).items():
        store.collection("centres").update_one({"_id": unit}, {"$setOnInsert": {"centre": centre}}, upsert=True)


def last_entry(store: Store) -> Entry | None:
    """The ledger's last entry."""
    row = store.find_one("ledger", {}, sort=[("_id", -1)])
    return None if row is None else Entry.from_dict(row)


def centre_of(store: Store, unit: str) -> str | None:
    """The HCC centre of a unit, else the one named for all others (`*`)."""
    row = store.get("centres", unit) or store.get("centres", "*")
    return None if row is None else str(row["centre"])
