"""What comes in is checked to the last field; every fault is named in both languages."""

from __future__ import annotations

import unicodedata
from datetime import UTC, datetime

import pytest
from marshmallow import fields, validate

from services.common import schemas
from services.common.problems import Problem
from services.common.schemas import AnswerSchema, CommandSchema, EventSchema, Moment, Text


class Component(CommandSchema):
    name = Text(required=True)


class File(CommandSchema):
    title = Text(required=True, validate=validate.Length(max=10))
    count = fields.Integer(strict=True)
    at = Moment()
    components = fields.List(fields.Nested(Component))


class Seen(EventSchema):
    code = fields.String(required=True)


class Shown(AnswerSchema):
    code = fields.String()


def faults(data: object) -> dict[str, str]:
    with pytest.raises(Problem) as caught:
        schemas.load(File, data)
    assert caught.value.status == 422
    for error in caught.value.errors:
        assert error["message_vi"]
        assert error["message_en"]
    return {error["field"]: error["message_en"] for error in caught.value.errors}


def test_every_fault_is_named_with_its_path():
    found = faults(
        {"count": "3", "colour": "red", "at": "2024-03-11T09:00:00", "components": [{"name": "ok"}, {"name": 5}]}
    )
    assert set(found) == {"title", "count", "colour", "at", "components.1.name"}


@pytest.mark.parametrize("data", [None, [], "text", 5, True])
def test_what_is_no_object_is_refused(data):
    assert set(faults(data)) == {""}


def test_known_messages_are_translated():
    with pytest.raises(Problem) as caught:
        schemas.load(File, {"title": None})
    [error] = caught.value.errors
    assert error["message_vi"] == "Trường không được để trống."


def test_text_is_kept_in_nfc_and_without_control_characters():
    decomposed = unicodedata.normalize("NFD", "Một cửa")
    assert schemas.load(File, {"title": decomposed})["title"] == "Một cửa"
    assert schemas.load(File, {"title": "a\nb\tc"})["title"] == "a\nb\tc"
    for bad in ("a\x00b", "a\x1bb", "\ud800"):
        assert "title" in faults({"title": bad})


BLANKS = [
    "", " ", "\n\t", "\u00a0", "\u3164", "\u3164\u2800", "\uffa0", "\u115f\u1160", "\u200b\u200d\u2060", "\ufeff",
    "\u00ad", "\u034f", "\u180e", "\ufe0f", "\U000e0041", "\U000e0100", "\u17b4", "\u202e", "\u2003\u3000",
]  # fmt: skip


@pytest.mark.parametrize("blank", BLANKS)
def test_a_text_of_which_nothing_can_be_seen_is_empty(blank):
    assert schemas.load(File, {"title": blank})["title"] == ""
    if len(blank) <= 4:
        assert schemas.load(File, {"title": f"{blank}Ký{blank}"})["title"].strip(blank) == "Ký"


@pytest.mark.parametrize("mark", [".", "-", "…", "?!", "\u0301", "👍", "=", "«»", "\u3164.\u200b"])
def test_a_text_of_marks_alone_says_nothing(mark):
    assert faults({"title": mark}) == {"title": "Must have letters or digits."}


@pytest.mark.parametrize("text", ["a", "Đ", "7", "٣", "漢", "ｶ", "①", "½", "-1", "한", "ký.", "\u200fש"])
def test_a_letter_or_a_digit_of_any_script_is_enough(text):
    assert schemas.load(File, {"title": text})["title"] == text


def test_what_another_system_wrote_may_be_a_mark_alone():
    class Told(EventSchema):
        note = Text(words=False)

    assert schemas.load(Told, {"note": "-"}) == {"note": "-"}
    assert schemas.load(Told, {"note": "\u3164"}) == {"note": ""}


def test_moments_are_utc_and_need_a_zone():
    moment = schemas.load(File, {"title": "a", "at": "2024-03-11T09:00:00+07:00"})["at"]
    assert moment == datetime(2024, 3, 11, 2, tzinfo=UTC)


def test_events_and_answers_ignore_what_they_do_not_know():
    assert schemas.load(Seen, {"code": "c", "later": 1}) == {"code": "c"}
    assert schemas.instance(Shown).load({"code": "c", "later": 1}) == {"code": "c"}


def test_a_schema_is_made_once():
    assert schemas.instance(File) is schemas.instance(File)


def test_a_fault_carries_the_rule_that_refuses():
    with pytest.raises(Problem) as caught:
        schemas.load(File, {}, rule="GU-02")
    assert caught.value.rule == "GU-02"
    assert {error["rule"] for error in caught.value.errors} == {"GU-02"}
