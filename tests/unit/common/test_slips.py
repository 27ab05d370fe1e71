import unicodedata
from datetime import date, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.common.problems import Problem
from services.common.rules import in_force
from services.common.slips import (
    MONITORED_SINCE,
    Act,
    Comparison,
    Ground,
    Review,
    Sameness,
    Slip,
    Verdict,
    assess,
    compare,
    normalized_text,
    round_number,
    validate,
)

DAY = date(2024, 3, 11)
OTHER = {Act.GUIDANCE: Act.SUPPLEMENT_REQUEST, Act.SUPPLEMENT_REQUEST: Act.GUIDANCE}
acts = pytest.mark.parametrize("act", list(Act))


def slip(act: Act = Act.GUIDANCE, **changes: Any) -> Slip:
    fields: dict[str, Any] = {
        "text": "Bổ sung bản sao giấy chứng sinh",
        "components": frozenset({"KS-1", "KS-2"}),
        "acted_on": DAY,
        "has_file": True,
        "verdict": Verdict.TOTAL_PASSED,
        **changes,
    }
    return Slip(act, **fields)


def second(act: Act = Act.GUIDANCE, **changes: Any) -> Slip:
    return slip(act, **{"failure_statement": "Chưa nộp giấy chứng sinh", **changes})


def fields_and_rules(problem: Problem) -> list[tuple[str, str | None]]:
    return [(error["field"], error["rule"]) for error in problem.errors]


# --- giving a slip ---------------------------------------------------------------------------------------------------


@pytest.mark.req("GU-02")
@pytest.mark.parametrize(
    ("text", "components", "at_fault"),
    [
        ("", ["KS-1"], ["text"]),
        (" \u00a0\n\u200b", ["KS-1"], ["text"]),
        ("Bổ sung", [], ["components"]),
        ("Bổ sung", ["KS-9"], ["components"]),
        ("", [], ["text", "components"]),
    ],
)
def test_a_slip_that_says_or_selects_nothing_is_refused(text: str, components: list[str], at_fault: list[str]) -> None:
    with pytest.raises(Problem) as refused:
        validate(text, components, {"KS-1", "KS-2"})
    assert refused.value.status == 422 and refused.value.rule == "GU-02" and refused.value.citation
    assert fields_and_rules(refused.value) == [(field, "GU-02") for field in at_fault]


@pytest.mark.req("GU-02")
def test_a_slip_with_text_and_a_component_is_taken() -> None:
    validate("Bổ sung", ["KS-1"], {"KS-1", "KS-2"})


@pytest.mark.req("GU-07")
def test_the_two_acts_are_counted_apart() -> None:
    given_before = [Act.GUIDANCE, Act.SUPPLEMENT_REQUEST, Act.GUIDANCE]
    assert round_number(Act.GUIDANCE, given_before) == 3
    assert round_number(Act.SUPPLEMENT_REQUEST, given_before) == 2
    assert round_number(Act.GUIDANCE, []) == 1


@pytest.mark.req("GU-07")
@acts
def test_one_of_each_kind_are_both_first(act: Act) -> None:
    assessment = assess(slip(act), [slip(OTHER[act], text="Khác", components=frozenset({"KS-7"}))])
    assert (assessment.state, assessment.round, assessment.comparison) == (Review.AWAITING_IOC, 1, None)


# --- comparison ------------------------------------------------------------------------------------------------------


@pytest.mark.req("MO-17")
@pytest.mark.parametrize(
    "variant",
    [
        "bổ  sung bản sao\tgiấy chứng sinh ",
        "BỔ SUNG BẢN SAO GIẤY CHỨNG SINH",
        unicodedata.normalize("NFD", "Bổ sung bản sao giấy chứng sinh"),
        "Bổ sung bản\u00a0sao giấy\u200b chứng sinh",
        "Bổ sung bản sao\r\ngiấy chứng sinh",
    ],
)
def test_trivial_edits_are_not_different(variant: str) -> None:
    assert compare(slip(text=variant), slip()).text is Sameness.SAME


@pytest.mark.req("MO-17")
@pytest.mark.parametrize(
    "variant",
    ["Bổ sung bản sao giấy khai sinh", "Bo sung ban sao giay chung sinh", "Bổ sung 2 bản sao giấy chứng sinh"],
)
def test_other_words_or_marks_are_different(variant: str) -> None:
    assert compare(slip(text=variant), slip()).text is Sameness.DIFFERENT


@pytest.mark.req("MO-04")
@pytest.mark.parametrize(
    ("now", "before", "expected"),
    [
        ("ab", "ab", Sameness.SAME),
        ("a", "ab", Sameness.SUBSET),
        ("ab", "a", Sameness.DIFFERENT),
        ("b", "a", Sameness.DIFFERENT),
        ("ac", "ab", Sameness.DIFFERENT),
    ],
)
def test_sets_of_components_are_compared(now: str, before: str, expected: Sameness) -> None:
    assert compare(slip(components=frozenset(now)), slip(components=frozenset(before))).components is expected


@pytest.mark.req("MO-04")
def test_the_statement_of_the_failure_is_never_compared() -> None:
    assert compare(slip(failure_statement="a"), slip(failure_statement="b")) == Comparison(Sameness.SAME, Sameness.SAME)


@given(st.text())
def test_normalizing_twice_changes_nothing(text: str) -> None:
    assert normalized_text(normalized_text(text)) == normalized_text(text)


# --- first round -----------------------------------------------------------------------------------------------------


@pytest.mark.req("MO-02")
@acts
def test_a_first_signed_slip_awaits_a_person_and_is_never_confirmed_by_itself(act: Act) -> None:
    assessment = assess(slip(act), [])
    assert (assessment.state, assessment.round, assessment.grounds) == (Review.AWAITING_IOC, 1, ())
    assert assessment.rules == (("MO-02",) if act is Act.GUIDANCE else ("MO-07",))


@pytest.mark.req("MO-03", "SG-05")
@acts
@pytest.mark.parametrize(
    ("changes", "ground"),
    [
        ({"has_file": False, "verdict": None}, Ground.NO_FILE),
        ({"has_file": False}, Ground.NO_FILE),
        ({"verdict": Verdict.NO_SIGNATURE}, Ground.UNSIGNED),
        ({"verdict": Verdict.TOTAL_FAILED}, Ground.SIGNATURE_INVALID),
        ({"by_officer": False}, Ground.NOT_BY_OFFICER),
    ],
)
def test_a_first_slip_without_a_valid_signature_is_a_violation(act: Act, changes: Any, ground: Ground) -> None:
    assessment = assess(slip(act, **changes), [])
    assert (assessment.state, assessment.grounds) == (Review.VIOLATION, (ground,))
    assert assessment.rules == (("MO-03",) if act is Act.GUIDANCE else ("MO-08",))


@pytest.mark.req("SG-05")
@pytest.mark.parametrize("verdict", [Verdict.INDETERMINATE, None])
@pytest.mark.parametrize("former", [[], [slip()]])
def test_an_undetermined_signature_awaits_its_check(verdict: Verdict | None, former: list[Slip]) -> None:
    assessment = assess(second(verdict=verdict), former)
    assert (assessment.state, assessment.grounds, assessment.rules) == (Review.AWAITING_CHECK, (), ("X-22",))


def test_a_recheck_judges_again() -> None:
    assert assess(slip(verdict=None), []).state is Review.AWAITING_CHECK
    assert assess(slip(verdict=Verdict.TOTAL_PASSED), []).state is Review.AWAITING_IOC
    assert assess(slip(verdict=Verdict.TOTAL_FAILED), []).state is Review.VIOLATION


# --- second and later rounds -----------------------------------------------------------------------------------------


@pytest.mark.req("MO-05")
@acts
@pytest.mark.parametrize("components", [{"KS-1", "KS-2"}, {"KS-1"}])
def test_the_same_again_or_part_of_it_is_pending(act: Act, components: set[str]) -> None:
    assessment = assess(second(act, components=frozenset(components)), [slip(act)])
    assert (assessment.state, assessment.round) == (Review.PENDING, 2)
    assert assessment.rules == (("MO-05",) if act is Act.GUIDANCE else ("MO-09",))
    assert assessment.comparison is not None and assessment.comparison.same


@pytest.mark.req("MO-06")
@acts
@pytest.mark.parametrize(
    ("changes", "grounds"),
    [
        ({"text": "Khác"}, (Ground.TEXT_CHANGED,)),
        ({"components": frozenset({"KS-1", "KS-2", "KS-3"})}, (Ground.COMPONENTS_CHANGED,)),
        ({"components": frozenset({"KS-1"}), "text": "Khác"}, (Ground.TEXT_CHANGED,)),
        ({"verdict": Verdict.NO_SIGNATURE}, (Ground.UNSIGNED,)),
        ({"has_file": False, "text": "Khác"}, (Ground.NO_FILE, Ground.TEXT_CHANGED)),
        ({"text": "Khác", "verdict": Verdict.INDETERMINATE}, (Ground.TEXT_CHANGED,)),
    ],
)
def test_something_new_or_unsigned_is_a_violation(act: Act, changes: Any, grounds: tuple[Ground, ...]) -> None:
    assessment = assess(second(act, **changes), [slip(act)])
    assert (assessment.state, assessment.grounds) == (Review.VIOLATION, grounds)
    assert assessment.rules == (("MO-06",) if act is Act.GUIDANCE else ("MO-10",))


@pytest.mark.req("GU-03", "GU-04", "GU-05")
@acts
@pytest.mark.parametrize("statement", [None, "", "  \u200b"])
def test_a_repeat_without_the_citizens_failure_is_a_violation(act: Act, statement: str | None) -> None:
    assessment = assess(slip(act, failure_statement=statement), [slip(act)])
    assert assessment.state is Review.VIOLATION
    assert assessment.grounds == (Ground.REPEATED_WITHOUT_STATEMENT,) and assessment.rules == ("GU-05",)


@pytest.mark.req("GU-04")
@acts
def test_a_repeat_with_it_is_reviewed_instead(act: Act) -> None:
    assert assess(second(act), [slip(act)]).state is Review.PENDING


def test_the_round_directly_before_is_compared() -> None:
    third = second(components=frozenset({"KS-1", "KS-2"}))
    assessment = assess(third, [slip(), second(components=frozenset({"KS-1"}))])
    assert assessment.round == 3 and assessment.grounds == (Ground.COMPONENTS_CHANGED,)


# --- the day of the act ----------------------------------------------------------------------------------------------


@pytest.mark.req("MO-14")
@acts
def test_monitoring_starts_on_the_fourth_of_march(act: Act) -> None:
    faulty = {"has_file": False, "verdict": None}
    before = assess(slip(act, acted_on=date(2024, 3, 3), **faulty), [])
    assert (before.state, before.grounds) == (Review.NOT_EVALUATED, ())
    assert assess(slip(act, acted_on=date(2024, 3, 4), **faulty), []).state is Review.VIOLATION
    assert not in_force("MO-14", date(2024, 3, 3)) and in_force("MO-14", date(2024, 3, 4))


@pytest.mark.req("MO-14")
def test_a_round_given_before_monitoring_still_counts_as_a_round() -> None:
    february = slip(acted_on=date(2024, 2, 26))
    assert assess(slip(), [february]).grounds == (Ground.REPEATED_WITHOUT_STATEMENT,)
    assert assess(second(), [february]).state is Review.PENDING


texts = st.sampled_from(["Bổ sung giấy chứng sinh", "Bổ sung  Giấy chứng sinh", "Bổ sung tờ khai"])
slips = st.builds(
    Slip,
    act=st.sampled_from(Act),
    text=texts,
    components=st.frozensets(st.sampled_from("abc"), min_size=1),
    acted_on=st.dates(date(2024, 2, 20), date(2024, 3, 20)),
    has_file=st.booleans(),
    verdict=st.none() | st.sampled_from(Verdict),
    failure_statement=st.none() | st.just("Chưa nộp"),
)


@given(given_slip=slips, former=st.lists(slips, max_size=4))
def test_the_truth_table_of_the_appendix(given_slip: Slip, former: list[Slip]) -> None:
    """The table of CV 252's appendix, written a second time as conditions."""
    assessment = assess(given_slip, former)
    own = [earlier for earlier in former if earlier.act is given_slip.act]
    signed = given_slip.has_file and given_slip.verdict is Verdict.TOTAL_PASSED
    unknown = given_slip.has_file and given_slip.verdict in (None, Verdict.INDETERMINATE)
    if given_slip.acted_on < MONITORED_SINCE:
        expected = Review.NOT_EVALUATED
    elif not own:
        expected = Review.AWAITING_IOC if signed else Review.AWAITING_CHECK if unknown else Review.VIOLATION
    else:
        same = (
            given_slip.text.casefold().split() == own[-1].text.casefold().split()
            and given_slip.components <= own[-1].components
            and given_slip.failure_statement is not None
        )
        if same and signed:
            expected = Review.PENDING
        elif same and unknown:
            expected = Review.AWAITING_CHECK
        else:
            expected = Review.VIOLATION
    assert assessment.state is expected
    assert bool(assessment.grounds) == (expected is Review.VIOLATION)
    assert assessment.round == len(own) + 1
    assert assessment.rules and all(in_force(id, given_slip.acted_on) for id in assessment.rules if id != "MO-14")


@given(given_slip=slips, former=st.lists(slips, max_size=4))
def test_the_other_act_never_matters(given_slip: Slip, former: list[Slip]) -> None:
    own = [earlier for earlier in former if earlier.act is given_slip.act]
    assert assess(given_slip, former) == assess(given_slip, own)


def test_no_rule_of_monitoring_was_in_force_the_day_before() -> None:
    day = MONITORED_SINCE - timedelta(days=1)
    assert not any(in_force(f"MO-{number:02}", day) for number in (2, 3, 5, 6, 7, 8, 9, 10, 11, 13, 14, 16))
