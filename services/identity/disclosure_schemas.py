"""What is asked and answered about readings of persons' data."""

from __future__ import annotations

from marshmallow import fields, validate

from services.common.schemas import AnswerSchema, CommandSchema, Moment


class AskDisclosures(CommandSchema):
    cursor = fields.String(load_default=None, allow_none=True, validate=validate.Length(max=256))
    limit = fields.Integer(load_default=20, strict=True, validate=validate.Range(min=1, max=100))


class AskDisclosureReport(CommandSchema):
    """Local days, both inclusive."""

    since = fields.Date(load_default=None, allow_none=True)
    until = fields.Date(load_default=None, allow_none=True)


class _Reading(AnswerSchema):
    reader = fields.String(required=True, metadata={"description": "the room that read"})
    purpose = fields.String(required=True)
    purpose_vi = fields.String(required=True)
    purpose_en = fields.String(required=True)
    legal_ground = fields.String(required=True)


class Disclosure(_Reading):
    at = Moment(required=True)


class Disclosures(AnswerSchema):
    items = fields.List(fields.Nested(Disclosure), required=True)
    next_cursor = fields.String(required=True, allow_none=True)


class DisclosureRow(_Reading):
    number = fields.Integer(required=True)


class DisclosureReport(AnswerSchema):
    total = fields.Integer(required=True)
    rows = fields.List(fields.Nested(DisclosureRow), required=True)
