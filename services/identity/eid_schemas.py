"""What the registration of e-IDs at a desk takes, answers and tells."""

from __future__ import annotations

from marshmallow import Schema, fields, validate

from services.common.schemas import AnswerSchema, CommandSchema, EventSchema, Moment, Text
from services.identity.eid_case import WANTED, Kind, State
from services.identity.lifecycle_schemas import ID, REASON

_STATES = validate.OneOf([str(state) for state in State])


class OpenEidCase(CommandSchema):
    """`consent`: of whom it is about; without it nothing is recorded."""

    unit = fields.String(required=True, validate=ID)
    kind = fields.String(load_default=str(Kind.PERSON), validate=validate.OneOf([str(kind) for kind in Kind]))
    full_name = Text(required=True, validate=validate.Length(min=1, max=120))
    id_number = fields.String(required=True, validate=validate.Length(min=1, max=32))
    birth_date = fields.Date(load_default=None, allow_none=True)
    consent = fields.Boolean(
        required=True, truthy={True}, falsy={False},
        validate=validate.Equal(True, error="Cần sự đồng ý của người đăng ký. / The consent of the person is needed."),
    )  # fmt: skip
    note = Text(load_default=None, allow_none=True, validate=REASON)


class ListEidCases(CommandSchema):
    unit = fields.String(required=True, validate=ID)
    state = fields.String(load_default=None, allow_none=True, validate=_STATES)
    cursor = fields.String(load_default=None, allow_none=True, validate=validate.Length(max=256))
    limit = fields.Integer(load_default=20, validate=validate.Range(min=1, max=100))


class ReadEidCase(CommandSchema):
    unit = fields.String(required=True, validate=ID)
    case_id = fields.String(required=True, validate=ID)


class AdvanceEidCase(CommandSchema):
    unit = fields.String(required=True, validate=ID)
    case_id = fields.String(required=True, validate=ID)
    version = fields.Integer(required=True, validate=validate.Range(min=1))
    state = fields.String(required=True, validate=validate.OneOf(sorted(str(state) for state in WANTED)))
    note = Text(load_default=None, allow_none=True, validate=REASON)


class EidCaseBrief(AnswerSchema):
    case_id = fields.String(required=True)
    unit = fields.String(required=True)
    state = fields.String(required=True)
    version = fields.Integer(required=True)


class EidCaseRow(EidCaseBrief):
    kind = fields.String(required=True)
    level = fields.Integer(required=True)
    full_name = fields.String(required=True, metadata={"description": "masked in lists"})
    id_number = fields.String(required=True, metadata={"description": "masked"})
    opened_at = Moment(required=True)


class EidStep(AnswerSchema):
    state = fields.String(required=True)
    at = Moment(required=True)
    by = fields.String(required=True, metadata={"description": "account id"})


class EidCaseView(EidCaseRow):
    history = fields.List(fields.Nested(EidStep), required=True)


class EidCasePage(AnswerSchema):
    items = fields.List(fields.Nested(EidCaseRow), required=True)
    next_cursor = fields.String(required=True, allow_none=True)


class EidMoved(EventSchema):
    case_id = fields.String(required=True)
    unit = fields.String(required=True)


EVENTS: dict[str, type[Schema]] = {f"eid.{name}": EidMoved for name in ("guided", "submitted", "activated", "failed")}
