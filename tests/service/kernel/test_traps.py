"""The traps that were seen in this stack, each closed once in services/common and held here.

Held elsewhere: SIGTERM with work in hand, kills of room, broker and database (tests/faults/test_one_room.py); an event
whose handler raised, order, poison (test_events.py); patching first (tests/architecture/test_imports.py).
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from services.common import wire
from tests.architecture.source import files
from tests.support.bus import Bus, eventually
from tests.support.programs import Program, borrowed

LONG_AGO = datetime(2000, 1, 1, tzinfo=UTC)
ROOT = Path(__file__).resolve().parents[3]


class Scene:
    """One scene of tests/support/trap_program.py, as a process of its own."""

    def __init__(self, stores, name: str, room: str = "notifier") -> None:
        self.log = stores.state.logs / f"trap-{name}.log"
        with open(self.log, "wb") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-W", "ignore", "-m", "tests.support.trap_program", name], cwd=ROOT,
                env={**os.environ, **borrowed(stores, room)}, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=log,
                text=True,
            )  # fmt: skip

    def hear(self) -> dict[str, Any]:
        """The next line; the scene's own time limits end it, so this does not wait for ever."""
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        assert line, self.log.read_text()[-3000:]
        return dict(json.loads(line))

    def go_on(self) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write("\n")
        self._process.stdin.flush()

    def end(self) -> None:
        self._process.kill()
        self._process.communicate()


@contextmanager
def scene(stores, name: str, room: str = "notifier") -> Iterator[Scene]:
    running = Scene(stores, name, room)
    try:
        yield running
    finally:
        running.end()


@pytest.fixture(scope="module", autouse=True)
def deaf(stores) -> Iterator[Scene]:
    """Takes seven seconds and touches nothing of the others: it runs beside them."""
    with scene(stores, "deaf_server") as running:
        yield running


@pytest.fixture
def declared(line):
    """The queues of the room that the scenes borrow."""
    for name, arguments in wire.queue_declarations("notifier"):
        line.channel.queue_declare(name, durable=True, arguments=arguments)
    line.channel.queue_purge(wire.dead_queue("notifier"))


def test_a_publisher_does_not_wait_for_ever_on_a_broker_that_does_not_confirm(keeper, stores, declared):
    broker = stores.pid("broker")
    with scene(stores, "silent_confirms") as publisher:
        assert publisher.hear()["first"][0] == "ok"
        os.kill(broker, signal.SIGSTOP)
        try:
            publisher.go_on()
            outcome, seconds = publisher.hear()["paused"]
        finally:
            os.kill(broker, signal.SIGCONT)
        assert outcome == "PublishFailed"
        assert 1.5 < seconds < 8
        eventually(lambda: stores.is_ready("broker"), within=30, what="the broker goes on")
        publisher.go_on()
        assert publisher.hear()["again"][0] == "ok"  # on a connection of its own making
    eventually(keeper.ready, within=60, what="the room is ready again")


def test_without_a_broker_callers_fail_in_time_and_nothing_spins(stores):
    with scene(stores, "nobody_there") as client:
        told = client.hear()
    assert [outcome for outcome, _ in told["calls"]] == ["Problem503"] * 3
    assert all(seconds < 2 for _, seconds in told["calls"])
    assert told["cpu"] < 1.0


def test_calls_fail_fast_with_their_connection_and_reply_queues_come_back(keeper, stores):
    with scene(stores, "calls", room="intake") as client:
        outcome, seconds = client.hear()["unknown"]
        assert outcome == "Problem503"
        assert seconds < 3  # returned by the broker, not waited for
        assert client.hear()["first"][0] == "ok"
        assert client.hear()["flying"]
        stores.restart_broker(signal.SIGKILL)
        outcome, seconds = client.hear()["fallen"]
        assert outcome == "Problem503"
        assert seconds < 10  # its own deadline was 20
        client.go_on()
        assert client.hear()["again"][0] == "ok"
    eventually(keeper.ready, within=60, what="the room is ready again")


@pytest.mark.full  # the faults at load show the same with all rooms
def test_rooms_call_each_other_again_after_the_broker_came_back(keeper, stores, operator):
    other = Program(stores, "intake").start()
    try:

        def passed_on() -> Any:
            bus = Bus(stores.amqp_url("operator"))
            try:
                key = uuid.uuid4().hex
                return bus.call("oversight.pass_on", operator, key=key, timeout=5, room="intake", thing=key)
            except Exception:
                return None
            finally:
                bus.close()

        eventually(passed_on, what="a call from room to room")
        stores.restart_broker(signal.SIGKILL)
        eventually(passed_on, within=60, what="the same after the broker was killed")
    finally:
        other.end()


def test_greenlets_that_publish_where_another_consumes_tear_and_lose_nothing(stores):
    with scene(stores, "one_connection") as link:
        told = link.hear()
    assert told["seen"] == told["wanted"] == 600
    assert told["torn"] == []
    assert told["doubled"] == []
    assert told["connections"] == 1  # no frame was so broken that the broker closed it


def test_the_database_client_is_made_once_before_anybody_asks(stores):
    with scene(stores, "one_client") as kernel:
        told = kernel.hear()
    assert told == {"before": 1, "made": 1, "ok": 50}


def test_clients_of_the_database_are_made_in_one_place():
    places = {
        f"{file.name}:{call.lineno}" for file in files() for name, call in file.calls() if name.endswith("MongoClient")
    }
    stores_made = {file.name for file in files() for name, _ in file.calls() if name == "Store"}
    assert [place.rpartition(":")[0] for place in places] == ["services/common/store.py"]
    assert stores_made == {"services/common/kernel.py"}


def test_a_change_stream_that_says_nothing_delays_and_loses_nothing(stores):
    with scene(stores, "no_stream", room="exchange") as relay:
        told = relay.hear()
    assert told["told"]
    assert told["seconds"] < 8  # the slow look comes every two seconds


def test_a_change_stream_is_there_where_replicas_write_and_is_opened_again_when_cut_off(
    keeper, stores, line, operator, data
):
    def streams() -> list[Any]:
        pipeline = [
            {"$currentOp": {"idleCursors": True, "allUsers": True}},
            {
                "$match": {
                    "appName": "oversight",
                    "cursor.originatingCommand.pipeline.0.$changeStream": {"$exists": True},
                }
            },
        ]
        return [row["cursor"]["cursorId"] for row in data.admin.aggregate(pipeline)]

    def make(name: str) -> None:
        thing = f"{name}-{uuid.uuid4().hex}"
        line.call("oversight.make", operator, key=uuid.uuid4().hex, thing=thing)
        eventually(lambda: data["oversight"]["effects"].find_one({"_id": thing}), within=15, what=f"effect {name}")

    assert streams() == []  # one process wakes its own relay
    make("alone")
    replica = Program(stores, "oversight", port_of="postal").start()
    try:
        cut = eventually(streams, within=30, every=0.2, what="the relay's change stream")
        faults = keeper.log.read_text().count("relay_stream_fault")
        for cursor in cut:
            data["oversight"].command("killCursors", "$cmd.aggregate", cursors=[cursor])
        make("cut")
        eventually(lambda: keeper.log.read_text().count("relay_stream_fault") > faults, what="the cut was noticed")
        eventually(lambda: [c for c in streams() if c not in cut], within=30, every=0.2, what="a new stream")
    finally:
        replica.end()


def test_parked_events_wait_through_a_restart(keeper, line, data):
    thing = uuid.uuid4().hex

    def made(number: int) -> None:
        line.tell(
            "thing.made", {"thing": thing, "number": number}, subject=thing, source="oversight", sequence=number,
            queue=wire.event_queue("oversight"),
        )  # fmt: skip

    for number in (3, 2):
        made(number)
    parked = data["oversight"]["inbox_parked"]
    eventually(lambda: parked.count_documents({"event.subject": thing}) == 2, what="both parked")
    keeper.end(signal.SIGKILL)
    data["oversight"]["kernel"].update_one({"_id": "relay"}, {"$set": {"expires": LONG_AGO}})  # as if 8 s had passed
    keeper.start()
    made(1)
    eventually(
        lambda: (e := data["oversight"]["effects"].find_one({"_id": thing})) and e["numbers"] == [1, 2, 3],
        what="all three in order",
    )
    assert parked.count_documents({"event.subject": thing}) == 0


def test_a_publisher_gives_up_on_something_that_accepts_and_never_speaks(deaf):
    outcome, seconds = deaf.hear()["outcome"]
    assert outcome == "PublishFailed"
    assert seconds < 15
