"""What exchange answers, tells and reads."""

from __future__ import annotations

from marshmallow import Schema, fields, validate

from services.common.schemas import AnswerSchema, CommandSchema, EventSchema, Moment


class OfDossier(CommandSchema):
    code = fields.String(required=True, validate=validate.Length(min=1, max=64))


class StatusAnswer(AnswerSchema):
    number = fields.Integer()
    status = fields.Integer()
    name_vi = fields.String()
    name_en = fields.String()
    at = Moment()
    delivered_at = Moment(allow_none=True)


class WaitingAnswer(AnswerSchema):
    event = fields.String()
    since = Moment()


class StateAnswer(AnswerSchema):
    """`waiting`: events whose predecessor has not come; `overdue` when they wait for longer than they should."""

    code = fields.String()
    unit = fields.String(allow_none=True)
    statuses = fields.List(fields.Nested(StatusAnswer))
    waiting = fields.List(fields.Nested(WaitingAnswer))
    overdue = fields.Boolean()
    attempts = fields.Integer()
    last_error = fields.String(allow_none=True)
    next_try_at = Moment(allow_none=True)


class Delivered(EventSchema):
    code = fields.String(required=True)
    unit = fields.String(required=True)
    status = fields.Integer(required=True, validate=validate.Range(min=1, max=10))
    number = fields.Integer(required=True)
    at = Moment(required=True)


EVENTS: dict[str, type[Schema]] = {"exchange.delivered": Delivered}


# --- what exchange reads of others' events: only what it needs --------------------------------------------------------


class FeeSeen(EventSchema):
    mode = fields.String(load_default="")


class FiledSeen(EventSchema):
    code = fields.String(required=True)
    owner = fields.String(required=True)
    unit = fields.String(required=True)
    desk = fields.String(load_default=None, allow_none=True)
    procedure = fields.String(required=True)
    mode = fields.String(required=True)
    filed_at = Moment(required=True)
    pickup = fields.String(load_default=None, allow_none=True)
    fee = fields.Nested(FeeSeen, load_default=None, allow_none=True)


class AcceptedSeen(EventSchema):
    code = fields.String(required=True)
    accepted_at = Moment(required=True)
    appointment = Moment(required=True)


class AmendedSeen(EventSchema):
    code = fields.String(required=True)
    stage = fields.String(required=True)
    slip_id = fields.String(load_default=None, allow_none=True)


class SupplementSeen(EventSchema):
    code = fields.String(required=True)
    slip_id = fields.String(required=True)


class AppointmentSeen(EventSchema):
    code = fields.String(required=True)
    appointment = Moment(load_default=None, allow_none=True)


class OfDossierSeen(EventSchema):
    code = fields.String(required=True)


class NormalizedSeen(EventSchema):
    person_id = fields.String(required=True)
    former_person_id = fields.String(load_default=None, allow_none=True)
