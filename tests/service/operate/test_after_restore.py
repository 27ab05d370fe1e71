"""What each room changes in its restored database before it starts."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from deploy.local.broker import listeners
from deploy.operate import agreement, at_rest, restore
from deploy.operate.migrate import room_url, spec_of
from services.common import wire
from services.common.migrations import OtherDatabase, refuse_other
from services.common.restored import Restored, begin, finish
from services.common.store import Store

TAKEN = datetime(2026, 11, 20, 1, 0, tzinfo=UTC)
SINCE = datetime(2024, 3, 11, 2, 0, tzinfo=UTC)  # 9:00 in Huế


def restored(days: float = 0.0, gap: int = 2000, **known: int) -> Restored:
    return Restored("a-backup", TAKEN, SINCE, SINCE + timedelta(days=days), gap, known)


@pytest.fixture
def room(stores):
    """`room(name)`: its store, and what it does after a restore. What is written is removed."""
    made: list[tuple[Store, list[str]]] = []

    def of(name: str, *collections: str) -> Store:
        store = Store(room_url(stores.mongo_url("operator"), name), application="test")
        made.append((store, list(collections)))
        for collection in collections:
            store.collection(collection).delete_many({})
        return store

    yield of
    for store, collections in made:
        for collection in collections:
            store.collection(collection).delete_many({})
        store.close()


def after(name: str, store: Store, about: Restored) -> list[str]:
    run = spec_of(name).after_restore
    assert run is not None
    return run(store, about)


def counters(store: Store) -> dict[str, int]:
    return {row["_id"]: row["value"] for row in store.find("counters", {})}


def test_codes_skip_on_every_day_since_the_backup_also_where_the_backup_has_no_counter(room):
    store = room("intake", "counters", "agencies")
    store.collection("agencies").insert_many([{"_id": "H57.01"}, {"_id": "H57.02"}])
    store.collection("counters").insert_many(
        [{"_id": "H57.01-240310", "value": 7}, {"_id": "H57.01-240311", "value": 5}]
    )
    after("intake", store, restored(days=1.0))
    assert counters(store) == {
        "H57.01-240310": 7, "H57.01-240311": 2005, "H57.02-240311": 2000, "H57.01-240312": 2000, "H57.02-240312": 2000,
    }  # fmt: skip
    assert store.next_number("counters", "H57.02-240312") == 2001


def test_numbers_that_were_known_before_the_restore_count_where_they_are_higher(room):
    store = room("intake", "counters", "agencies")
    store.collection("agencies").insert_one({"_id": "H57.01"})
    after("intake", store, restored(gap=10, **{"H57.01-240311": 4000, "H57.01-240320": 3}))
    assert counters(store) == {"H57.01-240311": 4000, "H57.01-240320": 3}


def test_receipts_skip_in_every_series_of_both_years(room):
    store = room("payment", "counters", "receipt_series")
    store.collection("receipt_series").insert_one({"_id": "H57.01", "template": "01", "series": "QT-{yy}E"})
    store.collection("counters").insert_one({"_id": "QT-24E", "value": 31})
    after("payment", store, restored(days=300))
    assert counters(store) == {"QT-24E": 2031, "QT-25E": 2000, "MC-24E": 2000, "MC-25E": 2000}


def test_sessions_end_and_codes_serve_no_more(room):
    store = room("identity", "sessions", "challenges")
    ended = datetime(2026, 11, 1, tzinfo=UTC)
    store.collection("sessions").insert_many(
        [{"_id": "live", "sid": "a", "ended_at": None, "version": 3}, {"_id": "over", "sid": "b", "ended_at": ended}]
    )
    store.collection("challenges").insert_one({"_id": "code", "state": "sent"})
    said = after("identity", store, restored())
    assert "1 sessions ended" in said[0]
    rows = {row["_id"]: row for row in store.find("sessions", {})}
    assert rows["live"]["ended_at"] is not None and rows["live"]["version"] == 4
    assert rows["over"]["ended_at"] == ended
    assert store.get("challenges", "code") is None


def test_orders_of_which_the_partner_said_nothing_go_again_and_no_others(room):
    store = room("postal", "shipments")
    sent = datetime(2024, 3, 11, tzinfo=UTC)
    rows = [("silent", "ORDERED", sent), ("new", "ORDERED", None), ("known", "REGISTERED", sent),
            ("there", "DELIVERED", sent)]  # fmt: skip
    store.collection("shipments").insert_many(
        [{"_id": key, "code": key, "kind": "result", "state": state, "sent_at": at, "version": 1, "attempts": 4}
         for key, state, at in rows]
    )  # fmt: skip
    said = after("postal", store, restored())
    assert "1 orders go" in said[0] and "3 shipments are under way" in said[1]
    unsent = {row["_id"] for row in store.find("shipments", {"sent_at": None})}
    assert unsent == {"silent", "new"}


def test_no_room_starts_on_a_database_whose_restore_was_not_completed(room):
    store = room("signing")
    begin(store, "a-backup")
    try:
        with pytest.raises(OtherDatabase, match="restore of backup a-backup into this database was not completed"):
            refuse_other(store, [])
    finally:
        finish(store)
    refuse_other(store, [])


def test_what_is_there_is_seen_and_its_numbers_and_clock_are_remembered(room, data):
    room("intake", "counters", "told")
    data["intake"]["told"].insert_one({"_id": "somebody's"})
    data["intake"]["counters"].insert_one({"_id": "H57.01-240311", "value": 12})
    assert "intake" in restore.occupied(data)
    known = restore._known(data, {"known": {"clock": None, "intake/H57.01-240311": 40, "payment/QT-24E": 2}})
    assert known["intake/H57.01-240311"] == 40, "a first run of this restore had seen more"
    assert known["payment/QT-24E"] == 2


def test_what_is_under_way_is_seen_without_reading_what_was_told(room, data, stores, line):
    """Only the comparison at the end goes through all that was ever told; a look is asked again and again."""
    room("vault", "told", "retell", "files")
    url = stores.amqp_url("operator")
    before = at_rest.events_under_way(data, url)
    lacking = agreement.waiting(data, listeners())
    data["vault"]["told"].insert_one({"_id": "long ago", "type": "vn.motcua.file.stored.v1"})
    assert at_rest.events_under_way(data, url) == before
    assert agreement.waiting(data, listeners())["signing"] == lacking.get("signing", 0) + 1
    data["vault"]["retell"].insert_one({"_id": "long ago", "to": ["signing"]})
    data["vault"]["files"].insert_one({"_id": "f", "outbox_mark": 1})
    line.channel.confirm_delivery()
    line.publish("", wire.retry_queue("exchange", 30), b"{}")
    line.publish("", wire.dead_queue("exchange"), b"{}")
    try:
        under_way = at_rest.events_under_way(data, url)
        found = {place: count - before.get(place, 0) for place, count in under_way.items()}
        assert {place: count for place, count in found.items() if count} == {
            "vault, to be told again": 1, "vault.files, not published": 1, wire.retry_queue("exchange", 30): 1,
        }  # fmt: skip
    finally:
        for name in (wire.retry_queue("exchange", 30), wire.dead_queue("exchange")):
            line.channel.queue_purge(name)


@pytest.mark.parametrize(
    ("numbers", "whole"),
    [([1, 2, 3], True), ([7, 8], True), ([1, 3], False), ([1, 2, 2], False), ([1, 2, 2, 4], False), ([1, 1, 3], False)],
)
def test_a_gap_and_a_double_are_found_also_where_they_make_up_for_each_other(room, data, numbers, whole):
    room("vault", "told", "files")
    rows = [{"_id": str(place), "aggregateid": "f", "sequence": number} for place, number in enumerate(numbers)]
    data["vault"]["told"].insert_many(rows)
    found = list(agreement.streams(data, "vault", agreement.spans(data, "vault")))
    assert found == ([] if whole else [f"vault f: {len(numbers)} events with numbers {numbers[0]}–{numbers[-1]}"])
