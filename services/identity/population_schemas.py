"""What the log of questions to the population database is asked with and answers."""

from __future__ import annotations

from marshmallow import fields, validate

from services.common.schemas import AnswerSchema, CommandSchema, Moment

_WORD = validate.Length(min=1, max=80)


class AskPopulationReport(CommandSchema):
    since = fields.Date(load_default=None, allow_none=True)
    until = fields.Date(load_default=None, allow_none=True)
    agency = fields.String(load_default=None, allow_none=True, validate=_WORD)
    officer = fields.String(load_default=None, allow_none=True, validate=_WORD)
    purpose = fields.String(load_default=None, allow_none=True, validate=_WORD)
    outcome = fields.String(load_default=None, allow_none=True, validate=_WORD)


class AskPopulationLog(AskPopulationReport):
    cursor = fields.String(load_default=None, allow_none=True, validate=validate.Length(max=200))
    limit = fields.Integer(load_default=50, validate=validate.Range(min=1, max=200))


class _About(AnswerSchema):
    purpose = fields.String(required=True)
    agency = fields.String(required=True, allow_none=True)
    officer = fields.String(required=True, allow_none=True)
    outcome = fields.String(
        required=True, allow_none=True, metadata={"description": "null: the question was ended by a crash"}
    )


class PopulationQuery(_About):
    query_id = fields.String(required=True)
    at = Moment(required=True)
    account_id = fields.String(required=True)
    person_id = fields.String(required=True, allow_none=True)
    milliseconds = fields.Integer(required=True, allow_none=True)
    correlation_id = fields.String(required=True)


class PopulationLog(AnswerSchema):
    items = fields.List(fields.Nested(PopulationQuery), required=True)
    next_cursor = fields.String(required=True, allow_none=True)


class PopulationReportRow(_About):
    day = fields.String(required=True, metadata={"format": "date"})
    number = fields.Integer(required=True)


class PopulationReport(AnswerSchema):
    total = fields.Integer(required=True)
    rows = fields.List(fields.Nested(PopulationReportRow), required=True)


class PopulationClient(AnswerSchema):
    purpose = fields.String(required=True)
    room = fields.String(required=True)
    adapter = fields.String(required=True)
    operation = fields.String(required=True)
    data_vi = fields.String(required=True)
    data_en = fields.String(required=True)
    ground = fields.String(required=True)
    secure = fields.Boolean(required=True, metadata={"description": "asked over TLS"})
    first_asked_at = Moment(required=True, allow_none=True)
    last_asked_at = Moment(required=True, allow_none=True)
    asked_last_day = fields.Integer(required=True)
    unanswered_last_day = fields.Integer(required=True)


class PopulationClients(AnswerSchema):
    items = fields.List(fields.Nested(PopulationClient), required=True)
