"""Our own incremental writer: an update behind a PDF, with a table or a stream as the file itself has it.

It shares no line with the library that judges the files: objects are read with another one and written by hand.
"""

from __future__ import annotations

import io
import re
from typing import Any

from pypdf import PdfReader
from pypdf.generic import IndirectObject


class Update:
    """Objects to be appended; `data()` is the file with them."""

    def __init__(self, data: bytes) -> None:
        self.before = data
        self.reader = PdfReader(io.BytesIO(data))
        self.root: int = self.reader.trailer.raw_get("/Root").idnum
        self.size = int(str(self.reader.trailer["/Size"]))
        self.previous = int(re.findall(rb"startxref\s+(\d+)", data)[-1])
        self.by_stream = not data[self.previous :].startswith(b"xref")
        self.objects: dict[int, bytes] = {}

    @property
    def catalog(self) -> Any:
        return self.reader.trailer["/Root"]

    @property
    def page(self) -> Any:
        return self.reader.pages[0]

    @property
    def page_number(self) -> int:
        assert self.page.indirect_reference is not None
        return int(self.page.indirect_reference.idnum)

    def number(self, holder: Any, key: str) -> int:
        """The object number that a dictionary names."""
        found = holder.raw_get(key)
        assert isinstance(found, IndirectObject)
        return found.idnum

    def new(self, text: bytes) -> int:
        number = self.size
        self.size += 1
        self.objects[number] = text
        return number

    def put(self, number: int, text: bytes) -> None:
        self.objects[number] = text

    def changed(self, holder: Any, **more: bytes) -> bytes:
        """The text of a dictionary with some keys set; an empty value drops the key."""
        out = bytearray(b"<<")
        for key in holder:
            if key[1:] not in more:
                out += b"%s %s\n" % (key.encode(), written(holder.raw_get(key)))
        for key, value in more.items():
            if value:
                out += b"/%s %s\n" % (key.encode(), value)
        return bytes(out) + b">>"

    def data(self, *, trailer: bytes = b"") -> bytes:
        out = bytearray(self.before)
        if not out.endswith((b"\n", b"\r")):
            out += b"\n"
        places = {}
        for number, text in sorted(self.objects.items()):
            places[number] = len(out)
            out += b"%d 0 obj\n%s\nendobj\n" % (number, text)
        target = len(out)
        common = b"/Root %d 0 R/Prev %d%s" % (self.root, self.previous, trailer)
        if self.by_stream:
            places[self.size] = target
            rows = b"".join(b"\1" + place.to_bytes(4, "big") + b"\0" for _, place in sorted(places.items()))
            index = b" ".join(b"%d 1" % number for number in sorted(places))
            head = b"/Type/XRef/W[1 4 1]/Index[%s]/Size %d%s" % (index, self.size + 1, common)
            out += b"%d 0 obj\n%s\nendobj\n" % (self.size, stream(rows, head))
        else:
            out += b"xref\n0 1\n0000000000 65535 f \n"
            out += b"".join(b"%d 1\n%010d 00000 n \n" % pair for pair in sorted(places.items()))
            out += b"trailer\n<</Size %d%s>>\n" % (self.size, common)
        return bytes(out) + b"startxref\n%d\n%%%%EOF\n" % target


def stream(content: bytes, more: bytes = b"") -> bytes:
    return b"<<%s/Length %d>>\nstream\n%s\nendstream" % (more, len(content), content)


def written(item: Any) -> bytes:
    out = io.BytesIO()
    item.write_to_stream(out)
    return out.getvalue()
