"""What signing takes, answers, tells and listens to."""

from __future__ import annotations

from marshmallow import Schema, fields, validate

from services.common.reports import VERDICT
from services.common.reports import ReportAnswer as ReportAnswer
from services.common.schemas import CommandSchema, EventSchema, Moment


class ReportQuery(CommandSchema):
    """`masked`: the caller hands the report on to a person, who sees the last digits of personal numbers only."""

    file_id = fields.String(required=True, validate=validate.Regexp(r"^[0-9a-f]{32}$"))
    masked = fields.Boolean(load_default=False)


class FileStoredSeen(EventSchema):
    """What signing needs of file.stored."""

    file_id = fields.String(required=True)
    sha256 = fields.String(required=True)
    size = fields.Integer(required=True)
    purpose = fields.String(required=True)
    stored_at = Moment(required=True)


class FileChecked(EventSchema):
    """A file has a verdict, or another one than before. Who signed is asked for by RPC."""

    file_id = fields.String(required=True)
    sha256 = fields.String(required=True)
    verdict = fields.String(required=True, validate=VERDICT)
    sub_indication = fields.String(allow_none=True, load_default=None)
    report_id = fields.String(required=True)


EVENTS: dict[str, type[Schema]] = {"file.checked": FileChecked}
