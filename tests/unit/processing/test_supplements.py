"""Supplement requests and their answers."""

from typing import Any

import pytest

from services.common.problems import Problem
from services.processing import supplements
from tests.unit.processing.papers import NOW, OFFICER, SHA, opened

PROCEDURE = ["don", "ban-chup"]


def make(case: dict[str, Any], **changes: Any) -> supplements.Slip:
    given: dict[str, Any] = {
        "slip_id": "slip-1",
        "text": "Chụp lại bản chụp cho rõ",
        "components": ["ban-chup"],
        "of_procedure": PROCEDURE,
        "failure_statement": None,
        "file": {"file_id": "file-9", "sha256": SHA},
        "verdict": "TOTAL_PASSED",
        "by": OFFICER,
        "by_person": "per-officer",
        "at": NOW,
        **changes,
    }
    return supplements.make(case, **given)


def piece(component: str = "ban-chup", sha256: str = SHA) -> dict[str, str]:
    return {"component": component, "file_id": f"file-{component}", "sha256": sha256}


@pytest.mark.req("GU-02", "GU-06")
@pytest.mark.parametrize(
    "changes", [{"text": ""}, {"text": " \u200b\n"}, {"components": []}, {"components": ["khong-co"]}]
)
def test_an_empty_slip_is_refused(changes: dict[str, Any]) -> None:
    with pytest.raises(Problem) as refused:
        make(opened(), **changes)
    assert (refused.value.status, refused.value.rule) == (422, "GU-02")


@pytest.mark.req("X-17")
def test_a_faulty_slip_is_kept_for_review() -> None:
    case = opened()
    case["supplements"].append(make(case))
    second = make(case, slip_id="slip-2", file=None, verdict=None)
    assert (second["round"], second["file_id"], second["has_statement"]) == (2, None, False)
    assert make(case, failure_statement="Chưa chụp mặt sau")["has_statement"]


def test_the_hash_of_a_slip_does_not_change_with_trivial_edits() -> None:
    case = opened()
    assert make(case)["text_hash"] == make(case, text="CHỤP lại  bản chụp cho rõ ")["text_hash"]
    assert make(case)["text_hash"] != make(case, text="Chụp lại bản chính cho rõ")["text_hash"]


@pytest.mark.req("GU-08")
@pytest.mark.parametrize(
    "given",
    [
        [piece("don")],  # not asked for
        [piece(), piece("don")],
        [],
        [piece(), piece()],
    ],
)
def test_an_answer_holds_only_what_was_asked_for(given: list[dict[str, str]]) -> None:
    slip = make(opened())
    with pytest.raises(Problem) as refused:
        supplements.answer(slip, given, NOW)
    assert (refused.value.status, refused.value.rule) == (422, "GU-08")
    assert slip["answered_at"] is None


@pytest.mark.req("X-16")
def test_a_partial_answer_says_what_is_missing() -> None:
    slip = make(opened(), components=PROCEDURE)
    supplements.answer(slip, [piece("don")], NOW)
    assert (slip["unanswered"], slip["answered_at"]) == (["ban-chup"], NOW)


def test_the_same_answer_is_known_again_and_another_is_not() -> None:
    slip = make(opened())
    assert not supplements.same_answer([], [piece()])
    assert not supplements.same_answer([slip], [piece()])
    assert supplements.open_slip([slip]) is slip
    supplements.answer(slip, [piece()], NOW)
    assert supplements.open_slip([slip]) is None
    assert supplements.same_answer([slip], [piece()])
    assert not supplements.same_answer([slip], [piece(sha256="b" * 64)])


def test_a_slip_is_found_with_its_former_rounds() -> None:
    case = opened()
    first = make(case)
    case["supplements"].append(first)
    second = make(case, slip_id="slip-2")
    case["supplements"].append(second)
    assert supplements.find(case["supplements"], "slip-2") == (second, [first])
    with pytest.raises(Problem):
        supplements.find(case["supplements"], "slip-3")
