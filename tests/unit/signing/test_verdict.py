"""Pure rules of the verdict."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.signing.verdict import (
    FINDINGS,
    NO_SIGNATURE,
    PASSED,
    VIETNAMESE,
    Finding,
    SignatureReport,
    Verdict,
    file_report,
    is_signed,
    killed_report,
    worst,
)

pytestmark = pytest.mark.req("SG-07")

NOW = datetime(2024, 3, 11, 2, 0, tzinfo=UTC)
ETSI = {
    "FORMAT_FAILURE", "HASH_FAILURE", "SIG_CRYPTO_FAILURE", "REVOKED", "REVOKED_NO_POE", "REVOKED_CA_NO_POE",
    "NOT_YET_VALID", "EXPIRED", "OUT_OF_BOUNDS_NO_POE", "NO_CERTIFICATE_CHAIN_FOUND", "NO_SIGNING_CERTIFICATE_FOUND",
    "CHAIN_CONSTRAINTS_FAILURE", "CERTIFICATE_CHAIN_GENERAL_FAILURE", "CRYPTO_CONSTRAINTS_FAILURE", "TRY_LATER",
    "SIG_CONSTRAINTS_FAILURE", "SIGNED_DATA_NOT_FOUND", "GENERIC",
}  # fmt: skip
findings = st.sampled_from(sorted(FINDINGS.values(), key=lambda f: f.code))


def test_every_finding_has_words_for_a_clerk_and_an_etsi_name() -> None:
    for finding in FINDINGS.values():
        assert finding.vi
        assert finding.en
        if finding in (PASSED, NO_SIGNATURE):
            assert finding.sub_indication is None
        else:
            assert finding.sub_indication in ETSI


def test_four_answers_are_four_vietnamese_words() -> None:
    assert sorted(VIETNAMESE.values()) == ["HOP_LE", "KHONG_CO_CHU_KY", "KHONG_HOP_LE", "KHONG_XAC_DINH"]


@given(st.lists(findings, min_size=1))
def test_worst_is_passed_only_when_all_passed(several: list[Finding]) -> None:
    decided = worst(several)
    assert (decided.verdict == Verdict.TOTAL_PASSED) == all(f.verdict == Verdict.TOTAL_PASSED for f in several)
    assert (decided.verdict == Verdict.TOTAL_FAILED) == any(f.verdict == Verdict.TOTAL_FAILED for f in several)


@given(st.lists(findings))
def test_order_of_signatures_does_not_matter(several: list[Finding]) -> None:
    assert worst(several).verdict == worst(reversed(several)).verdict


def test_nothing_found_means_no_signature() -> None:
    assert worst([]) == NO_SIGNATURE


@pytest.mark.req("SG-03")
@given(st.one_of(st.text(), st.sampled_from([v.value for v in Verdict])))
def test_only_total_passed_counts_as_signed(word: str) -> None:
    assert is_signed(word) == (word == "TOTAL_PASSED")


def test_finding_about_the_file_outweighs_good_signatures() -> None:
    report = file_report(
        sha256="0" * 64,
        size=1,
        format="pdf",
        trust_version="v",
        checked_at=NOW,
        received_at=NOW,
        signatures=[SignatureReport(PASSED)],
        findings=[FINDINGS["hidden_signature"]],
    )
    assert (report["verdict"], report["signatures"][0]["verdict"]) == ("INDETERMINATE", "TOTAL_PASSED")


def test_killed_worker_is_a_verdict() -> None:
    report = killed_report(sha256="0" * 64, size=7, trust_version="v", now=NOW, received=NOW)
    assert (report["verdict"], report["verdict_vi"], report["code"]) == ("INDETERMINATE", "KHONG_XAC_DINH", "limit")
    assert report["size"] == 7
