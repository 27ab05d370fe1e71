"""What support takes, answers and tells."""

from __future__ import annotations

from marshmallow import Schema, fields, validate

from services.common.schemas import AnswerSchema, CommandSchema, EventSchema, Moment, Text
from services.identity.lifecycle_schemas import ID, REASON
from services.identity.support_case import By, Outcome, State, Verification

_CASE = validate.Range(min=1, max=5)


def _words(kind: type[State] | type[By] | type[Outcome] | type[Verification]) -> validate.OneOf:
    return validate.OneOf([str(word) for word in kind])


class _Page(CommandSchema):
    cursor = fields.String(load_default=None, allow_none=True, validate=validate.Length(max=256))
    limit = fields.Integer(load_default=20, validate=validate.Range(min=1, max=100))


class FindAccounts(CommandSchema):
    """Either phone or id_number; name and birth date as the caller says them are compared, not shown."""

    phone = fields.String(load_default=None, allow_none=True, validate=validate.Length(min=1, max=32))
    id_number = fields.String(load_default=None, allow_none=True, validate=validate.Length(min=1, max=32))
    full_name = Text(load_default=None, allow_none=True, validate=validate.Length(min=1, max=120))
    birth_date = fields.Date(load_default=None, allow_none=True)
    case = fields.Integer(load_default=None, allow_none=True, validate=_CASE)
    reason = Text(required=True, validate=REASON)


class AccountSeen(AnswerSchema):
    account_id = fields.String(required=True)
    state = fields.String(required=True)
    kind = fields.String(required=True)
    full_name = fields.String(required=True, allow_none=True, metadata={"description": "masked"})
    phone = fields.String(required=True, allow_none=True, metadata={"description": "masked"})
    id_number = fields.String(required=True, allow_none=True, metadata={"description": "masked"})
    normalized = fields.Boolean(required=True)
    lacks = fields.List(fields.String(), required=True, metadata={"description": "phone, birth_date (case 5)"})
    registered_at = Moment(required=True)
    last_sign_in_at = Moment(required=True, allow_none=True)
    lock_reason = fields.String(required=True, allow_none=True)


class AccountCompared(AccountSeen):
    same_name = fields.Boolean(required=True, allow_none=True)
    same_birth_date = fields.Boolean(required=True, allow_none=True)


class AccountsFound(AnswerSchema):
    items = fields.List(fields.Nested(AccountCompared), required=True)
    hotline = fields.String(required=True)


class IncompleteAccounts(_Page):
    pass


class AccountPage(AnswerSchema):
    items = fields.List(fields.Nested(AccountSeen), required=True)
    next_cursor = fields.String(required=True, allow_none=True)


class OpenCase(CommandSchema):
    case = fields.Integer(required=True, validate=_CASE)
    account_id = fields.String(required=True, validate=ID)
    reason = Text(required=True, validate=REASON)


class ReadCase(CommandSchema):
    case_id = fields.String(required=True, validate=ID)


class ListCases(_Page):
    state = fields.String(load_default=None, allow_none=True, validate=_words(State))
    case = fields.Integer(load_default=None, allow_none=True, validate=_CASE)
    account_id = fields.String(load_default=None, allow_none=True, validate=ID)


class Contact(CommandSchema):
    case_id = fields.String(required=True, validate=ID)
    reason = Text(required=True, validate=REASON)


class Phone(AnswerSchema):
    phone = fields.String(required=True)


class VerifyCase(CommandSchema):
    case_id = fields.String(required=True, validate=ID)
    version = fields.Integer(required=True, validate=validate.Range(min=1))
    outcome = fields.String(required=True, validate=_words(Verification))
    by = fields.String(required=True, validate=_words(By))
    evidence = Text(required=True, validate=REASON)


class DecideCase(CommandSchema):
    case_id = fields.String(required=True, validate=ID)
    version = fields.Integer(required=True, validate=validate.Range(min=1))
    outcome = fields.String(required=True, validate=_words(Outcome))
    reason = Text(required=True, validate=REASON)


class CloseCase(CommandSchema):
    case_id = fields.String(required=True, validate=ID)
    version = fields.Integer(required=True, validate=validate.Range(min=1))
    reason = Text(required=True, validate=REASON)


class CaseBrief(AnswerSchema):
    case_id = fields.String(required=True)
    case = fields.Integer(required=True)
    state = fields.String(required=True)
    version = fields.Integer(required=True)
    account_id = fields.String(required=True)
    account_state = fields.String(required=True)
    hotline = fields.String(required=True)


class Verified(AnswerSchema):
    outcome = fields.String(required=True)
    by = fields.String(required=True)
    officer = fields.String(required=True)
    at = Moment(required=True)


class Decided(AnswerSchema):
    outcome = fields.String(required=True)
    officer = fields.String(required=True)
    at = Moment(required=True)
    freed = fields.List(fields.String(), required=True)
    kept = fields.List(fields.String(), required=True)


class CaseSummary(AnswerSchema):
    case_id = fields.String(required=True)
    case = fields.Integer(required=True)
    state = fields.String(required=True)
    version = fields.Integer(required=True)
    account_id = fields.String(required=True)
    opened_by = fields.String(required=True)
    opened_at = Moment(required=True)
    verification = fields.Nested(Verified, required=True, allow_none=True)
    decision = fields.Nested(Decided, required=True, allow_none=True)
    closed_at = Moment(required=True, allow_none=True)


class CasePage(AnswerSchema):
    items = fields.List(fields.Nested(CaseSummary), required=True)
    next_cursor = fields.String(required=True, allow_none=True)


class CaseView(CaseSummary):
    account = fields.Nested(AccountSeen, required=True)
    possible = fields.List(fields.String(), required=True)
    met_vi = fields.String(required=True)
    met_en = fields.String(required=True)
    evidence_vi = fields.String(required=True)
    evidence_en = fields.String(required=True)
    guidance_vi = fields.String(required=True)
    guidance_en = fields.String(required=True)
    citation = fields.String(required=True)
    hotline = fields.String(required=True)


class SupportOpened(EventSchema):
    case_id = fields.String(required=True)
    case = fields.Integer(required=True)
    account_id = fields.String(required=True)


class SupportStepped(EventSchema):
    case_id = fields.String(required=True)
    case = fields.Integer(required=True)
    outcome = fields.String(required=True)


class SupportClosed(EventSchema):
    case_id = fields.String(required=True)
    case = fields.Integer(required=True)


EVENTS: dict[str, type[Schema]] = {
    "support.opened": SupportOpened,
    "support.verified": SupportStepped,
    "support.decided": SupportStepped,
    "support.closed": SupportClosed,
}
