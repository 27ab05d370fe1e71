"""Notifier's collections, indexes and queries: notices (aggregate) and links (former person -> person)."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from pymongo import ReturnDocument

from services.common import cursors
from services.common.store import Document, Index, Store

AGGREGATES = ["notices"]
_DUE = {"state": "waiting", "$expr": {"$lte": ["$next_try_at", "$$NOW"]}}
LEASE = 15_000  # milliseconds until another process tries a claimed delivery; renewed where asking took long

INDEXES = [
    Index("notices", [("person_id", 1), ("channel", 1), ("at", -1), ("_id", -1)], {"name": "of_person"}),
    Index(
        "notices",
        [("unit", 1), ("at", -1), ("_id", -1)],
        {"name": "of_unit", "partialFilterExpression": {"unit": {"$type": "string"}}},
    ),
    Index(
        "notices",
        [("state", 1), ("next_try_at", 1)],
        {"name": "to_deliver", "partialFilterExpression": {"state": "waiting"}},
    ),
    Index("links", [("person_id", 1)], {"name": "of_person"}),
]


def anything_due(store: Store) -> bool:
    """Whether a claim would find something; costs a third of one."""
    return store.find_one("notices", _DUE, projection={"_id": 1}) is not None


def claim_delivery(store: Store) -> Document | None:
    """A notice whose delivery is due, leased to the caller; its version is the caller's from now on.

    The lease is the database's time: two processes agree on it whatever their clocks say.
    """
    return store.collection("notices").find_one_and_update(
        _DUE,
        [{"$set": {"next_try_at": {"$add": ["$$NOW", LEASE]}, "version": {"$add": ["$version", 1]}}}],
        sort=[("next_try_at", 1)],
        return_document=ReturnDocument.AFTER,
    )


def renew_claim(store: Store, notice: Document) -> bool:
    """Begins a claim's lease anew; False when another process has the notice now."""
    renewed = store.collection("notices").update_one(
        {"_id": notice["_id"], "state": "waiting", "version": notice["version"]},
        [{"$set": {"next_try_at": {"$add": ["$$NOW", LEASE]}}}],
    )
    return renewed.matched_count == 1


def known_ids(store: Store, ids: list[str]) -> set[str]:
    """Those of these notices that are stored already."""
    return {row["_id"] for row in store.find("notices", {"_id": {"$in": ids}}, projection={"_id": 1})}


def persons_of(store: Store, person_id: str) -> list[str]:
    """A person's id and the ids that the person had before normalization."""
    return [person_id, *(row["_id"] for row in store.find("links", {"person_id": person_id}, limit=50))]


def page(store: Store, query: Document, cursor: str | None, limit: int) -> dict[str, Any]:
    """One page, newest first, and the cursor of the next. Raises Problem 422 for a cursor that is none of ours."""
    order = {"at": datetime, "_id": str}
    shown, following = cursors.read(store, "notices", query, order, cursor, limit, newest_first=True)
    return {"items": shown, "next_cursor": following}
