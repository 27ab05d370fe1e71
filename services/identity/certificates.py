"""Certificates that an account's owner registers (SG-06): what a proof must be, and what is kept of one. Pure.

A certificate without a personal number names nobody whom this system knows. Its owner proves to hold its key by signing
a document that this system has just made for that account, and by a code to the account's phone; from then on what is
signed with it is the owner's. One that bears somebody's number is that person's, whoever brings it.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from services.common import problems
from services.common.expected_signer import Signing, verdict_of
from services.common.problems import Problem
from services.common.rules import rule

_CITES = "TB 94/TB-UBND (hướng dẫn 3, 4)"
#: None of these letters stands in a hexadecimal string: a challenge cannot hide in the signature's own gap.
_LETTERS = "GHJKLMNPQRSTVWXYZ"
_LENGTH = 30

Certificate = dict[str, Any]


def new_challenge() -> str:
    """What the signed document must contain: about 120 bits that nobody can have signed before."""
    return "MC" + "".join(secrets.choice(_LETTERS) for _ in range(_LENGTH))


def document(challenge: str) -> bytes:
    """The PDF that is to be signed, with the challenge in clear. Signing programs add to it or write it anew."""
    lines = (
        "MOT CUA - DANG KY CHUNG THU SO / REGISTER A CERTIFICATE",
        "Toi dang ky chung thu so dung de ky tep nay cho tai khoan cua minh.",
        "I register the certificate with which I sign this file for my account.",
        f"Ma / Challenge: {challenge}",
    )
    text = b" ".join(b"1 0 0 1 56 %d Tm (%s) Tj" % (780 - 22 * n, line.encode()) for n, line in enumerate(lines))
    stream = b"BT /F1 11 Tf " + text + b" ET"
    objects = (
        b"<< /Type /Catalog /Pages 2 0 R >>",
        b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
        b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Contents 4 0 R"
        b" /Resources << /Font << /F1 5 0 R >> >> >>",
        b"<< /Length %d >>\nstream\n" % len(stream) + stream + b"\nendstream",
        b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>",
        b"<< /Title (Dang ky chung thu so) /Keywords (%s) >>" % challenge.encode(),
    )
    out = bytearray(b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n")
    places = []
    for number, content in enumerate(objects, start=1):
        places.append(len(out))
        out += b"%d 0 obj\n" % number + content + b"\nendobj\n"
    table = len(out)
    out += b"xref\n0 %d\n0000000000 65535 f \n" % (len(objects) + 1)
    out += b"".join(b"%010d 00000 n \n" % place for place in places)
    out += b"trailer\n<< /Size %d /Root 1 0 R /Info %d 0 R >>\n" % (len(objects) + 1, len(objects))
    return bytes(out + b"startxref\n%d\n%%%%EOF\n" % table)


@rule("SG-06", title="Đăng ký chứng thư số phải chứng minh nắm giữ khóa", cites=_CITES)
def proven(report: Mapping[str, Any], data: bytes, challenge: str) -> Mapping[str, Any]:
    """The one signature that proves possession: valid, alone, of the public anchors, over the whole file with the
    challenge in it. Raises Problem 409."""
    decided = verdict_of(report)
    if decided is not None:
        raise _refused(*_NOT_VALID[decided], signing=decided, report=report)
    signatures = list(report["signatures"])
    if len(signatures) != 1 or not signatures[0].get("covers_whole_document"):
        raise _refused(
            "Tệp chứng minh phải có đúng một chữ ký số bao trùm toàn bộ tệp",
            "The proof must carry exactly one signature, over the whole file",
        )
    signature: Mapping[str, Any] = signatures[0]
    if signature["signer"]["kind"] != "public":
        raise _refused(
            "Chỉ đăng ký chứng thư của tổ chức chứng thực chữ ký số công cộng",
            "Only certificates of public certification authorities are registered",
        )
    if challenge.encode() not in data or not signature.get("certificate_sha256"):
        raise _refused(
            "Tệp được ký không phải là tệp vừa cấp để đăng ký",
            "The signed file is not the one that was given for this registration",
        )
    return signature


_NOT_VALID = {
    Signing.NO_SIGNATURE: ("Tệp chưa được ký số", "The file is not signed"),
    Signing.TOTAL_FAILED: ("Chữ ký số của tệp không hợp lệ", "The signature of the file is not valid"),
    Signing.INDETERMINATE: (
        "Chưa xác định được chữ ký số của tệp; hãy thử lại sau",
        "The signature of the file cannot be determined; try again later",
    ),
}


@rule("SG-06", title="Chứng thư mang số định danh của người khác không đăng ký được", cites=_CITES)
def must_be_own(signature: Mapping[str, Any], *, is_own: bool) -> None:
    """Raises Problem 409 for a certificate that names somebody else; one without a number names nobody."""
    signer = signature["signer"]
    if (signer.get("personal_number") or signer.get("tax_number")) and not is_own:
        raise _refused(
            "Chứng thư số mang số định danh của người khác",
            "The certificate bears somebody else's number",
            signing=Signing.WRONG_SIGNER,
        )


@rule("SG-06", title="Mỗi chứng thư số chỉ thuộc một tài khoản tại một thời điểm", cites=_CITES)
def taken() -> Problem:
    """409: another account has registered it."""
    return _refused(
        "Chứng thư số này đang thuộc một tài khoản khác", "This certificate belongs to another account at present"
    )


def not_normalized() -> Problem:
    """409: whose certificate it would be is not confirmed."""
    return _refused("Hãy chuẩn hóa tài khoản trước", "Normalize the account first")


def registration(
    row_id: str, signature: Mapping[str, Any], *, account: Mapping[str, Any], subject: str | None, report_id: str,
    terms: str, now: datetime,
) -> Certificate:  # fmt: skip
    """What is kept; `subject` is the sealed name in the certificate."""
    return {
        "_id": row_id,
        "fingerprint": signature["certificate_sha256"],
        "active": True,
        "account_id": account["_id"],
        "person_id": account["person_id"],
        "subject": subject,
        **{name: signature.get(name) for name in ("issuer", "serial", "not_before", "not_after")},
        "report_id": report_id,
        "terms": terms,
        "registered_at": now,
        "removed_at": None,
        "replaced_by": None,
    }


def end(row: Certificate, now: datetime, *, replaced_by: str | None = None) -> None:
    """From now on the certificate is nobody's; what was signed and accepted before stays as it was."""
    row.update(active=False, removed_at=now, replaced_by=replaced_by)


def _refused(vi: str, en: str, *, signing: Signing | None = None, report: Mapping[str, Any] | None = None) -> Problem:
    extra: dict[str, Any] = {"signing": signing.value} if signing else {}
    if report is not None:
        extra |= {name: report[name] for name in ("verdict", "sub_indication", "reason_vi", "reason_en")
                  if report.get(name) is not None}  # fmt: skip
    return problems.conflict(vi, en, rule="SG-06", citation=_CITES, extra=extra)
