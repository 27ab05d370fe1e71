"""Collections, indexes and queries of signing.

files      one document a checked file (aggregate): its verdict now, and the report that says why
reports    reports as they were given, never changed; names and personal numbers of signers encrypted
checks     who had a file checked, when, with which outcome (SG-01); never changed
prints     the vault's file of each report that was printed
trust      `in_use`: the highest number of a trust configuration that was ever in use: none before it comes back
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from services.common.store import Document, Index, Store
from services.signing.reports import WAITS_FOR_REVOCATION, waiting_since

AGGREGATES = ["files"]
INDEXES = [
    Index("files", [("sha256", 1), ("received_at", 1)], {"name": "by_content"}),
    Index("files", [("verdict", 1), ("next_check_at", 1)], {"name": "undecided"}),
    Index("files", [("verdict", 1), ("code", 1), ("received_at", 1)], {"name": "waiting"}),
    Index("checks", [("file_id", 1), ("at", -1)], {"name": "by_file"}),
    Index("reports", [("sha256", 1), ("policy", 1), ("trust_version", 1)], {"name": "by_content"}),
]
_MOST_COUNTED = 10_000
_MOST_CHECKS = 100


def earliest_receipt(store: Store, sha256: str, received: datetime) -> datetime:
    """The earliest time at which these bytes were here under any file id: it proves that the signature existed."""
    first = store.find_one("files", {"sha256": sha256}, sort=[("received_at", 1)])
    return min(received, first["received_at"]) if first else received


def standing_report(store: Store, sha256: str, policy: str, trust_version: str, received: datetime) -> Document | None:
    """A report of the same bytes that stands as it is: decided, with the same trust store, received no later."""
    query = {"sha256": sha256, "policy": policy, "trust_version": trust_version, "verdict": {"$ne": "INDETERMINATE"}}
    for report in store.find("reports", query):
        if datetime.fromisoformat(report["received_at"]) <= received:
            return report
    return None


def undecided(store: Store, trust_version: str, now: datetime, limit: int) -> Iterator[Document]:
    """Files to be looked at again: their time has come, or the trust store has changed since."""
    query = {
        "verdict": "INDETERMINATE",
        "$or": [{"next_check_at": {"$lte": now}}, {"trust_version": {"$ne": trust_version}}],
    }
    return store.find("files", query, sort=[("next_check_at", 1)], limit=limit)


def count_undecided(store: Store, now: datetime) -> dict[str, int]:
    """Open files by what they wait for: `revocation_data` while that may still come, else `other`; 10,000 at most."""
    files, verdict = store.collection("files"), {"verdict": "INDETERMINATE"}
    awaited = {**verdict, "code": WAITS_FOR_REVOCATION, "received_at": {"$gt": waiting_since(now)}}
    waiting = files.count_documents(awaited, limit=_MOST_COUNTED)
    return {
        "revocation_data": waiting,
        "other": files.count_documents(verdict, limit=_MOST_COUNTED + waiting) - waiting,
    }


def checks_of(store: Store, file_id: str) -> list[Document]:
    """The latest records of a file, newest first; a hundred at most."""
    return list(store.find("checks", {"file_id": file_id}, sort=[("at", -1)], limit=_MOST_CHECKS))


def trust_number(store: Store) -> int:
    """The highest number of a trust configuration that was ever in use here."""
    known = store.get("trust", "in_use")
    return int(known["number"]) if known else 0


def use_trust_number(store: Store, number: int, now: datetime) -> None:
    """Notes that a trust configuration is in use; a lower number changes nothing."""
    store.collection("trust").update_one(
        {"_id": "in_use"},
        {"$max": {"number": number}, "$set": {"adopted_at": now}, "$setOnInsert": {"schema_version": 1}},
        upsert=True,
    )
