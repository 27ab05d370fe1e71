"""What rooms ask about signers, and what citizens say and are told about their certificates."""

from __future__ import annotations

from marshmallow import Schema, fields, validate

from services.common.schemas import AnswerSchema, CommandSchema, EventSchema, Moment
from services.identity.lifecycle_schemas import CODE

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


class CertificateRequested(AnswerSchema):
    """What is to be signed with the certificate, within the life of the code that goes to the phone."""

    sent = fields.Boolean(required=True)
    expires_at = Moment(required=True)
    document = fields.String(required=True, metadata={"description": "a PDF in base64; sign it and upload it as own"})
    terms_vi = fields.String(required=True)
    terms_en = fields.String(required=True)


class RegisterCertificate(CommandSchema):
    """`file_id`: the signed document; `terms`: the terms on digital signatures are accepted (SG-09)."""

    file_id = fields.String(required=True, validate=validate.Regexp(r"^[0-9a-f]{32}$"))
    code = fields.String(required=True, validate=CODE)
    terms = fields.Boolean(required=True, truthy={True}, falsy={False})
    replaces = fields.String(load_default=None, allow_none=True, validate=_ID)


class OfCertificate(CommandSchema):
    certificate_id = fields.String(required=True, validate=_ID)


class Certificate(AnswerSchema):
    certificate_id = fields.String(required=True)
    sha256 = fields.String(required=True, metadata={"description": "fingerprint, as signature reports name it"})
    issuer = fields.String(required=True, allow_none=True)
    serial = fields.String(required=True, allow_none=True)
    not_before = fields.String(required=True, allow_none=True)
    not_after = fields.String(required=True, allow_none=True)
    registered_at = fields.String(required=True, metadata={"format": "date-time"})
    active = fields.Boolean(required=True)


class NamedCertificate(Certificate):
    common_name = fields.String(required=True, allow_none=True)


class Certificates(AnswerSchema):
    items = fields.List(fields.Nested(NamedCertificate), required=True)


class CertificateRegistered(EventSchema):
    """A certificate is an account's from now on; which one it is, and whose name it bears, stays in identity."""

    account_id = fields.String(required=True)
    person_id = fields.String(required=True)
    certificate_id = fields.String(required=True)
    replaced = fields.String(required=True, allow_none=True)


class CertificateRemoved(EventSchema):
    account_id = fields.String(required=True)
    person_id = fields.String(required=True)
    certificate_id = fields.String(required=True)


EVENTS: dict[str, type[Schema]] = {
    "account.certificate_registered": CertificateRegistered,
    "account.certificate_removed": CertificateRemoved,
}
