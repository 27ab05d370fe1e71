"""What intake takes in. Answers are in `answers`, events in `events`, which every room has as `schemas.EVENTS`."""

from __future__ import annotations

from typing import Any

from marshmallow import fields, validate

from services.common.schemas import CommandSchema, Text
from services.intake.events import EVENTS as EVENTS

_ID = validate.Regexp(r"[A-Za-z0-9._:@+-]{1,80}\Z", error="Không đúng dạng mã / Not an identifier.")
_ACCEPTED_STATEMENT = validate.Equal(True, error="Phải cam đoan nội dung kê khai / The statement must be accepted.")


def _identifier(**kwargs: Any) -> fields.String:
    return fields.String(validate=_ID, **kwargs)


def _text(most: int, *, required: bool = False, **kwargs: Any) -> Text:
    return Text(validate=validate.Length(min=1 if required else None, max=most), required=required, **kwargs)


def _version() -> fields.Integer:
    return fields.Integer(required=True, strict=True, validate=validate.Range(min=1))


class Page(CommandSchema):
    """A page of a list."""

    cursor = fields.String(load_default=None, allow_none=True, validate=validate.Length(max=400))
    limit = fields.Integer(load_default=20, strict=True, validate=validate.Range(min=1, max=100))


class FindProcedures(Page):
    q = _text(200, load_default="")


class OfCode(CommandSchema):
    """A dossier, or a procedure, by its code."""

    code = _identifier(required=True)


class Lookup(CommandSchema):
    """A code as somebody types it."""

    code = fields.String(required=True, validate=validate.Length(min=1, max=80))


class OfSlip(CommandSchema):
    slip_id = _identifier(required=True)


class OfQueue(Page):
    unit = _identifier(required=True)


class GivenComponent(CommandSchema):
    component = _identifier(required=True)
    file_id = _identifier(required=True)


class ForWhom(CommandSchema):
    """The three data that say whose dossier it is (DF-02)."""

    full_name = _text(120, required=True)
    birth_date = fields.Date(required=True)
    id_number = fields.String(required=True, validate=validate.Length(min=1, max=32))


class Authorisation(ForWhom):
    """Who authorises the filer, and the paper that says so; without one it reaches the rule (ID-23)."""

    file_id = _identifier(load_default=None, allow_none=True)


class Delivery(CommandSchema):
    """Where the postal partner brings the result."""

    receiver = _text(120, required=True)
    phone = fields.String(
        required=True,
        validate=validate.Regexp(r"\+?[0-9]{8,15}\Z", error="Không phải số điện thoại / Not a phone number."),
    )
    address = _text(400, required=True)


class _Filing(CommandSchema):
    procedure = _identifier(required=True)
    components = fields.List(fields.Nested(GivenComponent), required=True, validate=validate.Length(min=1, max=50))
    pickup = fields.String(required=True, validate=validate.OneOf(("online", "desk", "post")))
    delivery = fields.Nested(Delivery, load_default=None, allow_none=True)
    statement = fields.Boolean(required=True, truthy={True}, falsy={False}, validate=_ACCEPTED_STATEMENT)


class File(_Filing):
    """A citizen files: for herself, for a beneficiary whom she helps, or for who authorised her."""

    unit = _identifier(load_default=None, allow_none=True)
    desk = _identifier(required=True)
    beneficiary = fields.Nested(ForWhom, load_default=None, allow_none=True)
    authorisation = fields.Nested(Authorisation, load_default=None, allow_none=True)


class FileAtDesk(_Filing):
    """An officer of the desk `unit` files what an applicant brought (DIRECT), or helps her to file online."""

    unit = _identifier(required=True)
    agency = _identifier(load_default=None, allow_none=True)
    applicant = fields.Nested(ForWhom, required=True)
    mode = fields.String(required=True, validate=validate.OneOf(("DIRECT", "OFFICER_ASSISTED")))


class FileByPost(_Filing):
    """An officer of the post office `unit` registers online what an applicant handed over there."""

    unit = _identifier(required=True)
    desk = _identifier(required=True)
    agency = _identifier(load_default=None, allow_none=True)
    applicant = fields.Nested(ForWhom, required=True)


class OnDossier(CommandSchema):
    """A command on a dossier as its caller last saw it."""

    code = _identifier(required=True)
    version = _version()


class AskPaper(OnDossier):
    component = _identifier(required=True)
    # An empty one reaches the rule.
    reason = Text(
        required=True, validate=validate.Length(max=2000),
        error_messages={"required": "Phải nêu lý do / Give the reason."},
    )  # fmt: skip


class Guide(OnDossier):
    # Empty text and empty lists reach the rule, which names itself (GU-02, X-17).
    text = _text(10_000, load_default="")
    components = fields.List(_identifier(), load_default=list, validate=validate.Length(max=50))
    file_id = _identifier(load_default=None, allow_none=True)
    failure_statement = _text(5000, load_default=None, allow_none=True)


class Accept(OnDossier):
    note = _text(2000, load_default="")


class Refuse(OnDossier):
    reason = _text(5000, load_default="")
    file_id = _identifier(load_default=None, allow_none=True)


class Amend(OnDossier):
    components = fields.List(fields.Nested(GivenComponent), required=True, validate=validate.Length(min=1, max=50))
    note = _text(2000, load_default=None, allow_none=True)
    statement = fields.Boolean(load_default=False, truthy={True}, falsy={False})


class Withdraw(OnDossier):
    pass


class Collector(CommandSchema):
    """Who collects at the desk; a proxy shows the paper that authorises her."""

    full_name = _text(120, required=True)
    id_number = fields.String(
        required=True,
        validate=validate.Regexp(r"[0-9A-Za-z]{6,20}\Z", error="Không đúng dạng số giấy tờ / Not a document number."),
    )
    proxy = fields.Boolean(load_default=False, truthy={True}, falsy={False})
    proxy_file_id = _identifier(load_default=None, allow_none=True)


class ReturnResult(OnDossier):
    collector = fields.Nested(Collector, load_default=None, allow_none=True)


class OpenFile(CommandSchema):
    code = _identifier(required=True)
    file_id = _identifier(required=True)
