"""`motcua migrate`: forward only, in order, each step once, a newer database left alone."""

from __future__ import annotations

import pytest

from deploy.operate import migrate as program
from services.common import wire
from services.common.migrations import Migration, NewerDatabase, migrate, reached
from services.common.store import Store


@pytest.fixture
def store(stores):
    made = Store(program.room_url(stores.mongo_url("operator"), "exchange"), application="test")
    for name in ("kernel", "syncs"):
        made.collection(name).delete_many({})
    yield made
    for name in ("kernel", "syncs"):
        made.collection(name).delete_many({})
    made.close()


def step(number: int, field: str) -> Migration:
    def run(store: Store) -> None:
        store.collection("syncs").update_many({field: {"$exists": False}}, {"$set": {field: number}})

    return Migration(number, f"add {field}", run)


STEPS = [step(2, "second"), step(1, "first")]


def test_steps_run_in_order_and_once(store):
    store.collection("syncs").insert_one({"_id": "a"})
    assert list(program.bring_forward(store, STEPS, dry_run=False)) == ["done 1 add first", "done 2 add second"]
    assert store.get("syncs", "a") == {"_id": "a", "first": 1, "second": 2}
    assert reached(store) == 2
    store.collection("syncs").insert_one({"_id": "b"})
    assert list(program.bring_forward(store, STEPS, dry_run=False)) == ["at 2, nothing to do"]
    assert store.get("syncs", "b") == {"_id": "b"}


def test_a_dry_run_says_and_does_nothing(store):
    store.collection("syncs").insert_one({"_id": "a"})
    assert list(program.bring_forward(store, STEPS, dry_run=True)) == [
        "would run 1 add first",
        "would run 2 add second",
    ]
    assert store.get("syncs", "a") == {"_id": "a"}
    assert reached(store) == 0


def test_a_step_that_failed_runs_again_and_the_ones_before_do_not(store):
    store.collection("syncs").insert_one({"_id": "a"})
    tries: list[int] = []

    def failing(_: Store) -> None:
        tries.append(1)
        if len(tries) == 1:
            raise RuntimeError("cut short")

    steps = [step(1, "first"), Migration(2, "fails once", failing)]
    with pytest.raises(RuntimeError):
        list(program.bring_forward(store, steps, dry_run=False))
    assert reached(store) == 1
    assert [m.number for m in migrate(store, steps)] == [2]
    assert len(tries) == 2


def test_a_database_of_a_newer_release_is_left_alone(store):
    migrate(store, STEPS)
    with pytest.raises(NewerDatabase):
        list(program.bring_forward(store, STEPS[1:], dry_run=False))


def test_the_command_goes_through_every_room(stores, capsys):
    assert program.main([], stores.mongo_url("operator")) == 0
    printed = capsys.readouterr().out
    for room in wire.ROOMS:
        assert f"{room:11} " in printed


def test_a_room_that_cannot_be_migrated_does_not_stop_the_others(stores, monkeypatch, capsys):
    monkeypatch.setattr(program, "migrations_of", lambda room: [])
    monkeypatch.setattr(program.wire, "ROOMS", ("identity", "exchange"))
    kernel = Store(program.room_url(stores.mongo_url("operator"), "identity"), application="test")
    kernel.collection("kernel").replace_one({"_id": "schema"}, {"number": 7}, upsert=True)
    try:
        assert program.main([], stores.mongo_url("operator")) == 1
        printed = capsys.readouterr()
        assert "identity" in printed.err
        assert "this program knows 0" in printed.err
        assert "exchange" in printed.out
    finally:
        kernel.collection("kernel").delete_one({"_id": "schema"})
        kernel.close()
