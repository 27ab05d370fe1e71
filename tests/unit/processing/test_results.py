"""The release matrix: which result may leave the house, and which rule holds it back."""

from datetime import date
from typing import Any

import pytest

from services.common.rules import in_force
from services.processing import results
from services.processing.results import Fee, release_refusal
from tests.unit.processing.papers import AGENCY, SHA, report, signature

DAY = date(2024, 3, 11)
BEFORE = date(2024, 3, 3)
PAID = Fee(False)
RESULT = {"file_id": "file-1", "sha256": SHA}
OTHER = signature(tax_number="3300100025")


def refused(
    result: dict[str, Any] | None = RESULT,
    said: dict[str, Any] | None = None,
    *,
    on: date = DAY,
    steps_finished: bool = True,
    fee: Fee = PAID,
) -> str | None:
    refusal = release_refusal(result, said, tax_numbers=AGENCY, on=on, steps_finished=steps_finished, fee=fee)
    return refusal.rule if refusal else None


@pytest.mark.req("RT-01", "SG-03", "SG-04", "X-22")
@pytest.mark.parametrize(
    ("result", "said", "rule"),
    [
        (None, None, "RT-01"),
        (RESULT, None, "SG-04"),  # never checked
        (RESULT, report("NO_SIGNATURE", signatures=[]), "SG-04"),
        (RESULT, report("TOTAL_FAILED", sub_indication="HASH_FAILURE"), "SG-04"),  # tampered
        (RESULT, report("TOTAL_FAILED", sub_indication="FORMAT_FAILURE"), "SG-04"),  # wrapped, appended
        (RESULT, report("TOTAL_FAILED", sub_indication="REVOKED"), "SG-04"),
        (RESULT, report("INDETERMINATE", sub_indication="TRY_LATER"), "X-22"),  # revocation unknown
        (RESULT, report("INDETERMINATE", sub_indication="NO_CERTIFICATE_CHAIN_FOUND"), "X-22"),  # foreign CA
        (RESULT, report("TOTAL_PASSED", OTHER), "SG-03"),  # another agency
        (RESULT, report("TOTAL_PASSED", signature(kind="public")), "SG-03"),  # the number, under other anchors
        (RESULT, report("TOTAL_PASSED", signature(kind="unknown")), "SG-03"),
        (RESULT, report("TOTAL_PASSED", signature(tax_number="")), "SG-03"),  # an officer without the seal
        (RESULT, report("TOTAL_PASSED", signature(verdict="INDETERMINATE")), "SG-03"),
        (RESULT, report("TOTAL_PASSED", signatures=[]), "SG-03"),
        (RESULT, report("TOTAL_PASSED", signatures=[{"verdict": "TOTAL_PASSED", "signer": None}]), "SG-03"),
        (RESULT, report("SOMETHING_NEW"), "SG-04"),  # a word that we do not know is never "valid"
        (RESULT, report(sha256="b" * 64), "SG-04"),  # the report of other bytes
        (RESULT, report(), None),
        (RESULT, report("TOTAL_PASSED", OTHER, signature()), None),  # the last of several is the agency's own
        (RESULT, report("TOTAL_PASSED", signature(level="LTA_UPDATES")), None),  # long-term data behind it
        # Somebody signed behind the agency: what stands between the two is not the agency's word.
        (RESULT, report("TOTAL_PASSED", signature(level="FORM_FILLING"), OTHER), "SG-03"),
        (RESULT, report("TOTAL_PASSED", signature(level="FORM_FILLING"), signature(kind="public")), "SG-03"),
        (RESULT, report("TOTAL_PASSED", signature(kind="public"), signature()), "SG-03"),  # a citizen beside the agency
    ],
)
def test_release_from_the_fourth_of_march(
    result: dict[str, Any] | None, said: dict[str, Any] | None, rule: str | None
) -> None:
    assert refused(result, said) == rule
    assert refused(result, said, on=date(2024, 3, 4)) == rule
    # What refuses the bytes is said first, whatever else is missing.
    if rule is not None:
        assert refused(result, said, steps_finished=False, fee=Fee(True, 20_000)) == rule


@pytest.mark.req("RT-01")
@pytest.mark.parametrize("said", [None, report("NO_SIGNATURE", signatures=[]), report("INDETERMINATE"), report()])
@pytest.mark.parametrize("result", [None, RESULT])
def test_before_that_day_a_return_needs_no_signed_file(
    result: dict[str, Any] | None, said: dict[str, Any] | None
) -> None:
    assert refused(result, said, on=BEFORE) is None
    assert not in_force("RT-01", BEFORE)
    assert in_force("RT-01", date(2024, 3, 4))


@pytest.mark.req("RT-10")
@pytest.mark.parametrize("on", [BEFORE, DAY])
def test_a_due_fee_holds_the_result_on_any_day(on: date) -> None:
    assert refused(RESULT, report(), on=on, fee=Fee(True, 20_000)) == "RT-10"
    assert refused(RESULT, report(), on=on, fee=Fee(False, 0)) is None


@pytest.mark.req("PR-01")
@pytest.mark.parametrize("on", [BEFORE, DAY])
def test_unfinished_steps_hold_it_too(on: date) -> None:
    assert refused(RESULT, report(), on=on, steps_finished=False) == "PR-01"


@pytest.mark.req("SG-04")
def test_the_refusal_names_rule_citation_and_what_signing_said() -> None:
    said = report("TOTAL_FAILED", sub_indication="REVOKED")
    refusal = release_refusal(RESULT, said, tax_numbers=AGENCY, on=DAY, steps_finished=True, fee=PAID)
    assert refusal is not None
    document = refusal.problem().to_dict()
    assert (document["status"], document["rule"], document["citation"]) == (409, "SG-04", "CV 252/UBND-HCC §1")
    assert (document["verdict"], document["sub_indication"]) == ("TOTAL_FAILED", "REVOKED")


@pytest.mark.req("X-11")
@pytest.mark.parametrize(
    ("on", "numbers"),
    [
        (date(2024, 12, 31), {"1"}),
        (date(2025, 1, 1), {"1", "2"}),
        (date(2025, 6, 30), {"1", "2"}),
        (date(2025, 7, 1), {"2"}),
    ],
)
def test_an_agency_signs_under_the_number_of_the_day(on: date, numbers: set[str]) -> None:
    agency = {
        "identities": [
            {"tax_number": "1", "since": None, "until": "2025-06-30"},
            {"tax_number": "2", "since": "2025-01-01", "until": None},
        ]
    }
    assert results.tax_numbers_of(agency, on) == numbers


def test_the_told_number_counts_only_without_a_registered_identity() -> None:
    assert results.tax_numbers_of(None, DAY) == frozenset()
    assert results.tax_numbers_of(None, DAY, told="7") == {"7"}
    assert results.tax_numbers_of({"identities": []}, DAY, told="7") == frozenset()


@pytest.mark.req("SG-03")
@pytest.mark.parametrize(
    ("said", "standing"),
    [
        (None, "cho_kiem_tra"),
        (report(), "hop_le"),
        (report("NO_SIGNATURE", signatures=[]), "chua_hop_le"),
        (report("INDETERMINATE"), "chua_hop_le"),
        (report("TOTAL_PASSED", OTHER), "chua_hop_le"),
    ],
)
def test_an_attached_result_stands_as_its_report_says(said: dict[str, Any] | None, standing: str) -> None:
    rounds: list[dict[str, Any]] = []
    for number in (1, 2):
        rounds.append(
            results.attached(
                rounds,
                file={"file_id": "file-1", "sha256": SHA},
                report=said,
                name="Bản sao",
                tax_numbers=AGENCY,
                by="account",
                at=None,
            )  # fmt: skip
        )
        assert (rounds[-1]["round"], rounds[-1]["standing"], rounds[-1]["ready_at"]) == (number, standing, None)


@pytest.mark.req("RT-04", "KO-04")
@pytest.mark.parametrize(
    ("holder", "person", "refused"),
    [
        (None, None, False),
        ("this", None, False),  # attached anew in a later round
        ("this", "an", False),  # the vault has it already: asked again
        ("other", None, True),
        ("other", "an", True),
        (None, "an", True),
    ],
)
def test_a_paper_is_the_result_of_one_dossier(holder: str | None, person: str | None, refused: bool) -> None:
    refusal = results.foreign_refusal("this", holder=holder, person_id=person)
    assert (refusal is not None) is refused
    if refusal is not None:
        assert (refusal.problem().status, refusal.rule) == (409, "RT-04")
