"""After a restore the partner is told again of orders from which nothing was heard: its queue may be gone.

The partner knows an order by its number and answers a second one as known.
"""

from __future__ import annotations

from services.common.restored import Restored
from services.common.store import Store
from services.postal.shipments import State


def after_restore(store: Store, restored: Restored) -> list[str]:
    """Marks those orders as not sent; the timer sends them."""
    again = store.collection("shipments").update_many(
        {"sent_at": {"$ne": None}, "state": State.ORDERED.value},
        {"$set": {"sent_at": None, "attempts": 0, "next_try_at": None}, "$inc": {"version": 1}},
    )
    open_ones = store.collection("shipments").count_documents(
        {"state": {"$nin": [State.DELIVERED.value, State.RETURNED.value]}}
    )
    return [
        f"{again.modified_count} orders go to the postal partner again",
        f"{open_ones} shipments are under way: what the partner reported since the backup, ask it to send again",
    ]
