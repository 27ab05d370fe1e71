"""Whose signature makes a component a signed one."""

from __future__ import annotations

from typing import Any

import pytest

from services.common.problems import Problem
from services.intake import guidance
from services.intake.signers import Signing, whose_signature

pytestmark = pytest.mark.req("IN-03", "SG-02")

AN, CHI = "046190000123", "046195000789"


def by(number: str | None = None, tax: str | None = None, kind: str = "public", verdict: str = "TOTAL_PASSED") -> Any:
    return {"verdict": verdict, "signer": {"personal_number": number, "tax_number": tax, "kind": kind}}


def report(*signatures: Any, verdict: str = "TOTAL_PASSED") -> dict[str, Any]:
    return {"verdict": verdict, "signatures": list(signatures)}


@pytest.mark.parametrize(
    ("signatures", "numbers", "expected"),
    [
        ([by(AN)], {AN}, Signing.BY_APPLICANT),
        ([by(CHI), by(AN)], {AN}, Signing.BY_APPLICANT),
        ([by(CHI)], {AN, CHI}, Signing.BY_APPLICANT),  # the filer, on the owner's behalf
        ([by(CHI)], {AN}, Signing.BY_ANOTHER),
        ([by(CHI)], set(), Signing.BY_ANOTHER),
        ([by(None)], {AN}, Signing.BY_ANOTHER),
        ([by(tax="3300100018", kind="government")], {AN}, Signing.BY_AGENCY),
        ([by(tax="3300100018", kind="public")], {AN}, Signing.BY_ANOTHER),
        ([by(CHI, tax="3300100018", kind="government")], {AN}, Signing.BY_ANOTHER),
        ([by(tax="3300100018", kind="public")], {"3300100018"}, Signing.BY_APPLICANT),  # an organisation's own
        ([by(CHI, tax="3300100018", kind="public")], {"3300100018"}, Signing.BY_ANOTHER),  # its employee's
        ([by(tax="3300100018-001", kind="public")], {"3300100018"}, Signing.BY_ANOTHER),  # its branch's
        ([by(CHI, kind="government")], {AN}, Signing.BY_ANOTHER),
        ([], {AN}, Signing.BY_ANOTHER),
    ],
)
def test_whose(signatures: list[Any], numbers: set[str], expected: Signing) -> None:
    assert whose_signature(report(*signatures), numbers) is expected


@pytest.mark.parametrize("verdict", ["TOTAL_FAILED", "INDETERMINATE", "NO_SIGNATURE"])
def test_an_invalid_file_is_signed_by_nobody(verdict: str) -> None:
    assert whose_signature(report(by(AN), verdict=verdict), {AN}) is Signing.NOT_VALID


@pytest.mark.parametrize("whose", Signing)
def test_paper_is_refused_for_the_applicants_and_an_agencys_signature_only(whose: Signing) -> None:
    component = {"component": "don"}
    if whose in (Signing.BY_APPLICANT, Signing.BY_AGENCY):
        with pytest.raises(Problem) as refused:
            guidance.refuse_paper(component, "TOTAL_PASSED", whose)
        assert (refused.value.status, refused.value.rule) == (409, "IN-03")
        assert refused.value.extra["signing"] == whose.value
    else:
        guidance.refuse_paper(component, "TOTAL_PASSED", whose)
