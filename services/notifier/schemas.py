"""What notifier takes, answers, tells, and reads of other rooms' events (only what a sentence needs)."""

from __future__ import annotations

from marshmallow import Schema, fields, validate

from services.common.filed_as import FiledAs
from services.common.schemas import AnswerSchema, CommandSchema, EventSchema, Moment


class SendCode(CommandSchema):
    phone = fields.String(required=True, validate=validate.Length(min=1, max=32))
    purpose = fields.String(required=True, validate=validate.Length(min=1, max=40))
    text = fields.String(required=True, validate=validate.Length(min=1, max=306), load_only=True)
    reference = fields.String(load_default=None, validate=validate.Length(min=8, max=80))


class CodeHandedOver(AnswerSchema):
    sent = fields.Boolean(required=True)


class Notices(CommandSchema):
    cursor = fields.String(load_default=None, allow_none=True, validate=validate.Length(max=300))
    limit = fields.Integer(load_default=20, validate=validate.Range(min=1, max=100))


class UnitNotices(Notices):
    unit = fields.String(required=True, validate=validate.Length(min=1, max=40))


class Notice(AnswerSchema):
    notice_id = fields.String(required=True, attribute="_id")
    kind = fields.String(required=True)
    code = fields.String(required=True, allow_none=True, attribute="dossier")
    title_vi = fields.String(required=True)
    title_en = fields.String(required=True)
    body_vi = fields.String(required=True)
    body_en = fields.String(required=True)
    channel = fields.String(required=True)
    state = fields.String(required=True)
    at = Moment(required=True)


class NoticePage(AnswerSchema):
    items = fields.List(fields.Nested(Notice), required=True)
    next_cursor = fields.String(required=True, allow_none=True)


def _maybe() -> fields.String:
    return fields.String(load_default=None, allow_none=True)


class DossierSeen(EventSchema):
    """Any event about a dossier. Where it does not name the owner, intake is asked."""

    code = fields.String(required=True)
    owner = _maybe()
    unit = _maybe()


class FollowedSeen(DossierSeen):
    """An event of which whoever filed for the owner hears too; one told before that has no filer."""

    filer = _maybe()
    filed_as = fields.String(load_default=FiledAs.SELF.value)


class FiledSeen(DossierSeen):
    filed_at = Moment(load_default=None, allow_none=True)
    intake_due = Moment(load_default=None, allow_none=True)


class AppointmentSeen(FollowedSeen):
    appointment = Moment(load_default=None, allow_none=True)
    appointment_before = Moment(load_default=None, allow_none=True)


class SlipSeen(FollowedSeen):
    act = _maybe()
    round = fields.Integer(load_default=None, allow_none=True)
    ground = _maybe()
    centre = _maybe()


class MoneySeen(DossierSeen):
    amount = fields.Integer(load_default=None, allow_none=True)
    receipt_no = _maybe()


class ParcelSeen(DossierSeen):
    waybill = _maybe()


class LateSeen(DossierSeen):
    due = Moment(load_default=None, allow_none=True)


class HoldingSeen(EventSchema):
    person_id = fields.String(required=True)
    code = _maybe()


class AccountSeen(EventSchema):
    person_id = fields.String(required=True)
    reason = _maybe()


class VneidSeen(EventSchema):
    person_id = fields.String(required=True)
    active_from = Moment(load_default=None, allow_none=True)


class NormalizedSeen(EventSchema):
    person_id = fields.String(required=True)
    former_person_id = _maybe()


class NoticeEnded(EventSchema):
    """Exactly one of person_id and unit is set; code is the dossier's, where there is one."""

    notice_id = fields.String(required=True)
    person_id = fields.String(required=True, allow_none=True)
    unit = fields.String(required=True, allow_none=True)
    kind = fields.String(required=True)
    channel = fields.String(required=True)
    code = fields.String(required=True, allow_none=True)


EVENTS: dict[str, type[Schema]] = {"notice.delivered": NoticeEnded, "notice.failed": NoticeEnded}
