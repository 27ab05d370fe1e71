"""Mẫu 01, Giấy tiếp nhận hồ sơ và hẹn trả kết quả (TT 01/2018/TT-VPCP Đ9): what stands in it. Pure.

The drawing is the worker's (`services.intake.worker`). Signatures on the form come with the signing of forms.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from services.common.calendar import local
from services.common.rules import rule
from services.intake.catalogue import limit_text

FORM = "01"
FORM_VERSION = "TT 01/2018/TT-VPCP"
_PICKUP = {
    "online": "Trực tuyến, vào kho dữ liệu điện tử của người nộp",
    "desk": "Trực tuyến và tại bộ phận tiếp nhận và trả kết quả",
    "post": "Trực tuyến và qua dịch vụ bưu chính công ích",
}
_FEE_STATE = {"thu_truoc": "thu khi nộp hồ sơ", "thu_sau": "thu sau khi tiếp nhận", "khong_thu": "không thu"}


def money(amount: int) -> str:
    """An amount in đồng as it is written: 20.000 đồng."""
    return f"{amount:,}".replace(",", ".") + " đồng"


def moment_text(moment: datetime) -> str:
    """Hour, minute and date in Vietnamese time."""
    here = local(moment)
    return f"{here:%H} giờ {here:%M} phút, ngày {here:%d} tháng {here:%m} năm {here:%Y}"


def lookup_url(public_url: str, code: str) -> str:
    """Where anybody with the code sees how far the dossier is; stands in the QR code."""
    return f"{public_url.rstrip('/')}/tra-cuu/{code}"


def file_name(code: str, accepted_at: datetime) -> str:
    """Name of the receipt's file, with the minute, which is all that the receipt shows of the time."""
    return f"bien-nhan-{code}-{local(accepted_at):%Y%m%d-%H%M}.pdf"


@rule("IN-15", title="Biên nhận mang mã hồ sơ", cites="NĐ 61/2018/NĐ-CP Đ17.3; QĐ 08/2025/QĐ-UBND Đ13.2")
def content(
    dossier: Mapping[str, Any],
    *,
    person: Mapping[str, Any] | None,
    officer: Mapping[str, Any] | None,
    accepted_at: datetime,
    appointment: datetime,
    public_url: str,
) -> dict[str, Any]:
    """Everything that the receipt of a dossier says, as plain JSON.

    `person` and `officer` are identity's answers; what identity does not know stays a line to be filled by hand.
    """
    code, fixed = dossier["_id"], dossier["fixed"]
    known, receiver = person or {}, officer or {}
    here = local(accepted_at)
    names = {entry["component"]: entry["name_vi"] for entry in fixed["components"]}
    fee = fixed["fee"]
    charged = money(fee["amount"]) + f" ({_FEE_STATE[fee['mode']]})" if fee["amount"] else "Không thu"
    return {
        "form": FORM,
        "form_version": FORM_VERSION,
        "code": code,
        "url": lookup_url(public_url, code),
        "agency": dossier["unit_name"],
        "desk": dossier["desk_name"],
        "number": f"Số: {code}/TNHS",
        "place_date": f"Ngày {here:%d} tháng {here:%m} năm {here:%Y}",
        "fields": [
            ["Tiếp nhận hồ sơ của", known.get("full_name") or ""],
            _number(known, verified=dossier["number_verified"]),
            ["Số điện thoại", known.get("phone") or ""],
            ["Địa chỉ", known.get("address") or ""],
            ["Email", known.get("email") or ""],
            ["Nội dung yêu cầu giải quyết", f"{fixed['name_vi']} ({fixed['procedure']})"],
        ],
        "components": [
            [str(number), names.get(entry["component"], entry["component"]), "Bản điện tử", "01"]
            for number, entry in enumerate(dossier["versions"][-1]["components"], start=1)
        ],
        "terms": [
            ["Số lượng hồ sơ", f"{fixed['sets']:02d} bộ"],
            ["Thời gian giải quyết theo quy định", limit_text(fixed["limit"])[0]],
            ["Thời gian nhận hồ sơ", moment_text(accepted_at)],
            ["Thời gian trả kết quả", moment_text(appointment)],
            ["Đăng ký nhận kết quả", _PICKUP[dossier["pickup"]]],
            ["Phí, lệ phí", charged],
            ["Vào Sổ theo dõi hồ sơ", f"Quyển số {here:%Y}, Số thứ tự {code.rsplit('-', 1)[1]}"],
        ],
        "receiver": receiver.get("full_name") or "",
        "applicant": known.get("full_name") or "",
    }


def _number(person: Mapping[str, Any], *, verified: bool) -> list[str]:
    """Label and number: an organisation is named by its tax number (ID-28)."""
    label, field = "Số định danh cá nhân", "id_number"
    if person.get("kind") == "organisation":
        label, field = "Mã số thuế", "tax_number"
    number = person.get(field) or ""
    return [label, f"{number} (chưa xác thực)" if number and not verified else number]
