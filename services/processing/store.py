"""Collections of processing: cases (aggregates), checks of the desk before a return, agencies' signing identities, and
which dossier a result's paper belongs to (`papers`: one row a content, by its sha256, as its first attachment said)."""

from __future__ import annotations

import json
from datetime import datetime
from pathlib import Path

from services.common import cursors
from services.common.filed_as import FiledAs
from services.common.links import Links
from services.common.store import Document, Index, Store
from services.common.unit import UnitOfWork
from services.common.writes import Kind, StaleVersion, Write

CASES = "cases"
CHECKS = "checks"
AGENCIES = "agencies"
PAPERS = "papers"
LINKS = Links("relinked")

INDEXES = [
    Index(CASES, [("worklist_unit", 1), ("clock.appointment", 1), ("_id", 1)], {"name": "worklist"}),
    Index(CASES, [("results.file_id", 1)], {"name": "by_result_file"}),
    Index(CASES, [("results.sha256", 1)], {"name": "by_result_paper"}),
    Index(
        CASES,
        [("supplements.slip_id", 1)],
        {
            "name": "by_slip",
            "unique": True,
            "partialFilterExpression": {"supplements.slip_id": {"$exists": True}},
        },
    ),
    Index(CASES, [("owner", 1)], {"name": "by_owner"}),
    Index(CHECKS, [("code", 1), ("at", 1)], {"name": "by_case"}),
    Index(AGENCIES, [("identities.tax_number", 1)], {"name": "by_tax_number"}),
    LINKS.index,
]

#: Rows of the desk's checks that an answer shows, newest last; all are kept.
SHOWN_CHECKS = 100


def seed(store: Store, path: Path | None) -> None:
    """Puts the agencies of a seed file where they are missing; never overwrites."""
    if path is None or not path.is_file():
        return
    for agency in json.loads(path.read_text(encoding="utf-8"))["agencies"]:
        store.collection(AGENCIES).update_one({"_id": agency["_id"]}, {"$setOnInsert": agency}, upsert=True)


def case(store: Store, code: str) -> Document | None:
    """A case, its filer as the person whom he or she is now."""
    return with_filer_of_today(store, store.get(CASES, code))


def with_filer_of_today(store: Store, found: Document | None) -> Document | None:
    """Owners are moved when an account turns out to be another person's; filers are followed."""
    if found is None or found["filed_as"] == FiledAs.SELF:
        return found
    return {**found, "filer": LINKS.current(store, found["filer"])}


def worklist(store: Store, unit: str, cursor: str | None, limit: int) -> tuple[list[Document], str | None]:
    """One page of a unit's live cases, the earliest appointment first, and the cursor of the next page."""
    order = {"clock.appointment": datetime, "_id": str}
    return cursors.read(store, CASES, {"worklist_unit": unit}, order, cursor, limit, projection={"outbox": 0})


def holder(store: Store, sha256: str, code: str) -> str | None:
    """The dossier to which a result of these bytes was attached before; `code` itself where it was that one too."""
    row = store.get(PAPERS, sha256)
    if row is not None:
        return str(row["code"])
    # Results from before there were rows.
    query = {"results.sha256": sha256}
    found = store.find_one(CASES, {**query, "_id": {"$ne": code}}, projection={"_id": 1})
    return str(found["_id"]) if found else None


def claim(unit: UnitOfWork, sha256: str, code: str, at: datetime) -> None:
    """Make the bytes that dossier's. Where another one was faster the commit fails as stale: read again, and refuse."""
    row = {"_id": sha256, "code": code, "at": at, "schema_version": 1}
    unit.add(Write(PAPERS, Kind.INSERT, {}, lambda: row, duplicate=StaleVersion))


def checks(store: Store, code: str) -> list[Document]:
    """The desk's checks of a case, oldest first, the newest SHOWN_CHECKS of them."""
    rows = list(store.find(CHECKS, {"code": code}, sort=[("at", -1)], limit=SHOWN_CHECKS))
    return rows[::-1]
