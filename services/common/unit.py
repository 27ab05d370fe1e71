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
from pymongo.client_session import ClientSession
from pymongo.errors import DuplicateKeyError

from services.common import envelope
from services.common.store import Document, Store

#: Kept out of `$set` when an aggregate is saved: the relay changes them on its own.
_RELAY_FIELDS = ("_id", "outbox", "outbox_mark", "version")


class StaleVersion(Exception):
    """Somebody else changed the document since it was read. The kernel runs the handler again."""


class Duplicate(Exception):
    """A unique index refused the write; `collection` says where."""

    def __init__(self, collection: str) -> None:
        super().__init__(collection)
        self.collection = collection


@dataclass
class _Write:
    collection: str
    run: Callable[[ClientSession | None], None]


@dataclass(frozen=True)
class Origin:
    """Where the events of a unit come from: ids of the chain and of the actor, and both times."""

    room: str
    correlation_id: str
    causation_id: str
    actor_id: str
    now: datetime


class UnitOfWork:
    """Collects writes and events. `check_event(name, data)` validates an event's data before it is kept."""

    def __init__(self, store: Store, origin: Origin, check_event: Callable[[str, Document], Document]) -> None:
        self._store = store
        self._origin = origin
        self._check_event = check_event
        self._writes: list[_Write] = []
        self._told: dict[int, list[Document]] = {}
        self.committed = False

    def insert(self, collection: str, document: Document, *, schema_version: int = 1) -> None:
        """A new aggregate or row. Fills version, schema_version and seq. Commit raises Duplicate."""
        document.setdefault("version", 1)
        document.setdefault("schema_version", schema_version)
        document.setdefault("seq", 0)

        def run(session: ClientSession | None) -> None:
            fresh = dict(document)
            events = self._told.get(id(document))
            if events:
                fresh["outbox"] = events
                fresh["outbox_mark"] = ObjectId()
            try:
                self._store.db[collection].insert_one(fresh, session=session)
            except DuplicateKeyError:
                raise Duplicate(collection) from None

        self._writes.append(_Write(collection, run))

    def save(self, collection: str, document: Document) -> None:
        """Writes back an aggregate that was read. Commit raises StaleVersion if it changed since.

        Top-level fields are set, never dropped: a field that ends is set to None.
        """
        read_version = document["version"]

        def run(session: ClientSession | None) -> None:
            change: Document = {
                "$set": {k: v for k, v in document.items() if k not in _RELAY_FIELDS} | {"version": read_version + 1}
            }
            events = self._told.get(id(document))
            if events:
                change["$push"] = {"outbox": {"$each": events}}
                change["$set"]["outbox_mark"] = ObjectId()
            try:
                result = self._store.db[collection].update_one(
                    {"_id": document["_id"], "version": read_version}, change, session=session
                )
            except DuplicateKeyError:
                raise Duplicate(collection) from None
            if result.matched_count != 1:
                raise StaleVersion(collection)

        self._writes.append(_Write(collection, run))

    def put(self, collection: str, document: Document) -> None:
        """Writes a row whole under its `_id`, whether it existed or not. For rows that have no rival writers."""
        self._writes.append(
            _Write(
                collection,
                lambda session: _ignore(
                    self._store.db[collection].replace_one(
                        {"_id": document["_id"]}, document, upsert=True, session=session
                    )
                ),
            )
        )

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

        def run(session: ClientSession | None) -> None:
            try:
                result = self._store.db[collection].update_one(query, update, upsert=upsert, session=session)
            except DuplicateKeyError:
                raise Duplicate(collection) from None
            if must_match and not upsert and result.matched_count != 1:
                raise StaleVersion(collection)

        self._writes.append(_Write(collection, run))

    def delete(self, collection: str, query: Mapping[str, Any]) -> None:
        """Removes one row by query, if it is there."""
        self._writes.append(
            _Write(collection, lambda session: _ignore(self._store.db[collection].delete_one(query, session=session)))
        )

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
        )
        self._told.setdefault(id(document), []).append(event.to_dict())
        return event.id

    def add(self, collection: str, run: Callable[[ClientSession | None], None]) -> None:
        """A write of the kernel's own (idempotency row, inbox mark)."""
        self._writes.append(_Write(collection, run))

    @property
    def empty(self) -> bool:
        return not self._writes

    def commit(self) -> None:
        """Writes everything: one write alone, several in one transaction.

        Raises StaleVersion or Duplicate; then nothing was written.
        """
        if self.committed:
            raise RuntimeError("a unit of work is committed once")
        if len(self._writes) == 1:
            self._writes[0].run(None)
        elif self._writes:
            with self._store.client.start_session(causal_consistency=True) as session:
                session.with_transaction(self._run_all)
        self.committed = True

    def _run_all(self, session: ClientSession) -> None:
        for write in self._writes:
            write.run(session)


def _ignore(result: object) -> None:
    """For writes whose outcome does not matter."""
