"""Check records, what a new check may change, and the printed report."""

from __future__ import annotations

import base64
import os
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from services.common.worker_program import Refused
from services.signing import history, print_worker, reports
from services.signing.findings import FINDINGS
from services.signing.verdict import SignatureReport, Signer, file_report

pytestmark = pytest.mark.req("SG-01", "SG-07")

NOW = datetime(2024, 3, 11, 2, 0, tzinfo=UTC)
FONTS = Path(os.environ.get("MOTCUA_FONTS", "/usr/share/fonts/truetype/dejavu"))


def report(code: str, **signer: Any) -> dict[str, Any]:
    made = file_report(
        sha256="0" * 64, size=1, format="pdf", trust_version="t1", checked_at=NOW, received_at=NOW,
        signatures=[SignatureReport(FINDINGS[code], Signer(**signer))],
    )  # fmt: skip
    return {**made, "_id": reports.report_id(made), "report_id": reports.report_id(made)}


def test_a_record_holds_result_tool_time_and_officer():
    made = history.record(report("revoked"), file_id="f1", officer="a7", how=history.LOOKED, at=NOW)
    assert {name: made[name] for name in ("officer", "at", "tool", "verdict", "sub_indication", "code")} == {
        "officer": "a7", "at": NOW, "tool": "motcua",
        "verdict": "TOTAL_FAILED", "sub_indication": "REVOKED", "code": "revoked",
    }  # fmt: skip
    assert "signatures" not in made


def test_reading_twice_is_one_record_and_another_officer_or_report_another():
    def look(code: str, officer: str) -> str:
        made = history.record(report(code), file_id="f1", officer=officer, how=history.LOOKED, at=NOW)
        return str(made["_id"])

    assert look("passed", "a7") == look("passed", "a7")
    assert len({look("passed", "a7"), look("passed", "b8"), look("revoked", "a7")}) == 3


def test_each_command_to_check_again_is_a_record_of_its_own():
    def check(command: str) -> str:
        made = history.record(
            report("passed"), file_id="f1", officer="a7", how=history.RECHECKED, at=NOW, command=command
        )
        return str(made["_id"])

    assert check("c1") == check("c1") == history.record_id("f1", "a7", history.RECHECKED, "c1")
    assert check("c1") != check("c2")


def test_the_report_of_a_new_check_stands_beside_the_old_one():
    made = report("passed")
    assert reports.report_id(made) != reports.report_id(made, "check1") != reports.report_id(made, "check2")


@pytest.mark.parametrize(
    ("standing", "anew", "changes"),
    [
        ("passed", "passed", False),
        ("passed", "revoked", True),
        ("passed", "no_revocation_data", False),
        ("passed", "limit", False),
        ("passed", "revoked_no_poe", True),
        ("hash", "limit", False),
        ("no_revocation_data", "passed", True),
        ("no_revocation_data", "limit", True),
        ("limit", "no_revocation_data", True),
        ("no_revocation_data", "no_revocation_data", False),
    ],
)
def test_what_was_decided_is_not_given_up_for_want_of_data_or_time(standing, anew, changes):
    assert history.displaces(report(standing), report(anew)) is changes


def drawn(made):
    return base64.b64decode(print_worker.handle({"fonts": str(FONTS), "report": made})["pdf"])


@pytest.mark.skipif(not (FONTS / "DejaVuSans-Bold.ttf").exists(), reason="no fonts on this machine")
def test_a_printed_report_is_the_same_each_time_whatever_a_certificate_says():
    said = "Nguyễn <b>&\x07\u202e" + "dài " * 2000
    made = report("hash", common_name=said, organization="x" * 5000)
    pdf, again, other = (drawn(item) for item in (made, made, report("revoked")))
    assert pdf.startswith(b"%PDF-") and pdf == again and pdf != other
    with pytest.raises(Refused):
        print_worker.handle({"fonts": str(FONTS), "report": {}})
    with pytest.raises(Refused):
        print_worker.handle({"fonts": "/nowhere/else", "report": made})
