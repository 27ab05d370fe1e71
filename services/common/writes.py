"""Writes that are collected first and carried out together: one alone, several in one transaction, several handlers'
writes in one transaction with one command per collection.

What a write may meet is the same either way: a row that is not as it was read, a key that exists already.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from itertools import groupby
from typing import Any, Protocol

import pymongo
from pymongo.client_session import ClientSession
from pymongo.database import Database
from pymongo.errors import BulkWriteError, DuplicateKeyError

Document = dict[str, Any]
_DUPLICATE_KEY = 11000


class StaleVersion(Exception):
    """Somebody else changed the document since it was read. The kernel runs the handler again."""


class Duplicate(Exception):
    """A unique index refused the write; `collection` says where."""

    def __init__(self, collection: str) -> None:
        super().__init__(collection)
        self.collection = collection


class Kind(Enum):
    INSERT = "insert"
    UPDATE = "update"
    UPDATE_MANY = "update many"
    REPLACE = "replace"
    DELETE = "delete"


@dataclass(frozen=True)
class Write:
    """One write of one collection. `body` is asked for at the commit: an insert carries the events told until then.

    `must_match`: an update that finds no row raises `missed`. A key that exists already raises `duplicate`.
    """

    collection: str
    kind: Kind
    query: Mapping[str, Any]
    body: Callable[[], Mapping[str, Any]] = dict
    must_match: bool = False
    upsert: bool = False
    missed: Callable[[str], Exception] = StaleVersion
    duplicate: Callable[[str], Exception] = Duplicate

    def alone(self, db: Database[Document], session: ClientSession | None) -> None:
        """Carries the write out by itself. Raises what `missed` or `duplicate` make."""
        rows = db[self.collection]
        try:
            if self.kind is Kind.INSERT:
                rows.insert_one(dict(self.body()), session=session)
            elif self.kind is Kind.UPDATE:
                done = rows.update_one(self.query, self.body(), upsert=self.upsert, session=session)
                if self.must_match and done.matched_count != 1:
                    raise self.missed(self.collection)
            elif self.kind is Kind.UPDATE_MANY:
                rows.update_many(self.query, self.body(), session=session)
            elif self.kind is Kind.REPLACE:
                rows.replace_one(self.query, dict(self.body()), upsert=self.upsert, session=session)
            else:
                rows.delete_one(self.query, session=session)
        except DuplicateKeyError:
            raise self.duplicate(self.collection) from None

    def operation(self) -> Any:
        """The write as a part of a bulk."""
        if self.kind is Kind.INSERT:
            return pymongo.InsertOne(dict(self.body()))
        if self.kind is Kind.UPDATE:
            return pymongo.UpdateOne(self.query, self.body(), upsert=self.upsert)
        if self.kind is Kind.UPDATE_MANY:
            return pymongo.UpdateMany(self.query, self.body())
        if self.kind is Kind.REPLACE:
            return pymongo.ReplaceOne(self.query, dict(self.body()), upsert=self.upsert)
        return pymongo.DeleteOne(self.query)


class Late(Protocol):
    """Writes that can be made only when their turn has come, because they continue what was written last: a chain.

    `memory` is shared by the units of one transaction, in the order in which they are written.
    """

    def writes(self, memory: dict[str, Any]) -> Sequence[Write]:
        """Asked anew for every attempt, also where the database asks for the transaction to be repeated."""

    def done(self) -> None:
        """Called once, in the same order, when the transaction is durable. Raises nothing: it is written."""


@dataclass(frozen=True)
class Unit:
    """What is written together or not at all; the late writes come first."""

    writes: Sequence[Write]
    late: Sequence[Late] = ()

    def all(self, memory: dict[str, Any]) -> list[Write]:
        return [*(write for late in self.late for write in late.writes(memory)), *self.writes]


class NotTogether(Exception):
    """One of the writes of a group cannot be carried out; which one, each unit by itself will show."""


def write_alone(client: pymongo.MongoClient[Document], db: Database[Document], unit: Unit) -> None:
    """One write by itself, several in one transaction. Raises the fault of the write that failed; then none is done."""

    def run(session: ClientSession) -> None:
        for write in unit.all({}):
            write.alone(db, session)

    if len(unit.writes) == 1 and not unit.late:
        unit.writes[0].alone(db, None)
    else:
        with client.start_session(causal_consistency=True) as session:
            session.with_transaction(run)
    for late in unit.late:
        late.done()


def write_together(client: pymongo.MongoClient[Document], db: Database[Document], units: Sequence[Unit]) -> None:
    """The writes of several units in one transaction, those of one collection in one bulk and in their order.

    Raises NotTogether where one of them fails; then nothing is written.
    """

    def run(session: ClientSession) -> None:
        by_collection: dict[str, list[Write]] = {}
        memory: dict[str, Any] = {}
        for unit in units:
            for write in unit.all(memory):
                by_collection.setdefault(write.collection, []).append(write)
        for name, writes in by_collection.items():
            # updates that must find their row are counted apart from those that need not
            for strict, part in groupby(writes, key=_counted):
                _bulk(db, name, list(part), strict, session)

    try:
        with client.start_session(causal_consistency=True) as session:
            session.with_transaction(run)
    except BulkWriteError as exc:
        if any(error["code"] != _DUPLICATE_KEY for error in exc.details.get("writeErrors", [])):
            raise
        raise NotTogether from None
    for unit in units:
        for late in unit.late:
            late.done()


def _counted(write: Write) -> bool:
    return write.must_match or write.kind in (Kind.INSERT, Kind.DELETE)


def _bulk(db: Database[Document], collection: str, writes: list[Write], strict: bool, session: ClientSession) -> None:
    done = db[collection].bulk_write([write.operation() for write in writes], ordered=True, session=session)
    if strict and done.matched_count != sum(write.must_match for write in writes):
        raise NotTogether
