"""What is asked and answered about one's own sessions."""

from __future__ import annotations

from marshmallow import fields

from services.common.schemas import AnswerSchema, EventSchema, Moment


class OwnSession(AnswerSchema):
    channel = fields.String(required=True)
    method = fields.String(required=True, metadata={"description": "password, otp or vneid"})
    opened_at = Moment(required=True)
    last_used_at = Moment(required=True)
    expires_at = Moment(required=True)
    current = fields.Boolean(required=True, metadata={"description": "the session of this request"})


class OwnSessions(AnswerSchema):
    items = fields.List(fields.Nested(OwnSession), required=True)


class SignedOutEverywhere(AnswerSchema):
    ended = fields.Integer(required=True, metadata={"description": "sessions that were open"})


class SessionOpened(EventSchema):
    account_id = fields.String(required=True)
    channel = fields.String(required=True)
    method = fields.String(required=True)


class SessionEnded(EventSchema):
    account_id = fields.String(required=True)
