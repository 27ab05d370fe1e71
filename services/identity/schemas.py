"""What identity takes, answers and tells."""

from __future__ import annotations

from marshmallow import Schema, fields, validate

from services.common.schemas import AnswerSchema, CommandSchema, EventSchema, Moment, Text
from services.identity import (
    certificate_schemas,
    eid_schemas,
    lifecycle_schemas,
    support_schemas,
    unit_schemas,
    vneid_schemas,
)
from services.identity.disclosures import PURPOSES
from services.identity.session_schemas import SessionEnded, SessionOpened

_NAME = validate.Length(min=1, max=120)
_PHONE = validate.Length(min=1, max=32)
_PASSWORD = validate.Length(min=1, max=256)
_CODE = validate.Regexp(r"\A[0-9]{6}\Z", error="Mã xác nhận gồm 6 chữ số. / A code has six digits.")
_ID = validate.Length(min=1, max=80)


class Nothing(CommandSchema):
    """A command without input."""


class Register(CommandSchema):
    phone = fields.String(required=True, validate=_PHONE)
    password = fields.String(required=True, validate=_PASSWORD, load_only=True)
    full_name = Text(required=True, validate=_NAME)
    birth_date = fields.Date(required=True)


class Registration(AnswerSchema):
    registration_id = fields.String(required=True)
    expires_at = Moment(required=True)


class ConfirmRegistration(CommandSchema):
    registration_id = fields.String(required=True, validate=_ID)
    code = fields.String(required=True, validate=_CODE)


class Registered(AnswerSchema):
    account_id = fields.String(required=True)
    person_id = fields.String(required=True)


class SignIn(CommandSchema):
    phone = fields.String(required=True, validate=_PHONE)
    password = fields.String(required=True, validate=_PASSWORD, load_only=True)
    channel = fields.String(load_default=None, allow_none=True, validate=validate.OneOf(["portal", "hue-s"]))


class OfficerSignIn(CommandSchema):
    username = fields.String(required=True, validate=validate.Length(min=1, max=64))
    password = fields.String(required=True, validate=_PASSWORD, load_only=True)


class OfficerChallenge(AnswerSchema):
    challenge_id = fields.String(required=True)
    expires_at = Moment(required=True)


class OfficerConfirm(CommandSchema):
    challenge_id = fields.String(required=True, validate=_ID)
    code = fields.String(required=True, validate=_CODE)


class Refresh(CommandSchema):
    refresh_token = fields.String(required=True, validate=validate.Length(min=1, max=200), load_only=True)


class AccountBrief(AnswerSchema):
    account_id = fields.String(required=True)
    person_id = fields.String(required=True)
    normalized = fields.Boolean(required=True)


class GrantAnswer(AnswerSchema):
    role = fields.String(required=True)
    unit = fields.String(required=True)


class Tokens(AnswerSchema):
    access_token = fields.String(required=True)
    token_type = fields.String(required=True)
    expires_in = fields.Integer(required=True, metadata={"description": "seconds"})
    refresh_token = fields.String(required=True)
    account = fields.Nested(AccountBrief, required=True)
    grants = fields.List(fields.Nested(GrantAnswer), required=True)


class SignedOut(AnswerSchema):
    signed_out = fields.Boolean(required=True)


class OwnAccount(AnswerSchema):
    account_id = fields.String(required=True)
    kind = fields.String(required=True, metadata={"description": "citizen or organisation"})
    person_id = fields.String(required=True)
    full_name = fields.String(allow_none=True)
    phone = fields.String(allow_none=True, metadata={"description": "masked"})
    id_number = fields.String(allow_none=True, metadata={"description": "masked"})
    tax_number = fields.String(allow_none=True, metadata={"description": "of an organisation"})
    former_id_numbers = fields.List(fields.String(), metadata={"description": "masked"})
    normalized = fields.Boolean(required=True)


class FormField(AnswerSchema):
    name = fields.String(required=True)
    label_vi = fields.String(required=True)
    label_en = fields.String(required=True)
    required = fields.Boolean(required=True)


class NormalizationForm(AnswerSchema):
    fields_ = fields.List(fields.Nested(FormField), required=True, data_key="fields", attribute="fields")
    notice_vi = fields.String(required=True)
    notice_en = fields.String(required=True)


class Home(AnswerSchema):
    account = fields.Nested(OwnAccount, required=True)
    normalization_form = fields.Nested(NormalizationForm, required=True, allow_none=True)


class RequestCode(CommandSchema):
    phone = fields.String(required=True, validate=_PHONE)


class CodeSent(AnswerSchema):
    sent = fields.Boolean(required=True)
    expires_at = Moment(required=True)


class Normalize(CommandSchema):
    full_name = Text(required=True, validate=_NAME)
    id_number = fields.String(required=True, validate=validate.Length(min=1, max=32))
    issue_date = fields.Date(required=True)
    phone = fields.String(required=True, validate=_PHONE)
    code = fields.String(required=True, validate=_CODE)
    birth_date = fields.Date(load_default=None, allow_none=True)


class Normalized(AnswerSchema):
    """`access_token` is None in the answer to a repeated command: it is kept nowhere, refresh gives one."""

    normalized = fields.Boolean(required=True)
    account_id = fields.String(required=True)
    person_id = fields.String(required=True)
    access_token = fields.String(required=True, allow_none=True)
    token_type = fields.String(required=True)
    expires_in = fields.Integer(required=True, metadata={"description": "seconds"})


class RecoveryAccepted(AnswerSchema):
    accepted = fields.Boolean(required=True)
    expires_at = Moment(required=True)


class Recover(CommandSchema):
    phone = fields.String(required=True, validate=_PHONE)
    code = fields.String(required=True, validate=_CODE)
    new_password = fields.String(required=True, validate=_PASSWORD, load_only=True)


class Recovered(AnswerSchema):
    recovered = fields.Boolean(required=True)


class Lock(CommandSchema):
    account_id = fields.String(required=True, validate=_ID)
    reason = Text(required=True, validate=validate.Length(min=3, max=500))


class Locked(AnswerSchema):
    account_id = fields.String(required=True)
    state = fields.String(required=True)
    reason = fields.String(required=True)


class ReadPerson(CommandSchema):
    person_id = fields.String(required=True, validate=_ID)
    purpose = fields.String(required=True, validate=validate.OneOf(list(PURPOSES)))


class Person(AnswerSchema):
    person_id = fields.String(required=True)
    kind = fields.String(required=True, metadata={"description": "person or organisation"})
    full_name = fields.String(required=True, allow_none=True, metadata={"description": "or an organisation's name"})
    id_number = fields.String(required=True, allow_none=True)
    birth_date = fields.String(required=True, allow_none=True, metadata={"format": "date"})
    tax_number = fields.String(required=True, allow_none=True, metadata={"description": "of an organisation"})
    phone = fields.String(required=True, allow_none=True)
    has_account = fields.Boolean(required=True)
    verified = fields.Boolean(required=True, metadata={"description": "matched against the population database"})


class ResolvePerson(CommandSchema):
    id_number = fields.String(required=True, validate=validate.Length(min=1, max=32))
    full_name = Text(required=True, validate=_NAME)
    birth_date = fields.Date(required=True)
    strict = fields.Boolean(
        load_default=True,
        truthy={True},
        falsy={False},
        metadata={"description": "refuse data that are not those of a confirmed person with this number"},
    )


class ResolvedPerson(AnswerSchema):
    person_id = fields.String(required=True)
    minted = fields.Boolean(required=True)
    verified = fields.Boolean(required=True, metadata={"description": "matched against the population database"})


class Revocation(AnswerSchema):
    session = fields.String(required=True)
    until = fields.Float(required=True, metadata={"description": "epoch seconds"})


class Revocations(AnswerSchema):
    sessions = fields.List(fields.Nested(Revocation), required=True)


class AccountRegistered(EventSchema):
    account_id = fields.String(required=True)
    person_id = fields.String(required=True)


class AccountNormalized(EventSchema):
    account_id = fields.String(required=True)
    person_id = fields.String(required=True)
    former_person_id = fields.String(required=True)


class AccountPasswordChanged(EventSchema):
    """A password that was set anew by a code: `act` says whether its owner knew the former one."""

    account_id = fields.String(required=True)
    person_id = fields.String(required=True)
    act = fields.String(required=True, validate=validate.OneOf(("change", "recovery")))


class AccountLocked(EventSchema):
    account_id = fields.String(required=True)
    person_id = fields.String(required=True)
    reason = fields.String(required=True)


EVENTS: dict[str, type[Schema]] = {
    "account.registered": AccountRegistered,
    "account.normalized": AccountNormalized,
    "account.locked": AccountLocked,
    "account.password_changed": AccountPasswordChanged,
    **lifecycle_schemas.EVENTS,
    **vneid_schemas.EVENTS,
    "session.opened": SessionOpened,
    "session.ended": SessionEnded,
    **support_schemas.EVENTS,
    **eid_schemas.EVENTS,
    **unit_schemas.EVENTS,
    **certificate_schemas.EVENTS,
}
