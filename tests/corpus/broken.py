"""Files that no honest program writes: broken, encrypted, of another kind, or without any signature."""

from __future__ import annotations

import io
import re
from collections.abc import Iterator

from pypdf import PdfReader, PdfWriter

from tests.corpus import writers
from tests.corpus.case import FAILED, NOT_VALID, OPEN, REFUSED, Case
from tests.corpus.kit import Kit


def cases(kit: Kit) -> Iterator[Case]:
    control = "honest/b-b.pdf"
    for name, pdf in writers.all_of_them().items():
        yield Case(f"unsigned/{name}.pdf", pdf, "unsigned", ("NO_SIGNATURE",))
    yield Case("unsigned/picture.png", b"\x89PNG\r\n\x1a\n" + b"\0" * 64, "unsigned", ("NO_SIGNATURE",))
    yield Case("unsigned/text.txt", b"plain words\n", "unsigned", ("NO_SIGNATURE",))
    for algorithm in ("AES-256", "AES-128"):
        yield Case(f"encrypted/{algorithm.lower()}.pdf", encrypted(algorithm, "secret"), "encrypted", OPEN,
                   "SIGNED_DATA_NOT_FOUND")  # fmt: skip
    yield Case("encrypted/without-password.pdf", encrypted("AES-256", ""), "encrypted", OPEN, "SIGNED_DATA_NOT_FOUND")
    yield Case("encrypted/then-signed.pdf", _faked_encryption(kit.b_b), "encrypted", REFUSED, control=control)
    yield Case("broken/empty.pdf", b"%PDF-1.7\n", "broken", FAILED, "FORMAT_FAILURE")
    yield Case("broken/nothing.bin", b"", "broken", NOT_VALID)
    yield Case("broken/noise.pdf", b"%PDF-1.7\n" + bytes(range(256)) * 64, "broken", NOT_VALID)
    for part in (1, 2, 3):
        yield Case(f"broken/first-{part}-quarters.pdf", kit.b_b[: len(kit.b_b) * part // 4], "broken", NOT_VALID,
                   control=control)  # fmt: skip
    yield Case(
        "broken/no-startxref.pdf", kit.b_b.replace(b"startxref", b"startxrfe"), "broken", NOT_VALID, control=control
    )
    yield Case("broken/no-root.pdf", re.sub(rb"/Root \d+ 0 R", b"/Root 9 9 R", kit.b_b), "broken", NOT_VALID,
               control=control)  # fmt: skip
    yield Case("broken/doubled.pdf", kit.b_b + kit.b_b, "broken", REFUSED, control=control)
    yield Case("broken/line-ends.pdf", kit.b_b.replace(b"\n", b"\r\n"), "broken", NOT_VALID, control=control)
    yield Case("broken/resaved.pdf", _resaved(kit.b_b), "broken", NOT_VALID, control=control)
    old = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 512
    yield Case("broken/old-office.doc", old, "broken", OPEN)
    yield Case("broken/cms.p7s", b"-----BEGIN PKCS7-----\nMIIB\n-----END PKCS7-----\n", "broken", OPEN)


def encrypted(algorithm: str, password: str) -> bytes:
    writer = PdfWriter(clone_from=PdfReader(io.BytesIO(writers.paper())))
    writer.encrypt(password, owner_password="owner", algorithm=algorithm)
    out = io.BytesIO()
    writer.write(out)
    return out.getvalue()


def _faked_encryption(signed: bytes) -> bytes:
    """A signed file whose last trailer says that it is encrypted."""
    place = signed.rindex(b"trailer")
    start = signed.index(b"<<", place) + 2
    return signed[:start] + b"/Encrypt<</Filter/Standard/V 1/R 2/O()/U()/P -4>>" + signed[start:]


def _resaved(signed: bytes) -> bytes:
    """Written anew by a program that knows nothing of signatures."""
    writer = PdfWriter(clone_from=PdfReader(io.BytesIO(signed)))
    out = io.BytesIO()
    writer.write(out)
    return out.getvalue()
