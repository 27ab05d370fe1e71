"""Units of work that are ready at the same moment, written in one transaction of a real database."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator

import eventlet
import pymongo
import pytest

from deploy.local.system import System
from services.common import commits
from services.common.commits import GroupCommit
from services.common.store import Store
from services.common.writes import Duplicate, Kind, NotTogether, StaleVersion, Unit, Write, write_together


@pytest.fixture
def store(stores: System) -> Iterator[Store]:
    made = Store(stores.env("oversight")["MOTCUA_MONGO_URL"], application="test")
    made.group = GroupCommit(made)
    made.collection("group").create_index("number", unique=True, sparse=True)
    yield made
    made.collection("group").drop()
    made.close()


@pytest.fixture
def groups(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The sizes of the groups that were written."""
    sizes: list[int] = []
    monkeypatch.setattr(commits.metrics.commit_group, "observe", sizes.append)
    return sizes


def insert(key: str, **more: object) -> Write:
    return Write("group", Kind.INSERT, {}, lambda: {"_id": key, "version": 1, **more})


def save(key: str, version: int) -> Write:
    change = {"$set": {"version": version + 1}}
    return Write("group", Kind.UPDATE, {"_id": key, "version": version}, lambda: change, must_match=True)


def together(store: Store, units: list[list[Write]]) -> list[object]:
    """Commits all units from greenlets of their own; what each met, None where it was written."""

    def one(writes: list[Write]) -> Callable[[], object]:
        def run() -> object:
            try:
                store.commit(writes)
            except Exception as exc:
                return exc
            return None

        return run

    threads = [eventlet.spawn(one(writes)) for writes in units]
    return [thread.wait() for thread in threads]


def keys(store: Store) -> set[str]:
    return {row["_id"] for row in store.find("group", {})}


def test_units_that_are_ready_together_are_one_transaction(store: Store, groups: list[int]) -> None:
    names = [uuid.uuid4().hex for _ in range(10)]
    assert together(store, [[insert(name), insert(f"{name}+")] for name in names]) == [None] * 10
    assert groups == [10]
    assert keys(store) == {key for name in names for key in (name, f"{name}+")}


def test_of_a_group_only_the_units_that_fail_are_refused_and_wholly(store: Store, groups: list[int]) -> None:
    store.commit([insert("read"), insert("taken", number=1)])
    met = together(
        store,
        [
            [insert("a"), save("read", 1)],
            [insert("b"), save("read", 7)],  # written since it was read
            [insert("c"), insert("taken")],
            [insert("d"), insert("e", number=1)],  # another unique index
            [insert("f")],
        ],
    )
    assert [type(fault) for fault in met] == [type(None), StaleVersion, Duplicate, Duplicate, type(None)]
    assert keys(store) == {"read", "taken", "a", "f"}
    assert groups == [1, 5]


def test_two_writers_of_one_document_in_one_group(store: Store) -> None:
    store.commit([insert("read")])
    met = together(store, [[insert("first"), save("read", 1)], [insert("second"), save("read", 1)]])
    assert sorted(type(fault).__name__ for fault in met) == ["NoneType", "StaleVersion"]
    assert store.get("group", "read")["version"] == 2  # type: ignore[index]
    assert len(keys(store)) == 2


def test_updates_that_need_not_find_their_row_do_not_hide_one_that_must(store: Store) -> None:
    loose = Write("group", Kind.UPDATE, {"_id": "loose"}, lambda: {"$inc": {"count": 1}}, upsert=True)
    store.commit([insert("there"), loose])
    missing = save("nobody", 1)
    with pytest.raises(NotTogether):
        write_together(store.client, store.db, [Unit([loose]), Unit([missing])])
    assert store.get("group", "loose")["count"] == 1  # type: ignore[index]
    write_together(store.client, store.db, [Unit([loose]), Unit([save("there", 1)]), Unit([loose])])
    assert store.get("group", "loose")["count"] == 3  # type: ignore[index]


def test_the_kinds_of_writes_do_alone_and_together_the_same(store: Store) -> None:
    def every(prefix: str) -> list[list[Write]]:
        return [
            [insert(f"{prefix}-a"), insert(f"{prefix}-b"), insert(f"{prefix}-c")],
            [Write("group", Kind.REPLACE, {"_id": f"{prefix}-a"}, lambda: {"replaced": True}, upsert=True)],
            [Write("group", Kind.DELETE, {"_id": f"{prefix}-b"})],
            [Write("group", Kind.UPDATE_MANY, {"_id": f"{prefix}-c"}, lambda: {"$set": {"many": True}})],
        ]

    for unit in every("alone"):
        store.commit(unit)
    write_together(store.client, store.db, [Unit(writes) for writes in every("group")])
    rows = {row.pop("_id"): row for row in store.find("group", {})}
    assert {name: row for name, row in rows.items() if name.startswith("alone")}.keys() == {"alone-a", "alone-c"}
    for letter in "abc":
        assert rows.get(f"alone-{letter}") == rows.get(f"group-{letter}")
    assert rows["group-a"] == {"replaced": True}
    assert rows["group-c"]["many"] is True


def test_a_database_that_is_away_is_told_to_everybody_in_the_group(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away(**_: object) -> None:
        raise pymongo.errors.AutoReconnect("away")

    monkeypatch.setattr(store.client, "start_session", away)
    met = together(store, [[insert("a"), insert("b")], [insert("c"), insert("d")]])
    assert [type(fault) for fault in met] == [pymongo.errors.AutoReconnect] * 2
    assert keys(store) == set()


class Link:
    """One link of a chain that is kept in the database: it names the one before."""

    made: list[str] = []

    def __init__(self, store: Store, name: str) -> None:
        self.store, self.name = store, name

    def writes(self, memory: dict[str, object]) -> list[Write]:
        end = memory.get("end") or self.store.get("group", "end")["last"]  # type: ignore[index]
        memory["end"] = self.name
        guard = {"_id": "end", "last": end}
        move = {"$set": {"last": self.name}}
        return [Write("group", Kind.UPDATE, guard, lambda: move, must_match=True), insert(self.name, before=end)]

    def done(self) -> None:
        self.made.append(self.name)


def test_a_chain_goes_on_within_a_group_and_around_a_unit_that_fails(store: Store) -> None:
    Link.made = []
    store.commit([insert("end", last="begin"), insert("read")])

    def unit(name: str, *writes: Write) -> object:
        try:
            store.commit(list(writes), [Link(store, name)])
        except StaleVersion:
            return "stale"
        return name

    threads = [
        eventlet.spawn(unit, "one"),
        eventlet.spawn(unit, "two", save("read", 9)),
        eventlet.spawn(unit, "three", save("read", 1)),
    ]
    assert [thread.wait() for thread in threads] == ["one", "stale", "three"]
    rows = {row["_id"]: row.get("before") for row in store.find("group", {"before": {"$exists": True}})}
    assert rows == {"one": "begin", "three": "one"}
    assert Link.made == ["one", "three"]
    assert store.get("group", "end")["last"] == "three"  # type: ignore[index]


@pytest.mark.parametrize(
    "bad",
    [
        insert("bad", content=2**64),
        insert("bad", content=object()),
        insert("bad", content=b"x" * 17_000_000),
        Write("group", Kind.INSERT, {}, lambda: {}["nothing"]),  # a fault of the room's own, at the commit
    ],
    ids=["65 bits", "no value", "17 MB", "KeyError"],
)
def test_a_unit_that_cannot_be_written_fails_alone(store: Store, groups: list[int], bad: Write):
    """Its neighbours were told of a fault that was none of theirs, came again beside it, and died with it."""
    units = [[insert(f"good-{n}")] for n in range(4)]
    outcomes = together(store, [*units[:2], [bad], *units[2:]])
    assert [outcome is None for outcome in outcomes] == [True, True, False, True, True]
    assert store.collection("group").count_documents({"_id": {"$regex": "^good-"}}) == 4
    assert max(groups) > 1
