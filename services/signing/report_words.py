"""A report in words for a clerk and a court: what the national check page shows, one block per signature. Pure.

Each line is a Vietnamese label, an English one, and what stands there (Vietnamese first, where it is a word).
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, NamedTuple

from services.common.calendar import VIETNAM
from services.signing import reports, steps
from services.signing.findings import Verdict

VERDICTS: dict[str, tuple[str, str]] = {
    Verdict.TOTAL_PASSED: ("HỢP LỆ", "valid"),
    Verdict.TOTAL_FAILED: ("KHÔNG HỢP LỆ", "not valid"),
    Verdict.INDETERMINATE: ("KHÔNG XÁC ĐỊNH", "cannot be determined"),
    Verdict.NO_SIGNATURE: ("KHÔNG CÓ CHỮ KÝ SỐ", "no signature"),
}
_REVOCATION = {
    "good": ("chưa bị thu hồi", "not revoked"),
    "revoked": ("đã bị thu hồi", "revoked"),
    "unknown": ("chưa xác định", "unknown"),
}
_REASONS = {
    "key_compromise": "lộ khóa",
    "ca_compromise": "lộ khóa của tổ chức cấp",
    "affiliation_changed": "thay đổi thông tin chủ thể",
    "superseded": "đã cấp chứng thư thay thế",
    "cessation_of_operation": "ngừng sử dụng",
    "certificate_hold": "tạm dừng",
    "privilege_withdrawn": "thu hồi quyền",
    "aa_compromise": "lộ khóa của tổ chức thuộc tính",
}
_TIME_BASIS = {
    "timestamp": ("theo dấu thời gian", "by timestamp"),
    "receipt": ("không ghi, lấy lúc nhận tệp", "not stated, held to be that of the receipt"),
    "claimed+receipt": (
        "do người ký ghi, đối chiếu lúc nhận tệp",
        "as the signer states, held against the receipt of the file",
    ),
}
_KINDS = {
    "public": ("chữ ký số công cộng", "public authority"),
    "government": ("chữ ký số chuyên dùng công vụ", "government authority"),
    "timestamp": ("cấp dấu thời gian", "timestamp authority"),
    "unknown": ("không rõ tổ chức cấp", "unknown authority"),
}
_FORMATS = {
    "pdf": ("PDF", "PDF"),
    "xml": ("XML", "XML"),
    "ooxml": ("Office (OOXML)", "Office (OOXML)"),
    "other": ("loại khác", "other"),
}


class Line(NamedTuple):
    """One line of a block."""

    vi: str
    en: str
    value: str


def verdict(word: str) -> str:
    """A verdict in both languages."""
    return both(VERDICTS.get(word, (word, word)))


def both(pair: tuple[str, str]) -> str:
    return pair[0] if pair[0] == pair[1] else f"{pair[0]} / {pair[1]}"


def moment(text: str | None) -> str:
    """A time of a report as it is said here: day first, in Vietnam's zone."""
    if not text:
        return "–"
    return f"{datetime.fromisoformat(text).astimezone(VIETNAM):%d/%m/%Y %H:%M:%S} (+07:00)"


def about_file(report: Mapping[str, Any]) -> list[Line]:
    """The file and how it was checked."""
    lines = [
        Line("Kết luận", "Verdict", f"{verdict(report['verdict'])} [{_code(report)}]"),
        Line("Lý do", "Reason", f"{report['reason_vi']} / {report['reason_en']}"),
        Line("Số chữ ký", "Signatures", str(len(report["signatures"])) if report["code"] != "limit" else "–"),
        Line("Định dạng", "Format", both(_FORMATS.get(report["format"], (report["format"],) * 2))),
        Line("Kích thước", "Size", f"{report['size']} byte"),
        Line("Mã băm SHA-256", "SHA-256", report["sha256"] or "–"),
        Line("Nhận lúc", "Received", moment(report["received_at"])),
        Line("Kiểm tra lúc", "Checked", moment(report["checked_at"])),
        Line("Chính sách", "Policy", report["policy"]),
        Line("Phiên bản kho tin cậy", "Trust store", report["trust_version"]),
    ]
    if report["signatures"]:
        lines.append(Line("Phạm vi", "Scope", both(reports.SCOPE)))
    return lines


def about_signature(signature: Mapping[str, Any]) -> list[Line]:
    """One signature: conclusion, signer, certificate, integrity, revocation, time; what is unknown is a dash."""
    signer = signature["signer"]
    basis = both(_TIME_BASIS.get(signature["time_basis"], (signature["time_basis"],) * 2))
    revocation = both(_REVOCATION.get(signature["revocation"], (signature["revocation"],) * 2))
    if signature.get("revoked_at"):
        revocation += f", {moment(signature['revoked_at'])}{_reason(signature.get('revocation_reason'))}"
    return [
        Line("Kết luận", "Verdict", f"{verdict(signature['verdict'])} [{_code(signature)}]"),
        Line("Lý do", "Reason", f"{signature['reason_vi']} / {signature['reason_en']}"),
        Line("Người ký", "Signer", _signer(signer)),
        Line("Loại chứng thư", "Kind", both(_KINDS.get(signer["kind"], (signer["kind"],) * 2))),
        Line("Tổ chức cấp", "Issuer", signature["issuer"] or "–"),
        Line("Số chứng thư", "Serial", signature["serial"] or "–"),
        Line("Hiệu lực từ", "Valid from", moment(signature["not_before"])),
        Line("Hiệu lực đến", "Valid until", moment(signature["not_after"])),
        Line("Thời điểm ký", "Signed", f"{moment(signature['signing_time'])}, {basis}"),
        Line("Dấu thời gian", "Timestamp", "có / yes" if signature["timestamped"] else "không / no"),
        Line("Thu hồi", "Revocation", revocation),
        Line("Dữ liệu thu hồi", "Revocation data", _sources(signature)),
        Line("Mức chữ ký", "Level", str(signature.get("level") or "–")),
        Line("Thuật toán", "Algorithm", signature["algorithm"] or "–"),
    ]


def about_checks(signature: Mapping[str, Any]) -> list[Line]:
    """Which check passed and which did not."""
    return [
        Line(item["check_vi"], item["check_en"], f"{item['outcome_vi']} / {item['outcome_en']}")
        for item in steps.checks(signature)
    ]


def _reason(word: str | None) -> str:
    return f" ({_REASONS.get(word, word)} / {word})" if word else ""


def _sources(signature: Mapping[str, Any]) -> str:
    found = [f"SHA-256 {source[:16]}…" for source in signature.get("revocation_sources", ())]
    return ", ".join(found) or "–"


def _signer(signer: Mapping[str, Any]) -> str:
    parts = [signer.get("common_name"), signer.get("organization")]
    if signer.get("personal_number"):
        parts.append(f"số định danh {signer['personal_number']}")
    if signer.get("tax_number"):
        parts.append(f"MST {signer['tax_number']}")
    return ", ".join(part for part in parts if part) or "–"


def _code(item: Mapping[str, Any]) -> str:
    sub = item["sub_indication"]
    return f"{item['verdict']}{f' / {sub}' if sub else ''}, {item['code']}"
