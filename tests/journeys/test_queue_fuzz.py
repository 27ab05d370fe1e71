"""Every queue is given what no honest sender sends, while citizens file: dead letters with reasons, no crash, no loss.

Runs last: what cannot be read is put aside, but whole events that nobody told stay in the ledger. A seed makes all of
it; `MOTCUA_FUZZ_SEED` repeats a run.
"""

from __future__ import annotations

import os
import random
import uuid
from collections import Counter
from collections.abc import Iterator
from typing import Any

import orjson
import pika
import pytest

from deploy.contracts import rooms
from deploy.demo.audit import Auditor
from deploy.demo.client import eventually
from deploy.demo.people import BIRTH
from deploy.demo.watching import verify_ledger
from deploy.local.system import System
from services.common import wire
from services.common.envelope import name_of
from services.postal import partner
from tests.journeys.scenes import Scenes
from tests.support import poison
from tests.support.poison import PERSON, PHONE, Poison
from tests.support.raw_amqp import Properties

SEED = int(os.environ.get("MOTCUA_FUZZ_SEED") or 20240311)
ROUNDS = 12 if os.environ.get("MOTCUA_FULL") == "1" else 1
TOLD_BY = {event: room.name for event, room in rooms.teller_of(rooms.load()).items()}
HEARD = {room.name: {listener.event: TOLD_BY[listener.event] for listener in room.listens if listener.event != "*"}
         for room in rooms.load() if room.listens}  # fmt: skip
HEARD["oversight"] = dict(TOLD_BY)  # by one handler of all
#: Headers of a dead letter: ours, and the broker's own count.
KEPT = {wire.H_REASON, wire.H_FIRST_FAILED, wire.H_ATTEMPT, wire.H_FAULTS, "x-delivery-count"}
Letter = tuple[dict[str, Any], bytes]


class Line:
    """The operator's line to one virtual host, with confirms."""

    def __init__(self, system: System, vhost: str = "motcua") -> None:
        self.connection = pika.BlockingConnection(pika.URLParameters(system.amqp_url("operator", vhost)))
        self.channel = self.connection.channel()
        self.channel.confirm_delivery()

    def put(self, queue: str, body: bytes, properties: pika.BasicProperties) -> None:
        self.channel.basic_publish("", queue, body, properties, mandatory=True)

    def depth(self, queue: str) -> int:
        return int(self.channel.queue_declare(queue, passive=True).method.message_count)

    def take(self, queue: str) -> list[Letter]:
        """Everything that is in a queue now."""
        found: list[Letter] = []
        while True:
            method, properties, body = self.channel.basic_get(queue, auto_ack=True)
            if method is None:
                return found
            found.append((dict(properties.headers or {}), body))


@pytest.fixture(scope="module")
def line(journeys: System) -> Iterator[Line]:
    made = Line(journeys)
    yield made
    made.connection.close()


@pytest.fixture(scope="module")
def restarts(journeys: System) -> dict[str, int]:
    """How often each process had been started again before the first poison."""
    return restarts_of(journeys)


def restarts_of(system: System) -> dict[str, int]:
    return {name: int((system.record(name) or {}).get("restarts", 0)) for name in (*wire.ROOMS, "gateway")}


@pytest.fixture(scope="module")
def filed(scenes: Scenes, auditor: Auditor, line: Line, restarts) -> list[str]:
    """Dossiers that were filed in between; every one is looked at when all is over."""
    auditor.rest()
    for room in HEARD:
        line.channel.queue_purge(wire.dead_queue(room))
    return []


@pytest.mark.parametrize("room", sorted(HEARD))
def test_poison_for_a_rooms_events_is_put_aside_with_its_reason(room: str, line: Line, scenes: Scenes, filed):
    chance = random.Random(f"{SEED} {room}")
    sent: list[Poison] = []
    for _ in range(ROUNDS):
        batch = list(poison.events(room, HEARD[room], chance))
        if room != "oversight":  # which keeps every whole event as it came
            batch += poison.schema_poison(_read(room), chance)
        for name in _ordered(room)[:1]:
            batch += poison.unstorable(name, TOLD_BY[name], chance)
        chance.shuffle(batch)
        sent += batch
        for index, message in enumerate(batch):
            line.put(wire.event_queue(room), message.body, message.properties)
            if index == len(batch) // 2:
                filed.append(scenes.filed(BIRTH))
    dead = wire.dead_queue(room)
    eventually(
        lambda: line.depth(dead) >= len(sent), within=60, what=f"{len(sent)} dead letters of {room} (seed {SEED})"
    )
    letters = line.take(dead)
    assert reasons(letters) == Counter(message.reasons[0] for message in sent), f"seed {SEED}"
    assert Counter(body for _, body in letters) == Counter(message.body for message in sent)
    for headers, _ in letters:
        assert set(headers) <= KEPT
        assert PERSON not in str(headers) and PHONE not in str(headers)


def _read(room: str) -> dict[str, str]:
    """Events of whose data the room needs some field."""
    listens = next(other for other in rooms.load() if other.name == room).listens
    return {
        listener.event: TOLD_BY[listener.event] for listener in listens
        if listener.event != "*" and any(field.required for field in listener.schema().fields.values())
    }  # fmt: skip


def _ordered(room: str) -> list[str]:
    listens = next(other for other in rooms.load() if other.name == room).listens
    return sorted(listener.event for listener in listens if listener.ordered)


def reasons(letters: list[Letter]) -> Counter[str]:
    return Counter(str(headers.get(wire.H_REASON, "none")).partition(":")[0] for headers, _ in letters)


def test_events_that_were_told_before_have_no_effect_when_they_come_again_in_any_order(
    line: Line, scenes: Scenes, auditor: Auditor, filed
):
    filed.append(scenes.returned(BIRTH))
    auditor.rest()
    before = auditor.fingerprint()
    chance = random.Random(f"{SEED} again")
    told = [row for room in wire.ROOMS for row in auditor.databases[room]["told"].find({"subject": filed[-1]})]
    assert len(told) > 8
    for room in HEARD:
        listened = [row for row in told if name_of(row["type"]) in HEARD[room]]
        chance.shuffle(listened)
        for row in listened * 2:
            line.put(wire.event_queue(room), orjson.dumps(_document(row)), poison.properties())
    eventually(lambda: not any(line.depth(wire.event_queue(room)) for room in HEARD), what="all of them taken")
    auditor.rest()
    assert auditor.fingerprint() == before


def _document(row: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in row.items() if key not in ("_id", "told_at")}


@pytest.mark.parametrize("room", sorted(wire.ROOMS))
def test_poisoned_calls_are_answered_with_a_problem_or_with_silence(room: str, line: Line, filed):
    chance = random.Random(f"{SEED} {room} calls")
    channel = line.connection.channel()
    answers = channel.queue_declare("", exclusive=True).method.queue
    channel.queue_bind(answers, wire.RPC_EXCHANGE, answers)
    expected: dict[str, str] = {}
    for label, method, body, more in poison.calls(room, chance):
        properties = dict(more)
        table = properties.pop("table", None)
        correlation = uuid.UUID(int=chance.getrandbits(128)).hex
        for asks in (True, False):
            about = {"reply_to": answers, "correlation_id": correlation} if asks else {}
            made = Properties(table, **about) if table else pika.BasicProperties(**about, **properties)
            channel.basic_publish(wire.RPC_EXCHANGE, method, body, made)
        expected[correlation] = label
    # answers go where they are asked for, also where that is nowhere
    channel.basic_publish(wire.RPC_EXCHANGE, f"{room}.describe", b"{}", pika.BasicProperties(reply_to="nowhere"))
    channel.basic_publish(wire.RPC_EXCHANGE, f"{room}.describe", b"{}", pika.BasicProperties(reply_to=b"\xff\xfe"))
    got: dict[str, dict[str, Any]] = {}

    def all_answered() -> bool:
        while True:
            method, properties, body = channel.basic_get(answers, auto_ack=True)
            if method is None:
                return len(got) >= len(expected) - len(UNREADABLE)
            assert properties.correlation_id not in got, "answered twice"
            got[properties.correlation_id] = orjson.loads(body)

    eventually(all_answered, within=30, what=f"answers to poisoned calls of {room} (seed {SEED})")
    assert {expected[one] for one in set(expected) - set(got)} <= UNREADABLE
    for correlation, answer in got.items():
        assert answer["result"] is None, expected[correlation]
        assert 400 <= answer["error"]["data"]["status"] < 500, (expected[correlation], answer)
        assert PERSON not in str(answer) and PHONE not in str(answer)
    eventually(lambda: line.depth(wire.rpc_queue(room)) == 0, what=f"the calls of {room} taken")


#: Calls whose properties cannot be read: where the answer should go cannot be read either.
UNREADABLE = {"time in another aeon"}


def test_poison_from_the_partner_is_put_aside_as_ids_and_digest(journeys: System, line: Line, scenes: Scenes, filed):
    chance = random.Random(f"{SEED} partner")
    hers = Line(journeys, "partner")
    hers.channel.queue_purge(partner.DEAD)
    sent = 0
    good = {"message_id": "m-1", "order_number": "000.05.07.H57-240311-9999", "status": "delivered",
            "at": "2024-03-11T05:00:00Z", "note": PERSON}  # fmt: skip
    wrong: list[dict[str, Any]] = [
        good, {**good, "status": 14}, {**good, "at": 7}, {**good, "message_id": PERSON}, {**good, "message_id": None},
        {**good, "order_number": {"$ne": None}}, {**good, "note": "x" * 5000}, {**good, "post_office": [PHONE]},
        {**good, "at": "0001-01-01T00:00:00+14:00"}, {**good, "status": PERSON},
    ]  # fmt: skip
    bodies = [body for _, body in poison.broken_bodies(chance)] + [orjson.dumps(document) for document in wrong]
    for body in bodies:
        hers.put(partner.EVENTS, body, poison.properties())
        sent += 1
    for message in poison._headers(chance):
        hers.put(partner.EVENTS, message.body, message.properties)
        sent += 1
    filed.append(scenes.filed(BIRTH))
    eventually(lambda: hers.depth(partner.DEAD) >= sent, within=60, what=f"{sent} dead letters (seed {SEED})")
    letters = hers.take(partner.DEAD)
    hers.connection.close()
    assert len(letters) == sent
    assert set(reasons(letters)) <= {"unreadable", "schema", "status", "unknown order"}
    for headers, body in letters:
        kept = orjson.loads(body)
        assert set(kept) <= {"sha256", "message_id", "item_code", "order_number"} and kept["sha256"]
        assert PERSON not in body.decode() and PHONE not in body.decode() + str(headers)


def test_nothing_that_was_filed_meanwhile_is_lost_or_doubled(auditor: Auditor, journeys, scenes, filed, line, restarts):
    auditor.rest()
    assert len(filed) > len(HEARD)
    poisoned = ("fuzz-", "in the ledger, told by nobody")
    assert [fault for fault in auditor.faults() if not any(word in fault for word in poisoned)] == []
    for code in filed:
        effects = auditor.effects(code)
        assert (effects["dossiers"], effects["syncs"], effects["doubled notices"]) == (1, 1, 0), code
        assert auditor.events_of(code)["dossier.filed"] == 1
    assert restarts_of(journeys) == restarts
    assert "intact" in verify_ledger(scenes.world)
    for log in journeys.state.logs.iterdir():
        if log.stem in (*wire.ROOMS, "gateway"):
            text = log.read_text(errors="replace")
            assert PERSON not in text and PHONE not in text, log.name
