"""Who may touch which queue: the patterns of the broker's users."""

import base64
import hashlib
import re

import pytest

from deploy.local import broker
from deploy.local.table import ROOMS
from services.common import wire


def may(room: str, what: str, name: str) -> bool:
    return re.search(broker.room_permissions(room)[what], name) is not None


OWN = [
    "rpc-intake",
    "rpc.reply-intake-3f2a",
    "evt.intake",
    "evt.intake.retry.5s",
    "evt.intake.dead",
    "fan.intake.8c",
]
FOREIGN = [
    "rpc-identity",
    "rpc.reply-identity-1",
    "evt.identity",
    "evt.identity.dead",
    "fan.identity.1",
    "rpc-intake2",
    "evt.intakes",
    "xevt.intake",
    "amq.topic",
    "",
]
SHARED = ["nameko-rpc", "motcua.events", "motcua.control"]


@pytest.mark.parametrize("name", OWN)
@pytest.mark.parametrize("what", ["configure", "write", "read"])
def test_a_room_reaches_its_own_queues(what: str, name: str) -> None:
    assert may("intake", what, name)


@pytest.mark.parametrize("room", ROOMS)
def test_no_room_makes_or_deletes_an_exchange(room: str) -> None:
    for exchange in ("nameko-rpc", "motcua.events", "motcua.control", "evt.retry", "amq.topic", ""):
        assert not may(room, "configure", exchange)


def test_a_room_writes_to_and_binds_the_exchanges_that_it_needs() -> None:
    rights = {
        room: {f"{what} {name}" for what in ("write", "read") for name in SHARED if may(room, what, name)}
        for room in ROOMS
    }
    calls = {"write nameko-rpc", "read nameko-rpc", "read motcua.control"}
    assert rights["gateway"] == calls
    assert rights["identity"] == calls | {"write motcua.events", "write motcua.control"}  # it listens to no event
    assert rights["oversight"] == calls | {"write motcua.events", "read motcua.events", "write motcua.control"}
    for room in set(ROOMS) - {"gateway", "identity", "oversight"}:
        assert rights[room] == calls | {"write motcua.events", "read motcua.events"}


def key(room: str, exchange: str, what: str, name: str) -> bool:
    """Whether the broker lets the room publish under (write) or bind (read) a key; it searches, as here."""
    return re.search(broker.room_topics(room)[exchange][what], name) is not None


@pytest.mark.parametrize("room", ROOMS)
def test_a_room_binds_its_own_requests_and_replies_only(room: str) -> None:
    assert key(room, "nameko-rpc", "read", f"{room}.*")
    assert key(room, "nameko-rpc", "read", wire.reply_queue(room))
    for other in (*(set(ROOMS) - {room}), "operator", f"{room}2"):
        assert not key(room, "nameko-rpc", "read", f"{other}.*")
        assert not key(room, "nameko-rpc", "read", wire.reply_queue(other))
    for wide in ("#", "*.*", "#.#", "*", "", f"#.{room}.*", f"*.{room}.#", f"{room}", "rpc.#", "rpc.*"):
        assert not key(room, "nameko-rpc", "read", wide)


@pytest.mark.parametrize("room", ROOMS)
def test_a_room_calls_and_answers_whom_it_will(room: str) -> None:
    for name in ("identity.clock", wire.reply_queue("operator"), "5b2c0d0e-an-uuid-as-nameko-sends-it", ""):
        assert key(room, "nameko-rpc", "write", name)


def test_a_room_tells_its_own_events_only() -> None:
    assert key("vault", "motcua.events", "write", "file.stored")
    for name in ("file.checked", "payment.settled", "xfile.stored", "file.stored.more", "file", "", "#", "filexstored"):
        assert not key("vault", "motcua.events", "write", name)
    assert not key("intake", "motcua.events", "write", "dossier.filed.more")


def test_a_room_binds_the_events_that_it_listens_to_only() -> None:
    assert key("payment", "motcua.events", "read", "dossier.*")
    for wide in ("#", "*.*", "dossier.#", "#.settled", "*.settled", "payment.*"):
        assert not key("payment", "motcua.events", "read", wide)
    assert [room for room in ROOMS if key(room, "motcua.events", "read", "#")] == ["oversight"]


def test_the_definitions_carry_the_keys_of_every_room_and_leave_the_operator_free() -> None:
    passwords = {f"broker.{user}": f"secret-of-{user}" for user in broker.users()}
    made = broker.definitions(passwords)
    topics = {row["name"] for row in made["exchanges"] if row["type"] == "topic"}
    rows = [(row["user"], row["exchange"]) for row in made["topic_permissions"]]
    assert sorted(rows) == sorted((room, exchange) for room in ROOMS for exchange in topics)
    assert {row["vhost"] for row in made["topic_permissions"]} == {"motcua"}


@pytest.mark.parametrize("name", FOREIGN)
@pytest.mark.parametrize("what", ["configure", "write", "read"])
def test_a_room_reaches_nothing_else(what: str, name: str) -> None:
    assert not may("intake", what, name)


def test_only_writing_goes_through_the_default_exchange() -> None:
    assert may("intake", "write", "amq.default")
    assert not may("intake", "read", "amq.default")
    assert not may("intake", "configure", "amq.default")


def test_no_room_reads_the_queues_of_another() -> None:
    for room in ROOMS:
        for other in set(ROOMS) - {room}:
            assert not may(room, "read", f"rpc-{other}")
            assert not may(room, "read", f"evt.{other}.dead")


def test_the_partner_stays_in_its_own_virtual_host() -> None:
    rows = [row for row in broker.permissions() if row["user"] == "partner"]
    assert [row["vhost"] for row in rows] == ["partner"]
    assert re.search(rows[0]["read"], "partner.orders")
    assert not re.search(rows[0]["read"], "partner.events")
    assert re.search(rows[0]["write"], "partner.events")
    assert not re.search(rows[0]["write"], "partner.orders")


def test_only_the_operator_administers() -> None:
    passwords = {f"broker.{user}": f"secret-of-{user}" for user in broker.users()}
    users = {user["name"]: user["tags"] for user in broker.definitions(passwords)["users"]}
    assert [name for name, tags in users.items() if tags] == ["operator"]
    assert "guest" not in users


def test_a_password_hash_is_salted_and_verifiable() -> None:
    first, second = (base64.b64decode(broker.password_hash("mật khẩu")) for _ in range(2))
    assert first != second
    assert hashlib.sha256(first[:4] + "mật khẩu".encode()).digest() == first[4:]
