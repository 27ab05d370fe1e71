"""The checks of a signature in a clerk's words: which one failed, which one is open."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from services.signing import report_words, steps
from services.signing.findings import FINDINGS, Verdict
from services.signing.verdict import SignatureReport, file_report

MONDAY = datetime(2024, 3, 11, 2, 0, tzinfo=UTC)

pytestmark = pytest.mark.req("SG-01", "SG-07")


def signature(code: str, **facts: object) -> dict[str, object]:
    report = file_report(
        sha256="0" * 64, size=1, format="pdf", trust_version="t", checked_at=MONDAY, received_at=MONDAY,
        signatures=[SignatureReport(FINDINGS[code], **facts)],  # type: ignore[arg-type]
    )  # fmt: skip
    return report["signatures"][0]


def outcomes(item: dict[str, object]) -> dict[str, str]:
    return {check["check"]: check["outcome"] for check in steps.checks(item)}


def test_every_finding_has_its_check():
    assert set(FINDINGS) <= set(steps.STEP_OF)
    assert set(steps.STEP_OF.values()) - {""} == set(steps.STEPS)


def test_what_passed_passed_every_check():
    assert set(outcomes(signature("passed")).values()) == {steps.PASSED}


@pytest.mark.parametrize("code", sorted(set(FINDINGS) - {"passed", "no_signature"}))
def test_a_finding_fails_or_leaves_open_exactly_its_check(code):
    for facts in ({}, {"integrity_ok": True, "chain_ok": True, "revocation": "good"}):
        found = outcomes(signature(code, **facts))
        word = steps.FAILED if FINDINGS[code].verdict is Verdict.TOTAL_FAILED else steps.UNDECIDED
        assert [name for name, outcome in found.items() if outcome in (steps.FAILED, steps.UNDECIDED)] == [
            steps.STEP_OF[code]
        ]
        assert found[steps.STEP_OF[code]] == word


def test_nothing_is_said_to_have_passed_that_the_report_does_not_hold():
    assert set(outcomes(signature("no_chain")).values()) == {steps.NOT_KNOWN, steps.UNDECIDED}
    found = outcomes(signature("revoked", integrity_ok=True, chain_ok=True, revocation="revoked"))
    assert [name for name, outcome in found.items() if outcome == steps.PASSED] == ["structure", "integrity", "chain"]


def test_a_block_says_what_the_national_check_page_says():
    item = signature("revoked", integrity_ok=True, not_before="2024-03-11T02:00:00+00:00", revocation="revoked")
    item |= {"revoked_at": "2024-03-05T12:00:00+00:00", "revocation_reason": "key_compromise"}
    said = {line.vi: line.value for line in report_words.about_signature(item)}
    assert said["Kết luận"] == "KHÔNG HỢP LỆ / not valid [TOTAL_FAILED / REVOKED, revoked]"
    assert said["Hiệu lực từ"] == "11/03/2024 09:00:00 (+07:00)"
    assert said["Hiệu lực đến"] == "–"
    revoked = "đã bị thu hồi / revoked, 05/03/2024 19:00:00 (+07:00)"
    assert said["Thu hồi"] == f"{revoked} (lộ khóa / key_compromise)"
    del item["revocation_reason"]
    assert {line.vi: line.value for line in report_words.about_signature(item)}["Thu hồi"] == revoked
    assert {"Người ký", "Tổ chức cấp", "Số chứng thư", "Thời điểm ký", "Dấu thời gian"} <= set(said)
    for line in report_words.about_checks(item):
        assert line.vi and line.en and line.value
