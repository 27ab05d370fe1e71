"""What is shown of a dossier's components."""

from __future__ import annotations

from typing import Any

import pytest

from services.common.expected_signer import TEXT, Signing
from services.intake import progress, views


def shown(verdict: str | None, signings: dict[str, Signing]) -> dict[str, Any]:
    entry = {"component": "don", "name_vi": "Đơn", "name_en": "Form", "phai_ky_so": True}
    dossier = {
        "_id": "000.05.07.H57-240311-0001", "state": "REGISTERED", "fixed": {"components": [entry]},
        "versions": [{"components": [{"component": "don", "file_id": "f", "sha256": "0"}]}],
    }  # fmt: skip
    verdicts = {"f": {"verdict": verdict, "report_id": "r"}} if verdict else {}
    return views.components(dossier, progress.empty(dossier["_id"]), verdicts, signings)[0]


@pytest.mark.req("IN-03")
def test_a_valid_signature_says_whose_it_is_or_that_this_was_not_looked_at() -> None:
    open_row = shown("TOTAL_PASSED", {})
    assert open_row["signing"] is None
    assert "chưa đối chiếu người ký" in open_row["signing_vi"] and "not been compared" in open_row["signing_en"]
    wrong = shown("TOTAL_PASSED", {"f": Signing.WRONG_SIGNER})
    assert (wrong["signing"], wrong["signing_vi"], wrong["signing_en"]) == ("WRONG_SIGNER", *TEXT[Signing.WRONG_SIGNER])
    for verdict in (None, "INDETERMINATE", "TOTAL_FAILED", "NO_SIGNATURE"):
        row = shown(verdict, {})
        assert (row["verdict"], row["signing"], row["signing_vi"]) == (verdict, None, None)
