"""Every user of broker and database signs in and is refused whatever is not its own: every foreign queue, virtual host
and database. Routing keys and exchanges are tried in test_access.py, with the system running; no room runs here.

Known and left (docs/decisions/0010-broker-permissions.md): through the default exchange a room may write into any
queue.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

import pika
import pymongo
import pytest
from pika.exceptions import AMQPConnectionError, ChannelClosedByBroker, ProbableAccessDeniedError
from pymongo.errors import OperationFailure

from deploy.local.broker import PARTNER_VHOST, VHOST, definitions, users
from deploy.local.table import DOMAIN_ROOMS, ROOMS
from services.common import wire
from services.postal import partner as postal_partner
from tests.support.broker import ask

UNAUTHORIZED, AUTHENTICATION_FAILED = 13, 18
PEOPLE = (*ROOMS, "partner")


@pytest.fixture(scope="module")
def every_queue(stores) -> dict[str, list[str]]:
    """Every durable queue of both virtual hosts, by virtual host; made here, as no room runs that would."""
    found = {}
    for vhost, rows in (
        (VHOST, [row for room in DOMAIN_ROOMS for row in wire.queue_declarations(room)]),
        (PARTNER_VHOST, postal_partner.queue_declarations()),
    ):
        connection = pika.BlockingConnection(pika.URLParameters(stores.amqp_url("operator", vhost)))
        channel = connection.channel()
        for name, arguments in rows:
            channel.queue_declare(name, durable=True, arguments=arguments)
        channel.exchange_declare(postal_partner.EVENTS, "topic", durable=True)
        connection.close()
        found[vhost] = [name for name, _ in rows]
    return found


@pytest.fixture(params=PEOPLE)
def guest(request, stores) -> Iterator[tuple[str, pika.BlockingConnection]]:
    """Each user in turn, signed in at its own virtual host."""
    user = request.param
    vhost = PARTNER_VHOST if user == "partner" else VHOST
    connection = pika.BlockingConnection(pika.URLParameters(stores.amqp_url(user, vhost)))
    yield user, connection
    connection.close()


def answer(connection: pika.BlockingConnection, act: Callable[[Any], Any]) -> int:
    """0 where the broker did what was asked, else its code."""
    channel = connection.channel()
    try:
        act(channel)
    except ChannelClosedByBroker as closed:
        return int(closed.reply_code)
    channel.close()
    return 0


def own(user: str, queue: str) -> bool:
    if user == "partner":
        return False  # it takes from one queue, and makes none
    return queue == f"rpc-{user}" or queue == f"evt.{user}" or queue.startswith(f"evt.{user}.")


def actions(queue: str) -> dict[str, Callable[[Any], Any]]:
    return {
        "consume": lambda c: c.basic_consume(queue, lambda *_: None),
        "get": lambda c: c.basic_get(queue),
        "purge": lambda c: c.queue_purge(queue),
        "declare": lambda c: c.queue_declare(queue, durable=True),
        "bind": lambda c: c.queue_bind(queue, "amq.topic", routing_key="x"),
        "bind to it": lambda c: c.queue_bind(queue, wire.EVENTS_EXCHANGE, routing_key="account.normalized"),
        "delete": lambda c: c.queue_delete(queue),
    }


def test_every_foreign_queue_is_refused(guest, every_queue):
    user, connection = guest
    foreign = [name for name in every_queue[PARTNER_VHOST if user == "partner" else VHOST] if not own(user, name)]
    assert len(foreign) >= (5 if user == "partner" else 50)
    for queue in foreign:
        # a retry queue has the rights of the others of its room: reading, making and filling it are tried
        chosen = ("get", "declare", "bind to it") if ".retry." in queue else tuple(actions(queue))
        for what in chosen:
            act = actions(queue)[what]
            if (user, queue, what) in {("partner", postal_partner.ORDERS, how) for how in ("consume", "get", "purge")}:
                continue  # what it is there for
            if user == "partner" and what == "bind to it":
                continue  # that exchange is on the other virtual host
            assert answer(connection, act) == 403, f"{user} may {what} {queue}"


def test_what_is_its_own_is_given(guest, every_queue):
    user, connection = guest
    if user == "partner":
        assert answer(connection, actions(postal_partner.ORDERS)["get"]) == 0
        return
    mine = [name for name in every_queue[VHOST] if own(user, name)]
    assert len(mine) == (0 if user == "gateway" else 3 + len(wire.RETRY_DELAYS))
    for queue in mine:
        for what in ("consume", "get", "purge"):
            assert answer(connection, actions(queue)[what]) == 0, f"{user} may not {what} {queue}"
    reply = wire.reply_queue(user)
    assert answer(connection, lambda c: c.queue_declare(reply, exclusive=True, auto_delete=True)) == 0


def test_no_exchange_is_bound_to_another_where_a_right_can_refuse_it(guest, every_queue):
    """What no right can refuse ends at a start: tests/service/kernel/test_queues_before_rooms.py."""
    user, connection = guest
    if user == "partner":
        return
    refused = [
        (wire.RPC_EXCHANGE, wire.RPC_EXCHANGE, "#"),
        (wire.RPC_EXCHANGE, wire.RPC_EXCHANGE, "operator.zz"),
        (wire.EVENTS_EXCHANGE, wire.RPC_EXCHANGE, "operator.zz"),
        (wire.RPC_EXCHANGE, wire.EVENTS_EXCHANGE, "nobody.tells"),
        ("amq.topic", wire.CONTROL_EXCHANGE, "zz"),
        (wire.RPC_EXCHANGE, "amq.topic", "zz"),
    ]
    if user not in ("identity", "oversight"):
        refused.append((wire.CONTROL_EXCHANGE, wire.CONTROL_EXCHANGE, "zz"))
    for destination, source, key in refused:
        assert answer(connection, lambda c, d=destination, s=source, k=key: c.exchange_bind(d, s, k)) == 403, (
            f"{user} may bind {destination} to {source} with {key}"
        )


def test_the_partner_publishes_nowhere_but_to_postal(stores, every_queue):
    connection = pika.BlockingConnection(pika.URLParameters(stores.amqp_url("partner", PARTNER_VHOST)))

    def send(exchange: str) -> int:
        def act(channel: Any) -> None:
            channel.confirm_delivery()  # with confirms the refusal comes before the publish returns
            channel.basic_publish(exchange, postal_partner.ORDERS, b"{}")

        return answer(connection, act)

    assert send(postal_partner.EVENTS) == 0
    for exchange in ("", "amq.topic", "amq.fanout", "amq.direct"):
        assert send(exchange) == 403, exchange
    connection.close()


@pytest.mark.parametrize("user", PEOPLE)
def test_foreign_virtual_hosts_are_closed(stores, user):
    closed = {VHOST, PARTNER_VHOST, "/"} - {"partner": {PARTNER_VHOST}, "postal": {VHOST, PARTNER_VHOST}}.get(
        user, {VHOST}
    )
    for vhost in closed:
        url = stores.amqp_url(user, vhost.replace("/", "%2F"))
        with pytest.raises((ProbableAccessDeniedError, AMQPConnectionError)):
            pika.BlockingConnection(pika.URLParameters(url))


def test_nobody_gets_in_without_a_password(stores):
    for login in ("guest:guest", "operator:operator", "intake:wrong"):
        with pytest.raises(AMQPConnectionError):
            pika.BlockingConnection(pika.URLParameters(f"amqp://{login}@{stores.addresses.broker}/{VHOST}"))
    client: pymongo.MongoClient = pymongo.MongoClient(
        f"mongodb://{stores.addresses.database}/?replicaSet=motcua", serverSelectionTimeoutMS=10_000
    )
    for room in DOMAIN_ROOMS:
        with pytest.raises(OperationFailure) as refused:
            client[room]["kernel"].find_one({})
        assert refused.value.code == UNAUTHORIZED
    client.close()


def test_the_broker_has_the_rights_of_the_table_and_no_more(stores):
    """What the running broker says of itself is what the definitions say: nothing was added by hand or is left over."""
    table = definitions(stores.passwords)
    assert {row["name"] for row in ask(stores, "list_vhosts", "name")} - {"/"} == {VHOST, PARTNER_VHOST}
    listed = {row["user"]: row["tags"] for row in ask(stores, "list_users")}
    assert listed == {row["name"]: row["tags"] for row in table["users"]}
    assert set(listed) == set(users())
    for vhost in (VHOST, PARTNER_VHOST):
        given = {json.dumps(row, sort_keys=True) for row in ask(stores, "list_permissions", "-p", vhost)}
        wanted = [
            {k: v for k, v in row.items() if k != "vhost"} for row in table["permissions"] if row["vhost"] == vhost
        ]
        assert given == {json.dumps(row, sort_keys=True) for row in wanted}
    given = {json.dumps(row, sort_keys=True) for row in ask(stores, "list_topic_permissions", "-p", VHOST)}
    rows = [{k: v for k, v in row.items() if k != "vhost"} for row in table["topic_permissions"]]
    assert given == {json.dumps(row, sort_keys=True) for row in rows}


# --- the database

#: What a room's user tries on a database.
TRIES: dict[str, Callable[[Any], Any]] = {
    "find": lambda db: db["rights"].find_one({}),
    "insert": lambda db: db["rights"].insert_one({"of": "an intruder"}),
    "update": lambda db: db["rights"].update_one({}, {"$set": {"a": 1}}),
    "delete": lambda db: db["rights"].delete_many({}),
    "list": lambda db: db.list_collection_names(),
    "watch": lambda db: db.watch(max_await_time_ms=1).try_next(),
    "index": lambda db: db["rights"].create_index("a"),
    "drop": lambda db: db["rights"].drop(),
    "make a user": lambda db: db.command("createUser", "intruder", pwd="x", roles=[]),
    "see users": lambda db: db.command("usersInfo"),
}


@pytest.mark.parametrize("room", DOMAIN_ROOMS)
def test_every_foreign_database_is_refused(stores, data, room):
    client: pymongo.MongoClient = pymongo.MongoClient(stores.mongo_url(room), serverSelectionTimeoutMS=10_000)
    try:
        client[room]["rights"].insert_one({"_id": 1})
        for other in [*DOMAIN_ROOMS, "gateway", "admin", "local", "config", "elsewhere"]:
            if other == room:
                continue
            for what, act in TRIES.items():
                with pytest.raises(OperationFailure) as refused:
                    act(client[other])
                assert refused.value.code == UNAUTHORIZED, f"{room} may {what} in {other}"
        assert set(client.list_database_names()) == {room}
        # its own, but no users: neither another one nor more rights for itself
        for what in ("insert", "find", "update", "list", "watch", "index", "delete", "drop"):
            TRIES[what](client[room])
        for act in (
            TRIES["make a user"],
            lambda db: db.command("grantRolesToUser", room, roles=["root"]),
            lambda db: db.command("updateUser", room, roles=["readWriteAnyDatabase"]),
        ):
            with pytest.raises(OperationFailure) as refused:
                act(client[room])
            assert refused.value.code == UNAUTHORIZED
    finally:
        data[room].drop_collection("rights")
        client.close()


@pytest.mark.parametrize("room", DOMAIN_ROOMS)
def test_a_rooms_password_opens_no_other_rooms_door(stores, room):
    own_secret = stores.passwords[f"database.{room}"]
    other = DOMAIN_ROOMS[(DOMAIN_ROOMS.index(room) + 1) % len(DOMAIN_ROOMS)]
    for user, source in ((other, other), ("operator", "admin"), (room, "admin"), (room, other)):
        client: pymongo.MongoClient = pymongo.MongoClient(
            f"mongodb://{stores.addresses.database}/?replicaSet=motcua",
            username=user, password=own_secret, authSource=source, serverSelectionTimeoutMS=10_000,
        )  # fmt: skip
        with pytest.raises(OperationFailure) as refused:
            client[source]["kernel"].find_one({})
        assert refused.value.code == AUTHENTICATION_FAILED, (user, source)
        client.close()


def test_only_rooms_with_a_database_have_a_user_there(data):
    found = {(user["user"], user["db"]) for user in data.admin.command({"usersInfo": {"forAllDBs": True}})["users"]}
    assert found == {(room, room) for room in DOMAIN_ROOMS} | {("operator", "admin")}
    for room in DOMAIN_ROOMS:
        [user] = data[room].command("usersInfo", room)["users"]
        assert {(role["role"], role["db"]) for role in user["roles"]} == {("readWrite", room), ("dbAdmin", room)}
