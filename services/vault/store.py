"""Collections, indexes and queries of the vault.

files      one document a stored file (aggregate); its name is encrypted, its bytes are under `bytes_id`
openings   permitted uploads whose bytes have not come yet (a day)
holdings   what lies in people's stores (aggregate)
accesses   who opened what, when, why
persons    former person ids and what they became (services.common.links)
uploads    bytes on their way in; bytes.files, bytes.chunks: GridFS
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterable, Mapping
from typing import Any

from bson import ObjectId
from bson.errors import InvalidId

from services.common import problems
from services.common.links import Links
from services.common.store import Document, Index, Store
from services.common.unit import UnitOfWork
from services.common.writes import Kind, Write
from services.vault import bytes as file_bytes

LINKS = Links("persons")
AGGREGATES = ["files", "holdings"]
INDEXES = [
    Index("files", [("person_id", 1)], {"name": "by_person"}),
    Index("openings", [("opened_at", 1)], {"name": "one_day", "expireAfterSeconds": 86_400}),
    Index("holdings", [("code", 1), ("sha256", 1)], {"name": "one_a_result", "unique": True}),
    Index("holdings", [("person_id", 1), ("added_at", -1), ("_id", -1)], {"name": "by_person"}),
    Index("holdings", [("file_id", 1), ("person_id", 1)], {"name": "by_file"}),
    Index("accesses", [("person_id", 1), ("_id", -1)], {"name": "by_person"}),
    Index("accesses", [("file_id", 1)], {"name": "by_file"}),
    Index(LINKS.collection, [("_id", 1)]),
    *file_bytes.INDEXES,
]


def holds(store: Store, person_id: str, file_id: str) -> bool:
    """Whether the file lies in this person's store."""
    return store.find_one("holdings", {"file_id": file_id, "person_id": person_id}, projection={"_id": 1}) is not None


def holdings_page(store: Store, person_id: str, cursor: str | None, limit: int) -> tuple[list[Document], str | None]:
    """A person's holdings, newest first. Raises Problem 422 for a cursor that is not ours."""
    query: Document = {"person_id": person_id}
    if cursor is not None:
        last = store.get("holdings", _uncursor(cursor))
        if last is None or last["person_id"] != person_id:
            raise _bad_cursor()
        query["$or"] = [
            {"added_at": {"$lt": last["added_at"]}},
            {"added_at": last["added_at"], "_id": {"$lt": last["_id"]}},
        ]
    rows = list(store.find("holdings", query, sort=[("added_at", -1), ("_id", -1)], limit=limit + 1))
    return rows[:limit], _cursor(rows[limit - 1]["_id"]) if len(rows) > limit else None


def accesses_page(store: Store, person_id: str, cursor: str | None, limit: int) -> tuple[list[Document], str | None]:
    """Openings of a person's files, newest first. Raises Problem 422 for a cursor that is not ours."""
    query: Document = {"person_id": person_id}
    if cursor is not None:
        try:
            query["_id"] = {"$lt": ObjectId(_uncursor(cursor))}
        except InvalidId:
            raise _bad_cursor() from None
    rows = list(store.find("accesses", query, sort=[("_id", -1)], limit=limit + 1))
    return rows[:limit], _cursor(rows[limit - 1]["_id"]) if len(rows) > limit else None


def sealed_names(store: Store, file_ids: Iterable[str]) -> dict[str, str]:
    """The sealed names of files, by file id."""
    rows = store.find("files", {"_id": {"$in": list(file_ids)}}, projection={"filename": 1})
    return {row["_id"]: row["filename"] for row in rows}


def _cursor(key: Any) -> str:
    return base64.urlsafe_b64encode(str(key).encode()).decode().rstrip("=")


def _uncursor(cursor: str) -> str:
    try:
        return base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)).decode("ascii")
    except (binascii.Error, ValueError):
        raise _bad_cursor() from None


def _bad_cursor() -> problems.Problem:
    return problems.invalid(problems.field_error("cursor", "Con trỏ trang không hợp lệ.", "Not a cursor of this list."))


def change_many(unit: UnitOfWork, collection: str, query: Mapping[str, Any], update: Mapping[str, Any]) -> None:
    """An update of every row of a query, as part of the unit (which by itself knows single rows only)."""

    unit.add(Write(collection, Kind.UPDATE_MANY, query, lambda: update))
