"""Revisions written byte by byte behind a signed file, exact or wrong on purpose; and papers of other producers."""

from __future__ import annotations

import io
import re
import zlib
from dataclasses import dataclass, field
from typing import Any

from cryptography.hazmat.primitives import serialization
from pyhanko.pdf_utils.reader import PdfFileReader
from pyhanko.pdf_utils.writer import copy_into_new_writer

from services.signing import syntax

FORGED = b"BT /F1 20 Tf 72 770 Td (FORGED) Tj ET"


def der(token: Any) -> bytes:
    return bytes(token.certificate.public_bytes(serialization.Encoding.DER))


def stream(content: bytes, more: bytes = b"") -> bytes:
    return b"<<%s/Length %d>>\nstream\n%s\nendstream" % (more, len(content), content)


def _table_stream(number: int, named: list[int], places: dict[int, int], more: bytes = b"") -> bytes:
    """Object `number`, a cross-reference stream for the named objects."""
    rows = b"".join(bytes([n in places]) + places.get(n, 0).to_bytes(3, "big") + b"\0" for n in named)
    index = b" ".join(b"%d 1" % n for n in named)
    head = b"/Type/XRef/W[1 3 1]/Index[%s]/Size 8/Root 1 0 R%s" % (index, more)
    return b"%d 0 obj\n%s\nendobj\n" % (number, stream(rows, head))


@dataclass
class Signed:
    """A signed file and what a revision behind it must know."""

    data: bytes
    root: int = 0
    size: int = 0
    content: int = 0
    target: int = 0
    catalog: bytes = b""

    def __post_init__(self) -> None:
        reader = PdfFileReader(io.BytesIO(self.data), strict=False)
        self.root = reader.trailer.raw_get("/Root").idnum
        self.size = int(reader.trailer["/Size"])
        self.content = reader.root["/Pages"]["/Kids"][0].raw_get("/Contents").idnum
        self.target = int(re.findall(rb"startxref\s+(\d+)", self.data)[-1])
        place = reader.xrefs[reader.trailer.raw_get("/Root").reference]
        assert isinstance(place, int)
        item = syntax.indirect(self.data, place, lambda _: None)
        text = self.data[item.start : item.end]
        self.catalog = text[text.index(b"<<") : text.rindex(b">>")]

    def with_store(self, *certificates: bytes) -> dict[int, bytes]:
        """The objects of a revision that adds a security store with these certificates."""
        first = self.size + 1
        numbers = range(first, first + len(certificates))
        listed = b" ".join(b"%d 0 R" % number for number in numbers)
        return {
            self.root: self.catalog + b"/DSS %d 0 R>>" % self.size,
            self.size: b"<</Type/DSS/Certs[%s]>>" % listed,
            **{number: stream(item) for number, item in zip(numbers, certificates, strict=True)},
        }

    def loose(self, text: bytes = FORGED) -> bytes:
        """An object with the page content's number, to be named by no table."""
        return b"%d 0 obj\n%s\nendobj\n" % (self.content, stream(text))


@dataclass
class Revision:
    """One revision with a classical table; every field but the first two is a way to get it wrong."""

    signed: Signed
    objects: dict[int, bytes]
    keyword: bytes = b"xref\n"
    shift: int = 0  # of startxref
    before_table: bytes = b""
    between: bytes = b""  # the first object and the second
    rows: list[tuple[int, bytes]] = field(default_factory=list)
    row_end: bytes = b" \n"
    trailer: bytes = b""
    root: int | None = None
    size: int | None = None
    previous: int = 0  # added to /Prev
    before_startxref: bytes = b""
    startxref: bytes | None = None
    end: bytes = b"%%EOF\n"
    move: int = 0  # of the last object's offset in the table

    def data(self) -> bytes:
        out = bytearray(self.signed.data)
        places: dict[int, int] = {}
        for place, (number, text) in enumerate(self.objects.items()):
            if place == 1:
                out += self.between
            places[number] = len(out)
            out += b"%d 0 obj\n%s\nendobj\n" % (number, text)
        out += self.before_table
        places[max(places)] += self.move
        target = len(out)
        out += self.keyword + b"0 1\n0000000000 65535 f" + self.row_end
        for number, offset in sorted(places.items()):
            out += b"%d 1\n%010d 00000 n%s" % (number, offset, self.row_end)
        for number, row in self.rows:
            out += b"%d 1\n%s%s" % (number, row, self.row_end)
        size = self.size or max(self.signed.size, *places) + 1
        out += b"trailer\n<</Size %d/Root %d 0 R/Prev %d%s>>\n" % (
            size, self.root or self.signed.root, self.signed.target + self.previous, self.trailer,
        )  # fmt: skip
        out += self.before_startxref + b"startxref\n"
        out += (b"%d" % (target + self.shift) if self.startxref is None else self.startxref) + b"\n" + self.end
        return bytes(out)


@dataclass
class StreamRevision:
    """One revision with a cross-reference stream and an object stream that holds all but streams."""

    signed: Signed
    objects: dict[int, bytes]
    hidden: dict[int, bytes] = field(default_factory=dict)  # in the object stream, listed nowhere
    junk: bytes = b""  # behind the objects in the object stream
    behind_rows: bytes = b""  # behind the rows in the table's stream
    in_deflate: bytes = b""  # behind the deflated rows
    number: int | None = None  # of the table's own object
    listed: bool = True
    loose: bytes = b""
    swap: bool = False  # indices of the first two packed objects

    def data(self) -> bytes:
        out = bytearray(self.signed.data)
        plain = {n: text for n, text in self.objects.items() if b"stream" in text}
        inner = {n: text for n, text in self.objects.items() if n not in plain}
        holder = max(self.signed.size, *self.objects) + 1
        table = self.number or holder + 1
        content, numbers = b"", []
        for number, text in {**inner, **self.hidden}.items():
            numbers.append(b"%d %d" % (number, len(content)))
            content += text + b"\n"
        head = b" ".join(numbers) + b" "
        plain[holder] = stream(
            zlib.compress(head + content + self.junk),
            b"/Type/ObjStm/N %d/First %d/Filter/FlateDecode" % (len(numbers), len(head)),
        )
        rows: dict[int, bytes] = {0: b"\0" + (0).to_bytes(4, "big") + b"\xff\xff"}
        order = list(inner)
        if self.swap:
            order[0], order[1] = order[1], order[0]
        for index, number in enumerate(order):
            rows[number] = b"\2" + holder.to_bytes(4, "big") + index.to_bytes(2, "big")
        for number, text in plain.items():
            rows[number] = b"\1" + len(out).to_bytes(4, "big") + b"\0\0"
            out += b"%d 0 obj\n%s\nendobj\n" % (number, text)
        out += self.loose
        target = len(out)
        if self.listed:
            rows[table] = b"\1" + target.to_bytes(4, "big") + b"\0\0"
        index_ = b" ".join(b"%d 1" % number for number in sorted(rows))
        # Prediction as common producers write it: each row less the row above.
        packed, above = b"", bytes(7)
        for number in sorted(rows):
            packed += b"\2" + bytes((a - b) & 0xFF for a, b in zip(rows[number], above, strict=True))
            above = rows[number]
        squeezed = zlib.compress(packed + self.behind_rows) + self.in_deflate
        size = max(holder, table, *rows) + 1
        out += b"%d 0 obj\n%s\nendobj\n" % (
            table,
            stream(
                squeezed,
                b"/Type/XRef/W[1 4 2]/Index[%s]/Size %d/Root %d 0 R/Prev %d/Filter/FlateDecode"
                b"/DecodeParms<</Predictor 12/Columns 7>>" % (index_, size, self.signed.root, self.signed.target),
            ),
        )
        return bytes(out) + b"startxref\n%d\n%%%%EOF\n" % target


def with_streams(paper: bytes) -> bytes:
    """The same paper with a cross-reference stream, as newer producers write it."""
    writer = copy_into_new_writer(PdfFileReader(io.BytesIO(paper)), writer_kwargs={"stream_xrefs": True})
    out = io.BytesIO()
    writer.write(out)
    return out.getvalue()


def by_hand(form: str) -> bytes:
    """A small paper as other producers lay it out: `short-rows`, `hybrid` (a table that names a stream), `linearised`
    (the newest table at the beginning of the file), `linearised-streams` (the same, the tables being streams, the
    newest one without a startxref of its own), `comments`, `loose` (an object that its table does not name), or
    `commented-out` (an object that begins inside of a comment)."""
    out = bytearray(b"%PDF-1.5\n%\xe2\xe3\xcf\xd3\n")
    texts = {
        1: b"<</Type/Catalog/Pages 2 0 R>>",
        2: b"<</Type/Pages/Kids[3 0 R]/Count 1>>",
        3: b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 595 842]/Resources<<>>/Contents 4 0 R>>",
        4: b"<</Length 5 0 R>>\nstream\n0 0 m 9 9 l S\nendstream",
        5: b"13",
    }
    places: dict[int, int] = {}

    def put(*numbers: int) -> None:
        for number in numbers:
            if form == "commented-out" and number == 2:
                out.extend(b"%hidden ")
            places[number] = len(out)
            out.extend(b"%d 0 obj\n%s\nendobj\n" % (number, texts[number]))
            if form == "comments":
                out.extend(b"% a producer's comment\n")

    def row(number: int) -> bytes:
        used = number in places
        text = b"%010d %05d %s" % (places.get(number, 0), 0 if used else 65535, b"n" if used else b"f")
        return text + (b"\n" if form == "short-rows" else b" \n")

    def table(first: int, count: int, trailer: bytes) -> bytes:
        rows = b"".join(row(number) for number in range(first, first + count))
        return b"xref\n%d %d\n" % (first, count) + rows + b"trailer\n<<%s>>\n" % trailer

    if form == "linearised-streams":
        head = [3, 4, 5, 6]
        room = len(_table_stream(6, head, {}, b"/Prev 000000"))
        places[6] = len(out)
        out.extend(b" " * room + b"\n")
        put(1, 2, 3, 4, 5)
        places[7] = len(out)
        out.extend(_table_stream(7, [0, 1, 2, 7], places) + b"startxref\n%d\n%%%%EOF\n" % places[6])
        out[places[6] : places[6] + room] = _table_stream(6, head, places, b"/Prev %06d" % places[7])
        return bytes(out)
    if form == "linearised":
        put(1, 3, 4, 5)
        first = len(out)
        room = len(b"xref\n3 3\n") + 60 + 100
        out.extend(b" " * (room + 60) + b"\n")
        put(2)
        main = len(out)
        out.extend(table(0, 3, b"/Size 6/Root 1 0 R") + b"startxref\n%d\n%%%%EOF\n" % first)
        head = table(3, 3, b"/Size 6/Root 1 0 R/Prev %d" % main) + b"startxref\n0\n%%EOF\n"
        out[first : first + len(head)] = head
        return bytes(out)
    put(1, 2, 3, 4, 5)
    if form == "loose":
        out.extend(b"4 0 obj\n%s\nendobj\n" % stream(FORGED))
    if form == "hybrid":
        texts[6] = stream(
            b"\1" + places.pop(5).to_bytes(3, "big") + b"\0", b"/Type/XRef/W[1 3 1]/Index[5 1]/Size 7/Root 1 0 R"
        )
        put(6)
        target = len(out)
        return (
            bytes(out)
            + table(0, 7, b"/Size 7/Root 1 0 R/XRefStm %d" % places[6])
            + b"startxref\n%d\n%%%%EOF\n" % target
        )
    target = len(out)
    return bytes(out) + table(0, 6, b"/Size 6/Root 1 0 R") + b"startxref\n%d\n%%%%EOF\n" % target
