"""What identity takes of organisations; it answers them as it answers people."""

from __future__ import annotations

from marshmallow import fields, validate

from services.common.schemas import CommandSchema, Text

_NAME = validate.Length(min=1, max=120)
_ORGANISATION_NAME = validate.Length(min=1, max=300)
_TAX_NUMBER = validate.Length(min=1, max=32)
_PHONE = validate.Length(min=1, max=32)
_CODE = validate.Regexp(r"\A[0-9]{6}\Z", error="Mã xác nhận gồm 6 chữ số. / A code has six digits.")


class RegisterOrganisation(CommandSchema):
    tax_number = fields.String(
        required=True, validate=_TAX_NUMBER, metadata={"description": "10 digits, or 13 of a branch"}
    )
    organisation_name = Text(required=True, validate=_ORGANISATION_NAME)
    phone = fields.String(required=True, validate=_PHONE)
    password = fields.String(required=True, validate=validate.Length(min=1, max=256), load_only=True)
    full_name = Text(required=True, validate=_NAME, metadata={"description": "of the representative"})
    birth_date = fields.Date(required=True, metadata={"description": "of the representative"})


class NormalizeOrganisation(CommandSchema):
    organisation_name = Text(required=True, validate=_ORGANISATION_NAME)
    tax_number = fields.String(required=True, validate=_TAX_NUMBER)
    full_name = Text(required=True, validate=_NAME, metadata={"description": "of the representative"})
    id_number = fields.String(
        required=True,
        validate=validate.Length(min=1, max=32),
        metadata={"description": "of the representative, 12 digits"},
    )
    phone = fields.String(required=True, validate=_PHONE)
    code = fields.String(required=True, validate=_CODE)
    birth_date = fields.Date(
        load_default=None, allow_none=True, metadata={"description": "of another representative than registered"}
    )
