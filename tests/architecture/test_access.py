"""No room reads another's database or queues: tried on the running system with each room's own users."""

from __future__ import annotations

import importlib
import re
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import pika
import pymongo
import pytest
from pika.exceptions import ChannelClosedByBroker
from pymongo.errors import OperationFailure

from deploy.contracts import rooms
from deploy.local.broker import _BROADCASTS, HEARS, permissions, room_topics
from services.common import wire
from services.common.bus.events import EventDesk
from services.common.control_message import OWNERS
from services.common.queues import TELLS
from tests.architecture.source import DOMAIN_ROOMS, ROOMS, ROOT, files

UNAUTHORIZED = 13


def neighbour(room: str) -> str:
    """The next room of the list: every room is tried once from both sides."""
    return DOMAIN_ROOMS[(DOMAIN_ROOMS.index(room) + 1) % len(DOMAIN_ROOMS)]


@pytest.mark.parametrize("room", DOMAIN_ROOMS)
def test_a_rooms_user_sees_its_own_database_only(system, room):
    client: pymongo.MongoClient = pymongo.MongoClient(system.mongo_url(room), serverSelectionTimeoutMS=10_000)
    try:
        assert client[room]["kernel"].find_one({"_id": "relay"})
        seen = set(client.list_database_names())
        assert seen <= {room}
        for other in DOMAIN_ROOMS:
            if other != room:
                with pytest.raises(OperationFailure) as refused:
                    client[other]["kernel"].find_one({})
                assert refused.value.code == UNAUTHORIZED
                with pytest.raises(OperationFailure) as refused:
                    client[other]["kernel"].insert_one({"_id": "intruder"})
                assert refused.value.code == UNAUTHORIZED
        with pytest.raises(OperationFailure):
            client["admin"].command("getParameter", "*")
    finally:
        client.close()


def test_users_of_the_database_have_roles_on_one_database(database):
    for room in DOMAIN_ROOMS:
        [user] = database[room].command("usersInfo", room)["users"]
        assert {role["db"] for role in user["roles"]} == {room}
        assert {role["role"] for role in user["roles"]} <= {"readWrite", "dbAdmin"}
    assert database["gateway"].command("usersInfo")["users"] == []


def refused(connection: pika.BlockingConnection, act) -> int:
    channel = connection.channel()
    with pytest.raises(ChannelClosedByBroker) as closed:
        act(channel)
    return int(closed.value.reply_code)


@pytest.mark.parametrize("room", ROOMS)
def test_a_rooms_user_reaches_its_own_queues_only(system, room):
    other = neighbour(room) if room != "gateway" else "identity"
    connection = pika.BlockingConnection(pika.URLParameters(system.amqp_url(room)))
    try:
        for queue in (wire.event_queue(other), wire.dead_queue(other), wire.rpc_queue(other)):
            assert refused(connection, lambda c, q=queue: c.basic_get(q)) == 403
            assert refused(connection, lambda c, q=queue: c.queue_purge(q)) == 403
            assert refused(connection, lambda c, q=queue: c.queue_delete(q)) == 403
            assert refused(connection, lambda c, q=queue: c.queue_bind(q, wire.EVENTS_EXCHANGE, routing_key="#")) == 403
        assert refused(connection, lambda c: c.queue_declare("mine.alone", durable=True)) == 403
        assert refused(connection, lambda c: c.exchange_declare("mine", "topic")) == 403
    finally:
        connection.close()


@pytest.fixture(params=ROOMS)
def taken_over(request, system) -> Iterator[tuple[str, pika.BlockingConnection, str]]:
    """A room that somebody else has: its name, a connection as its user, a queue that it declared and may bind."""
    room = request.param
    connection = pika.BlockingConnection(pika.URLParameters(system.amqp_url(room)))
    queue = wire.reply_queue(room)
    connection.channel().queue_declare(queue, exclusive=True, auto_delete=True)
    yield room, connection, queue
    connection.close()


def send(channel: Any, exchange: str, key: str) -> None:
    channel.confirm_delivery()  # with confirms the refusal comes before the publish returns
    channel.basic_publish(exchange, key, b"{}")


def test_no_room_overhears_another_rooms_calls(taken_over):
    """Passwords, codes and tokens go through this exchange: nobody binds it with a key that is not its own."""
    room, connection, queue = taken_over
    for other in ({*ROOMS, "operator"} - {room}) | {f"{room}2"}:
        keys = (f"{other}.*", f"{other}.#", wire.reply_queue(other))
        for key in keys:
            assert refused(connection, lambda c, k=key: c.queue_bind(queue, wire.RPC_EXCHANGE, routing_key=k)) == 403
    for key in ("#", "*", "*.*", "#.#", "*.sign_in", f"#.{room}.*", "rpc.#", "rpc.*", ""):
        assert refused(connection, lambda c, k=key: c.queue_bind(queue, wire.RPC_EXCHANGE, routing_key=k)) == 403
    # nor round a corner, through an exchange that it may write to
    assert refused(connection, lambda c: c.exchange_bind(wire.RPC_EXCHANGE, wire.RPC_EXCHANGE, routing_key="#")) == 403
    # what it needs, it may: its own key, and then it gets what was sent there
    channel = connection.channel()
    channel.queue_bind(queue, wire.RPC_EXCHANGE, routing_key=queue)
    send(channel, wire.RPC_EXCHANGE, queue)
    assert channel.basic_get(queue, auto_ack=True)[2] == b"{}"


def test_no_room_deletes_or_changes_an_exchange(taken_over):
    _, connection, _ = taken_over
    for exchange, kind in (
        (wire.RPC_EXCHANGE, "topic"),
        (wire.EVENTS_EXCHANGE, "topic"),
        (wire.CONTROL_EXCHANGE, "fanout"),
    ):
        assert refused(connection, lambda c, e=exchange: c.exchange_delete(e)) == 403
        assert refused(connection, lambda c, e=exchange, k=kind: c.exchange_declare(e, k, durable=True)) == 403
        connection.channel().exchange_declare(exchange, passive=True)  # it is still there


def test_no_room_tells_another_rooms_events(taken_over):
    room, connection, _ = taken_over
    foreign = {event: other.name for other in rooms.load() for event in other.tells if other.name != room}
    assert len(foreign) > 30
    for event in (*foreign, "nobodys.event", "#", ""):
        assert refused(connection, lambda c, e=event: send(c, wire.EVENTS_EXCHANGE, e)) == 403


def test_no_room_hears_events_that_are_not_for_it(taken_over):
    room, connection, queue = taken_over
    heard = bindings_of(room)
    told = {event for other in rooms.load() for event in other.tells}
    streams = {f"{event.split('.')[0]}.*" for event in told}
    foreign = {"*.*", "#.#", "#"} | told | streams
    assert len(foreign - heard) > 20
    for key in foreign - heard:
        assert refused(connection, lambda c, k=key: c.queue_bind(queue, wire.EVENTS_EXCHANGE, routing_key=k)) == 403


def test_only_the_owners_of_control_messages_broadcast(taken_over):
    room, connection, _ = taken_over
    if room in OWNERS.values():
        send(connection.channel(), wire.CONTROL_EXCHANGE, "")  # unsigned, so no process believes it
    else:
        assert refused(connection, lambda c: send(c, wire.CONTROL_EXCHANGE, "")) == 403


def bindings_of(room: str) -> set[str]:
    """The keys with which the kernel binds a room's event queue."""
    listens = next((each.listens for each in rooms.load() if each.name == room), ())
    handlers = {each.event: SimpleNamespace(method_name="handle", ordered=each.ordered) for each in listens}
    return set(EventDesk(None, SimpleNamespace(handle=None), handlers).bindings()) if handlers else set()


@pytest.mark.parametrize("room", ROOMS)
def test_the_brokers_table_lets_a_room_hear_what_it_listens_to_and_no_more(room):
    assert set(HEARS.get(room, "").split()) == bindings_of(room)


def test_the_brokers_table_lets_every_event_be_told_by_its_room_alone():
    every = rooms.load()
    assert set(TELLS) == {room.name for room in every}
    for room in every:
        pattern = room_topics(room.name)[wire.EVENTS_EXCHANGE]["write"]
        told = {event for other in every for event in other.tells if re.search(pattern, event)}
        assert told == set(importlib.import_module(f"services.{room.name}.schemas").EVENTS) == set(room.tells)
        for entry in TELLS[room.name].split():  # nothing in the table that the room does not tell any more
            assert any(event == entry or entry == f"{event.split('.')[0]}.*" for event in room.tells), entry


def test_the_brokers_table_lets_the_owners_of_control_messages_broadcast():
    assert set(_BROADCASTS) == set(OWNERS.values())


def test_every_room_has_a_broker_user_of_its_own_and_no_more():
    rows = [(row["user"], row["vhost"]) for row in permissions()]
    assert len(rows) == len(set(rows))
    assert {user for user, vhost in rows if vhost == "motcua"} == {*ROOMS, "operator"}
    assert {user for user, vhost in rows if vhost == "partner"} == {"postal", "partner", "operator"}


def test_no_room_asks_for_another_database_in_its_code():
    """A room takes its database from the kernel: nothing else makes a client or picks a database by name."""
    found = []
    for file in files():
        if file.room == "common" or "adapters" in file.path.parts:
            continue
        for name, call in file.calls():
            if name.split(".")[-1] in ("MongoClient", "get_database", "get_default_database"):
                found.append(f"{file.name}:{call.lineno} {name}")
    assert found == []


def test_secrets_are_not_in_the_checkout():
    text = (ROOT / ".gitignore").read_text().splitlines()
    assert ".motcua/" in text
