"""What is asked and answered about signing in through VNeID."""

from __future__ import annotations

from marshmallow import Schema, fields, validate

from services.common.schemas import AnswerSchema, CommandSchema, EventSchema, Moment

_SECRET = validate.Length(min=1, max=200)


class VneidSignIn(CommandSchema):
    as_ = fields.String(
        data_key="as", attribute="as", load_default="citizen", validate=validate.OneOf(["citizen", "officer"])
    )
    channel = fields.String(load_default=None, allow_none=True, validate=validate.OneOf(["portal", "hue-s"]))


class VneidSignInBegun(AnswerSchema):
    sign_in_id = fields.String(required=True)
    authorization_url = fields.String(required=True, metadata={"description": "where the browser goes"})
    binding = fields.String(
        required=True, metadata={"description": "kept by the browser that began, and sent with the completion"}
    )
    expires_at = Moment(required=True)


class VneidCompletion(CommandSchema):
    """What the provider sent back with the browser (`code`, `state`), and what the browser kept (`binding`)."""

    sign_in_id = fields.String(required=True, validate=validate.Length(min=1, max=80))
    code = fields.String(required=True, validate=validate.Length(min=1, max=2000), load_only=True)
    state = fields.String(required=True, validate=_SECRET, load_only=True)
    binding = fields.String(required=True, validate=_SECRET, load_only=True)


class Announced(AnswerSchema):
    active_from = fields.String(required=True, metadata={"format": "date-time"})
    to_be_told = fields.Integer(required=True, metadata={"description": "accounts that had not been told"})


class AccountVneidAnnounced(EventSchema):
    account_id = fields.String(required=True)
    person_id = fields.String(required=True)
    active_from = Moment(required=True)


EVENTS: dict[str, type[Schema]] = {"account.vneid_announced": AccountVneidAnnounced}
