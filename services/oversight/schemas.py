"""What oversight answers, tells and reads. Times are ISO 8601 in UTC, ids opaque."""

from __future__ import annotations

from marshmallow import Schema, fields, validate

from services.common.schemas import AnswerSchema, CommandSchema, EventSchema, Moment, Text
from services.common.slips import Ground, Review, Verdict
from services.oversight.recognition import Mode

ACT = validate.OneOf(["guidance", "supplement"])
VERDICT = validate.OneOf([verdict.value for verdict in Verdict])
GROUND = validate.OneOf([ground.value for ground in Ground])
CODE = validate.Length(min=1, max=64)


class Page(CommandSchema):
    """Where a list goes on, and how many rows are wanted."""

    cursor = fields.String(load_default=None, allow_none=True, validate=validate.Length(max=256))
    limit = fields.Integer(load_default=20, strict=True, validate=validate.Range(min=1, max=100))


# --- commands and queries --------------------------------------------------------------------------------------------


class Reviews(Page):
    state = fields.String(load_default=None, allow_none=True, validate=validate.OneOf([s.value for s in Review]))
    code = fields.String(load_default=None, allow_none=True, validate=CODE)


class Decide(CommandSchema):
    """`log_read` must be true for a slip in state PENDING: the citizen's update log was read (MO-05)."""

    review_id = fields.String(required=True, validate=CODE)
    version = fields.Integer(required=True, strict=True)
    decision = fields.String(required=True, validate=validate.OneOf(["CONFIRMED", "VIOLATION"]))
    ground = fields.String(load_default=None, allow_none=True, validate=GROUND)
    reason = Text(load_default="", validate=validate.Length(max=2000))
    log_read = fields.Boolean(load_default=False)


class Unblock(CommandSchema):
    code = fields.String(required=True, validate=CODE)
    act = fields.String(required=True, validate=ACT)
    reason = Text(required=True, validate=validate.Length(max=2000))


class Violations(Page):
    code = fields.String(load_default=None, allow_none=True, validate=CODE)


class OfDossier(CommandSchema):
    code = fields.String(required=True, validate=CODE)


class FiguresOf(CommandSchema):
    """Dossiers filed from `since` to `until`, local days, both inclusive."""

    unit = fields.String(load_default=None, allow_none=True, validate=CODE)
    since = fields.Date(load_default=None, allow_none=True)
    until = fields.Date(load_default=None, allow_none=True)


class LedgerPage(Page):
    code = fields.String(load_default=None, allow_none=True, validate=CODE)


class Late(Page):
    unit = fields.String(load_default=None, allow_none=True, validate=CODE)


class Clock(CommandSchema):
    """No input."""


class MoveClock(CommandSchema):
    """`reply_to`: a queue of the caller's own to which every process says that it has followed."""

    to = Moment(required=True)
    reply_to = fields.String(load_default="", validate=validate.Length(max=200))


# --- answers ---------------------------------------------------------------------------------------------------------


class ReviewAnswer(AnswerSchema):
    review_id = fields.String()
    version = fields.Integer()
    code = fields.String()
    act = fields.String()
    round = fields.Integer()
    text = fields.String(
        allow_none=True,
        metadata={"description": "null, like what else was written or names a signer, where a decision is repeated"},
    )
    failure_statement = fields.String(allow_none=True)
    components = fields.List(fields.String())
    file_id = fields.String(allow_none=True)
    signature = fields.Dict(allow_none=True)
    comparison = fields.Dict(allow_none=True)
    update_log = fields.List(fields.Dict(), allow_none=True)
    state = fields.String()
    state_vi = fields.String()
    state_en = fields.String()
    grounds = fields.List(fields.Dict())
    decisions = fields.List(fields.String())
    blocked = fields.Boolean()
    unit = fields.String()
    desk = fields.String(allow_none=True)
    officer = fields.String()
    at = Moment()
    decided_by = fields.String(allow_none=True)
    decided_at = Moment(allow_none=True)
    reason = fields.String()


class ReviewPage(AnswerSchema):
    items = fields.List(fields.Nested(ReviewAnswer))
    next_cursor = fields.String(allow_none=True)


class BlockAnswer(AnswerSchema):
    code = fields.String()
    act = fields.String()
    blocked = fields.Boolean()
    version = fields.Integer()


class ViolationAnswer(AnswerSchema):
    violation_id = fields.String()
    kind = fields.String()
    review_id = fields.String()
    code = fields.String()
    slip_id = fields.String()
    act = fields.String()
    round = fields.Integer()
    officer = fields.String()
    unit = fields.String()
    desk = fields.String(allow_none=True)
    centre = fields.String(allow_none=True)
    grounds = fields.List(fields.Dict())
    evidence = fields.Dict()
    decided_by = fields.String()
    decided_at = Moment()
    reason = fields.String()


class ViolationPage(AnswerSchema):
    items = fields.List(fields.Nested(ViolationAnswer))
    next_cursor = fields.String(allow_none=True)


class RecognitionAnswer(AnswerSchema):
    code = fields.String()
    unit = fields.String()
    mode = fields.String()
    filed_at = Moment()
    recognition = fields.String()
    rule_set = fields.String()
    cites = fields.String()
    reason_vi = fields.String()
    reason_en = fields.String()
    has_signed_result = fields.Boolean()
    ended = fields.String(allow_none=True)


class FiguresAnswer(AnswerSchema):
    as_of = Moment()
    since = fields.Date(allow_none=True)
    until = fields.Date(allow_none=True)
    total = fields.Dict(keys=fields.String(), values=fields.Integer())
    by_unit = fields.Dict(keys=fields.String(), values=fields.Dict(keys=fields.String(), values=fields.Integer()))


class EntryAnswer(AnswerSchema):
    sequence = fields.Integer()
    previous = fields.String()
    hash = fields.String()
    kid = fields.String()
    seal = fields.String()
    body = fields.Dict()


class LedgerAnswer(AnswerSchema):
    items = fields.List(fields.Nested(EntryAnswer))
    next_cursor = fields.String(allow_none=True)


class LateAnswer(AnswerSchema):
    code = fields.String()
    procedure = fields.String()
    unit = fields.String()
    desk = fields.String(allow_none=True)
    started = Moment()
    due = Moment()
    answered_at = Moment(allow_none=True)
    minutes_late = fields.Integer()


class LatePage(AnswerSchema):
    items = fields.List(fields.Nested(LateAnswer))
    next_cursor = fields.String(allow_none=True)


class ClockAnswer(AnswerSchema):
    offset = fields.Float()
    now = Moment()
    rehearsal = fields.Boolean()


# --- what oversight tells --------------------------------------------------------------------------------------------


class SlipConfirmed(EventSchema):
    code = fields.String(required=True)
    slip_id = fields.String(required=True)
    act = fields.String(required=True, validate=ACT)
    round = fields.Integer(required=True)
    unit = fields.String(required=True)
    officer = fields.String(required=True)


class SlipViolated(EventSchema):
    """`centre`: the HCC centre that is told (MO-12); None where the unit has none."""

    code = fields.String(required=True)
    slip_id = fields.String(required=True)
    act = fields.String(required=True, validate=ACT)
    round = fields.Integer(required=True)
    ground = fields.String(required=True, validate=GROUND)
    grounds = fields.List(fields.String(validate=GROUND), required=True)
    unit = fields.String(required=True)
    desk = fields.String(required=True, allow_none=True)
    centre = fields.String(required=True, allow_none=True)
    officer = fields.String(required=True)
    decided_by = fields.String(required=True)


class SlipsBlocked(EventSchema):
    code = fields.String(required=True)
    act = fields.String(required=True, validate=ACT)
    slip_id = fields.String(required=True)
    unit = fields.String(required=True)


class SlipsUnblocked(EventSchema):
    code = fields.String(required=True)
    act = fields.String(required=True, validate=ACT)
    unit = fields.String(required=True)


class IntakeLate(EventSchema):
    code = fields.String(required=True)
    unit = fields.String(required=True)
    desk = fields.String(required=True, allow_none=True)
    started = Moment(required=True)
    due = Moment(required=True)


class ActivityDisclosed(EventSchema):
    """IOC read what an account did; who is the event's actor, why is kept by oversight, sealed."""

    account_id = fields.String(required=True)


EVENTS: dict[str, type[Schema]] = {
    "slip.confirmed": SlipConfirmed,
    "slip.violated": SlipViolated,
    "slips.blocked": SlipsBlocked,
    "slips.unblocked": SlipsUnblocked,
    "intake.late": IntakeLate,
    "activity.disclosed": ActivityDisclosed,
}


# --- what oversight reads of others' events: only what it needs -------------------------------------------------------


class AnyData(EventSchema):
    """Every event: the ledger keeps its data as it is."""


class FiledSeen(EventSchema):
    code = fields.String(required=True)
    procedure = fields.String(required=True)
    unit = fields.String(required=True)
    desk = fields.String(load_default=None, allow_none=True)
    mode = fields.String(required=True, validate=validate.OneOf([mode.value for mode in Mode]))
    filed_at = Moment(required=True)
    intake_due = Moment(required=True)


class AnsweredSeen(EventSchema):
    code = fields.String(required=True)
    at = Moment(required=True)


class AcceptedSeen(EventSchema):
    code = fields.String(required=True)
    accepted_at = Moment(required=True)


class AmendedSeen(EventSchema):
    code = fields.String(required=True)
    stage = fields.String(required=True, validate=validate.OneOf(["before_acceptance", "processing"]))
    at = Moment(required=True)
    intake_due = Moment(load_default=None, allow_none=True)
    calendar = fields.String(load_default=None, allow_none=True)


class SlipSeen(EventSchema):
    code = fields.String(required=True)
    slip_id = fields.String(required=True)
    act = fields.String(required=True, validate=ACT)
    round = fields.Integer(required=True, validate=validate.Range(min=1))
    components = fields.List(fields.String(), required=True)
    file_id = fields.String(load_default=None, allow_none=True)
    file_sha256 = fields.String(load_default=None, allow_none=True)
    verdict = fields.String(load_default=None, allow_none=True, validate=VERDICT)
    text_hash = fields.String(load_default="")
    officer = fields.String(required=True)
    unit = fields.String(required=True)
    desk = fields.String(load_default=None, allow_none=True)
    at = Moment(required=True)


class CheckedSeen(EventSchema):
    file_id = fields.String(required=True)
    verdict = fields.String(required=True, validate=VERDICT)
    report_id = fields.String(load_default=None, allow_none=True)


class OnlyCode(EventSchema):
    code = fields.String(required=True)
