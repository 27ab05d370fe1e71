"""Password hashing, as the worker program does it."""

from __future__ import annotations

import pytest
from argon2 import PasswordHasher, extract_parameters
from argon2.exceptions import InvalidHashError

from services.common.worker_program import Refused
from services.identity import passwords
from services.identity.worker import handle


def test_a_hash_is_salted_argon2id_and_verifies() -> None:
    one, two = (handle({"do": "hash", "password": "Mật khẩu dài"})["hash"] for _ in range(2))
    assert one != two
    assert one.startswith("$argon2id$v=19$m=19456,t=2,p=1$")
    assert handle({"do": "verify", "password": "Mật khẩu dài", "hash": one}) == {"right": True}
    assert handle({"do": "verify", "password": "mật khẩu dài", "hash": one}) == {"right": False}


def test_a_broken_hash_is_no_wrong_password() -> None:
    with pytest.raises(InvalidHashError):
        handle({"do": "verify", "password": "x", "hash": "broken"})


def test_other_jobs_are_refused() -> None:
    with pytest.raises(Refused):
        handle({"do": "print", "password": "x"})


def test_the_hash_of_nobody_can_be_compared_and_matches_nothing() -> None:
    assert handle({"do": "verify", "password": "x", "hash": passwords._NOBODY}) == {"right": False}


@pytest.mark.parametrize(
    ("password", "fine"),
    [
        ("1234567", False),
        ("12345678", True),
        ("x" * 128, True),
        ("x" * 129, False),
        ("+84914000123", False),
        ("0914000123", False),
    ],
)
def test_length_counts_and_the_phone_is_no_password(password: str, fine: bool) -> None:
    assert (passwords.check_strength(password, "+84914000123") is None) is fine


@pytest.mark.req("X-23")
def test_where_there_is_no_account_as_much_is_computed_as_for_one() -> None:
    """The hash that stands for nobody's has the very parameters of those that are made today."""
    todays = handle({"do": "hash", "password": "a password"})["hash"]
    assert extract_parameters(passwords._NOBODY) == extract_parameters(todays)
    assert handle({"do": "verify", "password": "a password", "hash": passwords._NOBODY}) == {"right": False}
    weaker = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1).hash("a password")
    assert extract_parameters(weaker) != extract_parameters(todays)
