"""The small print of moving a file over HTTP: ranges and the name it is saved under. Pure."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from urllib.parse import quote

_RANGE = re.compile(r"bytes=(\d{0,18})-(\d{0,18})")
# RFC 5987 attr-char beside letters and digits.
_PLAIN = "!#$&+-.^_`|~"


class Unsatisfiable(Exception):
    """The range lies outside the file (HTTP 416)."""


@dataclass(frozen=True, slots=True)
class Span:
    """Bytes `start` to `stop` (exclusive) of a file."""

    start: int
    stop: int

    @property
    def size(self) -> int:
        return self.stop - self.start


def wanted_span(header: str | None, size: int) -> Span | None:
    """The one range that a Range header asks for, or None for the whole file.

    Several ranges or another unit may be ignored (RFC 9110 §14.2). Raises Unsatisfiable.
    """
    found = _RANGE.fullmatch(header.strip()) if header else None
    if found is None or found[1] == found[2] == "":
        return None
    if found[1] == "":
        last = int(found[2])
        if last == 0 or size == 0:
            raise Unsatisfiable
        return Span(max(0, size - last), size)
    start = int(found[1])
    stop = int(found[2]) + 1 if found[2] else size
    if found[2] and stop <= start:
        return None  # malformed: as if it were not there
    if start >= size:
        raise Unsatisfiable
    return Span(start, min(stop, size))


def content_disposition(filename: str) -> str:
    """`attachment` with the name twice: in ASCII for old clients, in UTF-8 after RFC 5987 (RFC 6266 §4.3)."""
    decomposed = unicodedata.normalize("NFD", filename.replace("đ", "d").replace("Đ", "D"))
    ascii_only = decomposed.encode("ascii", "ignore").decode("ascii")
    fallback = re.sub(r"[^A-Za-z0-9 ._()\-]", "_", ascii_only).strip() or "file"
    return f"attachment; filename=\"{fallback}\"; filename*=UTF-8''{quote(filename, safe=_PLAIN)}"
