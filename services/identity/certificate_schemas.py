"""What rooms ask about signers, and what citizens say and are told about their certificates."""

from __future__ import annotations

from marshmallow import fields, validate

from services.common.schemas import AnswerSchema, CommandSchema, Moment

_ID = validate.Length(min=1, max=80)
_FINGERPRINT = validate.Regexp(r"^[0-9a-f]{64}$")


class SignerAsked(CommandSchema):
    """One signature of a report: the numbers of its certificate, and the certificate."""

    personal_number = fields.String(load_default=None, allow_none=True, validate=validate.Length(max=32))
    tax_number = fields.String(load_default=None, allow_none=True, validate=validate.Length(max=32))
    certificate_sha256 = fields.String(load_default=None, allow_none=True, validate=_FINGERPRINT)


class Signers(CommandSchema):
    """Whether signers are those persons, that officer, officers of those units; `at`: now, where it is not named."""

    signers = fields.List(fields.Nested(SignerAsked), required=True, validate=validate.Length(max=20))
    persons = fields.List(fields.String(validate=_ID), load_default=list, validate=validate.Length(max=5))
    officer = fields.String(load_default="", validate=validate.Length(max=80))
    units = fields.List(fields.String(validate=_ID), load_default=list, validate=validate.Length(max=5))
    at = Moment(load_default=None, allow_none=True)


class SignerKnown(AnswerSchema):
    persons = fields.List(fields.String(), required=True, metadata={"description": "of those that were asked about"})
    officer = fields.Boolean(required=True)


class SignersKnown(AnswerSchema):
    items = fields.List(fields.Nested(SignerKnown), required=True, metadata={"description": "in the order asked"})
