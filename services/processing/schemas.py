"""What processing takes, answers and tells."""

from __future__ import annotations

from marshmallow import Schema, fields, validate

from services.common.schemas import AnswerSchema, CommandSchema, EventSchema, Moment, Text

CODE = validate.Length(min=1, max=64)
IDENTIFIER = validate.Length(min=1, max=128)
LONG = validate.Length(max=10_000)


def _code() -> fields.String:
    return fields.String(required=True, validate=CODE)


def _version() -> fields.Integer:
    return fields.Integer(required=True, strict=True, metadata={"description": "version of the case that was read"})


# --- commands and queries --------------------------------------------------------------------------------------------


class OfCase(CommandSchema):
    code = _code()


class Worklist(CommandSchema):
    unit = fields.String(required=True, validate=IDENTIFIER)
    cursor = fields.String(load_default=None, allow_none=True, validate=validate.Length(max=300))
    limit = fields.Integer(load_default=20, strict=True, validate=validate.Range(min=1, max=100))


class StartStep(CommandSchema):
    code = _code()
    version = _version()
    step = fields.String(required=True, validate=IDENTIFIER)


class FinishStep(StartStep):
    note = Text(load_default=None, allow_none=True, validate=LONG)


class RequestSupplement(CommandSchema):
    code = _code()
    version = _version()
    # Empty text or no component is refused by the rule GU-02, not by this schema.
    text = Text(required=True, validate=LONG)
    components = fields.List(fields.String(validate=IDENTIFIER), required=True, validate=validate.Length(max=100))
    file_id = fields.String(load_default=None, allow_none=True, validate=IDENTIFIER)
    failure_statement = Text(load_default=None, allow_none=True, validate=LONG)


class Reschedule(CommandSchema):
    code = _code()
    version = _version()
    new_appointment = Moment(required=True)
    reason = Text(required=True, validate=validate.Length(min=1, max=2_000))


class AttachResult(CommandSchema):
    code = _code()
    version = _version()
    file_id = fields.String(required=True, validate=IDENTIFIER)
    name = Text(required=True, validate=validate.Length(min=1, max=300))


class Stop(CommandSchema):
    code = _code()
    version = _version()
    reason = Text(required=True, validate=validate.Length(min=1, max=2_000))


class AmendedComponent(EventSchema):
    """As intake keeps it; what else it knows of the file (size …) does not matter here."""

    component = fields.String(required=True, validate=IDENTIFIER)
    file_id = fields.String(required=True, validate=IDENTIFIER)
    sha256 = fields.String(required=True, validate=validate.Regexp(r"^[0-9a-f]{64}$"))


class AcceptAmendment(CommandSchema):
    code = _code()
    components = fields.List(fields.Nested(AmendedComponent), required=True, validate=validate.Length(max=100))


class OfFile(CommandSchema):
    code = _code()
    file_id = fields.String(required=True, validate=IDENTIFIER)


class OfSlip(CommandSchema):
    slip_id = fields.String(required=True, validate=IDENTIFIER)


# --- answers ---------------------------------------------------------------------------------------------------------


class StepAnswer(AnswerSchema):
    step = fields.String()
    name = fields.String()
    role = fields.String()
    unit = fields.String()
    minutes = fields.Integer(allow_none=True)
    state = fields.String()
    due = Moment(allow_none=True)
    started_at = Moment(allow_none=True)
    finished_at = Moment(allow_none=True)
    note = fields.String(allow_none=True)


class IntervalAnswer(AnswerSchema):
    kind = fields.String()
    start = Moment()
    end = Moment(allow_none=True)
    why = fields.String()


class PromiseAnswer(AnswerSchema):
    at = Moment()
    before = Moment(allow_none=True)
    due = Moment()
    why = fields.String()


class ClockAnswer(AnswerSchema):
    policy = fields.String()
    running = fields.Boolean()
    worked_minutes = fields.Integer()
    waited_minutes = fields.Integer()
    intervals = fields.List(fields.Nested(IntervalAnswer))
    appointments = fields.List(fields.Nested(PromiseAnswer))


class ResultAnswer(AnswerSchema):
    round = fields.Integer()
    file_id = fields.String()
    sha256 = fields.String()
    name = fields.String()
    at = Moment()
    standing = fields.String()
    verdict = fields.String(allow_none=True)
    sub_indication = fields.String(allow_none=True)
    report_id = fields.String(allow_none=True)
    ready_at = Moment(allow_none=True)


class SlipShort(AnswerSchema):
    slip_id = fields.String()
    round = fields.Integer()
    text = fields.String()
    components = fields.List(fields.String())
    failure_statement = fields.String(allow_none=True)
    has_statement = fields.Boolean()
    text_hash = fields.String()
    file_id = fields.String(allow_none=True)
    file_sha256 = fields.String(allow_none=True)
    verdict = fields.String(allow_none=True)
    at = Moment()
    answered_at = Moment(allow_none=True)
    unanswered = fields.List(fields.String(), allow_none=True)


class SlipAnswer(SlipShort):
    code = fields.String()
    act = fields.String()
    unit = fields.String()
    desk = fields.String()
    officer = fields.String()
    officer_person = fields.String(metadata={"description": "told to rooms only (MO-16)"})
    former = fields.List(fields.Nested(SlipShort))


class LogLine(AnswerSchema):
    at = Moment()
    actor = fields.String()
    what = fields.String()
    rule = fields.String(allow_none=True)
    step = fields.String(allow_none=True)
    note = fields.String(allow_none=True)
    sha256 = fields.String(allow_none=True)
    verdict = fields.String(allow_none=True)
    granted = fields.Boolean(allow_none=True)


class CaseAnswer(AnswerSchema):
    code = fields.String()
    version = fields.Integer()
    state = fields.String()
    state_vi = fields.String()
    state_en = fields.String()
    allowed = fields.List(fields.String())
    procedure = fields.String()
    unit = fields.String()
    desk = fields.String()
    current_step = fields.String(allow_none=True)
    steps = fields.List(fields.Nested(StepAnswer))
    appointment = Moment()
    original_appointment = Moment()
    late = fields.Boolean()
    minutes_left = fields.Integer()
    clock = fields.Nested(ClockAnswer)
    supplement_blocked = fields.Boolean()
    supplements = fields.List(fields.Nested(SlipShort))
    result = fields.Nested(ResultAnswer, allow_none=True)
    results = fields.List(fields.Nested(ResultAnswer), metadata={"description": "every round; officers only"})
    asked_signed_at = fields.List(Moment())
    log = fields.List(fields.Nested(LogLine), metadata={"description": "officers only"})


class WorkItem(AnswerSchema):
    code = fields.String()
    version = fields.Integer()
    procedure = fields.String()
    state = fields.String()
    step = fields.String(allow_none=True)
    step_name = fields.String(allow_none=True)
    due = Moment()
    appointment = Moment()
    minutes_left = fields.Integer()
    late = fields.Boolean()


class WorklistAnswer(AnswerSchema):
    items = fields.List(fields.Nested(WorkItem))
    next_cursor = fields.String(allow_none=True)


class ReleasedResult(AnswerSchema):
    file_id = fields.String()
    sha256 = fields.String()
    report_id = fields.String(allow_none=True)
    name = fields.String()


class Granted(AnswerSchema):
    granted = fields.Boolean()
    at = Moment()


class AmendmentGranted(Granted):
    slip_id = fields.String()
    unanswered = fields.List(fields.String())
    appointment_before = Moment()
    appointment = Moment()


class ReleaseAnswer(Granted):
    result = fields.Nested(ReleasedResult, allow_none=True)


# --- events that are listened to: only the fields that this room needs -----------------------------------------------


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


# --- events that are told --------------------------------------------------------------------------------------------


class OfDossier(EventSchema):
    """Every event of processing says whose dossier and which unit it is about; ids only."""

    code = fields.String(required=True)
    owner = fields.String(required=True)
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
