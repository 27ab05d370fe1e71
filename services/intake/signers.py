"""Who signed a component: the applicant, an agency that issued it, or somebody else. Pure.

A valid signature proves that somebody signed these bytes. Only that of the applicant (owner or filer) or of an issuing
agency makes a component a signed one (domain facts §8, check 6): a form under a stranger's signature says nothing about
its applicant.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from enum import StrEnum
from typing import Any

from services.common.rules import rule
from services.common.slips import Verdict


class Signing(StrEnum):
    """A validly signed component as the desk sees it."""

    BY_APPLICANT = "SIGNED_BY_APPLICANT"
    BY_AGENCY = "SIGNED_BY_AGENCY"
    BY_ANOTHER = "SIGNED_BY_ANOTHER"
    NOT_VALID = "NOT_VALIDLY_SIGNED"


@rule("IN-03", title="Chữ ký hợp lệ phải là của người nộp, chủ hồ sơ hoặc cơ quan cấp giấy tờ",
      cites="TB 94/TB-UBND §2; NĐ 130/2018/NĐ-CP Đ9")  # fmt: skip
def whose_signature(report: Mapping[str, Any], numbers: Collection[str]) -> Signing:
    """Whose valid signature a file carries, by its report with personal numbers whole.

    `numbers` are the personal numbers of owner and filer, or an organisation's tax number, as far as identity knows
    them; a signature beside one of theirs takes nothing from it. An organisation signs with its own certificate; one
    that names an employee beside the tax number is the employee's. An agency is told by its tax number under the
    government's anchors; an officer's own certificate is no agency's.
    """
    if report.get("verdict") != Verdict.TOTAL_PASSED:
        return Signing.NOT_VALID
    signers = [
        signature.get("signer") or {}
        for signature in report.get("signatures", ())
        if signature.get("verdict") == Verdict.TOTAL_PASSED
    ]
    if any((signer.get("personal_number") or signer.get("tax_number") or "") in numbers for signer in signers):
        return Signing.BY_APPLICANT
    if any(
        signer.get("kind") == "government" and signer.get("tax_number") and not signer.get("personal_number")
        for signer in signers
    ):
        return Signing.BY_AGENCY
    return Signing.BY_ANOTHER
