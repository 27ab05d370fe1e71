"""A worker program that draws one kind of PDF, driven over stdin by its parent (see worker_program).

    in   {"id", "fonts": directory with DejaVuSans.ttf and DejaVuSans-Bold.ttf, PART: the content}
    out  {"id", "pdf": base64}
    in   {"id", "fonts"}                                loads the fonts, so that the first drawing need not wait
    out  {"id", "ready": true}

Types of errors of its own: bad_job, fonts_missing. The same content must give the same bytes (no date of making, no
random id in the file), so that a command that is run again stores the same file.
"""

from __future__ import annotations

import base64
import functools
from collections.abc import Callable
from pathlib import Path
from typing import Any

from reportlab.pdfbase import pdfmetrics
from reportlab.pdfbase.ttfonts import TTFError, TTFont

from services.common.worker_program import Handle, Refused, serve

MEMORY_LIMIT = 512 * 1024 * 1024
CPU_LIMIT_SECONDS = 10.0
WALL_LIMIT_SECONDS = 15.0
REGULAR, BOLD = "DejaVuSans", "DejaVuSans-Bold"


@functools.cache
def load_fonts(directory: str) -> None:
    """Makes both fonts known under their names. Raises Refused."""
    try:
        for name in (REGULAR, BOLD):
            pdfmetrics.registerFont(TTFont(name, str(Path(directory) / f"{name}.ttf")))
    except (TTFError, OSError) as error:
        raise Refused("fonts_missing") from error
    pdfmetrics.registerFontFamily(REGULAR, normal=REGULAR, bold=BOLD, italic=REGULAR, boldItalic=BOLD)


def escaped(text: str) -> str:
    """Text as it stands in a paragraph, whose markup is XML."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def handler(part: str, draw: Callable[[dict[str, Any]], bytes]) -> Handle:
    """Answers one job with what `draw` makes of its member `part`."""

    def handle(job: dict[str, Any]) -> dict[str, Any]:
        content, fonts = job.get(part), job.get("fonts")
        if not isinstance(fonts, str) or not isinstance(content, dict | None):
            raise Refused("bad_job")
        load_fonts(fonts)
        if content is None:
            return {"ready": True}
        try:
            return {"pdf": base64.b64encode(draw(content)).decode("ascii")}
        except KeyError as error:
            raise Refused("bad_job") from error

    return handle


def serve_drawings(handle: Handle) -> None:
    """Answers jobs until the input ends, within the limits above."""
    serve(
        handle,
        memory_limit_bytes=MEMORY_LIMIT,
        cpu_limit_seconds=CPU_LIMIT_SECONDS,
        wall_limit_seconds=WALL_LIMIT_SECONDS,
    )
