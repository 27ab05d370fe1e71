"""Unsigned papers, as different programs write them."""

from __future__ import annotations

import io
import tempfile
from functools import cache
from pathlib import Path

from pypdf import PdfReader, PdfWriter

from deploy.rehearsal import papers
from tests.corpus import tools
from tests.unit.signing.increments import by_hand, with_streams


@cache
def paper(title: str = "Tờ khai", pages: int = 2) -> bytes:
    return papers.paper(title, ["Họ và tên: Nguyễn Thị An", "Số định danh: 046190000123"], pages=pages)


def _pypdf() -> bytes:
    writer = PdfWriter(clone_from=PdfReader(io.BytesIO(paper())))
    out = io.BytesIO()
    writer.write(out)
    return out.getvalue()


def _updated() -> bytes:
    """A paper with a second revision of its own, written before anybody signed."""
    writer = PdfWriter(io.BytesIO(paper()), incremental=True)
    writer.add_metadata({"/Subject": "two revisions"})
    out = io.BytesIO()
    writer.write(out)
    return out.getvalue()


def form() -> bytes:
    """A form with two text fields, by reportlab."""
    from reportlab.pdfgen.canvas import Canvas

    out = io.BytesIO()
    canvas = Canvas(out, invariant=True)
    canvas.drawString(72, 770, "Form")
    for place, name in enumerate(("HoTen", "GhiChu")):
        canvas.acroForm.textfield(name=name, x=72, y=700 - 40 * place, width=300, height=24, value="-")
    canvas.showPage()
    canvas.save()
    return out.getvalue()


def filled(pdf: bytes, name: str = "HoTen", value: str = "Nguyen Thi An") -> bytes:
    """The same form with a field filled in an update."""
    writer = PdfWriter(io.BytesIO(pdf), incremental=True)
    writer.update_page_form_field_values(writer.pages[0], {name: value}, auto_regenerate=False)
    out = io.BytesIO()
    writer.write(out)
    return out.getvalue()


def _by_tool(program: str, *options: str) -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        source, target = Path(folder) / "in.pdf", Path(folder) / "out.pdf"
        source.write_bytes(paper())
        return tools.made(program, *options, source, target, result=target)


def all_of_them() -> dict[str, bytes]:
    """By name of the writer; those of programs that cannot be had are left out."""
    found = {
        "reportlab": paper(),
        "pypdf": _pypdf(),
        "pypdf-update": _updated(),
        "streams": with_streams(paper()),
        "hybrid": by_hand("hybrid"),
        "short-rows": by_hand("short-rows"),
        "linearised": by_hand("linearised"),
        "linearised-streams": by_hand("linearised-streams"),
        "comments": by_hand("comments"),
        "form": form(),
    }
    if not tools.why():
        found |= {
            "qpdf-linear": _by_tool("qpdf", "--linearize"),
            "qpdf-streams": _by_tool("qpdf", "--object-streams=generate"),
            "qpdf-linear-streams": _by_tool("qpdf", "--linearize", "--object-streams=generate"),
            "qpdf-plain": _by_tool("qpdf", "--qdf"),
            "cairo": _by_tool("pdftocairo", "-pdf"),
        }
    return found
