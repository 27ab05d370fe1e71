"""Who must have signed a file, by its role, and whether they did."""

from __future__ import annotations

from typing import Any

import pytest

from services.common import expected_signer
from services.common.expected_signer import Holder, Signing

OWNER, FILER, OTHER = Holder(frozenset({"per-owner"})), Holder(frozenset({"per-filer"})), Holder()
OFFICER = Holder(officer=True)
SEAL = "3300100018"
#: Numbers of certificates; whose they are say the holders.
NUMBER = "046190000123"


def by(number: str | None = NUMBER, tax: str | None = None, kind: str = "public", verdict: str = "TOTAL_PASSED",
       **more: Any) -> Any:  # fmt: skip
    signer = {"personal_number": number, "tax_number": tax, "kind": kind}
    return {"verdict": verdict, "signer": signer, "covers_whole_document": True, **more}


EARLIER = {"covers_whole_document": False, "modification_level": "FORM_FILLING"}


def report(*signatures: Any, verdict: str = "TOTAL_PASSED") -> dict[str, Any]:
    return {"verdict": verdict, "signatures": list(signatures)}


AGENCY = by(None, SEAL, "government", covers_whole_document=True)


@pytest.mark.req("IN-03", "SG-02", "SG-10")
@pytest.mark.parametrize(
    ("signatures", "holders", "expected"),
    [
        ([by()], [OWNER], Signing.BY_APPLICANT),
        ([by(**EARLIER), by()], [OTHER, OWNER], Signing.BY_APPLICANT),
        ([by(**EARLIER), by()], [OWNER, OTHER], Signing.WRONG_SIGNER),  # what the other drew is not hers
        ([by(None, SEAL, "government", **EARLIER), by()], [OTHER, OTHER], Signing.WRONG_SIGNER),
        ([by()], [FILER], Signing.BY_APPLICANT),  # on the owner's behalf
        ([by()], [OTHER], Signing.WRONG_SIGNER),
        ([by(None)], [OTHER], Signing.WRONG_SIGNER),
        ([by(None)], [OWNER], Signing.BY_APPLICANT),  # a certificate that she registered (SG-06)
        ([AGENCY], [OTHER], Signing.BY_AGENCY),
        ([by(None, SEAL, "public")], [OTHER], Signing.WRONG_SIGNER),  # says so itself
        ([by(NUMBER, SEAL, "government")], [OFFICER], Signing.WRONG_SIGNER),  # an officer's own is no agency's
        ([by(NUMBER, kind="government")], [OFFICER], Signing.WRONG_SIGNER),
        ([by(), by()], [OTHER], Signing.WRONG_SIGNER),  # a holder is missing
        ([], [], Signing.WRONG_SIGNER),
    ],
)
def test_a_component_is_the_applicants_or_an_agencys(signatures: Any, holders: Any, expected: Signing) -> None:
    assert expected_signer.component(report(*signatures), holders, {"per-owner", "per-filer"}) is expected
    assert expected.is_right == (expected is not Signing.WRONG_SIGNER)


@pytest.mark.req("MO-03", "MO-06", "MO-08", "MO-10", "SG-05")
@pytest.mark.parametrize(
    ("signatures", "holders", "expected"),
    [
        ([by(kind="government")], [OFFICER], Signing.BY_OFFICER),
        ([AGENCY], [OTHER], Signing.BY_AGENCY),
        ([by(kind="public", **EARLIER), by(kind="government")], [OTHER, OFFICER], Signing.BY_OFFICER),
        ([by(kind="government", **EARLIER), AGENCY], [OFFICER, OTHER], Signing.BY_AGENCY),
        # somebody else signed last: what stands in his field is not the unit's word
        ([by(kind="government", **EARLIER), by()], [OFFICER, OTHER], Signing.WRONG_SIGNER),
        ([by(kind="government")], [OTHER], Signing.WRONG_SIGNER),  # an officer of another unit
        ([by(None, "3300100025", "government")], [OTHER], Signing.WRONG_SIGNER),  # another unit's seal
        ([by(None, SEAL, "public")], [OTHER], Signing.WRONG_SIGNER),
        ([by(NUMBER, SEAL, "government")], [OTHER], Signing.WRONG_SIGNER),  # the organisation is not enough
        ([by(kind="public")], [OFFICER], Signing.WRONG_SIGNER),  # the officer's private certificate
        ([by(None, kind="government")], [OFFICER], Signing.WRONG_SIGNER),  # names nobody
        ([], [], Signing.WRONG_SIGNER),
    ],
)
def test_a_slip_is_the_units(signatures: Any, holders: Any, expected: Signing) -> None:
    assert expected_signer.slip(report(*signatures), holders, [SEAL]) is expected


@pytest.mark.req("SG-03", "SG-04", "RT-02")
@pytest.mark.parametrize(
    ("signatures", "expected"),
    [
        ([AGENCY], Signing.BY_AGENCY),
        ([by(None, SEAL, "government", covers_whole_document=False, modification_level="LTA_UPDATES")],
         Signing.BY_AGENCY),
        ([by(kind="government"), AGENCY], Signing.BY_AGENCY),  # the official first, then the seal
        ([by(None, SEAL, "government", **EARLIER), by(kind="government")],
         Signing.WRONG_SIGNER),  # the agency did not sign last
        ([by(), AGENCY], Signing.WRONG_SIGNER),  # a citizen beside it
        ([by(None, "3300100025", "government", covers_whole_document=True)], Signing.WRONG_SIGNER),
        ([by(None, SEAL, "public", covers_whole_document=True)], Signing.WRONG_SIGNER),
        ([], Signing.WRONG_SIGNER),
    ],
)  # fmt: skip
def test_a_result_is_the_competent_agencys_and_it_signs_last(signatures: Any, expected: Signing) -> None:
    assert expected_signer.result(report(*signatures), {SEAL}) is expected
    assert expected_signer.result(report(*signatures), frozenset()) is Signing.WRONG_SIGNER


@pytest.mark.req("SG-08", "KO-08")
@pytest.mark.parametrize(
    ("signatures", "holders", "expected"),
    [
        ([by()], [OWNER], Signing.BY_OWNER),
        ([by(), by()], [OWNER, OWNER], Signing.BY_OWNER),
        ([by(), by()], [OWNER, OTHER], Signing.WRONG_SIGNER),  # the owner alone
        ([by()], [FILER], Signing.WRONG_SIGNER),
        ([AGENCY], [OTHER], Signing.WRONG_SIGNER),
        ([], [], Signing.WRONG_SIGNER),
    ],
)
def test_own_data_are_the_owners_alone(signatures: Any, holders: Any, expected: Signing) -> None:
    assert expected_signer.own(report(*signatures), holders, "per-owner") is expected


@pytest.mark.req("SG-07", "X-22")
@pytest.mark.parametrize("verdict", ["TOTAL_FAILED", "INDETERMINATE", "NO_SIGNATURE"])
def test_what_is_not_valid_is_told_as_it_is_whoever_signed(verdict: str) -> None:
    bad = report(AGENCY, verdict=verdict)
    answers = {
        expected_signer.component(bad, [OWNER], {"per-owner"}),
        expected_signer.slip(bad, [OFFICER], [SEAL]),
        expected_signer.result(bad, {SEAL}),
        expected_signer.own(bad, [OWNER], "per-owner"),
    }
    assert answers == {Signing(verdict)} and not Signing(verdict).is_right


@pytest.mark.req("SG-07")
def test_a_word_that_nobody_knows_is_no_valid_one() -> None:
    assert expected_signer.own(report(AGENCY, verdict="PROBABLY"), [OWNER], "per-owner") is Signing.INDETERMINATE


def test_a_signature_that_did_not_pass_counts_for_nobody() -> None:
    """The file's verdict says so already; a report that contradicts itself gives nothing away either."""
    odd = report(by(verdict="INDETERMINATE"))
    assert expected_signer.component(odd, [OWNER], {"per-owner"}) is Signing.WRONG_SIGNER
    assert expected_signer.own(odd, [OWNER], "per-owner") is Signing.WRONG_SIGNER


def test_every_word_has_a_sentence() -> None:
    assert all(all(word.text) for word in Signing)
