"""The relay on a real database: a queue that is full, what is read again before it is on disk, an orderly stop; and
what is told again after a restore."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any, cast

import eventlet
import pytest
from pymongo.read_concern import ReadConcern

from deploy.local.system import System
from services.common import wire
from services.common.bus import relay as module
from services.common.bus import retell as retelling
from services.common.bus.publisher import Outgoing, Publisher
from services.common.bus.relay import Relay
from services.common.bus.retell import retell
from services.common.restored import RETELL, tell_again
from services.common.store import Store
from services.common.unit import Origin, UnitOfWork
from tests.support.bus import Bus, eventually

THINGS = "relayed"


class Outbox:
    """An aggregate's collection of its own, in the database of a room that does not run."""

    def __init__(self, store: Store) -> None:
        self.store = store

    def tell(self, name: str, key: str | None = None) -> str:
        """One more event of a document, as a handler's commit; returns the event's id."""
        origin = Origin("postal", "c", "c", "service:test", datetime.now(UTC))
        unit = UnitOfWork(self.store, origin, lambda _name, data: data)
        known = self.store.collection(THINGS).find_one({"_id": key})
        thing = known or {"_id": key or uuid.uuid4().hex}
        (unit.save if known else unit.insert)(THINGS, thing)
        told = unit.tell(thing, name, {})
        unit.commit()
        return told

    def relay(self, publisher: Any) -> Relay:
        return Relay(self.store, publisher, [THINGS], uuid.uuid4().hex)

    def left(self) -> int:
        things = self.store.collection(THINGS).with_options(read_concern=ReadConcern("local"))  # as it is now
        return things.count_documents({"outbox_mark": {"$exists": True}})


@pytest.fixture
def outbox(stores: System) -> Iterator[Outbox]:
    store = Store(stores.env("postal")["MOTCUA_MONGO_URL"], application="test")
    store.prepare([], [THINGS], 800)
    yield Outbox(store)
    for name in (THINGS, "told", "kernel", RETELL):
        store.collection(name).drop()
    store.close()


class Sink:
    """A publisher that keeps what it got; `meanwhile` happens before it answers."""

    def __init__(self, meanwhile: Callable[[], None] = lambda: None) -> None:
        self.got: list[str] = []
        self.meanwhile = meanwhile

    def publish(self, batch: list[Outgoing]) -> None:
        self.got += [message.properties["message_id"] for message in batch]
        self.meanwhile()


def drain(relay: Relay) -> None:
    while relay._drain():
        continue


@pytest.fixture
def queues(line: Bus) -> Iterator[SimpleNamespace]:
    """Two queues that hear one event each; the first takes five messages and then refuses."""
    names = SimpleNamespace(small=f"test.small.{uuid.uuid4().hex}", free=f"test.free.{uuid.uuid4().hex}")
    bound = {"x-max-length": 5, "x-overflow": "reject-publish"}
    line.channel.exchange_declare(wire.EVENTS_EXCHANGE, "topic", durable=True)
    for queue, name, arguments in ((names.small, "relayed.refused", bound), (names.free, "relayed.free", {})):
        line.channel.queue_declare(queue, exclusive=True, arguments=arguments)
        line.channel.queue_bind(queue, wire.EVENTS_EXCHANGE, name)
    yield names
    for queue in (names.small, names.free):
        line.channel.queue_delete(queue)


def test_what_one_queue_refuses_holds_up_no_other(
    outbox: Outbox, queues: SimpleNamespace, line: Bus, stores: System, monkeypatch: pytest.MonkeyPatch
) -> None:
    """More than a batch was refused, all of them older: the same batch was tried for ever."""
    monkeypatch.setattr(module, "BATCH", 20)
    publisher = Publisher(stores.amqp_url("operator"), "test.relay")
    relay = outbox.relay(publisher)
    try:
        refused = {outbox.tell("relayed.refused") for _ in range(module.BATCH + 50)}
        free = outbox.tell("relayed.free")
        drain(relay)
        assert line.channel.basic_get(queues.free, auto_ack=True)[1].message_id == free
        assert outbox.left() == len(refused) - 5
        later = outbox.tell("relayed.free")
        drain(relay)
        assert line.channel.basic_get(queues.free, auto_ack=True)[1].message_id == later, "nor later ones"
        came: set[str] = set()

        def taken() -> bool:
            while (got := line.channel.basic_get(queues.small, auto_ack=True))[0] is not None:
                came.add(got[1].message_id)
            relay._pass_again = 0.0  # the rest after a pass is over
            drain(relay)
            return came == refused

        eventually(taken, every=0, what="the queue is worked off, and nothing is lost")
    finally:
        publisher.close()


def test_what_was_taken_out_and_can_still_be_read_is_not_published_again(outbox: Outbox) -> None:
    """A majority reads what is on disk; under load every third event was published twice."""
    told: list[str] = []

    def commit() -> None:
        if len(told) < 40:
            told.append(outbox.tell("relayed.free", key=str(len(told) // 3)))

    sink = Sink(meanwhile=commit)
    relay = outbox.relay(sink)
    commit()
    while sink.got != told:
        drain(relay)
        assert len(sink.got) == len(set(sink.got))
    assert outbox.left() == 0


def test_what_a_crash_of_the_database_brings_back_is_published_again(
    outbox: Outbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "SHOWN_STILL", 0.0)
    sink = Sink()
    relay = outbox.relay(sink)
    monkeypatch.setattr(relay, "_take_out", lambda *_: None)  # not on disk
    told = outbox.tell("relayed.free")
    drain(relay)
    monkeypatch.undo()
    drain(relay)
    assert sink.got == [told, told]
    assert outbox.left() == 0


def test_a_relay_that_stops_publishes_what_is_committed_by_then(outbox: Outbox) -> None:
    told: list[str] = []

    def commit_and_stop() -> None:
        if len(told) == 1:
            told.append(outbox.tell("relayed.free"))
            stopped.append(eventlet.spawn(relay.stop))
            eventlet.sleep(0)  # it stops while this batch is under way

    sink = Sink(meanwhile=commit_and_stop)
    relay = outbox.relay(sink)
    stopped: list[Any] = []
    told.append(outbox.tell("relayed.free"))
    relay.start()
    with eventlet.Timeout(20):
        while not stopped:
            eventlet.sleep(0.01)
        stopped[0].wait()
    assert sink.got == told
    assert outbox.left() == 0


def test_what_is_told_again_comes_in_the_order_in_which_it_was_told(
    outbox: Outbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(retelling, "_BATCH", 2)
    told = []
    for _ in range(3):  # times at which the relay kept three events of one aggregate
        told += [outbox.tell("relayed.free", key="one") for _ in range(3)]
        drain(outbox.relay(Sink()))
    tell_again(outbox.store.db, {event: ["postal"] for event in sorted(told)})
    sink = Sink()
    retell(outbox.store, cast(Publisher, sink))
    assert sink.got == told
    assert outbox.store.collection(RETELL).count_documents({}) == 0
