"""What processing tells and what it reads of other rooms' events."""

from __future__ import annotations

from marshmallow import Schema, fields, validate

from services.common.filed_as import FiledAs
from services.common.schemas import EventSchema, Moment

IDENTIFIER = validate.Length(min=1, max=128)


# --- listened to: only the fields that this room needs ---------------------------------------------------------------


class WorkflowStep(EventSchema):
    step = fields.String(required=True)
    name = fields.String(required=True)
    role = fields.String(required=True)
    unit = fields.String(required=True)
    minutes = fields.Integer(required=True)


class Workflow(EventSchema):
    version = fields.Integer(required=True)
    steps = fields.List(fields.Nested(WorkflowStep), required=True, validate=validate.Length(min=1))


class FeeSeen(EventSchema):
    mode = fields.String(required=True)
    amount = fields.Integer(required=True)


class LimitSeen(EventSchema):
    value = fields.Integer(required=True)
    unit = fields.String(required=True)


class CalendarSeen(EventSchema):
    id = fields.String(required=True)


class DossierAcceptedSeen(EventSchema):
    code = fields.String(required=True)
    procedure = fields.String(required=True)
    procedure_version = fields.Integer(required=True)
    workflow = fields.Nested(Workflow, required=True)
    unit = fields.String(required=True)
    desk = fields.String(required=True)
    owner = fields.String(required=True)
    filer = fields.String(load_default=None)
    filed_as = fields.String(load_default=FiledAs.SELF.value)
    accepted_at = Moment(required=True)
    appointment = Moment(required=True)
    clock_policy = fields.String(required=True)
    limit = fields.Nested(LimitSeen, required=True)
    fee = fields.Nested(FeeSeen, required=True)
    pickup = fields.String(required=True)
    unit_tax_number = fields.String(required=True)
    calendar = fields.Nested(CalendarSeen, required=True)
    components = fields.List(fields.String(), required=True)


class FileCheckedSeen(EventSchema):
    file_id = fields.String(required=True)
    sha256 = fields.String(load_default="")
    verdict = fields.String(load_default="")


class BlockSeen(EventSchema):
    code = fields.String(required=True)
    act = fields.String(required=True)


class AccountNormalizedSeen(EventSchema):
    person_id = fields.String(required=True)
    former_person_id = fields.String(load_default=None, allow_none=True)


# --- told ------------------------------------------------------------------------------------------------------------


class AmendedComponent(EventSchema):
    """As intake keeps it; what else it knows of the file (size …) does not matter here."""

    component = fields.String(required=True, validate=IDENTIFIER)
    file_id = fields.String(required=True, validate=IDENTIFIER)
    sha256 = fields.String(required=True, validate=validate.Regexp(r"^[0-9a-f]{64}$"))


class OfDossier(EventSchema):
    """Every event of processing says whose dossier and which unit it is about; ids only."""

    code = fields.String(required=True)
    owner = fields.String(required=True)
    # Events told before they were added have none of these two.
    filer = fields.String()
    filed_as = fields.String()
    unit = fields.String(required=True)
    desk = fields.String()


class StepTold(EventSchema):
    step = fields.String(required=True)
    name = fields.String()
    role = fields.String()
    unit = fields.String()
    minutes = fields.Integer(allow_none=True)


class CaseOpened(OfDossier):
    steps = fields.List(fields.Nested(StepTold), required=True)
    appointment = Moment(required=True)


class StepStarted(OfDossier):
    step = fields.String(required=True)


class StepFinished(OfDossier):
    step = fields.String(required=True)
    next = fields.String(required=True, allow_none=True)


class SupplementRequested(OfDossier):
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
    at = Moment(required=True)


class AppointmentMoved(OfDossier):
    appointment_before = Moment(required=True)
    appointment = Moment(required=True)


class CaseResumed(AppointmentMoved):
    """What was granted, so that intake can carry it out from this alone. Missing in events told before it was added."""

    slip_id = fields.String()
    components = fields.List(fields.Nested(AmendedComponent))
    at = Moment()


class CaseEnded(OfDossier):
    at = Moment(required=True)


class ResultAttached(OfDossier):
    file_id = fields.String(required=True)
    sha256 = fields.String(required=True)
    round = fields.Integer(required=True)


class ResultReady(OfDossier):
    file_id = fields.String(required=True)
    sha256 = fields.String(required=True)
    report_id = fields.String(required=True, allow_none=True)


class ResultAsked(OfDossier):
    at = Moment(required=True)


class ResultReleased(OfDossier):
    file_id = fields.String(required=True, allow_none=True)
    sha256 = fields.String(required=True, allow_none=True)
    report_id = fields.String(required=True, allow_none=True)
    officer = fields.String(required=True)
    at = Moment(required=True)


EVENTS: dict[str, type[Schema]] = {
    "case.opened": CaseOpened,
    "step.started": StepStarted,
    "step.finished": StepFinished,
    "supplement.requested": SupplementRequested,
    "case.resumed": CaseResumed,
    "case.rescheduled": AppointmentMoved,
    "case.stopped": CaseEnded,
    "case.withdrawn": CaseEnded,
    "result.attached": ResultAttached,
    "result.ready": ResultReady,
    "result.asked": ResultAsked,
    "result.released": ResultReleased,
}
