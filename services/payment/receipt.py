"""Receipts of fees (biên lai): serial numbers, amounts in words, and what stands on the paper. Pure.

After TT 303/2016 Đ3: template sign, series, a 7-digit serial, collecting unit and tax number, fee and amount in figures
and words, date. Numbers begin at 1 each year in the series of that year; the series carries the year.

Known limit: the receipt is not yet signed by the collecting unit.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from services.common.calendar import local
from services.common.rules import rule

_DIGITS = ("không", "một", "hai", "ba", "bốn", "năm", "sáu", "bảy", "tám", "chín")
_GROUPS = ("", "nghìn", "triệu", "tỷ", "nghìn tỷ", "triệu tỷ")
METHODS = {"vnpay": ("Trực tuyến (VNPAY)", "Online (VNPAY)"), "cash": ("Tiền mặt", "Cash")}
#: Used where the collecting unit has registered no series of its own.
DEFAULT_SERIES: Mapping[str, Any] = {
    "_id": "*", "template": "01BLP0-001", "series": "MC-{yy}E", "name": "", "tax_number": "",
}  # fmt: skip


def series_of(registered: Mapping[str, Any] | None, at: datetime) -> tuple[str, str]:
    """Template sign and series of a receipt made at that moment."""
    source = registered or DEFAULT_SERIES
    return source["template"], source["series"].replace("{yy}", f"{local(at).year % 100:02d}")


@rule("PY-11", title="Mỗi khoản đã nộp một biên lai, một số duy nhất", cites="TT 303/2016/TT-BTC Đ3")
def number_text(series: str, number: int) -> str:
    """A receipt's number as people quote it. Raises ValueError beyond seven digits."""
    if not 1 <= number <= 9_999_999:
        raise ValueError("a series has serials 1 to 9999999")
    return f"{series}/{number:07d}"


def money(amount: int) -> str:
    """An amount in figures: 20.000 đồng."""
    return f"{amount:,}".replace(",", ".") + " đồng"


def in_words(amount: int) -> str:
    """An amount in Vietnamese words: "Hai mươi nghìn đồng". From 0 to below 10^18."""
    if not 0 <= amount < 10**18:
        raise ValueError("an amount has at most 18 digits")
    if amount == 0:
        return "Không đồng"
    groups = []
    while amount:
        amount, group = divmod(amount, 1000)
        groups.append(group)
    words: list[str] = []
    for place in reversed(range(len(groups))):
        if groups[place]:
            words += _group(groups[place], full=place < len(groups) - 1)
            words += [_GROUPS[place]] if place else []
    text = " ".join(words) + " đồng"
    return text[0].upper() + text[1:]


def _group(value: int, *, full: bool) -> list[str]:
    """Up to three digits; `full` writes the hundreds also where they are none."""
    hundreds, rest = divmod(value, 100)
    tens, units = divmod(rest, 10)
    words = [_DIGITS[hundreds], "trăm"] if hundreds or full else []
    if tens > 1:
        words += [_DIGITS[tens], "mươi"]
    elif tens == 1:
        words.append("mười")
    elif units and words:
        words.append("linh")
    if units == 1 and tens > 1:
        words.append("mốt")
    elif units == 4 and tens > 1:
        words.append("tư")
    elif units == 5 and tens > 0:
        words.append("lăm")
    elif units:
        words.append(_DIGITS[units])
    return words


@rule("PY-03", title="Nộp trực tuyến có chứng từ điện tử", cites="QĐ 08/2025/QĐ-UBND Đ10.2")
def content(
    order: Mapping[str, Any], registered: Mapping[str, Any] | None, *, payer: str | None, kinds: Mapping[str, str]
) -> dict[str, Any]:
    """Everything that the receipt of a settled order says, as plain JSON.

    `payer` is the applicant's name where identity knows it; `kinds` tells phí from lệ phí by fee item.
    """
    settled, numbered = order["settled"], order["receipt"]
    source = registered or DEFAULT_SERIES
    here = local(settled["at"])
    items = order["items"] or [{"name_vi": "Phí, lệ phí", "amount": order["amount"]}]
    return {
        "agency": source["name"],
        "tax_number": source["tax_number"],
        "unit": order["unit"],
        "template": numbered["template"],
        "series": numbered["series"],
        "number": f"{numbered['number']:07d}",
        "date": f"Ngày {here:%d} tháng {here:%m} năm {here:%Y}",
        "payer": payer or "",
        "code": order["code"],
        "procedure": order["procedure"],
        "items": [
            [item.get("name_vi") or item.get("item") or "", kinds.get(str(item.get("item")), ""), money(item["amount"])]
            for item in items
        ],
        "total": money(order["amount"]),
        "words": in_words(order["amount"]),
        "method": METHODS[settled["method"]][0],
        "reference": settled.get("transaction_no") or "",
    }


def file_name(order: Mapping[str, Any]) -> str:
    """Name of the receipt's file."""
    return f"bien-lai-{order['code']}-{order['receipt']['number']:07d}.pdf"
