"""Collections of intake: dossiers (aggregates), their mirrors, verdicts of files, the catalogue, counters.

| collection | key | what |
|---|---|---|
| dossiers | code | the dossier with versions, slips, desk rounds; its own events ride in it |
| progress | code | what other rooms told about the dossier |
| verdicts | file id | what signing said of a file, filed or not yet |
| persons | person id | who an account is since its normalization (services.common.links) |
| procedures, agencies, desks | `code@version`, code, code | the catalogue |
| counters | agency and day | last serial of the day's codes |
"""

from __future__ import annotations

import itertools
import json
from collections.abc import Collection, Iterable, Mapping
from datetime import date, datetime
from pathlib import Path
from typing import Any

from services.common import cursors
from services.common.filed_as import FiledAs
from services.common.kernel import Kernel
from services.common.links import Links
from services.common.store import Document, Index, Store
from services.intake import catalogue, progress
from services.intake.dossier import State

DOSSIERS = "dossiers"
PROGRESS = "progress"
VERDICTS = "verdicts"
LINKS = Links("persons")
COUNTERS = "counters"

#: Versions of procedures that one page of the catalogue looks at.
MOST_READ = 500

INDEXES = [
    Index(DOSSIERS, [("owner", 1), ("filed_at", -1), ("_id", -1)], {"name": "of_owner"}),
    Index(DOSSIERS, [("filer", 1), ("filed_at", -1), ("_id", -1)], {"name": "of_filer"}),
    Index(DOSSIERS, [("unit", 1), ("filed_at", -1), ("_id", -1)], {"name": "of_agency"}),
    Index(DOSSIERS, [("desk", 1), ("state", 1), ("intake_due", 1), ("_id", 1)], {"name": "desk_queue"}),
    Index(
        DOSSIERS,
        [("slips.slip_id", 1)],
        {
            "name": "by_slip",
            "unique": True,
            "partialFilterExpression": {"slips.slip_id": {"$exists": True}},
        },
    ),
    Index("procedures", [("code", 1), ("version", 1)], {"name": "versions", "unique": True}),
    Index(PROGRESS, [("grants.recorded", 1)], {"name": "granted", "sparse": True}),
    LINKS.index,
    # These are looked up by their key alone; named so that the collection is there before the first transaction.
    *(Index(name, [("_id", 1)]) for name in (VERDICTS, COUNTERS, "agencies", "desks")),
]


def seed(kernel: Kernel) -> None:
    """Puts the catalogue of a seed file where it is missing; never overwrites. Raises CatalogueError."""
    path = kernel.settings.seed_path
    if path is not None and path.is_file():
        put_catalogue(kernel.store, json.loads(Path(path).read_text(encoding="utf-8")))


def put_catalogue(store: Store, document: Mapping[str, Any]) -> None:
    """Checks every entry, then inserts those that are not there. Raises CatalogueError."""
    for row in document["procedures"]:
        catalogue.check_procedure(row)
    for row in document["desks"]:
        catalogue.calendar_of(row["calendar"])
    for name in ("agencies", "desks", "procedures"):
        for row in document[name]:
            entry = {**row, "search": catalogue.search_text(row)} if name == "procedures" else row
            store.collection(name).update_one(
                {"_id": row["_id"]}, {"$setOnInsert": {**entry, "schema_version": 1}}, upsert=True
            )


# --- catalogue -------------------------------------------------------------------------------------------------------


def procedure(store: Store, code: str, on: date) -> Document | None:
    """The version of a procedure in force on a local day."""
    found = catalogue.in_force(store.find("procedures", {"code": code}), on)
    return dict(found) if found is not None else None


def procedures(store: Store, on: date, q: str, cursor: str | None, limit: int) -> tuple[list[Document], str | None]:
    """A page of the procedures in force on a local day, by code, from the index of versions.

    Reads no more than MOST_READ rows: a rare word may give a page with less than `limit`, and a cursor to go on.
    """
    wanted = catalogue.folded(q)
    query = cursors.beyond(cursor, {"code": str})
    page: list[Document] = []
    rows = store.find("procedures", query, sort=[("code", 1), ("version", 1)], batch_size=2 * limit + 2)
    last, read = "", 0
    for code, versions in itertools.groupby(rows, key=lambda row: str(row["code"])):
        if len(page) == limit or read >= MOST_READ:
            return page, cursors.write(last)
        known = list(versions)
        last, read = code, read + len(known)
        current = catalogue.in_force(known, on)
        if current is not None and wanted in current["search"]:
            page.append(dict(current))
    return page, None


def agencies(store: Store, codes: Collection[str]) -> list[Document]:
    return list(store.find("agencies", {"_id": {"$in": list(codes)}}, sort=[("_id", 1)]))


def desks_for(store: Store, units: Collection[str]) -> list[Document]:
    """Desks of the competent agencies, then the others: any desk receives (IN-11)."""
    rows = list(store.find("desks", {"active": True}, sort=[("_id", 1)]))
    return sorted(rows, key=lambda row: row["agency"] not in units)


def seals_of(store: Store, desk: str) -> list[str]:
    """Tax numbers under which the agency of a desk signs; none where the catalogue has no such desk."""
    found = store.get("desks", desk)
    agency = store.get("agencies", found["agency"]) if found else None
    return [str(agency["tax_number"])] if agency and agency.get("tax_number") else []


# --- dossiers --------------------------------------------------------------------------------------------------------


def of_owner(store: Store, person_id: str, cursor: str | None, limit: int) -> tuple[list[Document], str | None]:
    """A page of a person's dossiers, newest first."""
    order = {"filed_at": datetime, "_id": str}
    return cursors.read(store, DOSSIERS, {"owner": person_id}, order, cursor, limit, newest_first=True)


def of_filer(store: Store, person_id: str, cursor: str | None, limit: int) -> tuple[list[Document], str | None]:
    """A page of what a person filed for others as a citizen, newest first."""
    order = {"filed_at": datetime, "_id": str}
    for_others = {"filer": person_id, "filed_as": {"$in": [FiledAs.HELP.value, FiledAs.AUTHORISED.value]}}
    return cursors.read(store, DOSSIERS, for_others, order, cursor, limit, newest_first=True)


def of_agency(store: Store, unit: str, cursor: str | None, limit: int) -> tuple[list[Document], str | None]:
    """A page of the dossiers for which an agency is competent, newest first."""
    order = {"filed_at": datetime, "_id": str}
    return cursors.read(store, DOSSIERS, {"unit": unit}, order, cursor, limit, newest_first=True)


def queue_of(store: Store, desk: str, cursor: str | None, limit: int) -> tuple[list[Document], str | None]:
    """A page of what waits for a desk's answer, the earliest due first."""
    order = {"intake_due": datetime, "_id": str}
    return cursors.read(store, DOSSIERS, {"desk": desk, "state": State.REGISTERED.value}, order, cursor, limit)


def look(store: Store, person_id: str, code: str) -> tuple[str, Document | None, Document]:
    """Who a person is now, a dossier and its mirror, in one look."""
    link, dossier, mirror = store.get_each((LINKS.collection, person_id), (DOSSIERS, code), (PROGRESS, code))
    return LINKS.follow(store, person_id, link), dossier, mirror or progress.empty(code)


def progress_of(store: Store, code: str) -> Document:
    """The mirror of one dossier."""
    return store.get(PROGRESS, code) or progress.empty(code)


def progress_of_all(store: Store, codes: Iterable[str]) -> dict[str, Document]:
    """The mirrors of several dossiers by code."""
    wanted = list(codes)
    found = {row["_id"]: row for row in store.find(PROGRESS, {"_id": {"$in": wanted}})}
    return {code: found.get(code) or progress.empty(code) for code in wanted}


def verdicts_of(store: Store, file_ids: Iterable[str]) -> dict[str, Document]:
    """What signing said of files, by file id; a file whose check has not ended is missing."""
    return {row["_id"]: row for row in store.get_all(VERDICTS, set(file_ids)) if row is not None}


def granted_before(store: Store, recorded: datetime) -> list[Document]:
    """Mirrors with a grant that was told before then and has not been looked at since."""
    return list(store.find(PROGRESS, {"grants.recorded": {"$lte": recorded}}, sort=[("grants.recorded", 1)], limit=100))
