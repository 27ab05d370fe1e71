"""A replay is read in an order that an index gives, and waits for a broker that does not take all of it at once."""

from __future__ import annotations

import itertools
from collections.abc import Iterable
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

import eventlet
import pytest

from services.common import wire
from services.common.bus import relay
from services.common.bus.publisher import PublishFailed


class Told:
    """The collection `told`; keeps by what it was sorted."""

    def __init__(self, number: int) -> None:
        moment = datetime(2024, 3, 11, tzinfo=UTC)
        self.rows = [
            {"_id": str(n), "told_at": moment, "id": str(n), "type": "vn.motcua.case.opened.v1"} for n in range(number)
        ]
        self.sorted: list[Any] = []

    def find(self, _query: Any, batch_size: int) -> Told:
        assert 0 < batch_size <= relay.BATCH, "the database forgets a cursor that rests too long"
        return self

    def sort(self, *keys: Any) -> list[dict[str, Any]]:
        self.sorted = list(keys)
        return self.rows


class Publisher:
    """Takes every second message of the first tries, then all. `depth`: what lies in the queue at each look."""

    def __init__(self, refusals: int, depth: Iterable[int] = itertools.repeat(0)) -> None:
        self.taken: list[str] = []
        self._refusals = refusals
        self.depth = iter(depth)
        self.lying = 0

    def depths(self, queues: list[str]) -> dict[str, tuple[int, int]]:
        assert queues == ["evt.notifier"]
        self.lying = next(self.depth)
        return {"evt.notifier": (self.lying, 1)}

    def publish(self, batch: list[Any]) -> None:
        assert self.lying <= wire.EVENT_QUEUE_LIMIT / 4
        ids = [message.properties["message_id"] for message in batch]
        if self._refusals > 0:
            self._refusals -= 1
            confirmed = frozenset(range(0, len(ids), 2))
            self.taken += [ids[place] for place in sorted(confirmed)]
            raise PublishFailed("the queue is full", confirmed)
        self.taken += ids


@pytest.fixture(autouse=True)
def no_pause(monkeypatch):
    monkeypatch.setattr(eventlet, "sleep", lambda _seconds: None)


def run(told: Told, publisher: Publisher) -> int:
    store: Any = SimpleNamespace(collection=lambda _name: told)
    sink: Any = publisher
    return relay.replay(store, sink, "notifier", ["case.*"])


def test_it_goes_on_where_the_broker_refused_some_and_doubles_nothing():
    told, publisher = Told(450), Publisher(refusals=3)
    assert run(told, publisher) == 450
    assert sorted(publisher.taken) == sorted(row["id"] for row in told.rows)


def test_it_is_read_by_the_key_of_an_index():
    # Store.prepare makes ("told_at",); a second key would be a sort of everything, longer than the database waits
    told = Told(3)
    run(told, Publisher(0))
    assert told.sorted == ["told_at", 1]


def test_it_ends_where_the_broker_takes_nothing_for_too_long(monkeypatch):
    monkeypatch.setattr(relay, "REPLAY_PATIENCE", -1.0)
    with pytest.raises(PublishFailed):
        run(Told(3), Publisher(refusals=9))


def test_it_leaves_room_in_the_queue_for_what_is_new():
    most = wire.EVENT_QUEUE_LIMIT // 4
    told, publisher = Told(450), Publisher(0, depth=[most + 2, most + 1, most, 7, most + 1, 0])
    assert run(told, publisher) == 450
    assert list(publisher.depth) == [], "it looks before each batch"
    assert publisher.taken == [row["id"] for row in told.rows]


def test_it_waits_for_as_long_as_the_queue_becomes_shorter(monkeypatch):
    clock = itertools.count(0.0, relay.REPLAY_PATIENCE / 4)
    monkeypatch.setattr(relay.time, "monotonic", lambda: next(clock))
    bound = wire.EVENT_QUEUE_LIMIT
    assert run(Told(3), Publisher(0, depth=range(bound, 0, -1000))) == 3
    with pytest.raises(PublishFailed):
        run(Told(3), Publisher(0, depth=itertools.repeat(bound)))
