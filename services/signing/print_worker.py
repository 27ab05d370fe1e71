"""Draws reports: `python -m services.signing.print_worker`, with `report` as people may see it (see drawing)."""

from __future__ import annotations

import functools
import io
from typing import Any

from reportlab.lib import colors
from reportlab.lib.pagesizes import A4
from reportlab.lib.styles import ParagraphStyle
from reportlab.lib.units import mm
from reportlab.platypus import Paragraph, SimpleDocTemplate, Spacer, Table, TableStyle

from services.common.drawing import BOLD, REGULAR, escaped, handler, serve_drawings
from services.signing import report_words

TITLE = "BÁO CÁO KIỂM TRA CHỮ KÝ SỐ"
_LABEL = 62 * mm
_LONGEST = 600  # signs of one value: a certificate may name its holder in a book
_NOTE = (
    "Báo cáo do hệ thống lập tự động theo chính sách kiểm tra nêu trên; “không xác định” không phải là hợp lệ. "
    "Người ký có đúng là người phải ký hay không do cơ quan giải quyết hồ sơ kết luận. / "
    "Made by the system under the policy named above; “cannot be determined” is never valid. "
    "Whether the signer is the one who had to sign is for the agency in charge to say."
)


@functools.cache
def _style(size: float, bold: bool = False) -> ParagraphStyle:
    font = BOLD if bold else REGULAR
    return ParagraphStyle(f"{size}{bold}", fontName=font, fontSize=size, leading=size * 1.35, wordWrap="CJK")


def _text(text: str, size: float = 8, *, bold: bool = False) -> Paragraph:
    shown = text if len(text) <= _LONGEST else f"{text[:_LONGEST]}…"
    printable = "".join(sign if sign.isprintable() else "\N{REPLACEMENT CHARACTER}" for sign in shown)
    return Paragraph(escaped(printable), _style(size, bold))


def _block(lines: list[report_words.Line]) -> Table:
    rows = [[_text(f"{line.vi} / {line.en}", 7), _text(line.value)] for line in lines]
    table = Table(rows, colWidths=[_LABEL, A4[0] - 36 * mm - _LABEL])
    grid = ("LINEBELOW", (0, 0), (-1, -1), 0.3, colors.lightgrey)
    table.setStyle(TableStyle([grid, ("VALIGN", (0, 0), (-1, -1), "TOP"), ("TOPPADDING", (0, 0), (-1, -1), 1)]))
    return table


def draw(report: dict[str, Any]) -> bytes:
    """The report as PDF (A4): the file, then one block per signature and per timestamp over the document."""
    story: list[Any] = [
        _text(TITLE, 13, bold=True),
        _text("Signature check report", 9),
        Spacer(1, 3 * mm),
        _block([*report_words.about_file(report), report_words.Line("Mã báo cáo", "Report", report["report_id"])]),
    ]
    for vi, en, part in (("Chữ ký", "Signature", "signatures"), ("Dấu thời gian", "Timestamp", "timestamps")):
        items = report.get(part) or []
        for number, item in enumerate(items, 1):
            story += [
                Spacer(1, 4 * mm),
                _text(f"{vi} {number}/{len(items)} / {en} {number} of {len(items)}", 10, bold=True),
                _block(report_words.about_signature(item)),
                _text("Từng bước kiểm tra / Each check", 8, bold=True),
                _block(report_words.about_checks(item)),
            ]
    story += [Spacer(1, 4 * mm), _text(_NOTE, 7)]
    buffer = io.BytesIO()
    SimpleDocTemplate(
        buffer, pagesize=A4, leftMargin=18 * mm, rightMargin=18 * mm, topMargin=15 * mm, bottomMargin=15 * mm,
        title=f"Báo cáo kiểm tra chữ ký số {report['report_id']}", lang="vi", invariant=1,
    ).build(story)  # fmt: skip
    return buffer.getvalue()


handle = handler("report", draw)


if __name__ == "__main__":
    serve_drawings(handle)
