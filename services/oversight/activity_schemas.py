"""What is asked, answered and told about the transactions of an account."""

from __future__ import annotations

from marshmallow import fields, validate

from services.common.schemas import AnswerSchema, Text
from services.oversight.schemas import CODE, Page


class AccountActivity(Page):
    account_id = fields.String(required=True, validate=CODE)
    reason = Text(required=True, validate=validate.Length(min=10, max=500))


class Transaction(AnswerSchema):
    sequence = fields.Integer(required=True)
    at = fields.String(required=True, metadata={"format": "date-time", "description": "business time"})
    recorded_at = fields.String(required=True, metadata={"format": "date-time", "description": "real time"})
    event = fields.String(required=True)
    what_vi = fields.String(required=True)
    what_en = fields.String(required=True)
    by = fields.String(required=True, validate=validate.OneOf(["owner", "office", "system"]))
    channel = fields.String(required=True, allow_none=True)
    subject = fields.String(required=True, allow_none=True, metadata={"description": "code of a dossier, or an id"})
    hash = fields.String(required=True, metadata={"description": "of the ledger's entry"})


class Activity(AnswerSchema):
    items = fields.List(fields.Nested(Transaction), required=True)
    next_cursor = fields.String(required=True, allow_none=True)
