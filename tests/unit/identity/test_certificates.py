"""What proves that somebody holds a certificate's key (SG-06)."""

from __future__ import annotations

from datetime import UTC, datetime
from io import BytesIO
from typing import Any

import pytest
from pyhanko.pdf_utils.reader import PdfFileReader

from services.common import signature_terms
from services.common.problems import Problem
from services.identity import certificates

pytestmark = pytest.mark.req("SG-06")

CHALLENGE = certificates.new_challenge()
PAPER = certificates.document(CHALLENGE)


def report(verdict: str = "TOTAL_PASSED", count: int = 1, **changes: Any) -> dict[str, Any]:
    signer = {"personal_number": None, "tax_number": None, "kind": "public", "common_name": "A"}
    signature = {
        "verdict": verdict, "signer": signer | changes.pop("signer", {}), "covers_whole_document": True,
        "certificate_sha256": "a" * 64, "issuer": "CA", "serial": "1", "not_before": None, "not_after": None,
    } | changes  # fmt: skip
    return {"verdict": verdict, "signatures": [signature] * count}


def test_the_document_is_a_pdf_that_shows_the_challenge_in_clear() -> None:
    assert PAPER.count(CHALLENGE.encode()) == 2
    reader = PdfFileReader(BytesIO(PAPER), strict=True)
    assert reader.root["/Pages"]["/Count"] == 1
    assert certificates.new_challenge() != CHALLENGE
    assert not set(CHALLENGE[2:]) & set("0123456789ABCDEF")  # never inside a gap of hexadecimal digits


def test_one_valid_signature_over_the_whole_given_document_is_a_proof() -> None:
    assert certificates.proven(report(), PAPER + b"signed", CHALLENGE)["certificate_sha256"] == "a" * 64


@pytest.mark.parametrize(
    "bad",
    [
        report("NO_SIGNATURE"), report("TOTAL_FAILED"), report("INDETERMINATE"), report(count=2),
        report(covers_whole_document=False), report(signer={"kind": "government"}), report(certificate_sha256=None),
    ],
)  # fmt: skip
def test_everything_else_is_none(bad: dict[str, Any]) -> None:
    with pytest.raises(Problem) as refused:
        certificates.proven(bad, PAPER, CHALLENGE)
    assert (refused.value.status, refused.value.rule) == (409, "SG-06")


def test_a_file_that_was_signed_for_something_else_proves_nothing() -> None:
    other = certificates.document(certificates.new_challenge())
    with pytest.raises(Problem):
        certificates.proven(report(), other, CHALLENGE)


@pytest.mark.parametrize(("signer", "is_own", "refused"), [
    ({}, False, False), ({"personal_number": "1"}, True, False), ({"personal_number": "1"}, False, True),
    ({"tax_number": "1"}, False, True), ({"tax_number": "1"}, True, False),
])  # fmt: skip
def test_a_certificate_that_bears_somebody_elses_number_is_not_registered(
    signer: dict[str, str], is_own: bool, refused: bool
) -> None:
    signature = report(signer=signer)["signatures"][0]
    if not refused:
        certificates.must_be_own(signature, is_own=is_own)
        return
    with pytest.raises(Problem) as problem:
        certificates.must_be_own(signature, is_own=is_own)
    assert problem.value.extra["signing"] == "WRONG_SIGNER"


def test_what_ends_is_nobodys() -> None:
    now = datetime(2024, 3, 11, tzinfo=UTC)
    row = certificates.registration(
        "c-1", report()["signatures"][0], account={"_id": "acc", "person_id": "per"}, subject=None, report_id="rep",
        terms="2024", now=now,
    )  # fmt: skip
    assert row["active"] and row["fingerprint"] == "a" * 64
    certificates.end(row, now, replaced_by="c-2")
    assert not row["active"] and row["replaced_by"] == "c-2"


@pytest.mark.req("SG-09")
@pytest.mark.parametrize("answer", [False, None, "yes", 1])
def test_terms_that_are_not_accepted_stop_everything(answer: Any) -> None:
    assert signature_terms.accepted(True) in signature_terms.TERMS
    with pytest.raises(Problem) as refused:
        signature_terms.accepted(answer)
    assert (refused.value.status, refused.value.rule) == (422, "SG-09")
