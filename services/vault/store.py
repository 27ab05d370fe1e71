"""Collections, indexes and queries of the vault.

files      one document a stored file (aggregate); its name is encrypted, its bytes are under `bytes_id`
openings   permitted uploads whose bytes have not come yet (a day)
holdings   what lies in people's stores (aggregate)
own_data   data of one's own whose signature could not be determined at once (aggregate)
accesses   who opened what, when, why
persons    former person ids and what they became (services.common.links)
uploads    bytes on their way in; bytes.files, bytes.chunks: GridFS
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import Any

from bson import ObjectId

from services.common import cursors
from services.common.links import Links
from services.common.store import Document, Index, Store
from services.common.unit import UnitOfWork
from services.common.writes import Kind, Write
from services.vault import bytes as file_bytes

LINKS = Links("persons")
HELD = "own_data"
AGGREGATES = ["files", "holdings", HELD]
INDEXES = [
    Index("files", [("person_id", 1)], {"name": "by_person"}),
    Index("openings", [("opened_at", 1)], {"name": "one_day", "expireAfterSeconds": 86_400}),
    Index("holdings", [("code", 1), ("sha256", 1)], {"name": "one_a_result", "unique": True}),
    Index("holdings", [("person_id", 1), ("added_at", -1), ("_id", -1)], {"name": "by_person"}),
    Index("holdings", [("file_id", 1), ("person_id", 1)], {"name": "by_file"}),
    Index("accesses", [("person_id", 1), ("_id", -1)], {"name": "by_person"}),
    Index("accesses", [("file_id", 1)], {"name": "by_file"}),
    Index(HELD, [("state", 1), ("asked_at", -1)], {"name": "by_state"}),
    Index(HELD, [("person_id", 1), ("asked_at", -1), ("_id", -1)], {"name": "by_person"}),
    LINKS.index,
    *file_bytes.INDEXES,
]


def holds(store: Store, person_id: str, file_id: str) -> bool:
    """Whether the file lies in this person's store."""
    return store.find_one("holdings", {"file_id": file_id, "person_id": person_id}, projection={"_id": 1}) is not None


def holdings_page(store: Store, person_id: str, cursor: str | None, limit: int) -> tuple[list[Document], str | None]:
    """A person's holdings, newest first. Raises Problem 422 for a cursor that is not ours."""
    order = {"added_at": datetime, "_id": str}
    return cursors.read(store, "holdings", {"person_id": person_id}, order, cursor, limit, newest_first=True)


def own_holding(store: Store, person_id: str, sha256: str) -> Document | None:
    """Data of one's own that lie in the person's store already."""
    return store.find_one("holdings", {"code": None, "sha256": sha256, "person_id": person_id})


def held_page(store: Store, person_id: str, cursor: str | None, limit: int) -> tuple[list[Document], str | None]:
    """A person's data that wait or waited for a verdict, newest first. Raises Problem 422 for a cursor not ours."""
    order = {"asked_at": datetime, "_id": str}
    return cursors.read(store, HELD, {"person_id": person_id}, order, cursor, limit, newest_first=True)


def held_lately(store: Store, now: datetime) -> list[Document]:
    """Data that were put aside within the last hour and wait still."""
    since = {"state": "HELD", "asked_at": {"$gt": now - timedelta(hours=1)}}
    return list(store.find(HELD, since, sort=[("asked_at", -1)], limit=20))


def accesses_page(store: Store, person_id: str, cursor: str | None, limit: int) -> tuple[list[Document], str | None]:
    """Openings of a person's files, newest first. Raises Problem 422 for a cursor that is not ours."""
    order = {"_id": ObjectId}
    return cursors.read(store, "accesses", {"person_id": person_id}, order, cursor, limit, newest_first=True)


def sealed_names(store: Store, file_ids: Iterable[str]) -> dict[str, str]:
    """The sealed names of files, by file id."""
    rows = store.find("files", {"_id": {"$in": list(file_ids)}}, projection={"filename": 1})
    return {row["_id"]: row["filename"] for row in rows}


def change_many(unit: UnitOfWork, collection: str, query: Mapping[str, Any], update: Mapping[str, Any]) -> None:
    """An update of every row of a query, as part of the unit (which by itself knows single rows only)."""

    unit.add(Write(collection, Kind.UPDATE_MANY, query, lambda: update))
