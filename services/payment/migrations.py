"""What documents of earlier releases lack.

1  `filer`, `filed_as`: everybody had filed for himself.
"""

from __future__ import annotations

from services.common.filed_as import FiledAs
from services.common.migrations import Migration
from services.common.store import Store
from services.payment import store as payment


def name_filers(store: Store) -> None:
    """Safe to repeat, and while the rooms of the earlier release run."""
    store.collection(payment.ORDERS).update_many(
        {"filer": {"$exists": False}}, [{"$set": {"filer": "$owner", "filed_as": FiledAs.SELF.value}}]
    )


MIGRATIONS = [Migration(1, "say of each order who filed the dossier", name_filers)]
