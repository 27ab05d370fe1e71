"""Decisions of IOC about slips, and what a violation blocks."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.common.problems import Problem
from services.common.slips import (
    DECISIONS,
    GROUND_TEXT,
    Act,
    Decision,
    Ground,
    Review,
    block_after,
    decide,
    decisions_from,
    refuse_if_blocked,
)

BY = {"own": False}


def fields_and_rules(problem: Problem) -> list[tuple[str, str | None]]:
    return [(error["field"], error["rule"]) for error in problem.errors]


@pytest.mark.req("MO-02")
def test_ioc_confirms_a_first_slip() -> None:
    assert decide(Review.AWAITING_IOC, Decision.CONFIRM, **BY) is Review.CONFIRMED


@pytest.mark.req("MO-03")
@pytest.mark.parametrize("ground", [Ground.UNCLEAR, Ground.OFF_FOCUS])
def test_ioc_finds_a_first_slip_unclear_or_off_focus(ground: Ground) -> None:
    assert decide(Review.AWAITING_IOC, Decision.VIOLATE, ground=ground, reason="Không rõ", **BY) is Review.VIOLATION


@pytest.mark.req("MO-05")
def test_a_pending_slip_goes_both_ways_once_the_log_was_read() -> None:
    ground = Ground.REPEAT_UNJUSTIFIED
    assert decide(Review.PENDING, Decision.CONFIRM, log_read=True, **BY) is Review.CONFIRMED
    assert (
        decide(Review.PENDING, Decision.VIOLATE, ground=ground, reason="Đã nộp", log_read=True, **BY)
        is Review.VIOLATION
    )
    with pytest.raises(Problem) as refused:
        decide(Review.PENDING, Decision.CONFIRM, **BY)
    assert refused.value.status == 422 and fields_and_rules(refused.value) == [("log_read", "MO-05")]


@pytest.mark.req("MO-16")
@pytest.mark.parametrize("decision", list(Decision))
def test_nobody_decides_on_an_own_slip(decision: Decision) -> None:
    with pytest.raises(Problem) as refused:
        decide(Review.AWAITING_IOC, decision, own=True)
    assert (refused.value.status, refused.value.rule) == (403, "MO-16")


@pytest.mark.parametrize("decision", list(Decision))
@pytest.mark.parametrize(("state", "rule"), [(Review.NOT_EVALUATED, "MO-14"), (Review.AWAITING_CHECK, "X-22")])
def test_what_awaits_no_decision_gets_none(state: Review, rule: str, decision: Decision) -> None:
    assert decisions_from(state) == ()
    with pytest.raises(Problem) as refused:
        decide(state, decision, ground=Ground.UNCLEAR, reason="x", **BY)
    assert (refused.value.status, refused.value.rule) == (409, rule)
    assert refused.value.extra == {"state": state.value, "allowed": []}


@pytest.mark.parametrize(
    ("state", "decision", "given_fields", "field"),
    [
        (Review.AWAITING_IOC, Decision.VIOLATE, {"ground": Ground.UNCLEAR}, "reason"),
        (Review.AWAITING_IOC, Decision.VIOLATE, {"ground": Ground.UNCLEAR, "reason": "  "}, "reason"),
        (Review.AWAITING_IOC, Decision.VIOLATE, {"reason": "x"}, "ground"),
        (Review.AWAITING_IOC, Decision.VIOLATE, {"reason": "x", "ground": Ground.REPEAT_UNJUSTIFIED}, "ground"),
        (Review.PENDING, Decision.VIOLATE, {"reason": "x", "ground": Ground.NO_FILE, "log_read": True}, "ground"),
        (Review.AWAITING_IOC, Decision.CONFIRM, {"ground": Ground.UNCLEAR}, "ground"),
        (Review.VIOLATION, Decision.CONFIRM, {}, "reason"),
        (Review.CONFIRMED, Decision.VIOLATE, {"ground": Ground.UNCLEAR}, "reason"),
    ],
)
def test_a_decision_with_a_field_at_fault(state: Review, decision: Decision, given_fields: Any, field: str) -> None:
    with pytest.raises(Problem) as refused:
        decide(state, decision, **given_fields, **BY)
    assert refused.value.status == 422 and [error["field"] for error in refused.value.errors] == [field]


def test_a_verdict_stays_editable_with_a_reason() -> None:
    assert decide(Review.VIOLATION, Decision.CONFIRM, reason="Chữ đã sửa lỗi gõ", **BY) is Review.CONFIRMED
    again = decide(Review.CONFIRMED, Decision.VIOLATE, ground=Ground.UNCLEAR, reason="Xem lại", **BY)
    assert again is Review.VIOLATION


@given(state=st.sampled_from(Review), decision=st.sampled_from(Decision), ground=st.sampled_from(Ground))
def test_only_the_table_decides_where_a_decision_leads(state: Review, decision: Decision, ground: Ground) -> None:
    found = Ground.UNCLEAR if decision is Decision.VIOLATE else None
    if (state, decision) in DECISIONS:
        target = decide(state, decision, ground=found, reason="lý do", log_read=True, **BY)
        assert target is DECISIONS[state, decision] and target is not state
    else:
        with pytest.raises(Problem):
            decide(state, decision, ground=ground, reason="lý do", log_read=True, **BY)


def test_each_ground_has_words_in_both_languages() -> None:
    assert set(GROUND_TEXT) == set(Ground)
    assert all(vi and en for vi, en in GROUND_TEXT.values())


# --- blocks ----------------------------------------------------------------------------------------------------------


@pytest.mark.req("MO-11", "MO-13")
@pytest.mark.parametrize("act", list(Act))
def test_a_block_covers_its_own_act_only(act: Act) -> None:
    with pytest.raises(Problem) as refused:
        refuse_if_blocked(act, {act})
    assert (refused.value.status, refused.value.rule) == (409, "MO-11")
    assert refused.value.extra == {"act": act.value}
    refuse_if_blocked(act, set(Act) - {act})
    refuse_if_blocked(act, ())


@pytest.mark.req("MO-03", "MO-11")
@given(before=st.none() | st.sampled_from(Review), after=st.sampled_from(Review))
def test_only_a_violation_blocks_and_only_its_overturning_lifts(before: Review | None, after: Review) -> None:
    effect = block_after(before, after)
    assert (effect is True) == (after is Review.VIOLATION and before is not Review.VIOLATION)
    assert (effect is False) == (before is Review.VIOLATION and after is Review.CONFIRMED)
