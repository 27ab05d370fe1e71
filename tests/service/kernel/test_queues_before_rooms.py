"""Queues of events and their bindings stand before any room ran: what is told to one that comes later is not lost."""

from __future__ import annotations

import uuid

import pika
import pytest

from deploy.local import bindings, broker
from deploy.local.paths import read_json, write_json
from services.common import wire
from tests.support.broker import ask, queues

ABSENT = "processing"  # no test of this broker starts it


QUEUE = wire.event_queue(ABSENT)


def told(channel, name: str) -> bool:
    """Whether the absent room's queue takes an event of that name; what it took is taken out again."""
    body = uuid.uuid4().hex.encode()
    channel.basic_publish(wire.EVENTS_EXCHANGE, name, body, mandatory=True)  # oversight's queue takes everything
    _, _, got = channel.basic_get(QUEUE, auto_ack=True)
    return got == body


@pytest.fixture
def channel(line):
    own = line.connection.channel()
    own.confirm_delivery()
    yield own
    own.close()


def test_an_event_waits_for_a_room_that_never_ran(stores, channel):
    assert told(channel, "dossier.accepted")
    assert not told(channel, "dossier.guided")  # it listens to none of those


def test_the_brokers_queues_are_as_the_rooms_declare_them(stores, channel):
    standing = {row["name"]: row for row in queues(stores, "motcua")}
    for name, arguments in wire.queue_declarations(ABSENT):
        if name != wire.rpc_queue(ABSENT):  # requests have a deadline: nobody waits for a room that never ran
            assert standing[name]["arguments"] == arguments
            assert standing[name]["type"] == "quorum"
            assert standing[name]["durable"]
            channel.queue_declare(name, durable=True, arguments=arguments)  # as the room will, without a refusal


def test_a_key_that_a_room_no_longer_listens_to_is_unbound(stores, channel):
    key = "nobody.tells"
    record = stores.state.data / "broker.bindings"
    # as an older release left it: bound at the broker, and remembered
    channel.queue_bind(QUEUE, wire.EVENTS_EXCHANGE, routing_key=key)
    write_json(record, sorted({*broker.event_bindings(), (QUEUE, key), ("evt.gone", "a.b")}))
    assert told(channel, key)

    former = bindings.remember(stores.state)
    assert former == {(QUEUE, key), ("evt.gone", "a.b")}
    assert bindings.remember(stores.state) == former  # not forgotten before it is done
    bindings.end(stores.state, former, stores.amqp_url("operator"))

    assert not told(channel, key)
    assert told(channel, "dossier.accepted")  # the others hold
    assert {tuple(row) for row in read_json(record)} == set(broker.event_bindings())


def test_a_broker_that_does_not_answer_keeps_the_record(stores):
    record = stores.state.data / "broker.bindings"
    before = read_json(record)
    address = pika.URLParameters(stores.amqp_url("operator"))
    wrong = f"amqp://operator:wrong@{address.host}:{address.port}/motcua"
    with pytest.raises(bindings.Trouble):
        bindings.end(stores.state, {(QUEUE, "nobody.tells")}, wrong)
    assert read_json(record) == before


def test_what_a_room_did_to_the_exchanges_ends_at_the_next_start(stores, channel, capsys):
    """Its rights cannot refuse it: an exchange named like its own queues, and shared exchanges bound to each other."""
    room = pika.BlockingConnection(pika.URLParameters(stores.amqp_url("vault")))
    own = room.channel()
    made = "fan.vault.audit"
    own.exchange_declare(made, "fanout", durable=True, arguments={"alternate-exchange": wire.EVENTS_EXCHANGE})
    shared = [
        (wire.EVENTS_EXCHANGE, wire.CONTROL_EXCHANGE, "zz"),
        (wire.RPC_EXCHANGE, wire.CONTROL_EXCHANGE, "zz"),
        (wire.RPC_EXCHANGE, wire.RPC_EXCHANGE, "vault.zz"),
    ]
    for destination, source, key in shared:
        own.exchange_bind(destination, source, key, {"odd": 7} if key == "vault.zz" else None)
    room.close()

    # what every start does once the broker answers (`Supervisor._start_stores`)
    bindings.end(stores.state, bindings.remember(stores.state), stores.amqp_url("operator"))

    said = capsys.readouterr().err
    assert f"the exchange {made}" in said
    rows = ask(stores, "list_bindings", "-p", "motcua", "source_name", "destination_name", "destination_kind")
    assert [row for row in rows if row["destination_kind"] == "exchange"] == []
    for destination, source, key in shared:
        assert f"the binding of {destination} to {source} with the key {key!r}" in said
    names = {row["name"] for row in ask(stores, "list_exchanges", "-p", "motcua", "name")}
    assert {name for name in names if name and not name.startswith("amq.")} == {
        wire.EVENTS_EXCHANGE, wire.RPC_EXCHANGE, wire.CONTROL_EXCHANGE
    }  # fmt: skip
    assert told(channel, "dossier.accepted")  # the others hold
    bindings.end(stores.state, set(), stores.amqp_url("operator"))
    assert capsys.readouterr().err == ""
