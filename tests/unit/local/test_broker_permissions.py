"""Who may touch which queue: the patterns of the broker's users."""

import base64
import hashlib
import re

import pytest

from deploy.local import broker
from deploy.local.table import ROOMS


def may(room: str, what: str, name: str) -> bool:
    return re.search(broker.room_permissions(room)[what], name) is not None


OWN = [
    "rpc-intake",
    "rpc.reply-intake-3f2a",
    "evt.intake",
    "evt.intake.retry.5s",
    "evt.intake.dead",
    "fan.intake.8c",
    "nameko-rpc",
    "motcua.events",
    "motcua.control",
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


@pytest.mark.parametrize("name", OWN)
@pytest.mark.parametrize("what", ["configure", "write", "read"])
def test_a_room_reaches_its_own_queues_and_the_shared_exchanges(what: str, name: str) -> None:
    assert may("intake", what, name)


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
