"""What processing takes and answers. Events are in `events`, which every room has as `schemas.EVENTS`."""

from __future__ import annotations

from marshmallow import fields, validate

from services.common.schemas import AnswerSchema, CommandSchema, Moment, Text
from services.processing.events import EVENTS as EVENTS
from services.processing.events import IDENTIFIER, AmendedComponent

CODE = validate.Length(min=1, max=64)
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
    units = fields.List(fields.String(), metadata={"description": "whose officers may sign it; told to rooms only"})
    seals = fields.List(fields.String(), metadata={"description": "tax numbers that may sign it; told to rooms only"})
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
