"""A room's database: one client per process, majority writes, indexes and document versions.

Aggregates carry `version` (optimistic lock), `schema_version`, `seq` (number of its last event), `outbox`
(events not yet published) and `outbox_mark` (set while there are any; the relay's index). Room code reads with
`find`/`get` and writes only through a unit of work.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

import bson
import pymongo
from bson.codec_options import CodecOptions
from bson.datetime_ms import DatetimeConversion
from pymongo.collection import Collection
from pymongo.database import Database
from pymongo.errors import OperationFailure
from pymongo.read_concern import ReadConcern
from pymongo.write_concern import WriteConcern

from services.common.batched import Batched
from services.common.writes import Document, Late, Unit, Write, write_alone

_OTHER_OPTIONS = 85  # MongoDB's code IndexOptionsConflict

KERNEL = ("kernel", "inbox", "inbox_positions", "inbox_parked", "idempotency", "told", "timers")


@dataclass(frozen=True)
class Index:
    """One index: collection, keys as pymongo takes them, options."""

    collection: str
    keys: list[tuple[str, Any]]
    options: Mapping[str, Any] = field(default_factory=dict)


class Group(Protocol):
    """Commits several units at once (services/common/commits.py)."""

    def commit(self, unit: Unit) -> None: ...


class Store:
    """Access to one room's database. Made once, at start: a client made lazily by two greenlets would be made twice."""

    def __init__(self, url: str, *, application: str) -> None:
        self.group: Group | None = None
        self._collections: dict[str, Collection[Document]] = {}
        self._gets = Batched(self._fetch)
        self._numbers = Batched(self._next_numbers)
        self.told: Callable[[], None] = lambda: None  # called after a commit of events
        self.client: pymongo.MongoClient[Document] = pymongo.MongoClient(
            url,
            appname=application,
            maxPoolSize=64,
            tz_aware=True,
            retryWrites=True,
            retryReads=True,
            serverSelectionTimeoutMS=5_000,
            connectTimeoutMS=3_000,
            socketTimeoutMS=30_000,
        )
        self.db: Database[Document] = self.client.get_default_database(
            codec_options=CodecOptions(tz_aware=True, datetime_conversion=DatetimeConversion.DATETIME),
            read_concern=ReadConcern("majority"),
            write_concern=WriteConcern("majority", j=True),
        )

    def commit(self, writes: Sequence[Write], late: Sequence[Late] = ()) -> None:
        """Carries the writes out, all or none; with others that are ready now where a group commit was set.

        Raises StaleVersion, Duplicate or what a write says of itself.
        """
        unit = Unit(writes, late)
        if self.group is None:
            write_alone(self.client, self.db, unit)
        else:
            self.group.commit(unit)

    def collection(self, name: str) -> Collection[Document]:
        made = self._collections.get(name)
        if made is None:
            made = self._collections[name] = self.db[name]
        return made

    def find(self, collection: str, query: Mapping[str, Any], **options: Any) -> Iterator[Document]:
        """Documents of a query, as pymongo's find; callers name an index by their query."""
        return iter(self.collection(collection).find(query, **options))

    def get(self, collection: str, key: Any) -> Document | None:
        """The document with this `_id`; what several handlers ask of a collection at once is one query."""
        return self._gets.get((collection, key))

    def get_all(self, collection: str, keys: Iterable[Any]) -> list[Document | None]:
        """The documents with these `_id`s, in their order."""
        return self._gets.get_all((collection, key) for key in keys)

    def get_each(self, *asked: tuple[str, Any]) -> list[Document | None]:
        """Documents of several collections, each by its collection and `_id`, in one look."""
        return self._gets.get_all(asked)

    def _fetch(self, asked: list[tuple[str, Any]]) -> list[Document | None]:
        """One query per collection: all collections share one batch, so while it is fetched the next one grows."""
        wanted: dict[str, set[Any]] = {}
        for collection, key in asked:
            wanted.setdefault(collection, set()).add(key)
        found: dict[tuple[str, Any], Document] = {}
        for collection, keys in wanted.items():
            query = {"_id": {"$in": list(keys)}} if len(keys) > 1 else {"_id": next(iter(keys))}
            found.update({(collection, row["_id"]): row for row in self.collection(collection).find(query)})
        # A handler changes what it was given: nobody else may hold the same object. Reading the bytes again is far
        # cheaper than a deep copy.
        repeated = [each for each, times in Counter(asked).items() if times > 1 and each in found]
        raw = {each: bson.encode(found[each]) for each in repeated}
        return [
            bson.decode(raw[each], codec_options=self.db.codec_options) if each in raw else found.get(each)
            for each in asked
        ]

    def find_one(self, collection: str, query: Mapping[str, Any], **options: Any) -> Document | None:
        return self.collection(collection).find_one(query, **options)

    def next_number(self, collection: str, key: str) -> int:
        """The next number of a counter. Taken outside transactions: gaps are allowed, doubles are not (engine.md)."""
        return self._numbers.get((collection, key))

    def _next_numbers(self, asked: list[tuple[str, str]]) -> list[int]:
        given: dict[tuple[str, str], list[int]] = {}
        for (collection, key), count in Counter(asked).items():
            row = self.db[collection].find_one_and_update(
                {"_id": key}, {"$inc": {"value": count}}, upsert=True, return_document=pymongo.ReturnDocument.AFTER
            )
            last = int(row["value"])
            given[collection, key] = list(range(last, last - count, -1))
        return [given[each].pop() for each in asked]

    def prepare(self, indexes: list[Index], aggregates: list[str], events_days: int) -> None:
        """Makes collections and indexes that are missing; safe to repeat and to run in two replicas at once.

        `events_days`: how long what was told is kept. The inbox remembers a month longer, so that a replay of all
        that is kept repeats no effect.
        """
        existing = set(self.db.list_collection_names())
        for name in {*KERNEL, *aggregates, *(i.collection for i in indexes)} - existing:
            try:
                self.db.create_collection(name)
            except pymongo.errors.CollectionInvalid:
                continue  # the other replica was faster
        for name in aggregates:
            self.db[name].create_index(
                [("outbox_mark", 1)],
                name="outbox_unsent",
                partialFilterExpression={"outbox_mark": {"$exists": True}},
            )
        for index in indexes:
            self.db[index.collection].create_index(index.keys, **index.options)
        self._expire("idempotency", "created_at", days=30)
        self._expire("inbox", "handled_at", days=events_days + 30)
        self._expire("told", "told_at", days=events_days)
        self.db["inbox_parked"].create_index([("stream", 1), ("sequence", 1)], name="by_stream")
        self.db["inbox_parked"].create_index([("parked_at", 1)], name="by_age")
        self.db["told"].create_index([("aggregateid", 1), ("sequence", 1)], name="by_aggregate")

    def _expire(self, collection: str, field: str, *, days: int) -> None:
        try:
            self.db[collection].create_index([(field, 1)], expireAfterSeconds=days * 86_400, name="kept_for")
        except OperationFailure as exc:
            if exc.code != _OTHER_OPTIONS:
                raise
            index = {"name": "kept_for", "expireAfterSeconds": days * 86_400}  # the setting was changed
            self.db.command("collMod", collection, index=index)

    def close(self) -> None:
        self.client.close()
