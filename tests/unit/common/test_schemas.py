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
