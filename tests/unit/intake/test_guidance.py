"""Guidance and asking for paper."""

from datetime import timedelta
from typing import Any

import pytest

from services.common.expected_signer import Signing
from services.common.problems import Problem
from services.common.slips import Act
from services.intake import guidance
from tests.unit.intake.conftest import MONDAY

CODE = "000.05.07.H57-240311-0001"
COMPONENTS = ["don", "ban-chup"]


def slip(given: list[dict[str, Any]], **changes: Any) -> dict[str, Any]:
    asked: dict[str, Any] = {
        "text": "Bản chụp bị mờ trang 2, đề nghị chụp lại.",
        "components": ["ban-chup"],
        "of_procedure": COMPONENTS,
        "blocked": (),
        "failure_statement": None,
        "officer": "acc-duc",
        "officer_person": "per-duc",
        "now": MONDAY + timedelta(minutes=len(given)),
        "dossier_version": 1,
    }
    return guidance.new_slip(CODE, given, **(asked | changes))


@pytest.mark.req("GU-02", "X-17")
@pytest.mark.parametrize(
    ("changes", "fields"),
    [
        ({"text": "  \u200b\n"}, ["text"]),
        ({"components": []}, ["components"]),
        ({"text": "", "components": []}, ["text", "components"]),
        ({"components": ["ho-chieu"]}, ["components"]),
    ],
)
def test_a_guidance_says_something_and_selects_something(changes: dict[str, Any], fields: list[str]) -> None:
    with pytest.raises(Problem) as refused:
        slip([], **changes)
    assert (refused.value.status, refused.value.rule) == (422, "GU-02")
    assert [error["field"] for error in refused.value.errors] == fields


@pytest.mark.req("X-17")
def test_a_second_one_without_the_statement_is_kept_not_refused() -> None:
    first = slip([])
    second = slip([first])
    assert (first["round"], second["round"]) == (1, 2)
    assert second["failure_statement"] is None
    assert first["slip_id"] != second["slip_id"]


@pytest.mark.req("MO-11")
def test_a_blocked_guidance_is_refused_whatever_it_says() -> None:
    for changes in ({}, {"text": ""}):
        with pytest.raises(Problem) as refused:
            slip([], blocked={Act.GUIDANCE}, **changes)
        assert (refused.value.status, refused.value.rule) == (409, "MO-11")
    assert slip([], blocked={Act.SUPPLEMENT_REQUEST})["round"] == 1


@pytest.mark.req("GU-07")
def test_rounds_count_guidance_only() -> None:
    given: list[dict[str, Any]] = []
    for number in range(1, 4):
        given.append(slip(given))
        assert given[-1]["round"] == number


def test_the_hash_is_that_of_the_text_as_compared() -> None:
    assert guidance.text_hash("Chụp  LẠI trang 2") == guidance.text_hash("chụp lại trang 2")
    assert guidance.text_hash("chụp lại trang 2") != guidance.text_hash("chụp lại trang 3")


@pytest.mark.req("IN-03", "SG-02")
@pytest.mark.parametrize("whose", [Signing.BY_APPLICANT, Signing.BY_AGENCY])
def test_paper_is_not_demanded_for_a_validly_signed_component(whose: Signing) -> None:
    with pytest.raises(Problem) as refused:
        guidance.refuse_paper({"component": "don"}, whose)
    assert (refused.value.status, refused.value.rule) == (409, "IN-03")
    assert refused.value.citation


@pytest.mark.req("IN-03")
@pytest.mark.parametrize("word", ["WRONG_SIGNER", "NO_SIGNATURE", "TOTAL_FAILED", "INDETERMINATE"])
def test_paper_may_be_asked_for_the_others(word: str) -> None:
    guidance.refuse_paper({"component": "don"}, Signing(word))


def test_the_open_slip_is_the_last_unanswered_one() -> None:
    assert guidance.open_slip([]) is None
    given = [slip([])]
    assert guidance.open_slip(given) is given[0]
    given[0]["answered_by_version"] = 2
    assert guidance.open_slip(given) is None
