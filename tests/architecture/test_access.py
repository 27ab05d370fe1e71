"""No room reads another's database or queues: tried on the running system with each room's own users."""

from __future__ import annotations

import pika
import pymongo
import pytest
from pika.exceptions import ChannelClosedByBroker
from pymongo.errors import OperationFailure

from deploy.local.broker import permissions
from services.common import wire
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
