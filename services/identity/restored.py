"""After a restore nobody is signed in: sessions of the backup end, and codes that it holds serve no more.

What was opened, rotated or ended after the backup was taken is not known here, and neither are codes that were used
since. Access tokens die with identity's signing key, which the restore makes anew.
"""

from __future__ import annotations

from datetime import UTC, datetime

from services.common.restored import Restored
from services.common.store import Store


def after_restore(store: Store, restored: Restored) -> list[str]:
    """Ends every session, takes back every code and every sign-in under way."""
    ended = store.collection("sessions").update_many(
        {"ended_at": None}, {"$set": {"ended_at": datetime.now(UTC)}, "$inc": {"version": 1}}
    )
    store.collection("challenges").delete_many({})
    store.collection("vneid_requests").delete_many({})
    return [
        f"{ended.modified_count} sessions ended: everybody signs in again",
        "passwords, locks and accounts are those of the backup: lock again who was locked since",
    ]
