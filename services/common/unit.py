"""Unit of work: what a handler wants written, and the events that go with it, committed at once or not at all.

A handler reads, decides with pure functions and collects its writes here; the kernel commits them together with
the idempotency row of a command or the inbox mark of an event. Events ride inside the document that they change,
so a timer's change of one document needs no transaction; a command's or an event's, with its row beside it, has one.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from bson import ObjectId

from services.common import envelope
from services.common.store import Document, Store
from services.common.writes import Kind, Late, Write

#: Kept out of `$set` when an aggregate is saved: the relay changes them on its own.
_RELAY_FIELDS = ("_id", "outbox", "outbox_mark", "version")


@dataclass(frozen=True)
class Origin:
    """Where the events of a unit come from: ids of the chain and of the actor, both times, the actor's way in."""

    room: str
    correlation_id: str
    causation_id: str
    actor_id: str
    now: datetime
    channel: str = ""


class UnitOfWork:
    """Collects writes and events. `check_event(name, data)` validates an event's data before it is kept."""

    def __init__(self, store: Store, origin: Origin, check_event: Callable[[str, Document], Document]) -> None:
        self._store = store
        self._origin = origin
        self._check_event = check_event
        self.writes: list[Write] = []
        self.late: list[Late] = []
        self._told: dict[int, list[Document]] = {}
        self.committed = False

    def insert(self, collection: str, document: Document, *, schema_version: int = 1) -> None:
        """A new aggregate or row. Fills version, schema_version and seq. Commit raises Duplicate."""
        document.setdefault("version", 1)
        document.setdefault("schema_version", schema_version)
        document.setdefault("seq", 0)

        def fresh() -> Document:
            events = self._told.get(id(document))
            return {**document, "outbox": events, "outbox_mark": ObjectId()} if events else dict(document)

        self.add(Write(collection, Kind.INSERT, {}, fresh))

    def save(self, collection: str, document: Document) -> None:
        """Writes back an aggregate that was read. Commit raises StaleVersion if it changed since.

        Top-level fields are set, never dropped: a field that ends is set to None.
        """
        read_version = document["version"]

        def change() -> Document:
            fields = {k: v for k, v in document.items() if k not in _RELAY_FIELDS} | {"version": read_version + 1}
            events = self._told.get(id(document))
            if not events:
                return {"$set": fields}
            return {"$set": fields | {"outbox_mark": ObjectId()}, "$push": {"outbox": {"$each": events}}}

        query = {"_id": document["_id"], "version": read_version}
        self.add(Write(collection, Kind.UPDATE, query, change, must_match=True))

    def put(self, collection: str, document: Document) -> None:
        """Writes a row whole under its `_id`, whether it existed or not. For rows that have no rival writers."""
        self.add(Write(collection, Kind.REPLACE, {"_id": document["_id"]}, lambda: document, upsert=True))

    def change(
        self,
        collection: str,
        query: Mapping[str, Any],
        update: Mapping[str, Any],
        *,
        must_match: bool = True,
        upsert: bool = False,
    ) -> None:
        """An update of one row by query. With must_match, commit raises StaleVersion when nothing matched."""
        self.add(
            Write(collection, Kind.UPDATE, query, lambda: update, must_match=must_match and not upsert, upsert=upsert)
        )

    def delete(self, collection: str, query: Mapping[str, Any]) -> None:
        """Removes one row by query, if it is there."""
        self.add(Write(collection, Kind.DELETE, query))

    def add(self, write: Write) -> None:
        """A write that the methods above do not know: of many rows, or with faults of its own."""
        self.writes.append(write)

    def tell(self, document: Document, name: str, data: Document, *, subject: str | None = None) -> str:
        """Adds an event to an aggregate that this unit inserts or saves. Returns the event's id.

        `subject` is by default the aggregate's `code`, else its id. Raises EventError for data that the room's
        own schema of this event refuses.
        """
        document["seq"] = document.get("seq", 0) + 1
        event = envelope.Event(
            id=envelope.new_event_id(),
            source=f"/motcua/{self._origin.room}",
            name=name,
            version=1,
            time=self._origin.now,
            recorded=datetime.now(UTC),
            subject=subject or str(document.get("code") or document["_id"]),
            aggregate_id=str(document["_id"]),
            sequence=document["seq"],
            correlation_id=self._origin.correlation_id,
            causation_id=self._origin.causation_id,
            actor_id=self._origin.actor_id,
            data=self._check_event(name, data),
            channel=envelope.channel_of(self._origin.channel),
        )
        self._told.setdefault(id(document), []).append(event.to_dict())
        return event.id

    @property
    def empty(self) -> bool:
        return not self.writes and not self.late

    def commit(self) -> None:
        """Writes everything: one write alone, several in one transaction; beside others that commit now, with them.

        Raises StaleVersion, Duplicate or what a write of the kernel's own raises; then nothing of it was written. A
        fault of the database may leave that open.
        """
        if self.committed:
            raise RuntimeError("a unit of work is committed once")
        if self.writes or self.late:
            self._store.commit(self.writes, self.late)
        self.committed = True
        if self._told:
            self._store.told()
