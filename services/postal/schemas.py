"""What postal answers, tells and reads."""

from __future__ import annotations

from marshmallow import Schema, fields, validate

from services.common.schemas import AnswerSchema, CommandSchema, EventSchema, Moment, Text

_ID = validate.Regexp(r"^[A-Za-z0-9._:\-]{1,64}$")


class OfDossier(CommandSchema):
    code = fields.String(required=True, validate=validate.Length(min=1, max=64))


class Orders(CommandSchema):
    cursor = fields.String(load_default=None, allow_none=True, validate=validate.Length(max=128))
    limit = fields.Integer(load_default=20, strict=True, validate=validate.Range(min=1, max=100))


class StepAnswer(AnswerSchema):
    status = fields.String()
    at = Moment()
    post_office = fields.String(allow_none=True)
    note = fields.String(allow_none=True)


class ShipmentAnswer(AnswerSchema):
    shipment_id = fields.String()
    code = fields.String()
    kind = fields.String()
    waybill = fields.String(allow_none=True)
    state = fields.String()
    state_vi = fields.String()
    state_en = fields.String()
    ordered_at = Moment()
    sent_at = Moment(allow_none=True)
    post_office = fields.String()
    steps = fields.List(fields.Nested(StepAnswer))


class Shipments(AnswerSchema):
    items = fields.List(fields.Nested(ShipmentAnswer))


class OrderAnswer(AnswerSchema):
    """What a post office sees of an order here; receiver and address are in the partner's own system."""

    shipment_id = fields.String()
    code = fields.String()
    waybill = fields.String(allow_none=True)
    state = fields.String()
    state_vi = fields.String()
    state_en = fields.String()
    ordered_at = Moment()
    unit = fields.String()


class OrderPage(AnswerSchema):
    items = fields.List(fields.Nested(OrderAnswer))
    next_cursor = fields.String(allow_none=True)


class Custody(EventSchema):
    """One step in the partner's hands. `at` is the partner's time."""

    code = fields.String(required=True)
    owner = fields.String(required=True)
    unit = fields.String(required=True)
    waybill = fields.String(required=True, allow_none=True)
    at = Moment(required=True)
    post_office = fields.String(required=True, allow_none=True)


EVENTS: dict[str, type[Schema]] = {
    "postal.registered": Custody,
    "postal.collected": Custody,
    "postal.handed_over": Custody,
    "postal.attempted": Custody,
    "postal.delivered": Custody,
    "postal.returned": Custody,
}


# --- what postal reads -----------------------------------------------------------------------------------------------


class ReturnedSeen(EventSchema):
    code = fields.String(required=True)
    owner = fields.String(required=True)
    unit = fields.String(required=True)
    desk = fields.String(load_default=None, allow_none=True)
    procedure = fields.String(required=True)
    pickup = fields.String(required=True)


class NormalizedSeen(EventSchema):
    person_id = fields.String(required=True)
    former_person_id = fields.String(load_default=None, allow_none=True)


class PartnerMessage(EventSchema):
    """A message of the partner. Unknown fields are ignored: the partner's system changes without us."""

    message_id = fields.String(required=True, validate=_ID)
    item_code = fields.String(load_default=None, allow_none=True, validate=_ID)
    order_number = fields.String(required=True, validate=_ID)
    status = fields.String(required=True, validate=validate.Length(min=1, max=40))
    at = Moment(required=True)
    post_office = fields.String(load_default=None, allow_none=True, validate=_ID)
    note = Text(words=False, load_default=None, allow_none=True, validate=validate.Length(max=1000))
