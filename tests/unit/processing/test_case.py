"""The table of a case, row by row, and what is not in it."""

from datetime import date
from itertools import product
from pathlib import Path
from typing import Any

import pytest

from services.common import blocks
from services.common.problems import Problem
from services.processing import case as cases
from services.processing.case import FINAL, TRANSITIONS, Command, Facts, Row, State, Target
from services.processing.events import EVENTS, DossierAcceptedSeen
from tests.unit.processing.papers import NOW, OFFICER, accepted, in_state, opened

#: What makes each guarded row pass: the step that is named, and whether results.py granted.
_FACTS = {
    Command.START_STEP: Facts(step="tham-dinh"),
    Command.FINISH_STEP: Facts(step="tham-dinh"),
    Command.RELEASE: Facts(granted=True, on=date(2024, 3, 1)),
}


def ready(row: Row) -> tuple[cases.Case, Facts]:
    """A case and facts under which exactly this row is taken."""
    assert row.source is not None
    case = in_state(row.source)
    facts = _FACTS.get(row.command, Facts())
    if row.guard in (cases.NO_MORE_STEPS, cases.LAST_STEP_BEGUN):
        case["position"] = len(case["steps"]) - 1
        facts = Facts(step="ky-phat-hanh")
    return case, facts


FROM_A_STATE = [row for row in TRANSITIONS if row.source]


@pytest.mark.parametrize("row", FROM_A_STATE, ids=lambda r: f"{r.source}-{r.command}-{r.target}")
def test_each_row_is_taken_as_written(row: Row) -> None:
    case, facts = ready(row)
    former = case["former_state"]
    taken = cases.apply(case, row.command, by=OFFICER, at=NOW, facts=facts)
    assert taken is row
    expected = {Target.SAME: row.source, Target.FORMER: former}.get(row.target, row.target)
    assert case["state"] == expected
    assert case["log"][-1] == {"at": NOW, "actor": OFFICER, "what": row.command.value}
    assert row.event in EVENTS


@pytest.mark.req("X-19")
@pytest.mark.parametrize(("state", "command"), list(product(State, [c for c in Command if c is not Command.OPEN])))
def test_what_the_table_does_not_hold_is_refused(state: State, command: Command) -> None:
    if command in cases.allowed(state):
        assert any(row.source is state and row.command is command for row in TRANSITIONS)
        return
    case = in_state(state)
    before = {**case, "log": list(case["log"])}
    with pytest.raises(Problem) as refused:
        cases.apply(case, command, by=OFFICER, at=NOW, facts=Facts(step="tham-dinh", granted=True))
    assert refused.value.status == 409
    assert case == before


@pytest.mark.req("SG-04", "X-27")
@pytest.mark.parametrize(
    ("result", "on", "released"),
    [
        ({"report_id": "rep-1", "standing": "hop_le"}, date(2024, 3, 4), True),
        ({"report_id": None, "standing": "hop_le"}, date(2024, 3, 4), False),
        ({"report_id": "rep-1", "standing": "chua_hop_le"}, date(2024, 3, 4), False),
        ({"report_id": "rep-1", "standing": "cho_kiem_tra"}, date(2025, 1, 1), False),
        (None, date(2024, 3, 4), False),
        (None, date(2024, 3, 3), True),  # an act of a day before the rule
        (None, None, False),
    ],
)
def test_no_released_state_is_written_without_a_report_that_passed_whatever_was_granted(
    result: dict[str, Any] | None, on: date | None, released: bool
) -> None:
    case = in_state(State.FINISHED)
    case["results"] = [result] if result else []
    if released:
        cases.apply(case, Command.RELEASE, by=OFFICER, at=NOW, facts=Facts(granted=True, on=on))
        assert case["state"] == State.RELEASED
        return
    with pytest.raises(Problem) as refused:
        cases.apply(case, Command.RELEASE, by=OFFICER, at=NOW, facts=Facts(granted=True, on=on))
    assert refused.value.status == 409 and case["state"] == State.FINISHED


def test_final_states_let_nothing_happen() -> None:
    assert {state for state in State if not cases.allowed(state)} == FINAL


@pytest.mark.req("PR-01")
@pytest.mark.parametrize(
    ("state", "command", "step"),
    [
        (State.WAITING, Command.START_STEP, "ky-phat-hanh"),  # the first is skipped
        (State.WAITING, Command.START_STEP, "khong-co"),
        (State.WAITING, Command.FINISH_STEP, "tham-dinh"),  # not begun
        (State.WORKING, Command.START_STEP, "tham-dinh"),  # begun already
        (State.WORKING, Command.START_STEP, "ky-phat-hanh"),  # two at once
        (State.WORKING, Command.FINISH_STEP, "ky-phat-hanh"),
        (State.WORKING, Command.ATTACH_RESULT, ""),  # the last step has not begun
        (State.WAITING, Command.ATTACH_RESULT, ""),
        (State.FINISHED, Command.START_STEP, "tham-dinh"),
        (State.SUPPLEMENT, Command.START_STEP, "tham-dinh"),
        (State.SUPPLEMENT, Command.FINISH_STEP, "tham-dinh"),
    ],
)
def test_steps_move_in_the_approved_order_only(state: State, command: Command, step: str) -> None:
    with pytest.raises(Problem) as refused:
        cases.transition(in_state(state), command, Facts(step=step))
    assert (refused.value.status, refused.value.rule) == (409, "PR-01")


@pytest.mark.req("PR-01")
def test_a_case_walks_through_its_steps() -> None:
    case = opened()
    assert cases.current_step(case)["step"] == "tham-dinh"
    assert cases.start_step(case, "tham-dinh", by=OFFICER, at=NOW).event == "step.started"
    assert not cases.at_last_step(case)
    assert cases.finish_step(case, "tham-dinh", remark="đủ", by=OFFICER, at=NOW)[1] == "ky-phat-hanh"
    cases.start_step(case, "ky-phat-hanh", by=OFFICER, at=NOW)
    assert cases.at_last_step(case)
    row, following = cases.finish_step(case, "ky-phat-hanh", remark=None, by=OFFICER, at=NOW)
    assert (row.target, following, case["position"]) == (State.FINISHED, None, 2)
    assert [step["finished_by"] for step in case["steps"]] == [OFFICER, OFFICER]
    assert case["steps"][0]["note"] == "đủ"


def test_a_supplement_leads_back_to_where_it_was_asked() -> None:
    for state in (State.WAITING, State.WORKING):
        case = in_state(state)
        cases.apply(case, Command.REQUEST_SUPPLEMENT, by=OFFICER, at=NOW)
        assert (case["state"], case["former_state"]) == (State.SUPPLEMENT, state)
        cases.apply(case, Command.ACCEPT_AMENDMENT, by="account-an", at=NOW)
        assert (case["state"], case["former_state"]) == (state, None)


@pytest.mark.req("MO-11")
def test_a_block_stops_supplement_requests_and_nothing_else() -> None:
    case = in_state(State.WORKING)
    case["blocks"] = blocks.told(case["blocks"], "supplement", blocked=True, recorded=NOW)
    with pytest.raises(Problem) as refused:
        cases.transition(case, Command.REQUEST_SUPPLEMENT)
    assert (refused.value.status, refused.value.rule) == (409, "MO-11")
    for command in (Command.FINISH_STEP, Command.STOP, Command.WITHDRAW, Command.RESCHEDULE):
        cases.transition(case, command, Facts(step="tham-dinh"))


@pytest.mark.req("PR-07")
def test_an_apology_comes_once() -> None:
    case = in_state(State.WORKING)
    cases.apply(case, Command.RESCHEDULE, by="account-leader", at=NOW)
    case["rescheduled"] = {"at": NOW}
    with pytest.raises(Problem) as refused:
        cases.transition(case, Command.RESCHEDULE)
    assert refused.value.rule == "PR-07"


@pytest.mark.req("RT-03")
def test_a_ready_result_is_told_once_and_not_asked_for() -> None:
    case = in_state(State.FINISHED)
    cases.transition(case, Command.ASK_SIGNED_RESULT)
    case["results"] = [{"ready_at": NOW}]
    for command in (Command.RESULT_PASSED, Command.ASK_SIGNED_RESULT):
        with pytest.raises(Problem):
            cases.transition(case, command)


def test_a_live_case_stands_in_its_units_worklist() -> None:
    case = opened()
    assert case["worklist_unit"] == "000.05.07.H57"
    cases.apply(case, Command.STOP, by="account-leader", at=NOW)
    assert case["worklist_unit"] is None


def test_a_workflow_without_steps_opens_no_case() -> None:
    with pytest.raises(ValueError, match="at least one step"):
        opened(workflow={"version": 1, "steps": []})


def test_the_readme_shows_the_table() -> None:
    readme = Path(cases.__file__).with_name("README.md").read_text(encoding="utf-8")
    assert cases.diagram() in readme


@pytest.mark.parametrize("missing", ["calendar", "components", "fee", "clock_policy", "limit", "unit_tax_number"])
def test_an_acceptance_that_does_not_say_all_is_refused_where_it_is_read(missing: str) -> None:
    told = accepted()
    told.pop(missing)
    for name in ("accepted_at", "appointment"):
        told[name] = told[name].isoformat()
    assert set(DossierAcceptedSeen().validate(told)) == {missing}
