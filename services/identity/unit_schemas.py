"""What is taken and answered about units, officers and their grants, and the events that tell of them."""

from __future__ import annotations

from marshmallow import Schema, fields, validate

from services.common.roles import OFFICERS
from services.common.schemas import AnswerSchema, CommandSchema, EventSchema, Text
from services.identity.units import KINDS

_UNIT = validate.Regexp(
    r"\A(?:[0-9]{3}\.[0-9]{2}\.[0-9]{2}\.)?[A-Z][0-9]{2}\Z",
    error="Mã đơn vị có dạng 000.05.07.H57. / A unit's identifier looks like 000.05.07.H57.",
)
_NAME = validate.Length(min=2, max=200)
_ID = validate.Length(min=1, max=80)
_REASON = validate.Length(min=3, max=500)
_ROLE = validate.OneOf(sorted(OFFICERS))


class FindUnits(CommandSchema):
    on = fields.Date(load_default=None, allow_none=True)
    kind = fields.String(load_default=None, allow_none=True, validate=validate.OneOf(sorted(KINDS)))
    parent = fields.String(load_default=None, allow_none=True, validate=_UNIT)


class OfUnit(CommandSchema):
    unit = fields.String(required=True, validate=_UNIT)
    on = fields.Date(load_default=None, allow_none=True)


class UnitName(AnswerSchema):
    vi = fields.String(required=True)
    en = fields.String(required=True)
    since = fields.String(required=True, allow_none=True, metadata={"format": "date"})


class UnitAnswer(AnswerSchema):
    unit = fields.String(required=True)
    kind = fields.String(required=True)
    kind_vi = fields.String(required=True)
    kind_en = fields.String(required=True)
    name_vi = fields.String(required=True, metadata={"description": "on the day asked for"})
    name_en = fields.String(required=True)
    parent = fields.String(required=True, allow_none=True)
    open = fields.Boolean(required=True)
    names = fields.List(fields.Nested(UnitName), required=True)
    opened_on = fields.String(required=True, allow_none=True, metadata={"format": "date"})
    closed_on = fields.String(
        required=True, allow_none=True, metadata={"format": "date", "description": "the first day without it"}
    )
    version = fields.Integer(required=True)


class Units(AnswerSchema):
    on = fields.Date(required=True)
    items = fields.List(fields.Nested(UnitAnswer), required=True)


class OpenUnit(CommandSchema):
    unit = fields.String(required=True, validate=_UNIT)
    kind = fields.String(required=True, validate=validate.OneOf(sorted(KINDS)))
    parent = fields.String(required=True, validate=_UNIT)
    name_vi = Text(required=True, validate=_NAME)
    name_en = Text(required=True, validate=_NAME)
    on = fields.Date(required=True)


class ChangeUnit(CommandSchema):
    unit = fields.String(required=True, validate=_UNIT)
    version = fields.Integer(required=True, validate=validate.Range(min=1))
    change = fields.String(required=True, validate=validate.OneOf(("rename", "move", "close")))
    on = fields.Date(required=True)
    name_vi = Text(load_default=None, allow_none=True, validate=_NAME)
    name_en = Text(load_default=None, allow_none=True, validate=_NAME)
    parent = fields.String(load_default=None, allow_none=True, validate=_UNIT)
    reason = Text(required=True, validate=_REASON)


class _Granting(CommandSchema):
    role = fields.String(required=True, validate=_ROLE)
    unit = fields.String(required=True, validate=_UNIT)
    since = fields.Date(load_default=None, allow_none=True)
    until = fields.Date(load_default=None, allow_none=True)
    reason = Text(required=True, validate=_REASON)


class OpenOfficer(_Granting):
    username = fields.String(
        required=True,
        validate=validate.Regexp(
            r"\A[a-z][a-z0-9.-]{2,39}\Z",
            error="Tên đăng nhập gồm 3–40 chữ thường, số, dấu chấm. / 3 to 40 small letters, digits and dots.",
        ),
    )
    phone = fields.String(required=True, validate=validate.Length(min=1, max=32))
    full_name = Text(required=True, validate=validate.Length(min=1, max=120))
    birth_date = fields.Date(required=True)
    id_number = fields.String(required=True, validate=validate.Length(min=1, max=32))


class AddGrant(_Granting):
    account_id = fields.String(required=True, validate=_ID)


class RemoveGrant(CommandSchema):
    account_id = fields.String(required=True, validate=_ID)
    role = fields.String(required=True, validate=_ROLE)
    unit = fields.String(required=True, validate=_UNIT)
    reason = Text(required=True, validate=_REASON)


class FindOfficers(CommandSchema):
    unit = fields.String(required=True, validate=_UNIT)
    cursor = fields.String(load_default=None, allow_none=True, validate=validate.Length(max=200))
    limit = fields.Integer(load_default=50, validate=validate.Range(min=1, max=200))


class OfficerGrant(AnswerSchema):
    role = fields.String(required=True)
    unit = fields.String(required=True)
    since = fields.String(required=True, allow_none=True, metadata={"format": "date"})
    until = fields.String(required=True, allow_none=True, metadata={"format": "date"})
    by = fields.String(required=True, allow_none=True)
    holds = fields.Boolean(required=True, metadata={"description": "today, and its unit is open"})


class OfficerAnswer(AnswerSchema):
    account_id = fields.String(required=True)
    username = fields.String(required=True)
    full_name = fields.String(required=True, allow_none=True)
    state = fields.String(required=True)
    grants = fields.List(fields.Nested(OfficerGrant), required=True)


class Officers(AnswerSchema):
    items = fields.List(fields.Nested(OfficerAnswer), required=True)
    next_cursor = fields.String(required=True, allow_none=True)


class UnitChanged(EventSchema):
    unit = fields.String(required=True)
    change = fields.String(required=True, validate=validate.OneOf(("opened", "renamed", "moved", "closed")))
    on = fields.Date(required=True)


class AccountGranted(EventSchema):
    account_id = fields.String(required=True)
    person_id = fields.String(required=True)
    role = fields.String(required=True)
    unit = fields.String(required=True)


EVENTS: dict[str, type[Schema]] = {
    "unit.changed": UnitChanged,
    "account.granted": AccountGranted,
    "account.ungranted": AccountGranted,
}
