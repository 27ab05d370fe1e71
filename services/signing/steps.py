"""The checks of a signature as a clerk knows them: which one failed, which one could not be made. Pure.

A report keeps the gravest finding of each signature (`code`) and a few facts. From these the six checks of the law are
told apart, whatever release wrote the report; a check whose outcome the report does not hold is `not_known`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from services.common.rules import rule
from services.signing.findings import Verdict

PASSED, FAILED, UNDECIDED, NOT_KNOWN = "passed", "failed", "undecided", "not_known"

#: The checks in the order in which they are made, with their names.
STEPS: dict[str, tuple[str, str]] = {
    "structure": ("Cấu trúc tệp và chữ ký", "Structure of file and signature"),
    "integrity": ("Nội dung không bị sửa sau khi ký", "Content unchanged since signing"),
    "chain": ("Chứng thư do tổ chức được công nhận cấp", "Certificate of a recognised authority"),
    "usage": ("Chứng thư và thuật toán được dùng để ký", "Certificate and algorithm fit for signing"),
    "validity": ("Chứng thư còn hiệu lực tại thời điểm ký", "Certificate valid at the time of signing"),
    "revocation": ("Chứng thư chưa bị thu hồi tại thời điểm ký", "Certificate not revoked at the time of signing"),
    "time": (
        "Thời điểm ký phù hợp với dấu thời gian hoặc lúc nhận",
        "Time of signing agrees with timestamp or receipt",
    ),
}
OUTCOMES: dict[str, tuple[str, str]] = {
    PASSED: ("Đạt", "passed"),
    FAILED: ("Không đạt", "failed"),
    UNDECIDED: ("Không xác định", "cannot be determined"),
    NOT_KNOWN: ("Chưa kết luận", "no conclusion"),
}

#: Which check each finding belongs to; "" where it is about none of them or about all.
STEP_OF: dict[str, str] = {
    "passed": "",
    "no_signature": "",
    "unreadable": "structure",
    "byte_range": "structure",
    "cms_shape": "structure",
    "ambiguous": "structure",
    "hidden_signature": "structure",
    "seed_values": "structure",
    "encrypted": "structure",
    "unparsable": "structure",
    "limit": "structure",
    "unsupported": "structure",
    "partial": "structure",
    "office_information": "structure",
    "xml_dtd": "structure",
    "office_changed": "integrity",
    "hash": "integrity",
    "crypto": "integrity",
    "modified": "integrity",
    "no_chain": "chain",
    "no_signer": "chain",
    "chain_failure": "chain",
    "path_constraints": "chain",
    "chain_constraints": "usage",
    "weak": "usage",
    "not_yet_valid": "validity",
    "expired": "validity",
    "expired_no_poe": "validity",
    "revoked": "revocation",
    "revoked_ca": "revocation",
    "revoked_no_poe": "revocation",
    "revoked_ca_no_poe": "revocation",
    "on_hold": "revocation",
    "no_revocation_data": "revocation",
    "time_order": "time",
    "no_time": "time",
    "stamp_untrusted": "time",
}


@rule("SG-01", title="Kết quả từng bước kiểm tra của mỗi chữ ký", cites="TB 94/TB-UBND §2")
def checks(signature: Mapping[str, Any]) -> list[dict[str, str]]:
    """The checks of one signature of a report, each with its outcome and words in both languages."""
    outcomes = _outcomes(signature)
    return [
        {
            "check": name,
            "check_vi": vi,
            "check_en": en,
            "outcome": outcomes[name],
            "outcome_vi": OUTCOMES[outcomes[name]][0],
            "outcome_en": OUTCOMES[outcomes[name]][1],
        }
        for name, (vi, en) in STEPS.items()
    ]


def _outcomes(signature: Mapping[str, Any]) -> dict[str, str]:
    if signature["verdict"] == Verdict.TOTAL_PASSED:
        return dict.fromkeys(STEPS, PASSED)
    known = dict.fromkeys(STEPS, NOT_KNOWN)
    if signature.get("integrity_ok"):
        known["integrity"] = PASSED
    if signature.get("chain_ok"):
        known["chain"] = PASSED
    if signature.get("revocation") == "good":
        known["revocation"] = PASSED
    failed = STEP_OF.get(signature["code"], "")
    if failed:
        known[failed] = FAILED if signature["verdict"] == Verdict.TOTAL_FAILED else UNDECIDED
        if failed != "structure" and known["integrity"] == PASSED:
            known["structure"] = PASSED
    return known
