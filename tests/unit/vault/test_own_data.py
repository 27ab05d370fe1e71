"""Data of one's own come into the store under the owner's valid signature, and under no other."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from services.common.expected_signer import Holder, Signing
from services.vault import own_data
from services.vault.own_data import State

NOW = datetime(2024, 3, 11, tzinfo=UTC)
FILE = {"_id": "f" * 32, "sha256": "a" * 64}


@pytest.mark.req("SG-08", "KO-08", "X-22")
@pytest.mark.parametrize("signing", Signing)
def test_only_the_owners_valid_signature_lets_in_and_an_open_one_waits(signing: Signing) -> None:
    expected = {Signing.BY_OWNER: State.ACCEPTED, Signing.INDETERMINATE: State.HELD}
    assert own_data.state_of(signing) is expected.get(signing, State.REFUSED)


@pytest.mark.req("SG-08")
@pytest.mark.parametrize("signing", [Signing.NO_SIGNATURE, Signing.TOTAL_FAILED, Signing.WRONG_SIGNER])
def test_a_refusal_says_what_was_said_of_the_file(signing: Signing) -> None:
    problem = own_data.refusal(signing, {"verdict": "TOTAL_PASSED", "reason_vi": "…"})
    assert (problem.status, problem.rule, problem.extra["signing"]) == (409, "SG-08", signing.value)


@pytest.mark.req("SG-08")
def test_a_report_about_other_bytes_decides_nothing() -> None:
    signature = {"verdict": "TOTAL_PASSED", "signer": {"kind": "public"}}
    report = {"verdict": "TOTAL_PASSED", "sha256": FILE["sha256"], "signatures": [signature]}
    owner = [Holder(frozenset({"per-1"}))]
    assert own_data.signing_of(report, FILE["sha256"], owner, "per-1") is Signing.BY_OWNER
    assert own_data.signing_of(report, "b" * 64, owner, "per-1") is Signing.INDETERMINATE
    assert own_data.signing_of(report, FILE["sha256"], owner, "per-2") is Signing.WRONG_SIGNER


@pytest.mark.req("KO-08")
def test_the_same_bytes_are_one_holding_of_kind_e_that_belongs_to_no_dossier() -> None:
    made = own_data.holding(FILE, owner="per-1", report_id="rep", terms="2024", now=NOW)
    assert (made["kind"], made["code"], made["_id"]) == ("e", None, own_data.holding_id("per-1", FILE["sha256"]))
    assert own_data.holding_id("per-2", FILE["sha256"]) != made["_id"]
