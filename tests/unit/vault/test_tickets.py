"""A ticket opens one file for one operation, for a minute, and only the vault can write one."""

from __future__ import annotations

import time

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from services.common.actors import Signer, Verifier
from services.common.problems import Problem
from services.vault import tickets
from services.vault.tickets import Ticket

FILE = "0" * 32
KEYS = {name: Ed25519PrivateKey.generate() for name in ("vault", "intake")}
VERIFIER = Verifier({f"{name}-1": key.public_key() for name, key in KEYS.items()})
VAULT = Signer("vault", "vault-1", KEYS["vault"])
TICKET = Ticket(FILE, "put", "component", "acc-1", "row")


def status(header: str | None, operation: tickets.Operation = "put", file_id: str = FILE) -> int:
    with pytest.raises(Problem) as caught:
        tickets.read(VERIFIER, "vault", header, operation, file_id)
    return caught.value.status


def test_a_ticket_says_what_it_allows() -> None:
    header = f"Ticket {tickets.issue(VAULT, TICKET)}"
    assert tickets.read(VERIFIER, "vault", header, "put", FILE) == TICKET


def test_it_lives_sixty_seconds_of_real_time(monkeypatch: pytest.MonkeyPatch) -> None:
    token = tickets.issue(VAULT, TICKET)
    claims = jwt.decode(token, options={"verify_signature": False})
    assert claims["exp"] - claims["iat"] == 60
    past = time.time() - 61
    monkeypatch.setattr("services.common.actors.time.time", lambda: past)
    old = tickets.issue(VAULT, TICKET)
    monkeypatch.undo()
    assert status(f"Ticket {old}") == 401


def test_it_is_for_one_file_and_one_operation() -> None:
    header = f"Ticket {tickets.issue(VAULT, TICKET)}"
    assert status(header, operation="get") == 403
    assert status(header, file_id="1" * 32) == 403


@pytest.mark.parametrize("header", [None, "", "Ticket", "Ticket ", "Bearer x", "Ticket x.y.z"])
def test_without_one_nothing_opens(header: str | None) -> None:
    assert status(header) == 401


def test_other_rooms_write_none() -> None:
    forged = tickets.issue(Signer("intake", "intake-1", KEYS["intake"]), TICKET)
    assert status(f"Ticket {forged}") == 401
    posing = tickets.issue(Signer("vault", "intake-1", KEYS["intake"]), TICKET)
    assert status(f"Ticket {posing}") == 401


def test_an_assertion_of_an_actor_is_no_ticket() -> None:
    assert status(f"Ticket {VAULT.own()}") == 401
    unsigned = jwt.encode({"sub": "a", "file_id": FILE, "op": "put"}, None, algorithm="none")
    assert status(f"Ticket {unsigned}") == 401
