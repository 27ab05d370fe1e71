"""Draws receipts: `python -m services.payment.worker`, with `receipt` as receipt.content makes it (see drawing)."""

from __future__ import annotations

import io
from typing import Any

from reportlab.lib import colors
from reportlab.lib.enums import TA_CENTER, TA_RIGHT
from reportlab.lib.pagesizes import A5
from reportlab.lib.styles import ParagraphStyle
from reportlab.lib.units import mm
from reportlab.platypus import Paragraph, SimpleDocTemplate, Spacer, Table, TableStyle

from services.common.drawing import BOLD, REGULAR, escaped, handler, serve_drawings

_WIDTH = A5[0] - 20 * mm


def _line(text: str, size: float = 8, *, bold: bool = False, align: int = 0) -> Paragraph:
    font = BOLD if bold else REGULAR
    style = ParagraphStyle(f"{size}{bold}{align}", fontName=font, fontSize=size, leading=size * 1.35, alignment=align)
    return Paragraph(escaped(text), style)


def _items(receipt: dict[str, Any]) -> Table:
    head = [_line(text, bold=True, align=TA_CENTER) for text in ("TT", "Khoản thu", "Loại", "Số tiền")]
    rows = [
        [_line(str(number)), _line(name), _line(kind), _line(amount, align=TA_RIGHT)]
        for number, (name, kind, amount) in enumerate(receipt["items"], start=1)
    ]
    rows.append([_line(""), _line("Tổng số tiền", bold=True), _line(""), _line(receipt["total"], bold=True, align=2)])
    table = Table([head, *rows], colWidths=[8 * mm, _WIDTH - 58 * mm, 18 * mm, 32 * mm], repeatRows=1)
    table.setStyle(TableStyle([("GRID", (0, 0), (-1, -1), 0.4, colors.black), ("VALIGN", (0, 0), (-1, -1), "MIDDLE")]))
    return table


def draw(receipt: dict[str, Any]) -> bytes:
    """The receipt as PDF (A5)."""
    story: list[Any] = [
        _line(receipt["agency"] or f"Đơn vị thu: {receipt['unit']}", 9, bold=True),
        _line(f"Mã số thuế: {receipt['tax_number']}"),
        Spacer(1, 3 * mm),
        _line("BIÊN LAI THU PHÍ, LỆ PHÍ", 12, bold=True, align=TA_CENTER),
        _line("(Bản điện tử)", 8, align=TA_CENTER),
        Spacer(1, 2 * mm),
        _line(f"Ký hiệu mẫu: {receipt['template']}    Ký hiệu: {receipt['series']}    Số: {receipt['number']}"),
        Spacer(1, 2 * mm),
        _line(f"Người nộp: {receipt['payer'] or 'theo mã hồ sơ'}"),
        _line(f"Mã hồ sơ: {receipt['code']}"),
        _line(f"Thủ tục: {receipt['procedure']}"),
        Spacer(1, 2 * mm),
        _items(receipt),
        Spacer(1, 2 * mm),
        _line(f"Bằng chữ: {receipt['words']}", bold=True),
        _line(f"Hình thức nộp: {receipt['method']}"),
        _line(f"Mã giao dịch: {receipt['reference']}" if receipt["reference"] else ""),
        Spacer(1, 3 * mm),
        _line(receipt["date"], align=TA_RIGHT),
    ]
    buffer = io.BytesIO()
    SimpleDocTemplate(
        buffer, pagesize=A5, leftMargin=10 * mm, rightMargin=10 * mm, topMargin=10 * mm, bottomMargin=10 * mm,
        title=f"Biên lai {receipt['series']}/{receipt['number']}", author=receipt["agency"], lang="vi", invariant=1,
    ).build(story)  # fmt: skip
    return buffer.getvalue()


handle = handler("receipt", draw)


if __name__ == "__main__":
    serve_drawings(handle)
