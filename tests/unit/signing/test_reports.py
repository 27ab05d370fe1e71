"""When a verdict stands, under which id its report is kept, and what of it people see."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from services.signing import reports
from services.signing.verdict import Verdict

NOW = datetime(2024, 3, 11, 2, 0, tzinfo=UTC)
NUMBER = "046190000123"
NAME = "Nguyễn Thị An"
REPORT: dict[str, Any] = {
    "sha256": "a" * 64, "policy": "p-1", "trust_version": "t1", "verdict": "TOTAL_PASSED", "code": "passed",
    "sub_indication": None,
    "signatures": [
        {"code": "passed", "signer": {"common_name": NAME, "personal_number": NUMBER, "tax_number": None}},
        {"code": "passed", "signer": {"common_name": "UBND", "personal_number": None, "tax_number": "3300100018"}},
    ],
    # A stamp that somebody made with a citizen's certificate.
    "timestamps": [{"code": "stamp_untrusted", "signer": {"common_name": "Bình", "personal_number": NUMBER}}],
}  # fmt: skip
UNDECIDED = {"verdict": "INDETERMINATE", "code": "no_chain", "trust_version": "t1", "checked_at": NOW}


@pytest.mark.req("SG-07")
def test_indeterminate_never_stands_and_the_others_do() -> None:
    assert [str(v) for v in Verdict if not reports.is_final(v)] == ["INDETERMINATE"]
    assert reports.next_check("INDETERMINATE", 0, NOW) is not None
    assert reports.next_check("TOTAL_FAILED", 0, NOW) is None


@pytest.mark.req("SG-07")
def test_open_verdicts_are_looked_at_again_ever_more_rarely_but_daily_at_least() -> None:
    pauses = [reports.next_check("INDETERMINATE", attempts, NOW) - NOW for attempts in range(40)]  # type: ignore[operator]
    assert pauses[:3] == [timedelta(minutes=5), timedelta(minutes=10), timedelta(minutes=20)]
    assert pauses == sorted(pauses)
    assert pauses[-1] == timedelta(days=1)


@pytest.mark.parametrize(
    ("changes", "trust", "later", "anew"),
    [
        ({}, "t1", 0, False),
        ({}, "t1", 60, True),
        ({}, "t2", 0, True),
        ({"verdict": "TOTAL_PASSED"}, "t2", 9999, False),
        ({"verdict": "NO_SIGNATURE"}, "t2", 9999, False),
        ({"code": "limit", "next_check_at": NOW + timedelta(minutes=5)}, "t2", 60, False),
        ({"code": "limit", "next_check_at": NOW + timedelta(minutes=5)}, "t1", 300, True),
    ],
)
def test_who_asks_gets_a_fresh_look_where_that_may_help(
    changes: dict[str, Any], trust: str, later: int, anew: bool
) -> None:
    file = {**UNDECIDED, **changes}
    assert reports.asks_anew(file, trust_version=trust, now=NOW + timedelta(seconds=later)) is anew


def test_a_report_is_one_per_content_policy_and_trust_store() -> None:
    own = reports.report_id(REPORT)
    assert reports.report_id({**REPORT, "checked_at": "later"}) == own
    others = [{"sha256": "b" * 64}, {"policy": "p-2"}, {"trust_version": "t2"}]
    others.append({"verdict": "INDETERMINATE", "code": "no_chain"})
    assert len({own, *(reports.report_id({**REPORT, **other}) for other in others)}) == 5


def test_personal_numbers_are_sealed_at_rest_and_masked_for_people() -> None:
    stored = reports.sealed(REPORT, lambda text, field: f"v1:{field}:{text[::-1]}")
    assert NUMBER not in str(stored)
    assert NAME not in str(stored)
    assert "3300100018" in str(stored)

    def unseal(text: str, field: str) -> str:
        assert text.startswith(f"v1:{field}:"), "sealed for this field"
        return text.removeprefix(f"v1:{field}:")[::-1]

    scope = {"scope_vi": reports.SCOPE[0], "scope_en": reports.SCOPE[1]}
    assert reports.shown(stored, unseal, whole=True) == REPORT | scope
    assert reports.shown(stored | {"signatures": []}, unseal, whole=True)["scope_vi"] is None
    people = reports.shown(stored, unseal, whole=False)
    assert NUMBER not in str(people)
    assert people["signatures"][0]["signer"]["personal_number"] == "********0123"
    assert people["signatures"][1]["signer"]["personal_number"] is None
    assert people["timestamps"][0]["signer"]["personal_number"] == "********0123"


def test_a_name_that_the_first_release_kept_in_clear_is_still_shown() -> None:
    item = {"signer": {"common_name": NAME, "personal_number": None}}
    shown = reports.shown({"signatures": [item]}, lambda text, field: "never", whole=True)
    assert shown["signatures"][0]["signer"]["common_name"] == NAME
