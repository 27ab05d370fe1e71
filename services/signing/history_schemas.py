"""What rooms ask of signing for an officer whom they name: a report, a new check, the records of checks, a print."""

from __future__ import annotations

from marshmallow import fields, validate

from services.common.reports import CheckRecords as CheckRecords
from services.common.reports import PrintedReport as PrintedReport
from services.common.reports import ReportAnswer as ReportAnswer
from services.common.schemas import CommandSchema

_ID = validate.Regexp(r"^[0-9a-f]{32}$")
_OFFICER = validate.Length(min=1, max=128)


class OfficersReport(CommandSchema):
    """`report_id`: an earlier report of the file instead of the one that counts."""

    file_id = fields.String(required=True, validate=_ID)
    officer = fields.String(required=True, validate=_OFFICER)
    report_id = fields.String(load_default=None, allow_none=True, validate=_ID)


class Recheck(CommandSchema):
    file_id = fields.String(required=True, validate=_ID)
    officer = fields.String(required=True, validate=_OFFICER)


class FileQuery(CommandSchema):
    file_id = fields.String(required=True, validate=_ID)
