"""One-time codes: single use, five minutes, five tries, not too many to one phone."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from services.identity import codes
from services.identity.codes import Purpose, Verdict

NOW = datetime(2024, 3, 11, 2, 0, tzinfo=UTC)


def challenge(**changed: Any) -> dict[str, Any]:
    made = codes.challenge("c", Purpose.REGISTRATION, phone="sealed", phone_blind="blind", digest="right", now=NOW)
    return made | changed


def test_a_code_is_six_digits_and_not_always_the_same() -> None:
    made = [codes.new_code() for _ in range(50)]
    assert all(len(code) == 6 and code.isascii() and code.isdigit() for code in made)
    assert len(set(made)) > 40


def test_right_and_wrong() -> None:
    assert codes.judge(challenge(), "right", NOW) is Verdict.RIGHT
    assert codes.judge(challenge(), "wrong", NOW) is Verdict.WRONG


@pytest.mark.req("ID-11")
@pytest.mark.parametrize(
    "ended",
    [None, challenge(used_at=NOW), challenge(tries=codes.TRIES), challenge(expires_at=NOW)],
    ids=["never sent", "used", "tried too often", "expired"],
)
def test_an_ended_code_is_not_right_any_more(ended: dict[str, Any] | None) -> None:
    assert codes.judge(ended, "right", NOW) is Verdict.ENDED


def test_it_expires_exactly_after_its_lifetime() -> None:
    last = NOW + codes.LIFETIME - timedelta(milliseconds=1)
    assert codes.judge(challenge(), "right", last) is Verdict.RIGHT
    assert codes.judge(challenge(), "right", NOW + codes.LIFETIME) is Verdict.ENDED


def test_the_last_try_may_still_be_right() -> None:
    assert codes.judge(challenge(tries=codes.TRIES - 1), "right", NOW) is Verdict.RIGHT


def test_it_is_said_how_long_to_wait_for_the_oldest_to_pass() -> None:
    sent = [NOW - timedelta(minutes=10) + timedelta(seconds=n) for n in range(5)]
    wait = codes.wait_before_sending(sent, NOW)
    assert 0 < wait <= 301
    assert codes.wait_before_sending(sent, NOW + timedelta(seconds=wait)) == 0
    assert codes.wait_before_sending(sent[1:], NOW + timedelta(seconds=wait - 1)) > 0


def test_old_codes_do_not_count() -> None:
    assert codes.wait_before_sending([NOW - codes.WINDOW] * 50, NOW) == 0


@pytest.mark.parametrize("purpose", list(Purpose))
def test_the_message_is_one_plain_segment_with_the_code(purpose: Purpose) -> None:
    text = codes.message(purpose, "042042")
    assert "042042" in text
    assert text.isascii()
    assert len(text) <= 160


def test_a_refusal_names_the_field_and_never_tells_whether_a_code_was_sent() -> None:
    ended, wrong = codes.refusal(Verdict.ENDED), codes.refusal(Verdict.WRONG)
    assert ended.status == wrong.status == 422
    assert [error["field"] for error in ended.errors] == ["code"]
