"""What figures about accounts are asked with and answer."""

from __future__ import annotations

from marshmallow import fields, validate

from services.common.schemas import AnswerSchema, CommandSchema, Moment


class AskFigures(CommandSchema):
    unit = fields.String(load_default=None, allow_none=True, validate=validate.Length(min=1, max=40))
    since = fields.Date(load_default=None, allow_none=True)
    until = fields.Date(load_default=None, allow_none=True)


class Counts(AnswerSchema):
    total = fields.Integer(required=True)
    normalized = fields.Integer(required=True)
    pending = fields.Integer(required=True, metadata={"description": "active, not normalized"})
    locked = fields.Integer(required=True)
    suspended = fields.Integer(required=True)
    blocked = fields.Integer(required=True)
    cancelled = fields.Integer(required=True)


class UnitCounts(Counts):
    unit = fields.String(required=True, allow_none=True, metadata={"description": "of residence; null: unknown"})


class DayCounts(AnswerSchema):
    day = fields.String(required=True, metadata={"format": "date"})
    registered = fields.Integer(required=True)
    normalized = fields.Integer(required=True)
    locked = fields.Integer(required=True, metadata={"description": "and still so"})
    suspended = fields.Integer(required=True)
    blocked = fields.Integer(required=True)
    cancelled = fields.Integer(required=True)


class Figures(AnswerSchema):
    as_of = Moment(required=True)
    unit = fields.String(required=True, allow_none=True)
    totals = fields.Nested(Counts, required=True)
    units = fields.List(fields.Nested(UnitCounts), required=True)
    since = fields.Date(required=True)
    until = fields.Date(required=True)
    days = fields.List(fields.Nested(DayCounts), required=True)
