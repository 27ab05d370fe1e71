"""A replay is read in an order that an index gives, and waits for a broker that does not take all of it at once."""

from __future__ import annotations

from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

import eventlet
import pytest

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

    def find(self, _query: Any) -> Told:
        return self

    def sort(self, *keys: Any) -> list[dict[str, Any]]:
        self.sorted = list(keys)
        return self.rows


class Publisher:
    """Takes every second message of the first two tries, then all."""

    def __init__(self, refusals: int) -> None:
        self.taken: list[str] = []
        self._refusals = refusals

    def publish(self, batch: list[Any]) -> None:
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
