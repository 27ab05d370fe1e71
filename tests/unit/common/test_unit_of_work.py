"""A unit of work against a database that only remembers: what it writes, in which order, in a transaction or not."""

from __future__ import annotations

import contextlib
from datetime import UTC, datetime
from typing import Any

import pytest
from pymongo.errors import DuplicateKeyError

from services.common.unit import Origin, UnitOfWork
from services.common.writes import Duplicate, Kind, StaleVersion, Unit, Write, write_alone, write_together

NOW = datetime(2024, 3, 11, 2, 0, tzinfo=UTC)
ORIGIN = Origin("intake", "corr", "cause", "acc-1", NOW)


class Result:
    def __init__(self, matched: int) -> None:
        self.matched_count = matched


class Collection:
    """One collection: remembers its writes, answers as told."""

    def __init__(self, log: list[tuple[str, Any, bool]], matched: int = 1, duplicate: bool = False) -> None:
        self.log, self.matched, self.duplicate = log, matched, duplicate

    def insert_one(self, document: dict[str, Any], session: Any) -> None:
        if self.duplicate:
            raise DuplicateKeyError("E11000")
        self.log.append(("insert", document, session is not None))

    def update_one(self, query: Any, change: Any, session: Any, upsert: bool = False) -> Result:
        self.log.append(("update", (query, change), session is not None))
        return Result(self.matched)

    def replace_one(self, query: Any, document: Any, upsert: bool, session: Any) -> None:
        self.log.append(("replace", document, session is not None))

    def delete_one(self, query: Any, session: Any) -> None:
        self.log.append(("delete", query, session is not None))


class Session:
    def with_transaction(self, run: Any) -> None:
        run(self)


class Memory:
    """Stands where the store stands."""

    def __init__(self, **behaviour: Any) -> None:
        self.log: list[tuple[str, Any, bool]] = []
        self.behaviour = behaviour
        self.client = self

    @property
    def db(self) -> Memory:
        return self

    def __getitem__(self, name: str) -> Collection:
        return Collection(self.log, **self.behaviour)

    def commit(self, writes: Any, late: Any) -> None:
        write_alone(self, self, Unit(writes, late))  # type: ignore[arg-type]

    def told(self) -> None:
        """Nobody is woken."""

    def start_session(self, causal_consistency: bool) -> Any:
        assert causal_consistency
        return contextlib.nullcontext(Session())


def unit(store: Memory) -> UnitOfWork:
    return UnitOfWork(store, ORIGIN, lambda name, data: data)  # type: ignore[arg-type]


def test_one_document_with_its_events_needs_no_transaction():
    store = Memory()
    work = unit(store)
    dossier: dict[str, Any] = {"_id": "c1", "code": "c1"}
    work.insert("dossiers", dossier)
    work.tell(dossier, "dossier.filed", {"procedure": "p"})
    work.tell(dossier, "dossier.guided", {"round": 1})
    work.commit()
    [(kind, written, transaction)] = store.log
    assert (kind, transaction) == ("insert", False)
    assert [(e["type"], e["sequence"]) for e in written["outbox"]] == [
        ("vn.motcua.dossier.filed.v1", 1), ("vn.motcua.dossier.guided.v1", 2),
    ]  # fmt: skip
    first = written["outbox"][0]
    assert (first["subject"], first["aggregateid"]) == ("c1", "c1")
    assert (first["correlationid"], first["causationid"], first["actorid"]) == ("corr", "cause", "acc-1")
    assert first["source"] == "/motcua/intake"
    assert written["outbox_mark"]
    assert (written["version"], written["schema_version"], written["seq"]) == (1, 1, 2)


def test_without_events_no_mark_wakes_the_relay():
    store = Memory()
    work = unit(store)
    work.insert("dossiers", {"_id": "c1"})
    work.save("dossiers", {"_id": "c2", "version": 1, "seq": 0})
    work.commit()
    assert "outbox_mark" not in store.log[0][1]
    assert "outbox_mark" not in store.log[1][1][1]["$set"]


def test_two_writes_are_one_transaction():
    store = Memory()
    work = unit(store)
    work.insert("dossiers", {"_id": "c1"})
    work.put("counters", {"_id": "n"})
    work.delete("drafts", {"_id": "d"})
    work.commit()
    assert [(kind, transaction) for kind, _, transaction in store.log] == [
        ("insert", True), ("replace", True), ("delete", True),
    ]  # fmt: skip


def test_a_save_is_bound_to_the_version_that_was_read_and_leaves_the_outbox_to_the_relay():
    store = Memory()
    work = unit(store)
    read = {"_id": "c1", "code": "c1", "version": 7, "seq": 3, "status": 2, "outbox": [{"id": "old"}], "outbox_mark": 1}
    work.save("dossiers", read)
    work.tell(read, "dossier.accepted", {})
    work.commit()
    [(_, (query, change), _)] = store.log
    assert query == {"_id": "c1", "version": 7}
    assert change["$set"]["version"] == 8
    assert change["$set"]["seq"] == 4
    assert "outbox" not in change["$set"]
    assert [e["sequence"] for e in change["$push"]["outbox"]["$each"]] == [4]
    assert change["$set"]["outbox_mark"] != 1


def test_a_stale_save_and_a_missing_row_are_refused():
    store = Memory(matched=0)
    work = unit(store)
    work.save("dossiers", {"_id": "c1", "version": 7})
    with pytest.raises(StaleVersion):
        work.commit()
    work = unit(store)
    work.change("cases", {"_id": "c1"}, {"$set": {"a": 1}})
    with pytest.raises(StaleVersion):
        work.commit()
    work = unit(store)
    work.change("cases", {"_id": "c1"}, {"$set": {"a": 1}}, must_match=False)
    work.commit()


def test_a_taken_key_says_where():
    work = unit(Memory(duplicate=True))
    work.insert("accounts", {"_id": "a"})
    with pytest.raises(Duplicate) as caught:
        work.commit()
    assert caught.value.collection == "accounts"


def test_a_unit_is_committed_once_and_an_empty_one_writes_nothing():
    store = Memory()
    work = unit(store)
    assert work.empty
    work.commit()
    assert store.log == []
    with pytest.raises(RuntimeError):
        work.commit()


def test_an_event_is_checked_before_anything_is_kept():
    def refuse(name: str, data: dict[str, Any]) -> dict[str, Any]:
        raise ValueError(name)

    work = UnitOfWork(Memory(), ORIGIN, refuse)  # type: ignore[arg-type]
    dossier = {"_id": "c1"}
    work.insert("dossiers", dossier)
    with pytest.raises(ValueError, match="dossier.filed"):
        work.tell(dossier, "dossier.filed", {})


def test_subject_is_the_code_the_id_or_what_is_given():
    for document, given, expected in (
        ({"_id": 1, "code": "c1"}, None, "c1"),
        ({"_id": "o1"}, None, "o1"),
        ({"_id": "o1"}, "c9", "c9"),
    ):
        store = Memory()
        work = unit(store)
        work.insert("things", document)
        work.tell(document, "thing.made", {}, subject=given)
        work.commit()
        assert store.log[0][1]["outbox"][0]["subject"] == expected


class Chained:
    """Late writes that name the end which they continue."""

    def __init__(self, ends: list[str]) -> None:
        self.ends, self.written = ends, 0

    def writes(self, memory: dict[str, Any]) -> list[Write]:
        end = self.ends.pop(0)
        return [Write("chain", Kind.REPLACE, {}, lambda: {"after": end})]

    def done(self) -> None:
        self.written += 1


@pytest.mark.parametrize("write", [write_alone, lambda client, db, unit: write_together(client, db, [unit])])
def test_a_transaction_that_is_repeated_continues_what_is_the_end_by_then(monkeypatch, write: Any):
    seen: list[Any] = []

    def bulk_write(_: Any, operations: list[Any], **__: Any) -> Result:
        seen.extend(each._doc["after"] for each in operations)
        return Result(0)

    monkeypatch.setattr(Session, "with_transaction", lambda self, run: (run(self), run(self)))
    monkeypatch.setattr(Collection, "replace_one", lambda self, query, document, **_: seen.append(document["after"]))
    monkeypatch.setattr(Collection, "bulk_write", bulk_write, raising=False)
    store, late = Memory(), Chained(["first", "second"])
    write(store, store, Unit([], [late]))
    assert seen == ["first", "second"]
    assert late.written == 1
