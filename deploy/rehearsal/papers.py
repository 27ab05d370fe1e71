"""Papers of a rehearsal: makes PDFs, signs them with soft tokens, and forges them in the ways that attackers do.

Forged files are made where they are needed and never stored in the repository. Everything here is for rehearsal and
tests: signing keys of real people stay in their hardware tokens.
"""

from __future__ import annotations

import asyncio
import io
import os
import re
import unicodedata
import zipfile
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Any, Literal

from asn1crypto import keys as asn1_keys
from asn1crypto import x509 as asn1_x509
from cryptography import x509
from cryptography.hazmat.primitives import serialization
from pyhanko.pdf_utils import generic
from pyhanko.pdf_utils.generic import pdf_name
from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter
from pyhanko.pdf_utils.reader import PdfFileReader
from pyhanko.sign import fields, signers, timestamps
from pyhanko_certvalidator.registry import SimpleCertificateStore
from reportlab.lib.pagesizes import A4
from reportlab.pdfbase import pdfmetrics
from reportlab.pdfbase.ttfonts import TTFont
from reportlab.pdfgen.canvas import Canvas

from deploy.rehearsal.authority import PrivateKey, Token

Wrapping = Literal["literal", "object-stream", "hex"]
Appending = Literal["comment", "zip", "loose-object", "update"]
Overlay = Literal["field", "annotation"]

FONT_FOLDER = "/usr/share/fonts/truetype/dejavu"


@cache
def _font() -> tuple[str, bool]:
    """The font to write with and whether it knows Vietnamese letters."""
    folder = Path(os.environ.get("MOTCUA_FONTS", FONT_FOLDER))
    for name in ("DejaVuSans.ttf", "NotoSans-Regular.ttf", "LiberationSans-Regular.ttf"):
        if (folder / name).is_file():
            pdfmetrics.registerFont(TTFont("paper", str(folder / name)))
            return "paper", True
    return "Helvetica", False


def plain(text: str) -> str:
    """The text in ASCII, for fonts without Vietnamese letters: "Đặng Quốc" becomes "Dang Quoc"."""
    decomposed = unicodedata.normalize("NFD", text.replace("đ", "d").replace("Đ", "D"))
    return decomposed.encode("ascii", "ignore").decode("ascii")


def paper(title: str, lines: Sequence[str] = (), *, pages: int = 1) -> bytes:
    """A PDF in A4 with a title and lines on each page; the same arguments give the same bytes."""
    font, vietnamese = _font()
    out = io.BytesIO()
    canvas = Canvas(out, pagesize=A4, invariant=True, pageCompression=1)
    canvas.setTitle(plain(title))
    for number in range(1, pages + 1):
        canvas.setFont(font, 15)
        canvas.drawString(72, 770, title if vietnamese else plain(title))
        canvas.setFont(font, 11)
        for row, line in enumerate([*lines, f"{number}/{pages}"]):
            canvas.drawString(72, 735 - 16 * row, line if vietnamese else plain(line))
        canvas.showPage()
    canvas.save()
    return out.getvalue()


def sign(
    pdf: bytes,
    token: Token,
    *,
    at: datetime,
    timestamp: Token | str | None = None,
    field: str = "ChuKySo",
    reason: str | None = None,
    certify: fields.MDPPerm | None = None,
    pades: bool = True,
    md_algorithm: str = "sha256",
    room: int | None = None,
) -> bytes:
    """Sign with PAdES (or adbe.pkcs7.detached) at the claimed time `at` (aware).

    With a timestamp token the level is B-T and the timestamp says `at` too; `timestamp` may also be the address of a
    responder (RFC 3161), which says its own time. Without it B-B. `certify` makes a
    certification signature with that permission; `room` is the size of the gap in hexadecimal digits. Signing again
    with another field adds a second signature.
    """
    name = f"{field}{'' if field[-1].isdigit() else 1}"
    metadata = signers.PdfSignatureMetadata(
        field_name=name,
        reason=reason,
        md_algorithm=md_algorithm,
        subfilter=fields.SigSeedSubFilter.PADES if pades else fields.SigSeedSubFilter.ADOBE_PKCS7_DETACHED,
        certify=certify is not None,
        docmdp_permissions=certify or fields.MDPPerm.FILL_FORMS,
    )
    signer = _Signer(metadata, simple_signer(token), timestamper=_timestamper(timestamp, at), at=at)
    out = io.BytesIO()
    # The library signs hybrid files (as office programs write them) only where it is not strict.
    writer = IncrementalPdfFileWriter(io.BytesIO(pdf), strict=b"/XRefStm" not in pdf)
    asyncio.run(signer.async_sign_pdf(writer, bytes_reserved=room, output=out))
    return out.getvalue()


def document_timestamp(
    pdf: bytes, token: Token, *, at: datetime, box: tuple[int, int, int, int] | None = None, field: str = "DauThoiGian"
) -> bytes:
    """Put a timestamp over the whole document with this token, whoever holds it; `box` makes its field visible."""
    name = f"{field}{pdf.count(b'/DocTimeStamp') + 1}"
    writer = IncrementalPdfFileWriter(io.BytesIO(pdf))
    if box is not None:
        fields.append_signature_field(
            writer, fields.SigFieldSpec(name, on_page=0, box=box, empty_field_appearance=True)
        )
    stamper = _timestamper(token, at)
    assert stamper is not None
    out = io.BytesIO()
    asyncio.run(signers.PdfTimeStamper(stamper, field_name=name).async_timestamp_pdf(writer, "sha256", output=out))
    return out.getvalue()


def simple_signer(token: Token) -> signers.SimpleSigner:
    """The token as a signer of the PDF library; it embeds the issuing certificates, not the root."""
    store = SimpleCertificateStore.from_certs([_certificate(c) for c in (token.certificate, *token.chain)])
    return signers.SimpleSigner(_certificate(token.certificate), _key(token.key), store, embed_roots=False)


class _Signer(signers.PdfSigner):
    """A signer whose clock stands at `at`: the library asks the machine's clock otherwise."""

    def __init__(self, *arguments: Any, at: datetime, **named: Any) -> None:
        super().__init__(*arguments, **named)
        self._at = at

    def init_signing_session(self, *arguments: Any, **named: Any) -> Any:
        session = super().init_signing_session(*arguments, **named)
        session.system_time = self._at
        return session


def _timestamper(token: Token | str | None, at: datetime) -> timestamps.TimeStamper | None:
    if token is None:
        return None
    if isinstance(token, str):
        return timestamps.HTTPTimeStamper(token, timeout=15)
    # Built afresh for each signature: the library remembers a size estimate, not the time.
    return timestamps.DummyTimeStamper(
        _certificate(token.certificate), _key(token.key), SimpleCertificateStore(), fixed_dt=at
    )


def _certificate(item: x509.Certificate) -> asn1_x509.Certificate:
    return asn1_x509.Certificate.load(item.public_bytes(serialization.Encoding.DER))


def _key(key: PrivateKey) -> asn1_keys.PrivateKeyInfo:
    der = key.private_bytes(serialization.Encoding.DER, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    return asn1_keys.PrivateKeyInfo.load(der)


# --- forgeries -------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Hole:
    """Where the last signature leaves its gap: bytes [start:stop] are `<hex>`, [stop:end] is the second signed part."""

    start: int
    stop: int
    end: int

    @classmethod
    def of(cls, signed: bytes) -> _Hole:
        found = re.findall(rb"/ByteRange\s*\[\s*0\s+(\d+)\s+(\d+)\s+(\d+)\s*\]", signed)
        if not found:
            raise ValueError("the file is not signed")
        start, stop, length = (int(value) for value in found[-1])
        return cls(start, stop, stop + length)


def tampered(signed: bytes) -> bytes:
    """One byte changed inside the signed range: a digit of the page size, so that the file still opens."""
    match = re.search(rb"/MediaBox\s*\[\s*\S+\s+\S+\s+(\d)", signed)
    if match is None or match.start(1) >= _Hole.of(signed).start:
        raise ValueError("no page size inside the signed range")
    place = match.start(1)
    other = b"4" if signed[place : place + 1] != b"4" else b"6"
    return signed[:place] + other + signed[place + 1 :]


def appended(signed: bytes, how: Appending = "comment") -> bytes:
    """Bytes behind the signed revision.

    `comment`: a comment; `zip`: a whole ZIP archive (polyglot); `loose-object`: a new page object without a table of
    its own; `update`: a proper incremental update that replaces the page's content.
    """
    if how == "comment":
        return signed + b"\n% added after signing\n"
    if how == "zip":
        out = io.BytesIO()
        with zipfile.ZipFile(out, "w") as archive:
            archive.writestr(zipfile.ZipInfo("readme.txt"), b"added after signing")
        return signed + out.getvalue()
    if how == "loose-object":
        startxref = re.findall(rb"startxref\s+(\d+)", signed)[-1]
        stream = _page_stream("FORGED")
        return signed + (
            b"\n5 0 obj\n<</Length %d>>\nstream\n" % len(stream)
            + stream
            + b"\nendstream\nendobj\nstartxref\n%s\n%%%%EOF\n" % startxref
        )
    writer = IncrementalPdfFileWriter(io.BytesIO(signed))
    writer.root["/Pages"]["/Kids"][0][pdf_name("/Contents")] = writer.add_object(
        generic.StreamObject(stream_data=_page_stream("FORGED"))
    )
    writer.update_container(writer.root["/Pages"]["/Kids"][0])
    return _written(writer)


def overlay(signed: bytes, how: Overlay = "field") -> bytes:
    """Something drawn over the page after signing: an empty signature field with an appearance, or an annotation."""
    writer = IncrementalPdfFileWriter(io.BytesIO(signed))
    if how == "field":
        fields.append_signature_field(
            writer, fields.SigFieldSpec("Them", on_page=0, box=(60, 700, 400, 790), empty_field_appearance=True)
        )
        return _written(writer)
    page = writer.root["/Pages"]["/Kids"][0]
    note = generic.DictionaryObject(
        {
            pdf_name("/Type"): pdf_name("/Annot"),
            pdf_name("/Subtype"): pdf_name("/FreeText"),
            pdf_name("/Rect"): generic.ArrayObject(generic.NumberObject(n) for n in (60, 700, 400, 790)),
            pdf_name("/Contents"): generic.TextStringObject("FORGED"),
            pdf_name("/DA"): generic.TextStringObject("/Helv 12 Tf 0 g"),
        }
    )
    present = page["/Annots"] if "/Annots" in page else generic.ArrayObject()
    page[pdf_name("/Annots")] = generic.ArrayObject([*present, writer.add_object(note)])
    writer.update_container(page)
    return _written(writer)


def wrapped(signed: bytes, how: Wrapping = "literal") -> bytes:
    """Signature wrapping: the gap of the last signature holds a whole forged document that keeps the old signature.

    The bytes that were signed stay where the signature expects them, so digest and signature value remain right. The
    gap is widened until the offset named by the signed `startxref` lies in it; there stands the attacker's table,
    which points to another page content and another signature dictionary. That one gives /Contents as a literal
    string (`literal`) or inside a compressed object stream (`object-stream`): both let a verifier that only adds up
    lengths see "the entire file". `hex` is the classical form.
    """
    hole = _Hole.of(signed)
    reader = PdfFileReader(io.BytesIO(signed), strict=False)
    emb = reader.embedded_signatures[-1]
    cms = bytes.fromhex(signed[hole.start + 1 : hole.stop - 1].decode("ascii"))
    page = reader.root["/Pages"]["/Kids"].raw_get(0)
    return _Wrapping(
        signed=signed,
        hole=hole,
        cms=cms,
        reader=reader,
        signature=emb.sig_field.raw_get("/V").idnum,
        page_content=page.get_object().raw_get("/Contents").idnum,
        table=int(re.findall(rb"startxref\s+(\d+)", signed)[-1]),
    ).build(how)


@dataclass(frozen=True, slots=True)
class _Wrapping:
    signed: bytes
    hole: _Hole
    cms: bytes
    reader: PdfFileReader
    signature: int
    page_content: int
    table: int

    def build(self, how: Wrapping) -> bytes:
        # The widened gap ends behind the table; its length is even, because it must look like `<hex>`.
        room = 40 * (len(self._numbers()) + 8) + 600
        stop = self.table + room
        stop += (stop - self.hole.start) % 2
        size = (stop - self.hole.start - 2) // 2
        bare = self.cms.rstrip(b"\0") + b"\0"
        contents = bare if how == "hex" else bare.ljust(size, b"\0")
        pieces: dict[int, int | tuple[int, int]] = {}
        body = bytearray()

        def put(number: int, content: bytes) -> None:
            pieces[number] = self.hole.start + len(body)
            body.extend(b"%d 0 obj\n" % number + content + b"\nendobj\n")

        body += b"<00>\n>>\nendobj\n"  # closes what the signed part left open
        stream = _page_stream("FORGED")
        put(self.page_content, b"<</Length %d>>\nstream\n" % len(stream) + stream + b"\nendstream")
        dictionary = self._dictionary(stop, contents, how)
        spare = max(self._numbers()) + 1
        if how == "object-stream":
            packed = b"%d 0 " % self.signature + dictionary
            first = len(b"%d 0 " % self.signature)
            squeezed = zlib.compress(packed)
            head = b"<</Type/ObjStm/N 1/First %d/Filter/FlateDecode/Length %d>>" % (first, len(squeezed))
            put(spare, head + b"\nstream\n" + squeezed + b"\nendstream")
            pieces[self.signature] = (spare, 0)
        else:
            put(self.signature, dictionary)
        if self.hole.start + len(body) > self.table:
            raise ValueError("the forged objects do not fit before the signed table")
        body.extend(b" " * (self.table - self.hole.start - len(body)))
        body.extend(self._table(pieces, stop, spare + 1, stream_form=how == "object-stream"))
        if len(body) > stop - self.hole.start:
            raise ValueError("the forged table does not fit")
        body.extend(b" " * (stop - self.hole.start - len(body)))
        return self.signed[: self.hole.start] + bytes(body) + self.signed[self.hole.stop : self.hole.end]

    def _numbers(self) -> list[int]:
        found = set()
        for revision in range(self.reader.xrefs.total_revisions):
            found |= {ref.idnum for ref in self.reader.xrefs.explicit_refs_in_revision(revision)}
        return sorted(found)

    def _dictionary(self, stop: int, contents: bytes, how: str) -> bytes:
        if how == "literal":
            escaped = contents.replace(b"\\", rb"\\").replace(b"(", rb"\(").replace(b")", rb"\)")
            text = b"(" + escaped.replace(b"\r", rb"\r") + b")"
        else:
            text = b"<" + contents.hex().encode() + b">"
        old = self.reader.get_object(generic.Reference(self.signature, 0, self.reader))
        return b"<</Type/Sig/Filter/Adobe.PPKLite/SubFilter%s/M(%s)/ByteRange[0 %d %d %d]/Contents %s>>" % (
            str(old["/SubFilter"]).encode(),
            str(old["/M"]).encode(),
            self.hole.start,
            stop,
            self.hole.end - self.hole.stop,
            text,
        )

    def _table(self, pieces: dict[int, int | tuple[int, int]], stop: int, size: int, *, stream_form: bool) -> bytes:
        """The attacker's table: old objects where the signed parts keep them, forged ones from `pieces`."""
        places = dict(pieces)
        for number in self._numbers():
            place = self.reader.xrefs[generic.Reference(number, 0, self.reader)]
            if number in places or not isinstance(place, int):
                continue
            places[number] = place if place < self.hole.start else place + stop - self.hole.stop
        root = self.reader.trailer.raw_get("/Root").idnum
        if not stream_form:
            plain_places = sorted((n, place) for n, place in places.items() if isinstance(place, int))
            rows = b"".join(b"%d 1\n%010d 00000 n \n" % pair for pair in plain_places)
            head = b"xref\n0 1\n0000000000 65535 f \n"
            return head + rows + b"trailer\n<</Size %d/Root %d 0 R>>\n" % (size, root)
        own = size
        places[own] = self.table
        rows = b""
        for number in sorted(places):
            place = places[number]
            kind, first, second = (2, *place) if isinstance(place, tuple) else (1, place, 0)
            rows += bytes([kind]) + first.to_bytes(4, "big") + second.to_bytes(2, "big")
        index = b" ".join(b"%d 1" % number for number in sorted(places))
        return (
            b"%d 0 obj\n<</Type/XRef/Size %d/Root %d 0 R/W[1 4 2]/Index[%s]/Length %d>>\nstream\n"
            % (own, own + 1, root, index, len(rows))
            + rows
            + b"\nendstream\nendobj\n"
        )


def _page_stream(text: str) -> bytes:
    return b"BT /F1 24 Tf 72 700 Td (%s) Tj ET" % text.encode("ascii")


def _written(writer: IncrementalPdfFileWriter) -> bytes:
    out = io.BytesIO()
    writer.write(out)
    return out.getvalue()
