"""Messages that no honest sender sends, made from a seed: for queues of events and of calls.

Each says what must become of it: dead with one of some reasons, or taken without an effect. A person's name and phone
are in every body that can hold one, so that a test can look where they turn up afterwards.
"""

from __future__ import annotations

import random
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import orjson
import pika

from services.common import wire
from tests.support.raw_amqp import TABLES, Properties

PERSON = "Người Trong Thư Hỏng"
PHONE = "0914777123"
LARGE = 5_000_000


@dataclass
class Poison:
    """One message; `reasons`: the first words that its dead letter may have, empty: it is taken and changes nothing."""

    label: str
    body: bytes
    properties: pika.BasicProperties
    reasons: tuple[str, ...] = ()


def properties(headers: dict[str, Any] | None = None, **more: Any) -> pika.BasicProperties:
    return pika.BasicProperties(delivery_mode=2, headers=headers or {}, user_id="operator", **more)


def event(name: str, source: str, chance: random.Random, **other: Any) -> dict[str, Any]:
    """A whole event of that name; `other` replaces attributes, None removes them."""
    made = f"{chance.getrandbits(128):032x}"
    document = {
        "specversion": "1.0", "id": made, "source": f"/motcua/{source}", "type": f"vn.motcua.{name}.v1",
        "time": "2024-03-11T02:00:00.000Z", "recordedtime": "2024-03-11T02:00:00.000Z", "subject": f"fuzz-{made}",
        "aggregateid": f"fuzz-{made}", "sequence": 1, "correlationid": made, "causationid": made,
        "actorid": "service:fuzz", "datacontenttype": "application/json",
        "data": {"note": PERSON, "phone": PHONE}, **other,
    }  # fmt: skip
    return {key: value for key, value in document.items() if value is not None}


def broken_bodies(chance: random.Random) -> Iterator[tuple[str, bytes]]:
    """Bytes that are no JSON object, or none that anything of ours reads."""
    yield "empty", b""
    yield "half an object", b'{"id": "' + PERSON.encode()
    yield "not UTF-8", b'{"id": "\xff\xfe\x80"}'
    yield "UTF-16", f'{{"name": "{PERSON}"}}'.encode("utf-16")
    yield "a list", b"[1, 2, 3]"
    yield "null", b"null"
    yield "a number", b"1e400"
    yield "nested ten thousand times", b"[" * 10_000 + b"]" * 10_000
    yield "random bytes", chance.randbytes(chance.randrange(1, 4000))
    yield "an object of somebody else", orjson.dumps({"name": PERSON, "phone": PHONE})
    yield "5 MB of rubbish", chance.randbytes(LARGE)


def events(room: str, heard: dict[str, str], chance: random.Random) -> Iterator[Poison]:
    """Poison for `evt.<room>`. `heard`: event that the room has a handler of → room that tells it."""
    for label, body in broken_bodies(chance):
        yield Poison(label, body, properties(), ("unreadable",))
    name = chance.choice(sorted(heard))
    source = heard[name]
    attributes = [
        ("no id", {"id": None}), ("an id that is a number", {"id": 7}), ("no type", {"type": None}),
        ("a foreign type", {"type": "com.example.order.v1"}), ("no data", {"data": None}),
        ("data that is a text", {"data": PERSON}), ("an older envelope", {"specversion": "0.3"}),
        ("sequence 0", {"sequence": 0}), ("sequence true", {"sequence": True}), ("sequence as text", {"sequence": "1"}),
        ("a sequence past any number", {"sequence": 2**64 - 1}), ("time without zone", {"time": "2024-03-11T09:00:00"}),
        ("a time before time", {"time": "0001-01-01T00:00:00+14:00"}), ("a time that is a list", {"time": [1]}),
        ("a version of five thousand digits", {"type": f"vn.motcua.{name}.v{'9' * 5000}"}),
    ]  # fmt: skip
    for label, other in attributes:
        yield Poison(label, orjson.dumps(event(name, source, chance, **other)), properties(), ("unreadable",))
    newer = event(name, source, chance, type=f"vn.motcua.{name}.v2")
    yield Poison("a newer version", orjson.dumps(newer), properties(), ("unknown",))
    stranger = next(room for room in wire.ROOMS if room != source)
    yield Poison("a forged source", orjson.dumps(event(name, stranger, chance)), properties(), ("forged",))
    yield Poison("a source of nobody", orjson.dumps(event(name, "nobody", chance)), properties(), ("forged",))
    yield from _headers(chance)


def _headers(chance: random.Random) -> Iterator[Poison]:
    """Bodies that are dead anyway, under headers that are not ours or not as ours."""
    body = orjson.dumps({"name": PERSON})
    headers: list[tuple[str, dict[str, Any]]] = [
        ("foreign headers", {"x-other": {"deep": [1, {"er": None}]}, "authorization": PERSON}),
        ("a header of 60 kB", {wire.H_CORRELATION: "x" * 60_000}),
        ("an attempt that is a text", {wire.H_ATTEMPT: "many", wire.H_FAULTS: "few"}),
        ("an attempt that is a list", {wire.H_ATTEMPT: [1], wire.H_FAULTS: {"a": 1}}),
        ("an attempt below zero", {wire.H_ATTEMPT: -(2**62), wire.H_FAULTS: -5}),
        ("an attempt past any number", {wire.H_ATTEMPT: 2**62, wire.H_FAULTS: 2**62}),
        ("our reason already there", {wire.H_REASON: PERSON, wire.H_FIRST_FAILED: PERSON}),
    ]
    for label, given in headers:
        yield Poison(label, body, properties(given), ("unreadable",))
    yield Poison("no properties at all", body, pika.BasicProperties(), ("unreadable",))
    yield Poison("compressed, it says", body, properties(content_encoding="gzip"), ("unreadable",))
    yield Poison("UTF-16, it says", body, properties(content_encoding="utf-16"), ("unreadable",))
    yield Poison("an odd correlation", body, properties(correlation_id=b"\xff\xfe"), ("unreadable",))
    yield Poison("a date in another aeon", body, properties(timestamp=2**63 - 1), ("unreadable",))
    for label, table in TABLES.items():
        yield Poison(label, body, Properties(table, delivery_mode=2), ("unreadable",))


def schema_poison(heard: dict[str, str], chance: random.Random) -> Iterator[Poison]:
    """Whole events with data that no reader of theirs can read: one for each event that a room hears."""
    for name, source in sorted(heard.items()):
        wrong = chance.choice([{}, {"code": 7}, {"code": [PERSON], "owner": {}}])
        yield Poison(f"{name} without its data", orjson.dumps(event(name, source, chance, data=wrong)), properties(),
                     ("schema",))  # fmt: skip


def unstorable(name: str, source: str, chance: random.Random) -> Iterator[Poison]:
    """Whole events of an ordered stream that are kept until their predecessor comes, and no document can hold."""
    for label, data in (("a number of 65 bits", {"count": 2**64 - 1}), ("one in a list", {"counts": [1, 2**64 - 1]})):
        body = orjson.dumps(event(name, source, chance, sequence=5, data=data))
        yield Poison(label, body, properties(), ("unstorable",))


def calls(room: str, chance: random.Random) -> Iterator[tuple[str, str, bytes, dict[str, Any]]]:
    """Poison for `rpc-<room>`: label, method, body, properties beside reply_to and correlation_id."""
    method = f"{room}.describe"
    for label, body in broken_bodies(chance):
        yield label, method, body, {}
    yield "positional arguments", method, orjson.dumps({"args": [PERSON], "kwargs": {}}), {}
    yield "kwargs that are a list", method, orjson.dumps({"kwargs": [1]}), {}
    plain = orjson.dumps({"args": [], "kwargs": {}})
    for name in ("no_such_method", "__init__", "_private", "x" * 200, "settle"):
        yield f"method {name[:20]}", f"{room}.{name}", plain, {}
    unknown = orjson.dumps({"args": [], "kwargs": {PERSON: PHONE, "$where": "1", "": None}})
    yield "arguments of nobody", method, unknown, {}
    token = uuid.UUID(int=chance.getrandbits(128)).hex
    headers: list[dict[str, Any]] = [
        {wire.H_ACTOR: token}, {wire.H_ACTOR: [1, 2]}, {wire.H_ACTOR: "a.b.c"}, {wire.H_ACTOR: "é" * 30_000},
        {wire.H_TIMEOUT: "soon"}, {wire.H_TIMEOUT: -1}, {wire.H_TIMEOUT: 2**62}, {wire.H_COMMAND: {"a": [1]}},
        {wire.H_CORRELATION: ["x"]}, {wire.H_CHANNEL: 7}, {wire.H_CAUSATION: b"\x00" * 500},
    ]  # fmt: skip
    for given in headers:
        yield f"header {next(iter(given))}", method, plain, {"headers": given}
    yield "a date in another aeon", method, plain, {"timestamp": 2**63 - 1}
    for label, table in TABLES.items():
        yield label, method, plain, {"table": table}
