"""The table of findings: what a check can see, by our own code, and what that means in the words of ETSI and a clerk.

Statuses and sub-indications are those of ETSI EN 319 102-1 / TS 119 102-2; the Vietnamese sentence is what an officer
reads. The policy in force is POLICY; a change of any row here or of any check that produces a finding raises its
number, because reports are kept per file and policy. The table of docs/signing-policy.md says the same.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

# Version of the written policy; part of the key under which reports are stored.
POLICY = "motcua-signature-3"


class Verdict(StrEnum):
    """Status of a signature or a file. NO_SIGNATURE is not an ETSI status; it is the fourth answer of SG-07."""

    TOTAL_PASSED = "TOTAL_PASSED"
    TOTAL_FAILED = "TOTAL_FAILED"
    INDETERMINATE = "INDETERMINATE"
    NO_SIGNATURE = "NO_SIGNATURE"


VIETNAMESE = {
    Verdict.TOTAL_PASSED: "HOP_LE",
    Verdict.TOTAL_FAILED: "KHONG_HOP_LE",
    Verdict.INDETERMINATE: "KHONG_XAC_DINH",
    Verdict.NO_SIGNATURE: "KHONG_CO_CHU_KY",
}


@dataclass(frozen=True, slots=True)
class Finding:
    """One result of a check: our own code, status, ETSI sub-indication (if any) and the sentence for a clerk."""

    code: str
    verdict: Verdict
    sub_indication: str | None
    vi: str
    en: str


_Row = tuple[Verdict, str | None, str, str]


def _failed(sub: str, vi: str, en: str) -> _Row:
    return Verdict.TOTAL_FAILED, sub, vi, en


def _open(sub: str, vi: str, en: str) -> _Row:
    return Verdict.INDETERMINATE, sub, vi, en


_ROWS: dict[str, _Row] = {
    "passed": (
        Verdict.TOTAL_PASSED,
        None,
        "Chữ ký số hợp lệ tại thời điểm ký.",
        "The signature was valid at the time of signing.",
    ),
    "no_signature": (
        Verdict.NO_SIGNATURE, None, "Tệp không có chữ ký số.", "The file carries no digital signature."
    ),
    # structure and integrity: decided first, whoever signed
    "unreadable": _failed("FORMAT_FAILURE", "Tệp PDF hỏng, không đọc được.", "The PDF is broken and cannot be read."),
    "byte_range": _failed(
        "FORMAT_FAILURE",
        "Vùng được ký không bao phủ đúng toàn bộ nội dung (dấu hiệu giả mạo cấu trúc chữ ký).",
        "The signed range does not leave out exactly the signature (sign of a wrapping attack).",
    ),
    "cms_shape": _failed(
        "FORMAT_FAILURE", "Cấu trúc chữ ký số không đúng chuẩn.", "The signature container is malformed."
    ),
    "hash": _failed(
        "HASH_FAILURE", "Nội dung đã bị sửa sau khi ký.", "The content was changed after signing."
    ),
    "crypto": _failed(
        "SIG_CRYPTO_FAILURE", "Giá trị chữ ký không đúng với chứng thư số.", "The signature value is wrong."
    ),
    "modified": _failed(
        "FORMAT_FAILURE",
        "Tệp đã bị thay đổi hoặc thêm dữ liệu sau khi ký.",
        "The file was changed or extended after signing.",
    ),
    "ambiguous": _open(
        "GENERIC",
        "Cấu trúc tệp không chặt chẽ: các phần mềm khác nhau có thể hiển thị nội dung khác nhau.",
        "The file's structure is not exact: different programs may show different contents.",
    ),
    # certificate at the time of signing
    "revoked": _failed(
        "REVOKED",
        "Chứng thư số đã bị thu hồi trước thời điểm ký.",
        "The certificate had been revoked before signing.",
    ),
    "revoked_ca": _failed(
        "REVOKED",
        "Chứng thư số của tổ chức chứng thực đã bị thu hồi trước thời điểm ký.",
        "The issuing authority's certificate had been revoked before signing.",
    ),
    "revoked_no_poe": _open(
        "REVOKED_NO_POE",
        "Chứng thư số đã bị thu hồi và không có bằng chứng là ký trước khi thu hồi.",
        "The certificate is revoked and nothing proves that it was used before.",
    ),
    "revoked_ca_no_poe": _open(
        "REVOKED_CA_NO_POE",
        "Tổ chức chứng thực đã bị thu hồi và không có bằng chứng là ký trước khi thu hồi.",
        "The issuing authority is revoked and nothing proves that the signature is older.",
    ),
    "on_hold": _open(
        "TRY_LATER",
        "Chứng thư số đang bị tạm dừng tại thời điểm ký.",
        "The certificate was suspended at the time of signing.",
    ),
    "not_yet_valid": _open(
        "NOT_YET_VALID",
        "Thời điểm ký trước ngày chứng thư số có hiệu lực.",
        "The signing time is before the certificate's validity.",
    ),
    "expired": _open(
        "EXPIRED",
        "Chứng thư số đã hết hạn tại thời điểm ký.",
        "The certificate had expired at the time of signing.",
    ),
    "expired_no_poe": _open(
        "OUT_OF_BOUNDS_NO_POE",
        "Chứng thư số đã hết hạn khi nhận tệp và không có dấu thời gian chứng minh ký trước đó.",
        "The certificate had expired when the file came in, and no timestamp proves an earlier signature.",
    ),
    "no_chain": _open(
        "NO_CERTIFICATE_CHAIN_FOUND",
        "Không tìm thấy đường dẫn tin cậy tới tổ chức chứng thực được công nhận.",
        "No chain leads to a recognised authority.",
    ),
    "no_signer": _open(
        "NO_SIGNING_CERTIFICATE_FOUND",
        "Không có chứng thư số của người ký trong chữ ký.",
        "The signer's certificate is missing or does not match.",
    ),
    "chain_constraints": _open(
        "CHAIN_CONSTRAINTS_FAILURE",
        "Chứng thư số không được cấp để ký văn bản.",
        "The certificate is not meant for signing documents.",
    ),
    "path_constraints": _open(
        "CHAIN_CONSTRAINTS_FAILURE",
        "Chuỗi chứng thư số vi phạm ràng buộc: tổ chức cấp, độ dài, tên hoặc chính sách.",
        "The chain breaks a constraint: who may issue, length, names or policies.",
    ),
    "chain_failure": _open(
        "CERTIFICATE_CHAIN_GENERAL_FAILURE",
        "Không kiểm tra được chuỗi chứng thư số.",
        "The certificate chain could not be validated.",
    ),
    "weak": _open(
        "CRYPTO_CONSTRAINTS_FAILURE",
        "Thuật toán hoặc độ dài khóa không còn an toàn.",
        "The algorithm or key length is no longer safe.",
    ),
    "no_revocation_data": _open(
        "TRY_LATER",
        "Chưa có dữ liệu thu hồi để kết luận; cần kiểm tra lại.",
        "No usable revocation data yet; check again later.",
    ),
    "time_order": _open(
        "SIG_CONSTRAINTS_FAILURE",
        "Thời điểm ký ghi trong tệp sau thời điểm nhận tệp.",
        "The stated signing time lies after the moment at which the file came in.",
    ),
    "no_time": _open(
        "SIG_CONSTRAINTS_FAILURE",
        "Chữ ký không ghi thời điểm ký.",
        "The signature states no signing time.",
    ),
    "seed_values": _open(
        "SIG_CONSTRAINTS_FAILURE",
        "Chữ ký không theo điều kiện mà ô ký yêu cầu.",
        "The signature does not keep the conditions of its signature field.",
    ),
    "hidden_signature": _open(
        "SIG_CONSTRAINTS_FAILURE",
        "Tệp có chữ ký mà hệ thống không đọc được hết.",
        "The file carries a signature that could not be read.",
    ),
    "stamp_untrusted": _open(
        "NO_CERTIFICATE_CHAIN_FOUND",
        "Dấu thời gian trên tài liệu không do tổ chức cấp dấu thời gian được công nhận cấp.",
        "A timestamp over the document does not come from a recognised timestamp authority.",
    ),
    # what could not be looked at
    "encrypted": _open(
        "SIGNED_DATA_NOT_FOUND", "Tệp bị mã hóa, không kiểm tra được.", "The file is encrypted and cannot be checked."
    ),
    "unparsable": _open(
        "GENERIC",
        "Hệ thống không phân tích được chữ ký trong tệp.",
        "The signature in the file could not be analysed.",
    ),
    "limit": _open(
        "GENERIC",
        "Tệp vượt quá giới hạn kiểm tra (kích thước, số chữ ký hoặc thời gian).",
        "The file exceeds the limits of checking (size, signatures or time).",
    ),
    "partial": _open(
        "SIG_CONSTRAINTS_FAILURE",
        "Chữ ký số chỉ bao phủ một phần của tệp; phần còn lại có thể đã bị thay đổi.",
        "The signature covers a part of the file only; the rest may have been changed.",
    ),
    "office_information": _open(
        "GENERIC",
        "Tệp Office có chữ ký số; thông tin người ký chỉ để tham khảo, hãy dùng tệp PDF đã ký số.",
        "The Office file is signed; who signed is shown as information only, a signed PDF is needed.",
    ),
    "office_changed": _open(
        "GENERIC",
        "Tệp Office có chữ ký số nhưng nội dung đã bị sửa sau khi ký; hãy dùng tệp PDF đã ký số.",
        "The Office file was changed after signing; a signed PDF is needed.",
    ),
    "xml_dtd": _open(
        "GENERIC",
        "Tệp XML có khai báo kiểu tài liệu (DTD) nên không kiểm tra được an toàn.",
        "The XML has a document type and cannot be checked safely.",
    ),
    "unsupported": _open(
        "GENERIC",
        "Định dạng này có thể mang chữ ký mà hệ thống chưa kiểm tra được.",
        "This format may carry a signature that cannot be checked here.",
    ),
}  # fmt: skip

# What a check can see, by our own code; the sub-indications are ETSI's.
FINDINGS: dict[str, Finding] = {code: Finding(code, *row) for code, row in _ROWS.items()}
PASSED = FINDINGS["passed"]
NO_SIGNATURE = FINDINGS["no_signature"]
