"""Sealed fields and their blind index: readable and findable by one room alone."""

from __future__ import annotations

import base64

import pytest
from cryptography.exceptions import InvalidTag
from hypothesis import given
from hypothesis import strategies as st

from services.common.crypto import DataKey

KEY = DataKey(bytes(range(32)), "identity")


@given(st.text())
def test_what_was_sealed_opens_again(text):
    assert KEY.open(KEY.seal(text, "accounts.phone"), "accounts.phone") == text


def test_the_same_text_seals_differently_and_looks_up_equally():
    assert KEY.seal("0914000123", "accounts.phone") != KEY.seal("0914000123", "accounts.phone")
    assert KEY.blind("0914000123", "accounts.phone") == KEY.blind("0914000123", "accounts.phone")
    assert "0914000123" not in KEY.seal("0914000123", "accounts.phone") + KEY.blind("0914000123", "accounts.phone")


def test_a_sealed_value_cannot_be_moved_to_another_field_room_or_key():
    sealed = KEY.seal("0914000123", "accounts.phone")
    for other, context in (
        (KEY, "accounts.id_number"),
        (DataKey(bytes(range(32)), "notifier"), "accounts.phone"),
        (DataKey(bytes(32), "identity"), "accounts.phone"),
    ):
        with pytest.raises(InvalidTag):
            other.open(sealed, context)


def test_blind_indexes_differ_by_field_room_and_key():
    blinds = {
        KEY.blind("0914000123", "accounts.phone"),
        KEY.blind("0914000123", "persons.phone"),
        DataKey(bytes(range(32)), "notifier").blind("0914000123", "accounts.phone"),
        DataKey(bytes(32), "identity").blind("0914000123", "accounts.phone"),
    }
    assert len(blinds) == 4


def test_a_changed_byte_is_noticed():
    sealed = KEY.seal("0914000123", "accounts.phone")
    raw = bytearray(base64.b64decode(sealed.removeprefix("v1:")))
    raw[-1] ^= 1
    with pytest.raises(InvalidTag):
        KEY.open("v1:" + base64.b64encode(raw).decode(), "accounts.phone")


def test_unknown_versions_and_short_keys_are_refused(tmp_path):
    with pytest.raises(ValueError, match="version"):
        KEY.open("v2:AAAA", "accounts.phone")
    with pytest.raises(ValueError, match="32 bytes"):
        DataKey(b"short", "identity")
    file = tmp_path / "key"
    file.write_text(base64.b64encode(bytes(range(32))).decode() + "\n")
    assert DataKey.load(file, "identity").blind("a", "b") == KEY.blind("a", "b")
