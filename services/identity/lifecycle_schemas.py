"""What the life of an account takes, answers and tells, and the account log."""

from __future__ import annotations

from marshmallow import Schema, fields, validate

from services.common.schemas import AnswerSchema, CommandSchema, EventSchema, Moment, Text

CODE = validate.Regexp(r"\A[0-9]{6}\Z", error="Mã xác nhận gồm 6 chữ số. / A code has six digits.")
ID = validate.Length(min=1, max=80)
PASSWORD = validate.Length(min=1, max=256)
REASON = validate.Length(min=3, max=500)


class RequestOwnCode(CommandSchema):
    act = fields.String(required=True, validate=validate.OneOf(["suspension", "cancellation", "password"]))


class OwnCode(CommandSchema):
    code = fields.String(required=True, validate=CODE)


class ChangePassword(CommandSchema):
    code = fields.String(required=True, validate=CODE)
    new_password = fields.String(required=True, validate=PASSWORD, load_only=True)


class PasswordChanged(AnswerSchema):
    changed = fields.Boolean(required=True)


class RequestResumption(CommandSchema):
    phone = fields.String(required=True, validate=validate.Length(min=1, max=32))
    password = fields.String(required=True, validate=PASSWORD, load_only=True)


class Resumption(AnswerSchema):
    resumption_id = fields.String(required=True)
    expires_at = Moment(required=True)


class Resume(CommandSchema):
    resumption_id = fields.String(required=True, validate=ID)
    code = fields.String(required=True, validate=CODE)


class ChangeByOffice(CommandSchema):
    account_id = fields.String(required=True, validate=ID)
    reason = Text(required=True, validate=REASON)


class AccountState(AnswerSchema):
    account_id = fields.String(required=True)
    state = fields.String(required=True)
    reason = fields.String(required=True, metadata={"description": "a word, not the text that was given"})


class ReadLog(CommandSchema):
    account_id = fields.String(load_default=None, allow_none=True, validate=ID)
    case_id = fields.String(load_default=None, allow_none=True, validate=ID)
    case = fields.Integer(load_default=None, allow_none=True, validate=validate.Range(min=1, max=5))
    cursor = fields.String(load_default=None, allow_none=True, validate=validate.Length(max=256))
    limit = fields.Integer(load_default=20, validate=validate.Range(min=1, max=100))


class AccountLogEntry(AnswerSchema):
    entry_id = fields.String(required=True)
    at = Moment(required=True)
    actor = fields.String(required=True, metadata={"description": "account id of who did it"})
    roles = fields.List(fields.String(), required=True)
    action = fields.String(required=True)
    account_id = fields.String(required=True, allow_none=True)
    case = fields.Integer(required=True, allow_none=True, metadata={"description": "1 to 5"})
    case_id = fields.String(required=True, allow_none=True)
    outcome = fields.String(required=True, allow_none=True)
    reason = fields.String(required=True, allow_none=True, metadata={"description": "as the officer wrote it"})


class AccountLog(AnswerSchema):
    items = fields.List(fields.Nested(AccountLogEntry), required=True)
    next_cursor = fields.String(required=True, allow_none=True)


class AccountMoved(EventSchema):
    """A change of an account's state; `reason` is a word of account_states.py."""

    account_id = fields.String(required=True)
    person_id = fields.String(required=True)
    reason = fields.String(required=True)


#: One a row of the table; account.locked and account.registered stand in schemas.py.
EVENTS: dict[str, type[Schema]] = {
    f"account.{name}": AccountMoved
    for name in ("unlocked", "suspended", "resumed", "cancelled", "blocked", "unblocked")
}
