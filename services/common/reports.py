"""A signature report as it goes between rooms and out to officers: made by signing, handed on by who owns the file."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from marshmallow import fields, validate

from services.common.schemas import AnswerSchema, CommandSchema
from services.common.slips import Verdict

IDENTIFIER = validate.Length(min=1, max=128)
VERDICT = validate.OneOf([str(verdict) for verdict in Verdict])


class SignerItem(AnswerSchema):
    """Who a certificate names. Rooms get the personal number whole, people its last four digits."""

    common_name = fields.String(allow_none=True)
    organization = fields.String(allow_none=True)
    personal_number = fields.String(allow_none=True)
    tax_number = fields.String(allow_none=True)
    kind = fields.String(required=True)


class CheckItem(AnswerSchema):
    """One of the checks of a signature in a clerk's words: passed, failed, undecided or not_known."""

    check = fields.String(required=True)
    check_vi = fields.String(required=True)
    check_en = fields.String(required=True)
    outcome = fields.String(required=True)
    outcome_vi = fields.String(required=True)
    outcome_en = fields.String(required=True)


class SignatureItem(AnswerSchema):
    """One signature of the file; times are ISO 8601."""

    verdict = fields.String(required=True, validate=VERDICT)
    sub_indication = fields.String(allow_none=True)
    code = fields.String(required=True)
    reason_vi = fields.String(required=True)
    reason_en = fields.String(required=True)
    signer = fields.Nested(SignerItem, required=True)
    issuer = fields.String(allow_none=True)
    serial = fields.String(allow_none=True)
    not_before = fields.String(allow_none=True)
    not_after = fields.String(allow_none=True)
    signing_time = fields.String(allow_none=True)
    time_basis = fields.String(required=True)
    timestamped = fields.Boolean(required=True)
    integrity_ok = fields.Boolean(required=True)
    chain_ok = fields.Boolean(required=True)
    revocation = fields.String(required=True)
    covers_whole_document = fields.Boolean(required=True)
    modification_level = fields.String(allow_none=True)
    algorithm = fields.String(allow_none=True)
    # SHA-256 of the signer's certificate; reports of earlier policies do not say.
    certificate_sha256 = fields.String(allow_none=True)
    # SHA-256 of the revocation lists and answers that were used; earlier reports do not say.
    revocation_sources = fields.List(fields.String())
    # Where a certificate of the chain is revoked: since when, and why where its authority says so.
    revoked_at = fields.String(allow_none=True)
    revocation_reason = fields.String(allow_none=True)
    # B-B, B-T, B-LT or B-LTA; reports of earlier policies do not say.
    level = fields.String(allow_none=True)
    checks = fields.List(fields.Nested(CheckItem), required=True)


class ReportAnswer(AnswerSchema):
    """The verdict about a file. INDETERMINATE may change; the others stand."""

    file_id = fields.String(required=True)
    sha256 = fields.String(required=True)
    size = fields.Integer(required=True)
    report_id = fields.String(required=True)
    verdict = fields.String(required=True, validate=VERDICT)
    verdict_vi = fields.String(required=True)
    sub_indication = fields.String(allow_none=True)
    code = fields.String(required=True)
    reason_vi = fields.String(required=True)
    reason_en = fields.String(required=True)
    # What the verdict does not speak of: whose signature was wanted. Null where nobody signed.
    scope_vi = fields.String(allow_none=True)
    scope_en = fields.String(allow_none=True)
    format = fields.String(required=True)
    parser = fields.String(required=True)
    policy = fields.String(required=True)
    trust_version = fields.String(required=True)
    received_at = fields.String(required=True)
    checked_at = fields.String(required=True)
    signatures = fields.List(fields.Nested(SignatureItem), required=True)
    # Over the whole document: they prove a time and are nobody's signature.
    timestamps = fields.List(fields.Nested(SignatureItem), required=True)


class ReportOfFile(CommandSchema):
    """A file of a dossier; `report_id`: an earlier report of it instead of the one that counts."""

    code = fields.String(required=True, validate=IDENTIFIER)
    file_id = fields.String(required=True, validate=IDENTIFIER)
    report_id = fields.String(load_default=None, validate=validate.Regexp(r"^[0-9a-f]{32}$"))


class FileToCheck(CommandSchema):
    """A file of a dossier whose signatures an officer has checked again."""

    code = fields.String(required=True, validate=IDENTIFIER)
    file_id = fields.String(required=True, validate=IDENTIFIER)


class CheckRecord(AnswerSchema):
    """One check of a file by an officer. `how`: looked (at the report), or rechecked."""

    at = fields.String(required=True)
    officer = fields.String(required=True)
    how = fields.String(required=True)
    tool = fields.String(required=True)
    policy = fields.String(required=True)
    trust_version = fields.String(required=True)
    verdict = fields.String(required=True, validate=VERDICT)
    sub_indication = fields.String(allow_none=True)
    code = fields.String(required=True)
    report_id = fields.String(required=True)


class CheckRecords(AnswerSchema):
    """The latest records of a file, newest first, and the report that counts."""

    file_id = fields.String(required=True)
    report_id = fields.String(required=True)
    verdict = fields.String(required=True, validate=VERDICT)
    items = fields.List(fields.Nested(CheckRecord), required=True)


class PrintedReport(AnswerSchema):
    """Leave to fetch a printed report from the vault once, within a minute."""

    file_id = fields.String()
    url = fields.String()
    ticket = fields.String()
    filename = fields.String()
    media_type = fields.String()
    size = fields.Integer()
    sha256 = fields.String()


def unnamed(report: Mapping[str, Any]) -> dict[str, Any]:
    """A report as it may be kept for a repeated command: nobody's name or number stands in it."""
    nobody = {"common_name": None, "personal_number": None}
    return {
        **report,
        **{
            part: [{**item, "signer": {**item["signer"], **nobody}} for item in report[part]]
            for part in ("signatures", "timestamps")
        },
    }
