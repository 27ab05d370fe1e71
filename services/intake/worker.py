"""Draws Mẫu 01: `python -m services.intake.worker`, with `receipt` as receipt.content makes it (see drawing)."""

from __future__ import annotations

import io
from typing import Any

import segno
from reportlab.lib import colors
from reportlab.lib.enums import TA_CENTER
from reportlab.lib.pagesizes import A5
from reportlab.lib.styles import ParagraphStyle
from reportlab.lib.units import mm
from reportlab.platypus import Flowable, Paragraph, SimpleDocTemplate, Spacer, Table, TableStyle

from services.common.drawing import BOLD, REGULAR, escaped, handler, serve_drawings

_DOTS = "." * 30
_WIDTH = A5[0] - 20 * mm


class QrCode(Flowable):
    """A QR code with its quiet zone, drawn as squares."""

    def __init__(self, text: str, size: float) -> None:
        super().__init__()
        self._rows = [list(row) for row in segno.make(text, error="m", micro=False).matrix_iter(border=4)]
        self.width = self.height = size

    def draw(self) -> None:
        cell = self.width / len(self._rows)
        self.canv.setFillColor(colors.black)
        for y, row in enumerate(self._rows):
            for x, dark in enumerate(row):
                if dark:
                    # A hair wider than its cell: no white seams between neighbours on screens.
                    self.canv.rect(x * cell, self.height - (y + 1) * cell, cell * 1.02, cell * 1.02, stroke=0, fill=1)


def _style(size: float, *, bold: bool = False, centred: bool = False) -> ParagraphStyle:
    return ParagraphStyle(
        f"{size}{bold}{centred}", fontName=BOLD if bold else REGULAR, fontSize=size, leading=size * 1.3,
        alignment=TA_CENTER if centred else 0,
    )  # fmt: skip


def _line(text: str, size: float = 7.5, *, bold: bool = False, centred: bool = False) -> Paragraph:
    return Paragraph(escaped(text), _style(size, bold=bold, centred=centred))


def _labelled(label: str, text: str) -> Paragraph:
    said = f"<b>{escaped(text)}</b>" if text else _DOTS
    return Paragraph(f"{escaped(label)}: {said}", _style(8))


def _head(receipt: dict[str, Any]) -> Table:
    left = [_line(receipt["agency"].upper(), bold=True, centred=True), _line(receipt["desk"], 7, centred=True),
            _line(receipt["number"], 7, centred=True)]  # fmt: skip
    right = [
        _line("CỘNG HÒA XÃ HỘI CHỦ NGHĨA VIỆT NAM", bold=True, centred=True),
        _line("Độc lập - Tự do - Hạnh phúc", bold=True, centred=True),
        _line(receipt["place_date"], 7, centred=True),
    ]
    table = Table([[left, right]], colWidths=[_WIDTH * 0.45, _WIDTH * 0.55])
    table.setStyle(TableStyle([("VALIGN", (0, 0), (-1, -1), "TOP"), ("LEFTPADDING", (0, 0), (-1, -1), 0)]))
    return table


def _components(receipt: dict[str, Any]) -> Table:
    head = [_line(text, bold=True, centred=True) for text in ("TT", "Thành phần hồ sơ", "Hình thức", "SL")]
    rows = [[_line(cell) for cell in row] for row in receipt["components"]]
    table = Table([head, *rows], colWidths=[8 * mm, _WIDTH - 42 * mm, 24 * mm, 10 * mm], repeatRows=1)
    table.setStyle(TableStyle([("GRID", (0, 0), (-1, -1), 0.4, colors.black), ("VALIGN", (0, 0), (-1, -1), "MIDDLE")]))
    return table


def _signatures(receipt: dict[str, Any]) -> Table:
    cells = [
        [_line("NGƯỜI NỘP HỒ SƠ", bold=True, centred=True), _line("NGƯỜI TIẾP NHẬN HỒ SƠ", bold=True, centred=True)],
        [Spacer(1, 12 * mm), Spacer(1, 12 * mm)],
        [_line(receipt["applicant"] or _DOTS, centred=True), _line(receipt["receiver"] or _DOTS, centred=True)],
    ]
    return Table(cells, colWidths=[_WIDTH / 2, _WIDTH / 2])


def draw(receipt: dict[str, Any]) -> bytes:
    """The receipt as PDF (A5)."""
    story: list[Any] = [
        _head(receipt),
        Spacer(1, 3 * mm),
        _line("GIẤY TIẾP NHẬN HỒ SƠ VÀ HẸN TRẢ KẾT QUẢ", 10.5, bold=True, centred=True),
        Spacer(1, 2 * mm),
        Table(
            [[[_line(f"Mã hồ sơ: {receipt['code']}", 9.5, bold=True), _line(f"Tra cứu: {receipt['url']}", 6.5),
               _line(f"Mẫu {receipt['form']} ({receipt['form_version']})", 6.5)], QrCode(receipt["url"], 24 * mm)]],
            colWidths=[_WIDTH - 26 * mm, 26 * mm], style=TableStyle([("VALIGN", (0, 0), (-1, -1), "MIDDLE")]),
        ),
        *[_labelled(label, text) for label, text in receipt["fields"]],
        Spacer(1, 1.5 * mm),
        _line("1. Thành phần hồ sơ gồm:", 8),
        Spacer(1, 1 * mm),
        _components(receipt),
        Spacer(1, 1.5 * mm),
        *[_labelled(f"{number}. {label}", text) for number, (label, text) in enumerate(receipt["terms"], start=2)],
        Spacer(1, 3 * mm),
        _signatures(receipt),
    ]  # fmt: skip
    buffer = io.BytesIO()
    SimpleDocTemplate(
        buffer, pagesize=A5, leftMargin=10 * mm, rightMargin=10 * mm, topMargin=8 * mm, bottomMargin=8 * mm,
        title=f"Giấy tiếp nhận hồ sơ và hẹn trả kết quả {receipt['code']}", author=receipt["agency"], lang="vi",
        invariant=1,
    ).build(story)  # fmt: skip
    return buffer.getvalue()


handle = handler("receipt", draw)


if __name__ == "__main__":
    serve_drawings(handle)
