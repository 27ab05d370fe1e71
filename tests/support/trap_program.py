"""Scenes for tests/service/kernel/test_traps.py: python -m tests.support.trap_program SCENE, patched like a room.

A scene prints one JSON line when it has something to tell; a line on its standard input lets it go on. The environment
is that of the room whose place it takes (tests/support/programs.py).
"""

from __future__ import annotations

import eventlet

eventlet.monkey_patch()

import hashlib  # noqa: E402
import json  # noqa: E402
import os  # noqa: E402
import sys  # noqa: E402
import time  # noqa: E402
from datetime import UTC, datetime  # noqa: E402
from typing import Any  # noqa: E402

import pymongo  # noqa: E402
from eventlet.green import socket  # noqa: E402
from marshmallow import fields  # noqa: E402

from services.common import store as store_module  # noqa: E402
from services.common import wire  # noqa: E402
from services.common.bus import publisher as publisher_module  # noqa: E402
from services.common.bus.client import RpcClient  # noqa: E402
from services.common.bus.link import Link, send  # noqa: E402
from services.common.bus.publisher import Outgoing, Publisher, PublishFailed  # noqa: E402
from services.common.bus.relay import Relay  # noqa: E402
from services.common.kernel import Kernel, RoomSpec  # noqa: E402
from services.common.problems import Problem  # noqa: E402
from services.common.schemas import EventSchema  # noqa: E402
from services.common.settings import Settings  # noqa: E402
from services.common.unit import Origin, UnitOfWork  # noqa: E402

URL = os.environ["MOTCUA_AMQP_URL"]
ROOM = os.environ["MOTCUA_ROOM"]


def tell(**what: Any) -> None:
    print(json.dumps(what), flush=True)


def go_on() -> None:
    sys.stdin.readline()


def attempt(work: Any) -> tuple[str, float]:
    """What became of it, and after how many seconds."""
    started = time.monotonic()
    try:
        work()
        outcome = "ok"
    except (PublishFailed, Problem) as exc:
        outcome = f"{type(exc).__name__}{getattr(exc, 'status', '')}"
    return outcome, time.monotonic() - started


def silent_confirms() -> None:
    """The broker stops answering between two publishes."""
    publisher_module.CONFIRM_TIMEOUT = 2.0
    publisher = Publisher(URL, "trap")
    queue = wire.dead_queue(ROOM)
    message = Outgoing(b"{}", "", queue)
    tell(first=attempt(lambda: publisher.publish([message])))
    go_on()
    tell(paused=attempt(lambda: publisher.publish([message])))
    go_on()
    tell(again=attempt(lambda: publisher.publish([message])))


def deaf_server() -> None:
    """Something accepts connections and never says a word."""
    listener = eventlet.listen(("127.0.0.1", 0))
    kept: list[Any] = []

    def accept() -> None:
        while True:
            kept.append(listener.accept())

    eventlet.spawn(accept)
    publisher = Publisher(f"amqp://a:b@127.0.0.1:{listener.getsockname()[1]}/x", "trap")
    tell(outcome=attempt(lambda: publisher.publish([Outgoing(b"{}", "", "q")])))


def nobody_there() -> None:
    """No broker at all: callers fail within their deadline and nothing spins."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    client = RpcClient(f"amqp://a:b@127.0.0.1:{port}/x", ROOM)
    client.start()
    before = time.process_time()
    calls = [attempt(lambda: client.call("intake.ping", {}, {}, timeout=1.0)) for _ in range(3)]
    tell(calls=calls, cpu=time.process_time() - before)


def calls() -> None:
    """A room that nobody runs fails at once; a call in flight fails when the connection falls; later ones work."""
    client = RpcClient(URL, ROOM)
    client.start()
    client.wait_open()
    headers = {wire.H_ACTOR: Kernel(Settings.from_env(), SPEC).signer.own(), wire.H_COMMAND: wire.new_id()}
    tell(unknown=attempt(lambda: client.call("postal.ping", {"text": "x"}, headers, timeout=8.0)))
    tell(first=attempt(lambda: client.call("oversight.ping", {"text": "x"}, headers, timeout=8.0)))
    slow = {"thing": f"slow-{wire.new_id()}", "hold": 15.0}
    flying = eventlet.spawn(attempt, lambda: client.call("oversight.make", slow, headers, timeout=20.0))
    eventlet.sleep(0.5)
    tell(flying=True)
    tell(fallen=flying.wait())
    go_on()
    started = time.monotonic()
    while (outcome := attempt(lambda: client.call("oversight.ping", {"text": "x"}, headers, timeout=2.0)))[0] != "ok":
        if time.monotonic() - started > 30:
            break
        eventlet.sleep(0.2)
    tell(again=outcome)


def one_connection() -> None:
    """Many greenlets write on the channel on which another consumes; bodies of one to many frames."""
    wanted = {}
    for number in range(600):
        body = bytes([number % 251]) * (1 + (number * 7919) % 300_000)
        wanted[str(number)] = hashlib.sha256(body).hexdigest()
    seen: dict[str, list[str]] = {}
    channels: list[Any] = []
    done = eventlet.event.Event()

    def take(message: Any) -> None:
        body = message.body if isinstance(message.body, bytes) else message.body.encode()
        seen.setdefault(message.properties["message_id"], []).append(hashlib.sha256(body).hexdigest())
        message.channel.basic_ack(message.delivery_tag)
        if len(seen) == len(wanted) and not done.ready():
            done.send(True)

    def opened(connection: Any) -> None:
        channel = connection.channel()
        queue = wire.reply_queue(ROOM)
        channel.queue_declare(queue, exclusive=True, auto_delete=True)
        channel.queue_bind(queue, wire.RPC_EXCHANGE, routing_key=queue)
        channel.basic_qos(0, 20, False)
        channel.basic_consume(queue, callback=take)
        channels.append((channel, queue))

    link = Link(URL, "trap", opened)
    link.start()
    link.opened.wait()
    channel, queue = channels[0]

    def write(numbers: range) -> None:
        for number in numbers:
            body = bytes([number % 251]) * (1 + (number * 7919) % 300_000)
            send(
                channel, body, exchange=wire.RPC_EXCHANGE, routing_key=queue,
                properties={"message_id": str(number), "content_type": "application/octet-stream"},
            )  # fmt: skip

    for start in range(0, 600, 50):
        eventlet.spawn(write, range(start, start + 50))
    with eventlet.Timeout(60, False):
        done.wait()
    tell(
        wanted=len(wanted),
        seen=len(seen),
        torn=[n for n, digests in seen.items() if set(digests) != {wanted[n]}],
        doubled=[n for n, digests in seen.items() if len(digests) != 1],
        connections=len(channels),
    )
    link.stop()


class Made(EventSchema):
    thing = fields.String(required=True)


SPEC = RoomSpec(name=ROOM, aggregates=["things"], indexes=[], events={"thing.made": Made})


def one_client() -> None:
    """Fifty greenlets use the database in the same moment: one client is there, made before any of them."""
    made: list[int] = []
    real = pymongo.MongoClient

    def counting(*arguments: Any, **options: Any) -> Any:
        made.append(1)
        return real(*arguments, **options)

    store_module.pymongo.MongoClient = counting  # type: ignore[misc,assignment]
    kernel = Kernel(Settings.from_env(), SPEC)
    kernel.store.prepare([], ["things"], 800)
    before = len(made)

    def work(number: int) -> str:
        unit = UnitOfWork(kernel.store, _origin(), kernel.check_event)
        unit.insert("things", {"_id": f"client-{wire.new_id()}"})
        unit.insert("things", {"_id": f"client-{wire.new_id()}"})  # two writes: a session and a transaction
        unit.commit()
        return "ok"

    results = [greenlet.wait() for greenlet in [eventlet.spawn(work, n) for n in range(50)]]
    tell(before=before, made=len(made), ok=results.count("ok"))


def no_stream() -> None:
    """Nothing wakes the relay, neither its own process nor a change stream: the slow look publishes what lies there."""
    Relay._watch = lambda self: eventlet.sleep(3600)  # type: ignore[method-assign]
    kernel = Kernel(Settings.from_env(), SPEC)
    kernel.store.told = lambda: None
    kernel.store.prepare([], ["things"], 800)
    kernel.relay.start()
    while not kernel.relay.leader:
        eventlet.sleep(0.05)
    eventlet.sleep(2.5)  # past the look that follows taking the lead
    thing = {"_id": f"stream-{wire.new_id()}"}
    unit = UnitOfWork(kernel.store, _origin(), kernel.check_event)
    unit.insert("things", thing)
    unit.tell(thing, "thing.made", {"thing": thing["_id"]})
    started = time.monotonic()
    unit.commit()
    while time.monotonic() - started < 20:
        row = kernel.store.get("things", thing["_id"])
        if row is not None and "outbox_mark" not in row:
            break
        eventlet.sleep(0.05)
    tell(seconds=time.monotonic() - started, told=kernel.store.find_one("told", {"subject": thing["_id"]}) is not None)
    kernel.relay.stop()


def _origin() -> Origin:
    return Origin(ROOM, "c", "c", "service:test", datetime.now(UTC))


if __name__ == "__main__":
    {
        scene.__name__: scene
        for scene in (silent_confirms, deaf_server, nobody_there, calls, one_connection, one_client, no_stream)
    }[sys.argv[1]]()
