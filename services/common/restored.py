"""What a room must know and do after its database was restored: the marker of an unfinished restore, numbers that
were given after the backup was taken, and events that must be told again.

`motcua restore` runs all this while no room runs; a room lists what is its own in `RoomSpec.after_restore`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from itertools import islice

from pymongo import UpdateOne
from pymongo.database import Database

from services.common.calendar import local_date
from services.common.store import Document, Store

#: Row of `kernel` that stands from the first write of a restore until everything is loaded.
UNFINISHED = "restoring"
#: Events to be told again: `_id` is the event's, `to` the rooms that had not handled it when the backup was taken,
#: `told_at` and `sequence` its place among the others.
RETELL = "retell"
_BATCH = 1000  # events


@dataclass(frozen=True)
class Restored:
    """What was restored. Business time stood at `since` when the backup was taken and stands at `until` now.

    `gap`: how many numbers of a series may have been given after the backup was taken. `known`: the highest number of
    each series in the database that the restore replaced, where that could still be read.
    """

    backup: str
    taken_at: datetime
    since: datetime
    until: datetime
    gap: int
    known: dict[str, int]

    def days(self) -> Iterator[date]:
        """The local days on which numbers may have been given that the backup does not know."""
        day, last = local_date(self.since), local_date(self.until)
        while day <= last:
            yield day
            day += timedelta(days=1)


def skip_numbers(store: Store, collection: str, keys: set[str], restored: Restored) -> int:
    """Moves counters beyond every number that may have been given; returns how many.

    Gaps are allowed, doubles are not: people hold papers with those numbers. `keys` that have no counter get one.
    """
    rows = {row["_id"]: int(row["value"]) for row in store.find(collection, {})}
    changes = []
    for key in sorted(rows.keys() | keys | restored.known.keys()):
        value = max(rows.get(key, 0) + (restored.gap if key in keys else 0), restored.known.get(key, 0))
        changes.append(UpdateOne({"_id": key}, {"$set": {"value": value}}, upsert=True))
    if changes:
        store.collection(collection).bulk_write(changes)
    return len(changes)


def tell_again(db: Database[Document], missing: Mapping[str, list[str]]) -> None:
    """Lists what the room tells again when it starts: by event, the rooms that lack it. Replaces an earlier list."""
    db.drop_collection(RETELL)
    events = iter(missing)
    while batch := list(islice(events, _BATCH)):
        told = db["told"].find({"_id": {"$in": batch}}, {"told_at": 1, "sequence": 1})
        db[RETELL].insert_many([{**row, "to": missing[row["_id"]]} for row in told])


def begin(store: Store, backup: str) -> None:
    """From now on no room starts on this database, until `finish`."""
    store.collection("kernel").update_one(
        {"_id": UNFINISHED}, {"$set": {"backup": backup, "begun_at": datetime.now(UTC)}}, upsert=True
    )


def finish(store: Store) -> None:
    """Rooms may start again."""
    store.collection("kernel").delete_one({"_id": UNFINISHED})


def unfinished(store: Store) -> str | None:
    """The backup whose restore was begun and not completed."""
    row = store.get("kernel", UNFINISHED)
    return None if row is None else str(row["backup"])
