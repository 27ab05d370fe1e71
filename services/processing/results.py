"""Which result may leave the house: one pure decision over the file's report, the agency, the day and the fee.

From 2024-03-04 on a result is returned only with a file that the competent agency signed validly (CV 252/UBND-HCC §1,
TB 94/TB-UBND §4); before that day a return needs none. A due fee holds it back on any day.

Known limit: an agency is recognised by the tax number in its certificate, and only under the government's anchors.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from services.common import expected_signer
from services.common.problems import Problem, conflict
from services.common.rules import rule

#: CV 252/UBND-HCC §1: the signed result is mandatory from this business day.
MANDATORY_SINCE = expected_signer.RESULT_SIGNED_SINCE

_S0 = "TB 94/TB-UBND §4"
_S1 = "CV 2658/UBND-CNTT §6"
_S3 = "CV 252/UBND-HCC §1"
PASSED = "TOTAL_PASSED"


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a result may not be released: rule, text, and what signing said."""

    rule: str
    citation: str
    vi: str
    en: str
    verdict: str | None = None
    sub_indication: str | None = None
    reason_vi: str | None = None
    reason_en: str | None = None

    def problem(self) -> Problem:
        """The refusal as the desk sees it."""
        said = {
            "verdict": self.verdict,
            "sub_indication": self.sub_indication,
            "reason_vi": self.reason_vi,
            "reason_en": self.reason_en,
        }
        return conflict(
            self.vi, self.en, rule=self.rule, citation=self.citation,
            extra={name: value for name, value in said.items() if value is not None},
        )  # fmt: skip


@rule("RT-04", title="Kết quả của hồ sơ nào chỉ trả vào kho của chủ hồ sơ đó", cites=_S1)
@rule("KO-04", title="Một tệp kết quả thuộc về một hồ sơ", cites="QĐ 08/2025/QĐ-UBND Đ8.2b")
def foreign_refusal(code: str, *, holder: str | None, person_id: str | None) -> Refusal | None:
    """Why these bytes are no result of dossier `code`; None when they may be.

    `holder` is the dossier to which the same bytes, under whatever file id, were attached first; `person_id` the owner
    of the store where the file lies already. What bears one citizen's name never goes into another one's store.
    """
    if holder is not None and holder != code:
        return Refusal(
            "RT-04", _S1,
            "Tệp này đã là kết quả của hồ sơ khác",
            "This file is the result of another dossier already",
        )  # fmt: skip
    if holder is None and person_id is not None:
        return Refusal(
            "RT-04", _S1, "Tệp này đã nằm trong kho dữ liệu của một người", "This file lies in somebody's store already"
        )
    return None


@dataclass(frozen=True, slots=True)
class Fee:
    """What payment said: something is due, or an expected order does not exist yet."""

    due: bool
    amount: int = 0


@rule("X-11", title="Mã số ký của cơ quan theo thời hạn hiệu lực", cites="QĐ 08/2025/QĐ-UBND")
def tax_numbers_of(agency: Mapping[str, Any] | None, on: date, *, told: str | None = None) -> frozenset[str]:
    """Tax numbers under which an agency signs on a day (`since` and `until` inclusive ISO days, None = open).

    `told` is the number that came with the accepted dossier; it counts only where no identity is registered.
    """
    if agency is None:
        return frozenset({told}) if told else frozenset()
    day = on.isoformat()
    return frozenset(
        identity["tax_number"]
        for identity in agency["identities"]
        if (identity.get("since") or "") <= day and (identity.get("until") is None or day <= identity["until"])
    )


@rule("SG-04", title="Kiểm tra kết quả đã ký số trước khi cho trả", cites=_S3, since=MANDATORY_SINCE)
@rule("X-22", title="Chữ ký chưa xác định: không bao giờ cho trả kết quả", cites=_S3)
def signature_refusal(sha256: str, report: Mapping[str, Any], tax_numbers: frozenset[str]) -> Refusal | None:
    """What the signature of these bytes has against the release; None when it is in order."""
    verdict = str(report.get("verdict"))
    said: dict[str, Any] = {
        "verdict": verdict,
        "sub_indication": report.get("sub_indication"),
        "reason_vi": report.get("reason_vi"),
        "reason_en": report.get("reason_en"),
    }
    if report.get("sha256") != sha256:
        return Refusal(
            "SG-04", _S3, "Báo cáo không phải của tệp kết quả này", "The report is not about these bytes", verdict
        )
    if verdict == "INDETERMINATE":
        return Refusal(
            "X-22", _S3, "Chưa xác định được chữ ký số của kết quả", "The result's signature is not determined", **said
        )
    if verdict == "NO_SIGNATURE":
        return Refusal("SG-04", _S3, "Kết quả chưa được ký số", "The result is not signed", **said)
    if verdict != PASSED:
        return Refusal(
            "SG-04", _S3, "Chữ ký số của kết quả không hợp lệ", "The result's signature is not valid", **said
        )
    if not expected_signer.result(report, tax_numbers).is_right:
        return Refusal(
            "SG-03", _S0,
            "Kết quả không do cơ quan có thẩm quyền ký số sau cùng",
            "The result is not signed by the competent agency as the last one",
            verdict=verdict,
        )  # fmt: skip
    return None


@rule("RT-10", title="Chưa nộp phí, lệ phí đến hạn thì chưa trả kết quả", cites="QĐ 08/2025/QĐ-UBND Đ10.4")
def fee_refusal(fee: Fee) -> Refusal | None:
    """A due fee holds the result back."""
    if not fee.due:
        return None
    return Refusal("RT-10", "QĐ 08/2025/QĐ-UBND Đ10.4", "Hồ sơ còn phí, lệ phí chưa nộp", "A due fee has not been paid")


@rule("RT-01", title="Bắt buộc đính kèm kết quả trước khi trả", cites=_S3, since=MANDATORY_SINCE)
@rule("RT-02", title="Bộ phận một cửa kiểm tra ký số trước khi trả kết quả giấy", cites=f"{_S0}; {_S3}")
def release_refusal(
    result: Mapping[str, Any] | None,
    report: Mapping[str, Any] | None,
    *,
    tax_numbers: frozenset[str],
    on: date,
    steps_finished: bool,
    fee: Fee,
) -> Refusal | None:
    """Why the result may not be released on that business day; None means that it may.

    `result` is the newest attached one with its `sha256`, `report` what signing says of it now. Both may be missing
    before MANDATORY_SINCE only. The order of the answers is fixed: file, signature, signer, process, fee.
    """
    if on >= MANDATORY_SINCE:
        if result is None:
            return Refusal("RT-01", _S3, "Chưa đính kèm kết quả", "No result is attached")
        if report is None:
            return Refusal("SG-04", _S3, "Kết quả chưa được kiểm tra chữ ký số", "The result was not checked")
        refusal = signature_refusal(result["sha256"], report, tax_numbers)
        if refusal is not None:
            return refusal
    if not steps_finished:
        return Refusal(
            "PR-01", "QĐ 08/2025/QĐ-UBND Đ4.2", "Quy trình chưa hoàn thành", "The approved steps are not finished"
        )
    return fee_refusal(fee)


def standing(report: Mapping[str, Any] | None, sha256: str, tax_numbers: frozenset[str]) -> str:
    """State of an attached result: `cho_kiem_tra`, `hop_le` or (SG-03) `chua_hop_le`."""
    if report is None:
        return "cho_kiem_tra"
    return "chua_hop_le" if signature_refusal(sha256, report, tax_numbers) else "hop_le"


def attached(
    results: Sequence[Mapping[str, Any]], *, file: Mapping[str, Any], report: Mapping[str, Any] | None, name: str,
    tax_numbers: frozenset[str], by: str, at: Any,
) -> dict[str, Any]:  # fmt: skip
    """The next round of results; former rounds stay."""
    return {
        "round": len(results) + 1,
        "file_id": file["file_id"],
        "sha256": file["sha256"],
        "name": name,
        "officer": by,
        "at": at,
        **checked(report, file["sha256"], tax_numbers),
        "ready_at": None,
    }


def checked(report: Mapping[str, Any] | None, sha256: str, tax_numbers: frozenset[str]) -> dict[str, Any]:
    """The fields of a result that a report decides."""
    return {
        "standing": standing(report, sha256, tax_numbers),
        "verdict": report.get("verdict") if report else None,
        "sub_indication": report.get("sub_indication") if report else None,
        "report_id": report.get("report_id") if report else None,
    }
