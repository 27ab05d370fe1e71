"""The files that are measured, signed with an authority made for the run."""

from __future__ import annotations

import io
import random
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from PIL import Image
from reportlab.lib.utils import ImageReader
from reportlab.pdfgen.canvas import Canvas

from deploy.rehearsal import authority, papers
from services.signing import trust

MONDAY = datetime(2024, 3, 11, 2, 0, tzinfo=UTC)
RECEIVED = MONDAY + timedelta(hours=1)
_REVOKED = datetime(2024, 2, 1, tzinfo=UTC)
_LETTERS = "abcdefghijklmnopqrstuvwxyz    "


class Files:
    """Made when they are asked for, in `folder`; the same name is made once."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.trust_folder = folder / "trust"
        self.authority = authority.build(folder / "pki", self.trust_folder)
        self.snapshot = trust.load(self.trust_folder)
        self._random = random.Random(6)
        self._made: dict[str, bytes] = {}

    def data(self, name: str) -> bytes:
        if name not in self._made:
            self._made[name] = _MAKE[name](self)
        return self._made[name]

    def path(self, name: str) -> Path:
        path = self.folder / f"{name}.pdf"
        if not path.exists():
            path.write_bytes(self.data(name))
        return path

    def signed(self, pdf: bytes, by: str, **options: object) -> bytes:
        token = authority.token(self.folder / "pki", by)
        return papers.sign(pdf, token, at=MONDAY, **options)  # type: ignore[arg-type]

    def text(self, pages: int) -> bytes:
        """About 1.8 KB a page."""
        out = io.BytesIO()
        canvas = Canvas(out, invariant=True, pageCompression=1)
        for _ in range(pages):
            for row in range(42):
                canvas.drawString(50, 790 - 17 * row, "".join(self._random.choices(_LETTERS, k=70)))
            canvas.showPage()
        canvas.save()
        return out.getvalue()

    def scan(self, pages: int, size: int) -> bytes:
        """Pages with one picture each, together about `size` bytes."""
        side = int((size / pages) ** 0.5)
        out = io.BytesIO()
        canvas = Canvas(out, invariant=True, pageCompression=0)
        for _ in range(pages):
            picture = io.BytesIO()
            noise = Image.frombytes("L", (side, side), self._random.randbytes(side * side))
            noise.save(picture, "JPEG", quality=92)
            canvas.drawImage(ImageReader(picture), 0, 0, 595, 842)
            canvas.showPage()
        canvas.save()
        return out.getvalue()

    def big_list(self, entries: int) -> Path:
        """A trust folder like the other, where the list of the citizens' authority has that many entries."""
        folder = self.folder / f"trust-{entries}"
        authority.write_trust(self.authority, folder)
        above = self.authority.authority("public-ca")
        builder = (
            x509.CertificateRevocationListBuilder()
            .issuer_name(above.certificate.subject)
            .last_update(authority.LIST_ISSUED)
            .next_update(authority.NOT_AFTER)
            .add_extension(x509.CRLNumber(2), critical=False)
            .add_extension(
                x509.AuthorityKeyIdentifier.from_issuer_subject_key_identifier(
                    above.certificate.extensions.get_extension_for_class(x509.SubjectKeyIdentifier).value
                ),
                critical=False,
            )
        )
        revoked = [
            x509.RevokedCertificateBuilder().serial_number(2**64 + number).revocation_date(_REVOKED).build()
            for number in range(entries)
        ]
        # one call with all of them: adding one by one copies the builder's list each time
        builder = x509.CertificateRevocationListBuilder(
            builder._issuer_name, builder._last_update, builder._next_update, builder._extensions, revoked
        )
        signed = builder.sign(above.key, hashes.SHA256())
        (folder / "crls" / "public-ca.crl").write_bytes(signed.public_bytes(serialization.Encoding.DER))
        return folder


def field_tree() -> bytes:
    """1.5 KB that cost a PDF library a thousand million steps: form fields whose children are each other's, 30 deep."""
    depth = 30
    objects = {
        1: b"<</Type/Catalog/Pages 2 0 R/AcroForm<</Fields[4 0 R]/SigFlags 3>>>>",
        2: b"<</Type/Pages/Kids[3 0 R]/Count 1>>",
        3: b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 595 842]>>",
    }
    for number in range(4, 4 + depth):
        objects[number] = b"<</T(a)/Kids[%d 0 R %d 0 R]>>" % (number + 1, number + 1)
    objects[4 + depth] = b"<</T(z)/FT/Sig>>"
    out = bytearray(b"%PDF-1.7\n")
    places = []
    for number, text in objects.items():
        places.append(len(out))
        out += b"%d 0 obj\n%s\nendobj\n" % (number, text)
    table = len(out)
    out += b"xref\n0 %d\n0000000000 65535 f \n" % (len(places) + 1)
    out += b"".join(b"%010d 00000 n \n" % place for place in places)
    out += b"trailer\n<</Size %d/Root 1 0 R>>\nstartxref\n%d\n%%%%EOF\n" % (len(places) + 1, table)
    return bytes(out)


_MAKE: dict[str, Callable[[Files], bytes]] = {
    "200kb": lambda files: files.signed(files.text(62), "citizen-an"),
    "5mb_scan": lambda files: files.signed(files.scan(10, 4_900_000), "citizen-an"),
    "5mb_text_two": lambda files: files.signed(
        files.signed(files.text(2700), "citizen-an"), "agency-quang-thai", field="CoQuan"
    ),
    "20mb_scan": lambda files: files.signed(files.scan(40, 18_400_000), "citizen-an"),
    "20mb_500_pages": lambda files: files.signed(files.scan(500, 18_400_000), "citizen-an"),
    "bomb": lambda _: field_tree(),
}
