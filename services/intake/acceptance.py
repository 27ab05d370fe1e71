"""Acceptance and the other ends of a dossier at the desk. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from services.common import problems
from services.common.calendar import WorkingCalendar
from services.common.deadlines import Deadline, appointment
from services.common.expected_signer import Signing
from services.common.filed_as import FiledAs
from services.common.rules import rule
from services.common.slips import Verdict
from services.intake.catalogue import limit_of

_CITATION = "TB 94/TB-UBND §2"


@rule("PR-07", title="Hẹn trả theo lịch nơi tiếp nhận, mô hình ngày chỉ kiểm tra", cites="NĐ 61/2018/NĐ-CP Đ17–19")
def promise(calendar: WorkingCalendar, fixed: Mapping[str, Any], now: datetime) -> Deadline:
    """The appointment of a dossier accepted now, by the limit that was fixed at its filing."""
    return appointment(calendar, now, limit_of(fixed))


@rule("SG-01", title="Phải kiểm tra chữ ký số của thành phần trước khi tiếp nhận", cites=_CITATION)
def undecided_signatures(dossier: Mapping[str, Any], verdicts: Mapping[str, str | None]) -> list[str]:
    """Components that must be signed and whose signature could not be determined (X-22). `verdicts` by file id.

    Raises Problem 503 while a check has not ended: of any component of an online dossier, since nobody knows before it
    whether a file is signed; of what desk or post scanned only where a signature is asked for.
    """
    must_sign = {entry["component"] for entry in dossier["fixed"]["components"] if entry["phai_ky_so"]}
    scanned = dossier["filed_as"] in (FiledAs.DESK, FiledAs.POST)
    undecided = []
    for entry in dossier["versions"][-1]["components"]:
        verdict = verdicts.get(entry["file_id"])
        if verdict is None and (entry["component"] in must_sign or not scanned):
            raise problems.unavailable(
                2, "Chữ ký số của thành phần chưa được kiểm tra xong. / A signature has not been checked yet.",
                rule="SG-01", citation=_CITATION,
            )  # fmt: skip
        if verdict == Verdict.INDETERMINATE and entry["component"] in must_sign:
            undecided.append(entry["component"])
    return undecided


@rule("SG-10", title="Thành phần phải ký số mà chưa được ký đúng: xem bản giấy hoặc ghi chú khi tiếp nhận",
      cites="CV 2658/UBND-CNTT §4")  # fmt: skip
def unsigned(
    dossier: Mapping[str, Any], verdicts: Mapping[str, str | None], whose: Callable[[str], Signing]
) -> list[str]:
    """Components that must be signed and are plain copies: not signed, not validly, or by somebody else.

    One for which paper was asked is left to that, and what desk or post typed in lay there on paper. `whose` is asked
    of valid signatures only, where the owner is confirmed: of others nobody can say who they are.
    """
    if dossier["filed_as"] in (FiledAs.DESK, FiledAs.POST):
        return []
    must_sign = {entry["component"] for entry in dossier["fixed"]["components"] if entry["phai_ky_so"]}
    asked = {row["component"] for row in dossier["paper_asked"]}
    found = []
    for entry in dossier["versions"][-1]["components"]:
        if entry["component"] not in must_sign - asked:
            continue
        verdict = verdicts.get(entry["file_id"])
        if (
            verdict in (Verdict.NO_SIGNATURE, Verdict.TOTAL_FAILED)
            or verdict == Verdict.TOTAL_PASSED
            and dossier["number_verified"]
            and not whose(entry["file_id"]).is_right
        ):
            found.append(entry["component"])
    return found


def check_reason(reason: str) -> str:
    """The reason of a refusal (Mẫu 03), which must say something. Raises Problem 422."""
    if not reason.strip():
        raise problems.invalid(
            problems.field_error("reason", "Phải nêu lý do từ chối", "Give the reason of the refusal", "IN-19"),
            citation="NĐ 61/2018/NĐ-CP Đ17.1b",
        )
    return reason.strip()


@rule("X-19", title="Chỉ trả kết quả mà khâu giải quyết đã cho phép", cites="NĐ 61/2018/NĐ-CP Đ20; CV 252/UBND-HCC §1")
def granted_result(answer: Mapping[str, Any]) -> dict[str, Any] | None:
    """The result that processing released, bound to its bytes; nothing else is stored or told.

    None only where processing released without a file, which it does before the signed result was compulsory.
    """
    result = answer.get("result")
    if result is None:
        return None
    return {name: result[name] for name in ("file_id", "sha256", "report_id", "name")}
