"""What intake gives out."""

from __future__ import annotations

from marshmallow import Schema, fields, validate

from services.common.expected_signer import Signing
from services.common.schemas import AnswerSchema, Moment

#: What an earlier release said of components for which it let paper be asked.
_FORMER_WORDS = ("SIGNED_BY_ANOTHER", "NOT_VALIDLY_SIGNED")


class FeeItem(AnswerSchema):
    item = fields.String(required=True)
    name_vi = fields.String(required=True)
    name_en = fields.String(required=True)
    amount = fields.Integer(required=True)


class Fee(AnswerSchema):
    mode = fields.String(required=True, metadata={"description": "thu_truoc | thu_sau | khong_thu"})
    amount = fields.Integer(required=True, metadata={"description": "đồng"})
    items = fields.List(fields.Nested(FeeItem), required=True)


class LimitAnswer(AnswerSchema):
    value = fields.Integer(required=True)
    unit = fields.String(required=True, metadata={"description": "hours | working_days | calendar_days | same_day"})


class ProcedureComponent(AnswerSchema):
    component = fields.String()
    name_vi = fields.String()
    name_en = fields.String()
    mandatory = fields.Boolean()
    phai_ky_so = fields.Boolean()
    originals = fields.Integer()
    copies = fields.Integer()
    form_vi = fields.String(allow_none=True)


class ProcedureItem(AnswerSchema):
    code = fields.String()
    version = fields.Integer()
    name_vi = fields.String()
    name_en = fields.String()
    sector_vi = fields.String()
    level = fields.String()
    limit = fields.Nested(LimitAnswer)
    limit_vi = fields.String()
    limit_en = fields.String()
    fee = fields.Nested(Fee)


class DeskItem(AnswerSchema):
    desk = fields.String()
    name_vi = fields.String()
    name_en = fields.String()


class UnitItem(AnswerSchema):
    unit = fields.String()
    name_vi = fields.String()
    name_en = fields.String()


class ProcedureAnswer(ProcedureItem):
    """A procedure with its mandatory parts, where it may be filed and how it is handed over."""

    sequence_vi = fields.List(fields.String())
    manner_vi = fields.List(fields.String())
    components = fields.List(fields.Nested(ProcedureComponent))
    sets = fields.Integer()
    subjects_vi = fields.String()
    forms_vi = fields.List(fields.String())
    result_vi = fields.String()
    conditions_vi = fields.String()
    legal_basis_vi = fields.List(fields.String())
    published_by_vi = fields.String()
    pickups = fields.List(fields.String())
    units = fields.List(fields.Nested(UnitItem))
    desks = fields.List(fields.Nested(DeskItem))
    effective_from = fields.String()


def page_of(name: str, item: type[Schema]) -> type[Schema]:
    """The answer schema of a page of `item`."""
    return AnswerSchema.from_dict(
        {"items": fields.List(fields.Nested(item)), "next_cursor": fields.String(allow_none=True)}, name=name
    )


ProcedurePage = page_of("ProcedurePage", ProcedureItem)


class ComponentAnswer(AnswerSchema):
    component = fields.String()
    name = fields.String()
    name_en = fields.String()
    phai_ky_so = fields.Boolean()
    file_id = fields.String()
    sha256 = fields.String()
    verdict = fields.String(
        allow_none=True,
        metadata={"description": "of the signatures alone, whoever signed; null while the check has not ended"},
    )
    report_id = fields.String(allow_none=True)
    signing = fields.String(
        allow_none=True,
        validate=validate.OneOf([str(word) for word in Signing]),
        metadata={"description": "whose signature it is; null while that is not known"},
    )
    signing_vi = fields.String(allow_none=True)
    signing_en = fields.String(allow_none=True)
    requested = fields.Boolean(metadata={"description": "an open slip asks for it"})


class SlipAnswer(AnswerSchema):
    slip_id = fields.String()
    act = fields.String(metadata={"description": "guidance | supplement"})
    round = fields.Integer()
    text = fields.String(allow_none=True, metadata={"description": "null: ask processing.slip"})
    components = fields.List(fields.String())
    failure_statement = fields.String(allow_none=True)
    file_id = fields.String(allow_none=True)
    verdict = fields.String(allow_none=True)
    at = Moment()
    answered = fields.Boolean()


class SlipDetail(SlipAnswer):
    """A slip as its reviewer reads it, with the former ones of its kind, oldest first."""

    code = fields.String()
    unit = fields.String()
    desk = fields.String()
    centre = fields.String()
    officer = fields.String()
    officer_person = fields.String(metadata={"description": "told to rooms only (MO-16)"})
    units = fields.List(fields.String(), metadata={"description": "whose officers may sign it; told to rooms only"})
    seals = fields.List(fields.String(), metadata={"description": "tax numbers that may sign it; told to rooms only"})
    file_sha256 = fields.String(allow_none=True)
    dossier_version = fields.Integer()
    component_names = fields.Dict(keys=fields.String(), values=fields.String())
    former = fields.List(fields.Nested(SlipAnswer))


class ResultAnswer(AnswerSchema):
    file_id = fields.String(required=True)
    sha256 = fields.String(required=True)
    report_id = fields.String(required=True, allow_none=True)
    name = fields.String(required=True)


class Status(AnswerSchema):
    code = fields.String()
    status_code = fields.Integer()
    status_vi = fields.String()
    status_en = fields.String()
    progress_percent = fields.Integer()


class DossierItem(Status):
    version = fields.Integer()
    dossier_version = fields.Integer()
    procedure = fields.String()
    procedure_name_vi = fields.String()
    procedure_name_en = fields.String()
    unit = fields.String()
    desk = fields.String()
    filed_as = fields.String(metadata={"description": "self | help | authorised | desk | post"})
    filed_at = Moment()
    appointment = Moment(allow_none=True)


class PaperAsked(AnswerSchema):
    component = fields.String()
    reason = fields.String()
    signing = fields.String(
        validate=validate.OneOf([*(str(word) for word in Signing), *_FORMER_WORDS]),
        metadata={"description": "why the component did not count as signed"},
    )
    at = Moment()


class Refusal(AnswerSchema):
    reason = fields.String()
    file_id = fields.String(allow_none=True)
    at = Moment()


class AuthorisationAnswer(AnswerSchema):
    """The paper under which an authorised person filed."""

    file_id = fields.String()
    sha256 = fields.String()
    verdict = fields.String(allow_none=True, metadata={"description": "of its signature; null while unchecked"})
    report_id = fields.String(allow_none=True)


class DossierAnswer(DossierItem):
    """A dossier as its owner and its officers see it."""

    status = fields.String(metadata={"description": "intake's state: registered, guided, accepted, …"})
    procedure_version = fields.Integer()
    unit_name = fields.String()
    desk_name = fields.String()
    mode = fields.String()
    number_verified = fields.Boolean(
        allow_none=True,
        metadata={"description": "the population database confirmed the owner; null to who filed for another"},
    )
    owner_is_me = fields.Boolean()
    authorisation = fields.Nested(AuthorisationAnswer, allow_none=True)
    intake_due = Moment()
    intake_answered_at = Moment(allow_none=True)
    intake_late = fields.Boolean()
    minutes_left = fields.Integer(allow_none=True, metadata={"description": "working minutes; null when answered"})
    components = fields.List(fields.Nested(ComponentAnswer))
    slips = fields.List(fields.Nested(SlipAnswer))
    guidance_blocked = fields.Boolean()
    paper_asked = fields.List(fields.Nested(PaperAsked))
    pickup = fields.String()
    fee = fields.Nested(Fee)
    fee_owed = fields.Boolean()
    limit = fields.Nested(LimitAnswer)
    accepted_at = Moment(allow_none=True)
    appointment_explained = fields.Raw(
        allow_none=True, metadata={"description": "how the promised time came about, step by step", "type": "object"}
    )
    refused = fields.Nested(Refusal, allow_none=True)
    withdrawn_at = Moment(allow_none=True)
    returned_at = Moment(allow_none=True)
    receipt_file_id = fields.String(allow_none=True)
    result = fields.Nested(ResultAnswer, allow_none=True)
    allowed = fields.List(fields.String(), metadata={"description": "commands that this state knows"})


DossierPage = page_of("DossierPage", DossierItem)


class QueueItem(AnswerSchema):
    code = fields.String()
    version = fields.Integer()
    dossier_version = fields.Integer()
    procedure = fields.String()
    procedure_name_vi = fields.String()
    procedure_name_en = fields.String()
    filed_at = Moment()
    intake_due = Moment()
    minutes_left = fields.Integer(metadata={"description": "working minutes, negative when late"})
    late = fields.Boolean()
    guidance_rounds = fields.Integer()
    components = fields.List(fields.Nested(ComponentAnswer))


QueuePage = page_of("QueuePage", QueueItem)


class LogEntry(AnswerSchema):
    at = Moment()
    who = fields.String()
    component = fields.String()
    name = fields.String()
    name_en = fields.String()
    dossier_version = fields.Integer()
    stage = fields.String(metadata={"description": "filing | before_acceptance | processing"})
    slip_id = fields.String(allow_none=True)
    file_id = fields.String()
    sha256 = fields.String()
    former_file_id = fields.String(allow_none=True)
    former_sha256 = fields.String(allow_none=True)
    note = fields.String(allow_none=True)


class Deskwork(AnswerSchema):
    """One round of the desk: due, answered when, by whom, with which of the three outcomes."""

    since = Moment(attribute="from")
    due = Moment()
    outcome = fields.String(allow_none=True)
    answered_at = Moment(allow_none=True)
    answered_by = fields.String(allow_none=True)
    late = fields.Boolean(allow_none=True)


class History(AnswerSchema):
    code = fields.String()
    items = fields.List(fields.Nested(LogEntry))
    desk_rounds = fields.List(fields.Nested(Deskwork))


class VersionComponent(AnswerSchema):
    component = fields.String()
    name = fields.String()
    file_id = fields.String()
    sha256 = fields.String()


class Submission(AnswerSchema):
    """What the applicant is held to: a digest that can be computed again, and the statement under it."""

    sha256 = fields.String(
        metadata={
            "description": "SHA-256 of the canonical JSON (sorted keys, no spaces, UTF-8) of components (component, "
            "sha256), desk, dossier_version, filed_as, owner, pickup, procedure, procedure_version, unit"
        }
    )
    owner = fields.String(metadata={"description": "person id at that time"})
    statement = fields.String(allow_none=True, metadata={"description": "which statement was accepted, null: none"})
    statement_vi = fields.String(allow_none=True)
    statement_en = fields.String(allow_none=True)


class VersionAnswer(AnswerSchema):
    dossier_version = fields.Integer()
    at = Moment()
    by = fields.String()
    stage = fields.String()
    slip_id = fields.String(allow_none=True)
    note = fields.String(allow_none=True)
    changed = fields.List(fields.String())
    submission = fields.Nested(
        Submission, allow_none=True, metadata={"description": "null for what was filed before it was kept"}
    )
    components = fields.List(fields.Nested(VersionComponent))


class Versions(AnswerSchema):
    code = fields.String()
    items = fields.List(fields.Nested(VersionAnswer))


class Ticket(AnswerSchema):
    """Leave to fetch one file from the vault once, within a minute."""

    file_id = fields.String()
    url = fields.String()
    ticket = fields.String()
    filename = fields.String()
    media_type = fields.String()
    size = fields.Integer()
    sha256 = fields.String()


class DeliveryAnswer(AnswerSchema):
    code = fields.String()
    receiver = fields.String()
    phone = fields.String()
    address = fields.String()
    sender_name = fields.String()


class Brief(AnswerSchema):
    """The facts of a dossier for other rooms; no names of people."""

    code = fields.String()
    status = fields.String()
    status_code = fields.Integer()
    procedure = fields.String()
    procedure_version = fields.Integer()
    procedure_name_vi = fields.String()
    procedure_name_en = fields.String()
    unit = fields.String()
    unit_name = fields.String()
    unit_tax_number = fields.String()
    centre = fields.String()
    desk = fields.String()
    desk_name = fields.String()
    mode = fields.String()
    owner = fields.String()
    filer = fields.String()
    filed_as = fields.String()
    number_verified = fields.Boolean()
    filed_at = Moment()
    accepted_at = Moment(allow_none=True)
    appointment = Moment(allow_none=True)
    returned_at = Moment(allow_none=True)
    pickup = fields.String()
    fee = fields.Nested(Fee)
    rules_on = fields.String()
    recognition_rule = fields.String()
    dossier_version = fields.Integer()
    components = fields.List(fields.Nested(ComponentAnswer))
