"""Who must have signed a file, by the role it plays, and whether they did. Pure; the one place where signers are
compared with anybody.

A report says that a signature is valid and what its certificate names; it says nothing about whether the right one
signed. That depends on what the file is (domain facts §8): a component of a dossier, a slip, a result, data of one's
own. The report comes with the personal numbers that signing read; whose they are is known to identity alone
(`holders`, from identity.signers), so that no room compares numbers with numbers it keeps.

    verdict of the file not TOTAL_PASSED -> that verdict, whoever signed
    valid, by whom it must be            -> SIGNED_BY_…
    valid, by somebody else              -> WRONG_SIGNER
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import Any

from services.common.rules import rule
from services.common.slips import MONITORED_SINCE, Verdict

#: CV 252/UBND-HCC §1: the signed result is mandatory from this business day.
RESULT_SIGNED_SINCE = date(2024, 3, 4)

_S0 = "TB 94/TB-UBND"
_LAW = "NĐ 130/2018/NĐ-CP Đ9"
_GOVERNMENT = "government"

Report = Mapping[str, Any]
Signature = Mapping[str, Any]


class Signing(StrEnum):
    """Whose valid signature a file carries; the last three are the file's verdict as it is."""

    BY_APPLICANT = "SIGNED_BY_APPLICANT"
    BY_AGENCY = "SIGNED_BY_AGENCY"
    BY_OFFICER = "SIGNED_BY_OFFICER"
    BY_OWNER = "SIGNED_BY_OWNER"
    WRONG_SIGNER = "WRONG_SIGNER"
    TOTAL_FAILED = "TOTAL_FAILED"
    INDETERMINATE = "INDETERMINATE"
    NO_SIGNATURE = "NO_SIGNATURE"

    @property
    def is_right(self) -> bool:
        """Whether the file is validly signed by whom it must be."""
        return self in _RIGHT

    @property
    def text(self) -> tuple[str, str]:
        """A sentence that a clerk understands, Vietnamese and English."""
        return TEXT[self]


_RIGHT = frozenset({Signing.BY_APPLICANT, Signing.BY_AGENCY, Signing.BY_OFFICER, Signing.BY_OWNER})

TEXT: dict[Signing, tuple[str, str]] = {
    Signing.BY_APPLICANT: (
        "Người nộp hoặc chủ hồ sơ đã ký số hợp lệ: không được yêu cầu bản giấy.",
        "Validly signed by the applicant: paper may not be demanded.",
    ),
    Signing.BY_AGENCY: (
        "Cơ quan nhà nước đã ký số hợp lệ: không được yêu cầu bản giấy.",
        "Validly signed by an agency: paper may not be demanded.",
    ),
    Signing.BY_OFFICER: (
        "Cán bộ hoặc cơ quan của đơn vị đã ký số hợp lệ.",
        "Validly signed by an officer of the unit or with its seal.",
    ),
    Signing.BY_OWNER: ("Chủ dữ liệu đã ký số hợp lệ.", "Validly signed by the owner of the data."),
    Signing.WRONG_SIGNER: (
        "Chữ ký số hợp lệ nhưng không phải của người phải ký: tệp chỉ có giá trị như bản chụp.",
        "The signature is valid, but not that of whoever must sign: the file counts as a plain copy.",
    ),
    Signing.TOTAL_FAILED: (
        "Chữ ký số không hợp lệ: tệp chỉ có giá trị như bản chụp.",
        "The signature is not valid: the file counts as a plain copy.",
    ),
    Signing.INDETERMINATE: (
        "Chưa xác định được chữ ký số: không coi là hợp lệ.",
        "The signature cannot be determined: it does not count as valid.",
    ),
    Signing.NO_SIGNATURE: (
        "Tệp không có chữ ký số: tệp chỉ có giá trị như bản chụp.",
        "The file is not signed: it counts as a plain copy.",
    ),
}


@dataclass(frozen=True, slots=True)
class Holder:
    """Whose certificate one signature was made with, among those that identity was asked about."""

    persons: frozenset[str] = frozenset()
    officer: bool = False


NOBODY = Holder()


def questions(report: Report) -> list[dict[str, str | None]]:
    """What identity is asked of each signature: the numbers of its certificate and the certificate itself."""
    return [
        {
            "personal_number": (signature.get("signer") or {}).get("personal_number"),
            "tax_number": (signature.get("signer") or {}).get("tax_number"),
            "certificate_sha256": signature.get("certificate_sha256"),
        }
        for signature in report.get("signatures", ())
    ]


def verdict_of(report: Report) -> Signing | None:
    """The verdict as the answer, where it is no valid one; None where whose signature it is decides."""
    verdict = report.get("verdict")
    if verdict == Verdict.TOTAL_PASSED:
        return None
    return Signing(verdict) if verdict in _AS_IT_IS else Signing.INDETERMINATE


_AS_IT_IS = frozenset({"TOTAL_FAILED", "INDETERMINATE", "NO_SIGNATURE"})


@rule(
    "IN-03", title="Chữ ký hợp lệ phải là của người nộp, chủ hồ sơ hoặc cơ quan cấp giấy tờ", cites=f"{_S0} §2; {_LAW}"
)
@rule("SG-02", title="Chỉ chữ ký của người nộp, chủ hồ sơ hoặc cơ quan cấp mới thay bản giấy", cites=f"{_S0} §2")
@rule("SG-10", title="Bản điện tử ký số thay bản giấy khi đúng người ký", cites="CV 2658/UBND-CNTT §4")
def component(report: Report, holders: Sequence[Holder], applicants: Collection[str]) -> Signing:
    """Whose signature a component carries. `applicants`: person ids of the owner, and of the filer where he is an
    applicant.

    Who signed last answers for what is shown, so it must be one of them: somebody else behind them may have drawn over
    the page. An issuing agency is told by its tax number under the government's anchors; an officer's own certificate
    is no agency's.
    """
    decided = verdict_of(report)
    if decided is not None:
        return decided
    last = [(signature, holder) for signature, holder in _valid(report, holders) if _is_last(signature)]
    if any(not holder.persons.isdisjoint(applicants) for _, holder in last):
        return Signing.BY_APPLICANT
    if any(_is_seal(signature) for signature, _ in last):
        return Signing.BY_AGENCY
    return Signing.WRONG_SIGNER


@rule("SG-05", title="Phiếu phải do cán bộ của đơn vị hoặc con dấu của đơn vị ký số", cites="CV 252/UBND-HCC §2",
      since=MONITORED_SINCE)  # fmt: skip
@rule("MO-03", title="File hướng dẫn phải do cán bộ hoặc cơ quan của đơn vị ký số", cites="CV 252/UBND-HCC, phụ lục",
      since=MONITORED_SINCE)  # fmt: skip
@rule("MO-06", title="File hướng dẫn lần 2 phải do đơn vị ký số", cites="CV 252/UBND-HCC, phụ lục",
      since=MONITORED_SINCE)  # fmt: skip
@rule("MO-08", title="File yêu cầu bổ sung phải do đơn vị ký số", cites="CV 252/UBND-HCC, phụ lục",
      since=MONITORED_SINCE)  # fmt: skip
@rule("MO-10", title="File yêu cầu bổ sung lần 2 phải do đơn vị ký số", cites="CV 252/UBND-HCC, phụ lục",
      since=MONITORED_SINCE)  # fmt: skip
def slip(report: Report, holders: Sequence[Holder], seals: Collection[str]) -> Signing:
    """Whose signature a guidance or supplement request carries. `seals`: tax numbers of the unit that speaks.

    An officer signs with a certificate of the government's anchors that names the officer by number; the unit's name in
    it proves nothing. What a certificate of the public anchors says is never the unit's word. The unit signs last: what
    a later signature shows would not be its word.
    """
    decided = verdict_of(report)
    if decided is not None:
        return decided
    for signature, holder in _valid(report, holders):
        if _kind(signature) != _GOVERNMENT or not _is_last(signature):
            continue
        if holder.officer and _signer(signature).get("personal_number"):
            return Signing.BY_OFFICER
        if _is_seal(signature) and _signer(signature)["tax_number"] in seals:
            return Signing.BY_AGENCY
    return Signing.WRONG_SIGNER


@rule("SG-03", title="Kết quả phải do chính cơ quan có thẩm quyền ký số", cites=f"{_S0} §4")
@rule("SG-04", title="Chữ ký của kết quả phải là của cơ quan có thẩm quyền", cites="CV 252/UBND-HCC §1",
      since=RESULT_SIGNED_SINCE)  # fmt: skip
def result(report: Report, tax_numbers: Collection[str]) -> Signing:
    """Whether the competent agency itself signed these bytes as they stand: vouched by the government's anchors, with
    its tax number, and nobody changed or added anything after it but long-term data (signing.md §4.5).

    Who else signed must be an officer or agency as well. The agency signs last: a later signature, and whatever was
    drawn between the two, would not be the agency's word.
    """
    decided = verdict_of(report)
    if decided is not None:
        return decided
    signatures = report.get("signatures", ())
    if any(_kind(signature) != _GOVERNMENT for signature in signatures):
        return Signing.WRONG_SIGNER
    for signature in signatures:
        if _is_last(signature) and _passed(signature) and _signer(signature).get("tax_number") in tax_numbers:
            return Signing.BY_AGENCY
    return Signing.WRONG_SIGNER


@rule("SG-08", title="Dữ liệu tự số hóa chỉ vào kho khi có chữ ký số của chính chủ", cites="QĐ 08/2025/QĐ-UBND Đ8.2e")
@rule("KO-08", title="Dữ liệu tự số hóa phải do chính chủ ký số", cites="QĐ 08/2025/QĐ-UBND Đ8.2e")
def own(report: Report, holders: Sequence[Holder], owner: str) -> Signing:
    """Whether the owner signed data of his or her own: the owner alone, every signature."""
    decided = verdict_of(report)
    if decided is not None:
        return decided
    signatures = list(report.get("signatures", ()))
    valid = list(_valid(report, holders))
    if valid and len(valid) == len(signatures) and all(owner in holder.persons for _, holder in valid):
        return Signing.BY_OWNER
    return Signing.WRONG_SIGNER


def _valid(report: Report, holders: Sequence[Holder]) -> Iterable[tuple[Signature, Holder]]:
    signatures = list(report.get("signatures", ()))
    known = [*holders, *[NOBODY] * (len(signatures) - len(holders))]
    return [pair for pair in zip(signatures, known, strict=False) if _passed(pair[0])]


def _is_last(signature: Signature) -> bool:
    """Whether nothing but long-term data follows the signature."""
    whole = bool(signature.get("covers_whole_document"))
    return whole or signature.get("modification_level") in ("NONE", "LTA_UPDATES")


def _passed(signature: Signature) -> bool:
    return bool(signature.get("verdict") == Verdict.TOTAL_PASSED)


def _signer(signature: Signature) -> Mapping[str, Any]:
    return signature.get("signer") or {}


def _kind(signature: Signature) -> str:
    return str(_signer(signature).get("kind"))


def _is_seal(signature: Signature) -> bool:
    """Whether an agency's own certificate made it: a tax number, nobody's personal number, the government's anchors."""
    signer = _signer(signature)
    return bool(signer.get("kind") == _GOVERNMENT and signer.get("tax_number") and not signer.get("personal_number"))
