"""Collections of payment: orders (aggregates), receipt numbers, provider messages, and what a unit registered."""

from __future__ import annotations

import json
from datetime import datetime
from pathlib import Path
from typing import Any

from pymongo.errors import DuplicateKeyError

from services.common.filed_as import FiledAs
from services.common.links import Links
from services.common.store import Document, Index, Store

ORDERS = "orders"
MESSAGES = "provider_messages"
NUMBERS = "receipt_numbers"
COUNTERS = "counters"
SERIES = "receipt_series"
MERCHANTS = "merchants"
FEE_ITEMS = "fee_items"
LINKS = Links("relinked")

INDEXES = [
    Index(ORDERS, [("code", 1), ("moment", 1)], {"name": "one_order_a_fee", "unique": True}),
    Index(
        ORDERS,
        [("attempts.txn_ref", 1)],
        {
            "name": "by_reference",
            "unique": True,
            "partialFilterExpression": {"attempts.txn_ref": {"$exists": True}},
        },
    ),
    Index(ORDERS, [("owner", 1)], {"name": "by_owner"}),
    Index(
        ORDERS,
        [("ask_at", 1)],
        {"name": "to_ask", "partialFilterExpression": {"ask_at": {"$type": "date"}}},
    ),
    Index(NUMBERS, [("series", 1), ("number", 1)], {"name": "one_receipt_a_number", "unique": True}),
    Index(MESSAGES, [("order_id", 1), ("at", 1)], {"name": "by_order"}),
    Index(MERCHANTS, [("tmn_code", 1)], {"name": "by_terminal"}),
    Index(SERIES, [("series", 1)], {"name": "by_series"}),
    Index(FEE_ITEMS, [("kind", 1)], {"name": "by_kind"}),
    LINKS.index,
]
_SEEDED = (MERCHANTS, SERIES, FEE_ITEMS)


def seed(store: Store, path: Path | None) -> None:
    """Puts the rows of a seed file where they are missing; never overwrites."""
    if path is None or not path.is_file():
        return
    document = json.loads(path.read_text(encoding="utf-8"))
    for collection in _SEEDED:
        for row in document[collection]:
            store.collection(collection).update_one({"_id": row["_id"]}, {"$setOnInsert": row}, upsert=True)


def of_code(store: Store, code: str) -> list[Document]:
    """A dossier's orders, in the order in which they were made."""
    return list(store.find(ORDERS, {"code": code}, sort=[("ordered_at", 1)], projection={"outbox": 0}))


def with_filer_of_today(store: Store, order: Document) -> Document:
    """Owners are moved when an account turns out to be another person's; filers are followed."""
    if order["filed_as"] == FiledAs.SELF:
        return order
    return {**order, "filer": LINKS.current(store, order["filer"])}


def order_of(store: Store, order_id: str) -> Document | None:
    """An order, its filer as the person whom he or she is now."""
    found = store.get(ORDERS, order_id)
    return with_filer_of_today(store, found) if found is not None else None


def by_reference(store: Store, txn_ref: str) -> Document | None:
    return store.find_one(ORDERS, {"attempts.txn_ref": txn_ref})


def to_ask(store: Store, now: datetime, most: int) -> list[Document]:
    """Orders about which the provider should be asked now, the longest waiting first."""
    return list(store.find(ORDERS, {"ask_at": {"$lte": now}}, sort=[("ask_at", 1)], limit=most))


def count_open(store: Store) -> int:
    """Orders with a payment whose outcome the provider is still asked for."""
    return int(store.collection(ORDERS).count_documents({"ask_at": {"$type": "date"}}))


def of_unit(store: Store, collection: str, unit: str) -> Document | None:
    """What a unit registered, or what holds for all units (`*`)."""
    return store.get(collection, unit) or store.get(collection, "*")


def kinds(store: Store, items: list[dict[str, Any]]) -> dict[str, str]:
    """phí or lệ phí, in Vietnamese, by fee item."""
    names = [str(item["item"]) for item in items if item.get("item")]
    return {row["_id"]: row["kind_vi"] for row in store.find(FEE_ITEMS, {"_id": {"$in": names}})}


def receipt_number(store: Store, order_id: str, series: str) -> int:
    """The serial of an order's receipt: given once, the same at every further call.

    Taken before the settlement commits, so that a settlement that is run again finds its number again; a number whose
    settlement never came stays bound to its order and shows as a gap in the register.
    """
    rows = store.collection(NUMBERS)
    known = store.get(NUMBERS, order_id)
    if known is None:
        number = store.next_number(COUNTERS, series)
        try:
            rows.insert_one({"_id": order_id, "series": series, "number": number})
            return number
        except DuplicateKeyError:  # two messages at once: the other one's number counts
            known = store.get(NUMBERS, order_id)
    if known is None:
        raise LookupError(f"no receipt number can be given in {series}")
    return int(known["number"])
