from datetime import UTC, datetime
from typing import Any

import pytest

from services.common.slips import Review
from services.oversight.reviews import (
    ACTS,
    DECISIONS,
    STATE_TEXT,
    adopt,
    judge,
    new_review,
    register_entry,
    slip_of,
)

AT = datetime(2024, 3, 11, 3, 0, tzinfo=UTC)


def review(**changes: Any) -> dict[str, Any]:
    data: dict[str, Any] = {
        "slip_id": "s-1", "code": "c", "act": "guidance", "round": 1, "components": ["b", "a"], "file_id": "f",
        "file_sha256": "0" * 64, "verdict": "TOTAL_PASSED", "text_hash": "h", "officer": "acc", "unit": "u",
        "desk": "d", "at": AT,
    }  # fmt: skip
    return new_review(data | changes, "centre") | {"by_officer": True}


def judged(row: dict[str, Any], text: str, *former: tuple[dict[str, Any], str], statement: str | None = None) -> None:
    adopt(row, judge(slip_of(row, text, statement), [slip_of(earlier, words, None) for earlier, words in former]))


@pytest.mark.req("MO-02", "MO-07")
@pytest.mark.parametrize("act", sorted(ACTS))
def test_a_first_signed_slip_waits_for_ioc_and_has_nothing_to_compare_with(act: str) -> None:
    row = review(act=act)
    judged(row, "Bổ sung bản chụp")
    assert (row["state"], row["grounds"], row["comparison"]) == ("AWAITING_IOC", [], None)


@pytest.mark.req("MO-03", "SG-05")
@pytest.mark.parametrize("expected", [True, False])
def test_only_the_unit_signs_slips(expected: bool) -> None:
    row = review() | {"by_officer": expected}
    judged(row, "Bổ sung bản chụp")
    assert row["grounds"] == ([] if expected else ["NOT_BY_OFFICER"])


@pytest.mark.req("X-22")
def test_a_valid_signature_of_nobody_knows_whom_waits() -> None:
    row = review() | {"by_officer": None}
    judged(row, "Bổ sung bản chụp")
    assert (row["state"], row["grounds"]) == ("AWAITING_CHECK", [])


@pytest.mark.req("MO-03", "MO-08")
def test_a_first_slip_without_a_file_violates() -> None:
    row = review(file_id=None, verdict=None)
    judged(row, "Bổ sung bản chụp")
    assert (row["state"], row["grounds"], row["rules"]) == ("VIOLATION", ["NO_FILE"], ["MO-03"])


@pytest.mark.req("MO-04", "MO-17", "X-16")
@pytest.mark.parametrize(("text", "components", "comparison", "state"), [
    ("Bổ sung  BẢN chụp", ["a", "b"], ("SAME", "SAME", True), "PENDING"),
    ("bo\u0302\u0309 sung bản chụp", ["a"], ("SAME", "SUBSET", True), "PENDING"),
    ("Bổ sung bản chụp", ["a", "c"], ("SAME", "DIFFERENT", False), "VIOLATION"),
    ("Bổ sung bản gốc", ["a", "b"], ("DIFFERENT", "SAME", False), "VIOLATION"),
])  # fmt: skip
def test_a_second_round_is_compared_with_the_first(
    text: str, components: list[str], comparison: tuple[str, str, bool], state: str
) -> None:
    second = review(slip_id="s-2", round=2, components=components)
    judged(second, text, (review(), "Bổ sung bản chụp"), statement="Bản chụp còn mờ")
    assert second["state"] == state
    assert second["comparison"] == {
        "with_round": 1, "text": comparison[0], "components": comparison[1], "same": comparison[2]
    }  # fmt: skip


@pytest.mark.req("MO-14")
def test_a_slip_before_monitoring_began_is_not_evaluated() -> None:
    row = review(at=datetime(2024, 3, 3, 3, 0, tzinfo=UTC), file_id=None, verdict=None)
    judged(row, "Bổ sung")
    assert row["state"] == "NOT_EVALUATED"


@pytest.mark.req("X-22")
@pytest.mark.parametrize("verdict", [None, "INDETERMINATE"])
def test_an_open_signature_waits_and_the_verdict_decides_later(verdict: str | None) -> None:
    row = review(verdict=verdict)
    judged(row, "Bổ sung")
    assert row["state"] == "AWAITING_CHECK"
    row["verdict"] = "TOTAL_FAILED"
    judged(row, "Bổ sung")
    assert (row["state"], row["grounds"]) == ("VIOLATION", ["SIGNATURE_INVALID"])


@pytest.mark.req("MO-15")
def test_the_register_says_who_what_where_why_and_on_which_evidence() -> None:
    row = review(file_id=None, verdict=None)
    judged(row, "Bổ sung")
    entry = register_entry(row, "1", overturned=False, decided_by="system", decided_at=AT, reason="")
    assert {"code", "round", "officer", "unit", "grounds", "evidence", "decided_by", "decided_at"} <= set(entry)
    assert entry["kind"] == "VIOLATION"
    assert entry["evidence"]["text_hash"] == "h"
    row["grounds"].clear()
    assert entry["grounds"] == ["NO_FILE"], "the line does not change with the review"
    overturned = register_entry(row, "2", overturned=True, decided_by="acc", decided_at=AT, reason="x")
    assert overturned["kind"] == "OVERTURNED"


def test_every_state_has_its_words_and_every_decision_its_word() -> None:
    assert set(STATE_TEXT) == set(Review)
    assert set(DECISIONS) == {"CONFIRMED", "VIOLATION"}
