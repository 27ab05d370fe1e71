"""What a person says and is told about data of his or her own, and the events about them."""

from __future__ import annotations

from marshmallow import Schema, fields, validate

from services.common.expected_signer import Signing
from services.common.schemas import AnswerSchema, CommandSchema, EventSchema, Moment
from services.vault.own_data import State

_FILE_ID = validate.Regexp(r"^[0-9a-f]{32}$")
_STATE = validate.OneOf([str(state) for state in State])
_SIGNING = validate.OneOf([str(word) for word in Signing])


class AddOwnData(CommandSchema):
    """`terms`: the terms on digital signatures are accepted (SG-09)."""

    file_id = fields.String(required=True, validate=_FILE_ID)
    terms = fields.Boolean(required=True, truthy={True}, falsy={False})


class OwnDataAnswer(AnswerSchema):
    """Accepted, or held until the signature can be determined."""

    state = fields.String(required=True, validate=_STATE)
    signing = fields.String(required=True, validate=_SIGNING)
    signing_vi = fields.String(required=True)
    signing_en = fields.String(required=True)
    file_id = fields.String(required=True)
    sha256 = fields.String(required=True)
    holding_id = fields.String(required=True, allow_none=True)
    report_id = fields.String(required=True)


class HeldItem(AnswerSchema):
    """Data that wait or waited for the verdict about their signature."""

    file_id = fields.String(required=True)
    sha256 = fields.String(required=True)
    state = fields.String(required=True, validate=_STATE)
    signing = fields.String(required=True, validate=_SIGNING)
    holding_id = fields.String(required=True, allow_none=True)
    asked_at = Moment(required=True)
    decided_at = Moment(required=True, allow_none=True)


class HeldAnswer(AnswerSchema):
    items = fields.List(fields.Nested(HeldItem), required=True)
    next_cursor = fields.String(allow_none=True)


class FileCheckedSeen(EventSchema):
    """What the vault needs of file.checked."""

    file_id = fields.String(required=True)


class OwnDataMoved(EventSchema):
    """Data of one's own wait for their signature's verdict, or were refused after it. Accepted ones: holding.added."""

    file_id = fields.String(required=True)
    person_id = fields.String(required=True)
    sha256 = fields.String(required=True)
    signing = fields.String(required=True, validate=_SIGNING)
    report_id = fields.String(required=True)


EVENTS: dict[str, type[Schema]] = {"owndata.held": OwnDataMoved, "owndata.refused": OwnDataMoved}
