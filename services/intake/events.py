"""What intake tells and what it reads of other rooms' events."""

from __future__ import annotations

from marshmallow import Schema, fields

from services.common.schemas import EventSchema, Moment
from services.intake.answers import Fee, LimitAnswer


class FiledComponent(EventSchema):
    component = fields.String(required=True)
    file_id = fields.String(required=True)
    sha256 = fields.String(required=True)
    phai_ky_so = fields.Boolean(required=True)


class AmendedComponent(EventSchema):
    component = fields.String(required=True)
    file_id = fields.String(required=True)
    sha256 = fields.String(required=True)


class Step(EventSchema):
    step = fields.String(required=True)
    name = fields.String(required=True)
    name_en = fields.String()
    role = fields.String(required=True)
    unit = fields.String(required=True)
    minutes = fields.Integer(required=True)


class Workflow(EventSchema):
    version = fields.Integer(required=True)
    steps = fields.List(fields.Nested(Step), required=True)


class CalendarOf(EventSchema):
    id = fields.String(required=True)
    version = fields.Integer(required=True)


class ResultTold(EventSchema):
    """The returned bytes; what the officer called them stays in the dossier."""

    file_id = fields.String(required=True)
    sha256 = fields.String(required=True)
    report_id = fields.String(required=True, allow_none=True)


class _Told(EventSchema):
    code = fields.String(required=True)
    owner = fields.String(required=True)
    # Whoever filed: events told before it was added to all of them have it in dossier.filed only.
    filer = fields.String()
    filed_as = fields.String()
    unit = fields.String(required=True)
    desk = fields.String(required=True)
    procedure = fields.String(required=True)


class DossierFiled(_Told):
    procedure_version = fields.Integer(required=True)
    mode = fields.String(required=True)
    filer = fields.String(required=True)
    components = fields.List(fields.Nested(FiledComponent), required=True)
    pickup = fields.String(required=True)
    filed_at = Moment(required=True)
    intake_due = Moment(required=True)
    submission_sha256 = fields.String()
    fee = fields.Nested(Fee, required=True)
    rules_on = fields.String(required=True)
    recognition_rule = fields.String(required=True)


class DossierGuided(_Told):
    slip_id = fields.String(required=True)
    act = fields.String(required=True)
    round = fields.Integer(required=True)
    components = fields.List(fields.String(), required=True)
    file_id = fields.String(required=True, allow_none=True)
    file_sha256 = fields.String(required=True, allow_none=True)
    verdict = fields.String(required=True, allow_none=True)
    text_hash = fields.String(required=True)
    has_statement = fields.Boolean(required=True)
    officer = fields.String(required=True)
    centre = fields.String(required=True)
    late = fields.Boolean(required=True)
    at = Moment(required=True)


class DossierAmended(_Told):
    dossier_version = fields.Integer(required=True)
    submission_sha256 = fields.String()
    components = fields.List(fields.Nested(AmendedComponent), required=True)
    stage = fields.String(required=True)
    slip_id = fields.String(required=True, allow_none=True)
    intake_due = Moment(required=True, allow_none=True)
    at = Moment(required=True)


class DossierAccepted(_Told):
    procedure_version = fields.Integer(required=True)
    workflow = fields.Nested(Workflow, required=True)
    components = fields.List(fields.String(), required=True)
    unit_tax_number = fields.String(required=True)
    accepted_at = Moment(required=True)
    appointment = Moment(required=True)
    clock_policy = fields.String(required=True)
    limit = fields.Nested(LimitAnswer, required=True)
    fee = fields.Nested(Fee, required=True)
    pickup = fields.String(required=True)
    calendar = fields.Nested(CalendarOf, required=True)
    mode = fields.String(required=True)
    officer = fields.String(required=True)
    late = fields.Boolean(required=True)


class DossierRefused(_Told):
    reason_hash = fields.String(required=True)
    officer = fields.String(required=True)
    late = fields.Boolean(required=True)
    at = Moment(required=True)


class DossierWithdrawn(_Told):
    stage = fields.String(required=True)
    at = Moment(required=True)


class DossierReturned(_Told):
    pickup = fields.String(required=True)
    # None only where the act lies before the day from which a signed result is compulsory (RT-01).
    result = fields.Nested(ResultTold, required=True, allow_none=True)
    officer = fields.String(required=True)
    at = Moment(required=True)


class DossierPaperAsked(_Told):
    component = fields.String(required=True)
    officer = fields.String(required=True)
    at = Moment(required=True)


EVENTS: dict[str, type[Schema]] = {
    "dossier.filed": DossierFiled,
    "dossier.guided": DossierGuided,
    "dossier.amended": DossierAmended,
    "dossier.accepted": DossierAccepted,
    "dossier.refused": DossierRefused,
    "dossier.withdrawn": DossierWithdrawn,
    "dossier.returned": DossierReturned,
    "dossier.paper_asked": DossierPaperAsked,
}


# --- what intake reads of others -------------------------------------------------------------------------------------


class FileChecked(EventSchema):
    file_id = fields.String(required=True)
    sha256 = fields.String(required=True)
    verdict = fields.String(required=True)
    report_id = fields.String(load_default=None, allow_none=True)


class ActSeen(EventSchema):
    code = fields.String(required=True)
    act = fields.String(required=True)


class CaseOpened(EventSchema):
    code = fields.String(required=True)
    steps = fields.List(fields.Dict(), required=True)


class StepSeen(EventSchema):
    code = fields.String(required=True)
    step = fields.String(required=True)


class SupplementSeen(EventSchema):
    code = fields.String(required=True)
    slip_id = fields.String(required=True)
    round = fields.Integer(load_default=1)
    components = fields.List(fields.String(), load_default=list)
    file_id = fields.String(load_default=None, allow_none=True)
    at = Moment(load_default=None, allow_none=True)


class AppointmentSeen(EventSchema):
    code = fields.String(required=True)
    appointment = Moment(load_default=None, allow_none=True)


class ResumedSeen(AppointmentSeen):
    """With what was granted; events told before it was added have none of it."""

    slip_id = fields.String(load_default=None)
    components = fields.List(fields.Nested(AmendedComponent), load_default=None)
    at = Moment(load_default=None)


class EndedSeen(EventSchema):
    code = fields.String(required=True)
    at = Moment(required=True)


class ReleasedSeen(EndedSeen):
    officer = fields.String(required=True)
    file_id = fields.String(required=True, allow_none=True)
    sha256 = fields.String(required=True, allow_none=True)
    report_id = fields.String(required=True, allow_none=True)


class CodeSeen(EventSchema):
    code = fields.String(required=True)


class OrderSeen(EventSchema):
    code = fields.String(required=True)
    order_id = fields.String(required=True)


class AccountNormalized(EventSchema):
    person_id = fields.String(required=True)
    former_person_id = fields.String(load_default=None, allow_none=True)
