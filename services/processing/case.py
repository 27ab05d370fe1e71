"""A case: one accepted dossier on its way through the approved steps to a released result.

The whole state machine is TRANSITIONS, read from top to bottom: the first row of a state and command whose guard holds
is taken, and its event told. Pure: documents in, documents out, `at` is an argument. The diagram in the room's README
and the tests are made from the same table.

A case is a plain dict as it is stored. Who may give a command is asked in `service.py`; which result may be released
in `results.py`, the slips in `supplements.py`, the deadline in `clock.py`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from typing import Any

from services.common import slips
from services.common.blocks import blocked_acts
from services.common.expected_signer import RESULT_SIGNED_SINCE
from services.common.problems import Problem, conflict, stale_version
from services.common.rules import rule

Case = dict[str, Any]

_S4 = "QĐ 08/2025/QĐ-UBND Đ4.2"
_ND61 = "NĐ 61/2018/NĐ-CP"


class State(StrEnum):
    """Where a case stands. The last three are final."""

    WAITING = "WAITING"
    WORKING = "WORKING"
    SUPPLEMENT = "SUPPLEMENT"
    FINISHED = "FINISHED"
    RELEASED = "RELEASED"
    STOPPED = "STOPPED"
    WITHDRAWN = "WITHDRAWN"


FINAL = frozenset({State.RELEASED, State.STOPPED, State.WITHDRAWN})

STATE_TEXT: dict[State, tuple[str, str]] = {
    State.WAITING: ("Chờ thực hiện bước tiếp theo", "Waiting for its next step"),
    State.WORKING: ("Đang giải quyết", "A step is being worked on"),
    State.SUPPLEMENT: ("Chờ người nộp bổ sung", "Waiting for the applicant's supplement"),
    State.FINISHED: ("Đã giải quyết xong, chờ trả kết quả", "All steps done, the result is to be returned"),
    State.RELEASED: ("Đã cho phép trả kết quả", "The result was released to the desk"),
    State.STOPPED: ("Dừng giải quyết", "Stopped"),
    State.WITHDRAWN: ("Người nộp đã rút hồ sơ", "Withdrawn by the applicant"),
}


class Command(StrEnum):
    """What may happen to a case."""

    OPEN = "open"
    START_STEP = "start_step"
    FINISH_STEP = "finish_step"
    REQUEST_SUPPLEMENT = "request_supplement"
    ACCEPT_AMENDMENT = "accept_amendment"
    RESCHEDULE = "reschedule"
    ATTACH_RESULT = "attach_result"
    RESULT_PASSED = "result_passed"
    ASK_SIGNED_RESULT = "ask_signed_result"
    RELEASE = "release"
    STOP = "stop"
    WITHDRAW = "withdraw"


@dataclass(frozen=True, slots=True)
class Facts:
    """What a guard may look at beside the case: the step that is named, what another file decided, the business day."""

    step: str = ""
    granted: bool = False
    on: date | None = None


NO_FACTS = Facts()


@dataclass(frozen=True, slots=True)
class Guard:
    """A condition of a row, and the refusal when it fails."""

    name: str
    holds: Callable[[Case, Facts], bool]
    refuse: Callable[[Case], Problem]


def current_step(case: Case) -> dict[str, Any] | None:
    """The step that runs or is next; None when all are done."""
    steps: list[dict[str, Any]] = case["steps"]
    return steps[case["position"]] if case["position"] < len(steps) else None


def at_last_step(case: Case) -> bool:
    """Whether the last step has begun (or is done)."""
    last = len(case["steps"]) - 1
    return bool(case["position"] > last or (case["position"] == last and case["state"] == State.WORKING))


@rule("PR-01", title="Giải quyết theo đúng quy trình đã phê duyệt, không bỏ bước", cites=_S4)
def _out_of_order(case: Case) -> Problem:
    step = current_step(case)
    return conflict(
        "Phải thực hiện đúng thứ tự các bước của quy trình",
        "The steps are taken in the approved order",
        rule="PR-01",
        citation=_S4,
        extra={"expected_step": step["step"] if step else None, "state": case["state"]},
    )


@rule("PR-07", title="Chỉ được xin lỗi và hẹn lại một lần", cites=f"{_ND61} Đ19.9")
def _rescheduled_before(case: Case) -> Problem:
    return conflict(
        "Chỉ được xin lỗi và hẹn lại ngày trả kết quả một lần",
        "An appointment is moved with an apology once only",
        rule="PR-07",
        citation=f"{_ND61} Đ19.9",
        extra={"appointment": case["clock"]["appointment"].isoformat()},
    )


@rule("RT-03", title="Chưa ký số thì đề nghị cơ quan cập nhật kết quả đã ký", cites="TB 94/TB-UBND §4")
def _nothing_to_ask(case: Case) -> Problem:
    return conflict(
        "Kết quả đã có chữ ký số hợp lệ", "The result is validly signed already", rule="RT-03",
        citation="TB 94/TB-UBND §4",
    )  # fmt: skip


def _refused_elsewhere(case: Case) -> Problem:
    return conflict("Chưa được phép thực hiện", "Not granted")


def is_blocked(case: Case) -> bool:
    """Whether the next supplement request is blocked (MO-11)."""
    return slips.Act.SUPPLEMENT_REQUEST in blocked_acts(case["blocks"])


def _blocked(case: Case) -> Problem:
    return slips.blocked(slips.Act.SUPPLEMENT_REQUEST)


def _is_current(case: Case, facts: Facts) -> bool:
    step = current_step(case)
    return step is not None and step["step"] == facts.step


def _last_of(case: Case) -> bool:
    return bool(case["position"] == len(case["steps"]) - 1)


@rule("SG-04", title="Không có báo cáo chữ ký hợp lệ thì không có trạng thái đã cho trả", cites="CV 252/UBND-HCC §1",
      since=RESULT_SIGNED_SINCE)  # fmt: skip
def _may_be_released(case: Case, facts: Facts) -> bool:
    """Whatever was granted: from the day of the rule on the state is not entered without a report that passed."""
    if not facts.granted or facts.on is None:
        return False
    newest = case["results"][-1] if case["results"] else {}
    return facts.on < RESULT_SIGNED_SINCE or bool(newest.get("report_id") and newest.get("standing") == "hop_le")


ALWAYS = Guard("", lambda case, facts: True, _refused_elsewhere)
NEXT_IN_ORDER = Guard("step is the next one", _is_current, _out_of_order)
MORE_STEPS = Guard("step runs, more follow", lambda c, f: _is_current(c, f) and not _last_of(c), _out_of_order)
NO_MORE_STEPS = Guard("step runs, it is the last", lambda c, f: _is_current(c, f) and _last_of(c), _out_of_order)
LAST_STEP_BEGUN = Guard("last step has begun", lambda case, facts: at_last_step(case), _out_of_order)
NOT_RESCHEDULED = Guard("first time", lambda case, facts: case["rescheduled"] is None, _rescheduled_before)
NOT_BLOCKED = Guard("act not blocked", lambda case, facts: not is_blocked(case), _blocked)
NOT_READY = Guard("result not ready", lambda case, facts: not result_ready(case), _nothing_to_ask)
GRANTED = Guard("results.py grants", _may_be_released, _refused_elsewhere)


def result_ready(case: Case) -> bool:
    """Whether the newest attached result was found good and `result.ready` told."""
    return bool(case["results"]) and bool(case["results"][-1]["ready_at"])


class Target(StrEnum):
    """Targets that are not one state."""

    SAME = "same"
    FORMER = "former"


@dataclass(frozen=True, slots=True)
class Row:
    """One transition: from, command, guard, to, event."""

    source: State | None
    command: Command
    guard: Guard
    target: State | Target
    event: str


_S, _C = State, Command
_STEPS = (_S.WAITING, _S.WORKING)
_ALIVE = (_S.WAITING, _S.WORKING, _S.SUPPLEMENT, _S.FINISHED)

TRANSITIONS: tuple[Row, ...] = (
    Row(None, _C.OPEN, ALWAYS, _S.WAITING, "case.opened"),
    Row(_S.WAITING, _C.START_STEP, NEXT_IN_ORDER, _S.WORKING, "step.started"),
    Row(_S.WORKING, _C.FINISH_STEP, MORE_STEPS, _S.WAITING, "step.finished"),
    Row(_S.WORKING, _C.FINISH_STEP, NO_MORE_STEPS, _S.FINISHED, "step.finished"),
    *(Row(s, _C.REQUEST_SUPPLEMENT, NOT_BLOCKED, _S.SUPPLEMENT, "supplement.requested") for s in _STEPS),
    Row(_S.SUPPLEMENT, _C.ACCEPT_AMENDMENT, ALWAYS, Target.FORMER, "case.resumed"),
    *(Row(s, _C.RESCHEDULE, NOT_RESCHEDULED, Target.SAME, "case.rescheduled") for s in (*_STEPS, _S.FINISHED)),
    Row(_S.WORKING, _C.ATTACH_RESULT, LAST_STEP_BEGUN, Target.SAME, "result.attached"),
    Row(_S.FINISHED, _C.ATTACH_RESULT, ALWAYS, Target.SAME, "result.attached"),
    Row(_S.FINISHED, _C.RESULT_PASSED, NOT_READY, Target.SAME, "result.ready"),
    Row(_S.FINISHED, _C.ASK_SIGNED_RESULT, NOT_READY, Target.SAME, "result.asked"),
    Row(_S.FINISHED, _C.RELEASE, GRANTED, _S.RELEASED, "result.released"),
    *(Row(s, _C.STOP, ALWAYS, _S.STOPPED, "case.stopped") for s in _ALIVE),
    *(Row(s, _C.WITHDRAW, ALWAYS, _S.WITHDRAWN, "case.withdrawn") for s in _ALIVE),
)

#: Commands whose refusal in a wrong state is a matter of the approved process.
_OF_PROCESS = frozenset({_C.START_STEP, _C.FINISH_STEP, _C.ATTACH_RESULT, _C.RELEASE})


def allowed(state: State) -> tuple[Command, ...]:
    """Commands that have a row in this state, in the table's order."""
    return tuple(dict.fromkeys(row.command for row in TRANSITIONS if row.source is state))


@rule("X-19", title="Sau khi tiếp nhận, chỉ bên giải quyết quyết định", cites=f"{_ND61} Đ19")
def transition(case: Case, command: Command, facts: Facts = NO_FACTS) -> Row:
    """The row that this command takes. Raises Problem 409 when the state or a guard refuses."""
    state = State(case["state"])
    rows = [row for row in TRANSITIONS if row.source is state and row.command is command]
    for row in rows:
        if row.guard.holds(case, facts):
            return row
    if rows:
        raise rows[-1].guard.refuse(case)
    if command in _OF_PROCESS and state not in FINAL and state is not State.SUPPLEMENT:
        raise _out_of_order(case)
    vi, en = STATE_TEXT[state]
    raise conflict(
        f"Không thực hiện được khi hồ sơ ở trạng thái: {vi}",
        f"Not possible in this state: {en}",
        rule="PR-01" if command in _OF_PROCESS else None,
        citation=_S4 if command in _OF_PROCESS else None,
        extra={"state": state.value, "allowed": [c.value for c in allowed(state)]},
    )


def apply(case: Case, command: Command, *, by: str, at: datetime, facts: Facts = NO_FACTS, **noted: Any) -> Row:
    """Take a transition on the case: state, former state and log; returns the row, whose event is then told."""
    row = transition(case, command, facts)
    before = State(case["state"])
    if row.target is Target.FORMER:
        case["state"], case["former_state"] = case["former_state"], None
    elif row.target is not Target.SAME:
        case["former_state"] = before.value if row.target is State.SUPPLEMENT else None
        case["state"] = State(row.target).value
    note(case, command.value, by=by, at=at, **noted)
    step = current_step(case)
    alive = State(case["state"]) not in FINAL
    case["worklist_unit"] = (step["unit"] if step else case["unit"]) if alive else None
    return row


def note(case: Case, what: str, *, by: str, at: datetime, **noted: Any) -> None:
    """Add a line to the case's own log; lines are never changed."""
    case["log"].append({"at": at, "actor": by, "what": what, **noted})


def open_case(accepted: Mapping[str, Any], clock: dict[str, Any], *, owner: str, by: str, at: datetime) -> Case:
    """The case of an accepted dossier, from the event's data. The order of `workflow.steps` is the approved one."""
    unit = accepted["unit"]
    case: Case = {
        "_id": accepted["code"],
        "code": accepted["code"],
        "procedure": accepted["procedure"],
        "procedure_version": accepted["procedure_version"],
        "workflow_version": accepted["workflow"]["version"],
        "components": accepted["components"],
        "unit_tax_number": accepted["unit_tax_number"],
        "unit": unit,
        "desk": accepted["desk"],
        "owner": owner,
        "filer": accepted["filer"] or owner,
        "filed_as": accepted["filed_as"],
        "pickup": accepted["pickup"],
        "fee": accepted["fee"],
        # What people write against. News of other rooms (a block, a verdict) does not count here: it must
        # not make the command of somebody stale who saw everything that she decides on.
        "edition": 1,
        "state": State.WAITING.value,
        "former_state": None,
        "steps": _steps(accepted["workflow"]["steps"], accepted["accepted_at"]),
        "position": 0,
        "clock": clock,
        "rescheduled": None,
        "supplements": [],
        "blocks": {},
        "results": [],
        "asked": [],
        "released": None,
        "worklist_unit": unit,
        "log": [],
    }
    case["worklist_unit"] = case["steps"][0]["unit"]
    note(case, Command.OPEN.value, by=by, at=at)
    return case


def _steps(steps: Sequence[Mapping[str, Any]], since: datetime) -> list[dict[str, Any]]:
    if not steps:
        raise ValueError("a workflow has at least one step")
    return [
        {
            "step": step["step"],
            "name": step["name"],
            "role": step["role"],
            "unit": step["unit"],
            "minutes": step["minutes"],
            "waiting_since": since if number == 0 else None,
            "started_at": None,
            "started_by": None,
            "finished_at": None,
            "finished_by": None,
            "note": None,
        }
        for number, step in enumerate(steps)
    ]


def check_edition(case: Case, expected: int) -> None:
    """Refuse a command written against an older state of the case than people made since. Raises Problem 409."""
    if case["edition"] != expected:
        raise stale_version(expected, case["edition"])


def start_step(case: Case, step: str, *, by: str, at: datetime) -> Row:
    """Begin the next step. Raises Problem 409 with PR-01 for any other."""
    row = apply(case, Command.START_STEP, by=by, at=at, facts=Facts(step=step), step=step)
    running = case["steps"][case["position"]]
    running["started_at"], running["started_by"] = at, by
    return row


def finish_step(case: Case, step: str, *, remark: str | None, by: str, at: datetime) -> tuple[Row, str | None]:
    """End the running step; returns the row and the id of the step that is next, None after the last."""
    row = apply(case, Command.FINISH_STEP, by=by, at=at, facts=Facts(step=step), step=step)
    done = case["steps"][case["position"]]
    done.update(finished_at=at, finished_by=by, note=remark)
    case["position"] += 1
    following = current_step(case)
    if following is not None:
        following["waiting_since"] = at
    case["worklist_unit"] = following["unit"] if following else case["unit"]
    return row, following["step"] if following else None


def diagram() -> str:
    """The table as a Mermaid state diagram, for the README."""
    lines = ["stateDiagram-v2"]
    for row in TRANSITIONS:
        source = row.source.value if row.source else "[*]"
        targets = [row.target.value]
        if row.target is Target.SAME:
            targets = [source]
        elif row.target is Target.FORMER:
            targets = [s.value for s in _STEPS]
        guard = f" [{row.guard.name}]" if row.guard.name else ""
        lines += [f"    {source} --> {target}: {row.command.value}{guard} / {row.event}" for target in targets]
    lines += [f"    {state.value} --> [*]" for state in State if state in FINAL]
    return "\n".join(lines)
