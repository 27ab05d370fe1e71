"""What documents of earlier releases lack.

1  `papers`: which dossier each result's bytes belong to. Before, only the cases knew; where two dossiers carry the same
   bytes, they belong to the one that had them first.
2  `filer`, `filed_as`: everybody had filed for himself.
"""

from __future__ import annotations

from services.common.filed_as import FiledAs
from services.common.migrations import Migration
from services.common.store import Document, Store
from services.processing import store as processing


def name_papers(store: Store) -> None:
    """One row a content that was ever attached; safe to repeat, and while the rooms of the earlier release run."""
    attached: list[Document] = [
        {"$match": {"results.sha256": {"$exists": True}}},
        {"$unwind": "$results"},
        {"$project": {"sha256": "$results.sha256", "at": "$results.at"}},
        {"$sort": {"at": 1, "_id": 1}},
    ]
    for row in store.collection(processing.CASES).aggregate(attached, allowDiskUse=True):
        store.collection(processing.PAPERS).update_one(
            {"_id": row["sha256"]},
            {"$setOnInsert": {"code": row["_id"], "at": row["at"], "schema_version": 1}},
            upsert=True,
        )


def name_filers(store: Store) -> None:
    """Safe to repeat, and while the rooms of the earlier release run."""
    store.collection(processing.CASES).update_many(
        {"filer": {"$exists": False}}, [{"$set": {"filer": "$owner", "filed_as": FiledAs.SELF.value}}]
    )


MIGRATIONS = [
    Migration(1, "say of each result's paper whose it is", name_papers),
    Migration(2, "say of each case who filed it", name_filers),
]
