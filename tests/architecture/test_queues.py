"""Every queue of the running system is of a known kind, has what that kind demands, a consumer and a metric."""

from __future__ import annotations

import re
import urllib.request
from typing import Any

import pytest

from services.common import wire
from services.postal.partner import DEAD, EVENTS, ORDERS, queue_declarations, retry_queue
from tests.architecture.source import DOMAIN_ROOMS, ROOMS, files
from tests.support.broker import bindings, queues
from tests.support.bus import eventually

EXCLUSIVE = re.compile(rf"^(rpc\.reply-|fan\.)({'|'.join(ROOMS)}|operator)[-.]")


@pytest.fixture(scope="module")
def motcua(system) -> dict[str, dict[str, Any]]:
    return {row["name"]: row for row in queues(system, "motcua")}


@pytest.fixture(scope="module")
def partner(system) -> dict[str, dict[str, Any]]:
    return {row["name"]: row for row in queues(system, "partner")}


def listens(room: str) -> bool:
    """Whether the room's service has an event handler at all."""
    return any(
        name == "on_event" for file in files() if file.room == room for name, _ in file.calls()
    )  # fmt: skip


def durable(row: dict[str, Any], kind: str, arguments: dict[str, Any]) -> None:
    assert row["type"] == kind, row["name"]
    assert row["durable"], row["name"]
    assert not row["auto_delete"], row["name"]
    assert not row["exclusive"], row["name"]
    assert row["arguments"] == arguments, row["name"]


def test_no_queue_is_of_an_unknown_kind(motcua, partner):
    declared = {name for room in DOMAIN_ROOMS for name, _ in wire.queue_declarations(room)}
    assert {name for name in motcua if name not in declared and not EXCLUSIVE.match(name)} == set()
    assert set(partner) == {name for name, _ in queue_declarations()}


@pytest.mark.parametrize("room", DOMAIN_ROOMS)
def test_a_rooms_queues_are_as_their_kind_demands(motcua, room):
    for name, arguments in wire.queue_declarations(room):
        durable(motcua[name], "classic" if name == wire.rpc_queue(room) else "quorum", arguments)
    # what the kind demands, said once more without the code that declares it
    events = motcua[wire.event_queue(room)]["arguments"]
    assert events["x-dead-letter-routing-key"] == wire.dead_queue(room)
    assert events["x-dead-letter-strategy"] == "at-least-once"
    assert events["x-overflow"] == "reject-publish"
    assert events["x-max-length"] > 0
    assert events["x-delivery-limit"] >= 50
    for delay in wire.RETRY_DELAYS:
        retry = motcua[wire.retry_queue(room, delay)]["arguments"]
        assert retry["x-message-ttl"] == delay * 1000
        assert retry["x-dead-letter-routing-key"] == wire.event_queue(room)
    dead = motcua[wire.dead_queue(room)]["arguments"]
    assert "x-dead-letter-exchange" not in dead  # the end of the way: nothing may leave it by itself
    assert "x-message-ttl" not in dead
    assert motcua[wire.rpc_queue(room)]["arguments"]["x-overflow"] == "reject-publish"


def test_queues_of_the_partner_are_as_their_kind_demands(partner):
    for name, arguments in queue_declarations():
        durable(partner[name], "quorum", arguments)
        assert arguments["x-overflow"] == "reject-publish"
        assert arguments["x-max-length"] > 0
    assert partner[EVENTS]["arguments"]["x-dead-letter-routing-key"] == DEAD
    assert partner[retry_queue(5)]["arguments"]["x-dead-letter-routing-key"] == EVENTS


def test_replies_and_fan_out_belong_to_one_connection(motcua):
    of_processes = [row for name, row in motcua.items() if EXCLUSIVE.match(name)]
    for row in of_processes:
        assert row["exclusive"], row["name"]
        assert row["auto_delete"], row["name"]
        assert not row["durable"], row["name"]
        assert row["type"] == "classic", row["name"]
    for room in ROOMS:
        for prefix in (f"rpc.reply-{room}-", f"fan.{room}."):
            assert any(row["name"].startswith(prefix) for row in of_processes), prefix


def consumers(system) -> dict[str, int]:
    return {row["name"]: row["consumers"] for vhost in ("motcua", "partner") for row in queues(system, vhost)}


def test_every_queue_has_a_consumer(system):
    waiting = {wire.dead_queue(room) for room in DOMAIN_ROOMS} | {DEAD}
    waiting |= {wire.retry_queue(room, delay) for room in DOMAIN_ROOMS for delay in wire.RETRY_DELAYS}
    waiting |= {name for name, _ in queue_declarations() if ".retry." in name}
    # a room that listens to nothing has its queue all the same (a replay may be sent there), and gets nothing into it
    waiting |= {wire.event_queue(room) for room in DOMAIN_ROOMS if not listens(room)}

    def without() -> list[str]:
        return [name for name, count in consumers(system).items() if count == 0 and name not in waiting]

    # the broker counts consumers of a quorum queue every few seconds
    eventually(lambda: not without(), within=30, every=1, what="a consumer for every queue")
    now = consumers(system)
    assert [name for name in waiting if now[name] != 0] == []
    assert now[ORDERS] == 1


def test_events_reach_whoever_listens(system):
    bound = {queue for exchange, queue, _ in bindings(system, "motcua") if exchange == wire.EVENTS_EXCHANGE}
    assert bound == {wire.event_queue(room) for room in DOMAIN_ROOMS if listens(room)}


def metrics_of(system, room: str) -> str:
    address = f"http://127.0.0.1:{system.process(room).health_port}/metrics"
    with urllib.request.urlopen(address, timeout=5) as answer:
        return str(answer.read().decode())


@pytest.mark.parametrize("room", DOMAIN_ROOMS)
def test_every_queue_has_a_metric(system, room):
    names = [name for name, _ in wire.queue_declarations(room)]
    names += [name for name, _ in queue_declarations()] if room == "postal" else []

    def missing() -> list[str]:
        text = metrics_of(system, room)
        return [
            f"{metric}{{{name}}}"
            for name in names
            for metric in ("motcua_queue_messages", "motcua_queue_consumers")
            if f'{metric}{{queue="{name}"}}' not in text
        ]

    eventually(lambda: not missing(), within=90, every=1, what=f"metrics of the queues of {room}")


@pytest.mark.parametrize("room", ROOMS)
def test_every_process_serves_metrics_and_health(system, room):
    assert "motcua_" in metrics_of(system, room)
    port = system.process(room).health_port
    for path in ("live", "ready"):
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/healthz/{path}", timeout=5) as answer:
            assert answer.status == 200
