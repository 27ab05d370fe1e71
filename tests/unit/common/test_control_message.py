"""Control messages: each kind is believed from its owner only."""

from __future__ import annotations

import orjson
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from services.common.actors import Signer, Verifier
from services.common.control_message import OWNERS, control_body, read_control
from services.common.problems import Problem

KEYS = {room: Ed25519PrivateKey.generate() for room in ("oversight", "identity", "intake")}
VERIFIER = Verifier({f"{room}-1": key.public_key() for room, key in KEYS.items()})


def signer(room: str) -> Signer:
    return Signer(room, f"{room}-1", KEYS[room])


def test_the_owner_is_believed():
    for kind, owner in OWNERS.items():
        assert read_control(VERIFIER, control_body(signer(owner), kind, {"a": 1})) == (kind, {"a": 1})


@pytest.mark.parametrize("kind", [*OWNERS, "unknown.kind"])
def test_another_room_is_not(kind):
    with pytest.raises(ValueError, match="owner"):
        read_control(VERIFIER, control_body(signer("intake"), kind, {}))


def test_an_actors_assertion_is_no_control_message():
    token = signer("oversight").sign({"sub": "service:oversight", "kind": "clock.moved", "data": {}}, 60)
    with pytest.raises(Problem):
        read_control(VERIFIER, orjson.dumps({"token": token}))


@pytest.mark.parametrize("body", [b"", b"{}", b"[]", b'{"token": "x"}'])
def test_rubbish_is_refused(body):
    with pytest.raises((Problem, ValueError, KeyError, TypeError)):
        read_control(VERIFIER, body)
