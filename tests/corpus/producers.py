"""Signers that share nothing with pyHanko: openssl, the `cryptography` library, and poppler's pdfsig with NSS.

The first two make only the container; the PDF around it is written by our own incremental writer. All of them take the
machine's clock for the time of signing.
"""

from __future__ import annotations

import re
import subprocess
import tempfile
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.serialization import pkcs7, pkcs12

from deploy.rehearsal.authority import Token
from tests.corpus import tools
from tests.corpus.update import Update, written

Container = Callable[[bytes], bytes]
_ROOM = 6144  # bytes
_WIDE = 10  # digits of a number in /ByteRange


def sign(
    pdf: bytes, container: Container, *, at: datetime, field: str = "Ky1", subfilter: str = "adbe.pkcs7.detached"
) -> bytes:
    """Write a signature field and dictionary behind `pdf` and fill it with what `container` makes of the rest."""
    update = Update(pdf)
    moment = at.astimezone(UTC).strftime("D:%Y%m%d%H%M%SZ").encode()
    blank = b"0" * _WIDE
    signature = update.new(
        b"<</Type/Sig/Filter/Adobe.PPKLite/SubFilter/%s/M(%s)/ByteRange[0 %s %s %s]/Contents <%s>>>"
        % (subfilter.encode(), moment, blank, blank, blank, b"00" * _ROOM)
    )
    widget = update.new(
        b"<</Type/Annot/Subtype/Widget/FT/Sig/T(%s)/V %d 0 R/F 132/P %d 0 R/Rect[0 0 0 0]>>"
        % (field.encode(), signature, update.page_number)
    )
    page, catalog = update.page, update.catalog
    marks = b" ".join(written(m) for m in page.get("/Annots", ()))
    update.put(update.page_number, update.changed(page, Annots=b"[%s %d 0 R]" % (marks, widget)))
    form = catalog.get("/AcroForm")
    listed = b" ".join(written(f) for f in (form["/Fields"] if form else ()))
    text = b"[%s %d 0 R]" % (listed, widget)
    update.put(update.root, update.changed(catalog, AcroForm=b"<</Fields %s/SigFlags 3>>" % text))
    return _filled(update.data(), container)


def _filled(data: bytes, container: Container) -> bytes:
    start = data.rindex(b"/Contents <" + b"0" * 64) + len(b"/Contents ")
    stop = data.index(b">", start) + 1
    numbers = [start, stop, len(data) - stop]
    blank = rb"\[0 0{10} 0{10} 0{10}\]"
    text = b"[0 %s]" % b" ".join(b"%d" % n for n in numbers)
    found = re.search(blank, data)
    assert found is not None
    data = data[: found.start()] + text.ljust(found.end() - found.start()) + data[found.end() :]
    digits = container(data[:start] + data[stop:]).hex().encode()
    assert len(digits) <= stop - start - 2, "the container does not fit"
    return data[: start + 1] + digits.ljust(stop - start - 2, b"0") + data[stop - 1 :]


def by_cryptography(token: Token, *, digest: str = "sha256") -> Container:
    """A container (PKCS #7) by the `cryptography` library."""
    chosen: Any = {"sha256": hashes.SHA256(), "sha384": hashes.SHA384(), "sha512": hashes.SHA512()}[digest]

    def make(content: bytes) -> bytes:
        builder = pkcs7.PKCS7SignatureBuilder().set_data(content).add_signer(token.certificate, token.key, chosen)
        for certificate in token.chain:
            builder = builder.add_certificate(certificate)
        options = [pkcs7.PKCS7Options.DetachedSignature, pkcs7.PKCS7Options.Binary]
        return builder.sign(serialization.Encoding.DER, options)

    return make


def by_openssl(token: Token, *options: str) -> Container:
    """A container (CMS) by the openssl program; `-cades` adds what PAdES asks for."""

    def make(content: bytes) -> bytes:
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            (folder / "content").write_bytes(content)
            _pem(folder, token)
            command = [
                "openssl", "cms", "-sign", "-binary", "-outform", "DER", "-in", "content", "-out", "cms",
                "-signer", "own.pem", "-inkey", "key.pem", "-certfile", "chain.pem", "-nosmimecap", *options,
            ]  # fmt: skip
            subprocess.run(command, cwd=folder, check=True, capture_output=True)
            return (folder / "cms").read_bytes()

    return make


def _pem(folder: Path, token: Token) -> None:
    def pem(item: object) -> bytes:
        return item.public_bytes(serialization.Encoding.PEM)  # type: ignore[attr-defined]

    (folder / "own.pem").write_bytes(pem(token.certificate))
    (folder / "chain.pem").write_bytes(b"".join(map(pem, token.chain)) or pem(token.certificate))
    (folder / "key.pem").write_bytes(
        token.key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
    )


def nss_folder(folder: Path, tokens: list[Token], roots: list[Token]) -> Path:
    """An NSS database with these signers and these trusted roots, as pdfsig asks for it."""
    folder.mkdir(parents=True, exist_ok=True)
    base = f"sql:{folder}"
    _ok("certutil", "-N", "-d", base, "--empty-password")
    for root in roots:
        (folder / "root.pem").write_bytes(root.certificate.public_bytes(serialization.Encoding.PEM))
        _ok("certutil", "-A", "-d", base, "-n", root.name, "-t", "CT,CT,CT", "-i", folder / "root.pem")
    for token in tokens:
        packed = pkcs12.serialize_key_and_certificates(
            token.name.encode(), token.key, token.certificate, list(token.chain),
            serialization.BestAvailableEncryption(b"pw"),
        )  # fmt: skip
        (folder / "token.p12").write_bytes(packed)
        _ok("pk12util", "-i", folder / "token.p12", "-d", base, "-W", "pw", "-K", "")
    return folder


def _ok(program: str, *arguments: str | Path) -> None:
    done = tools.run(program, *arguments)
    if done.returncode:
        raise RuntimeError(f"{program}: {done.stderr.decode(errors='replace')[-500:]}")


def by_pdfsig(pdf: bytes, token: Token, nss: Path, *, field: str = "KyNss") -> bytes:
    """The whole signature by poppler."""
    source, target = nss / "in.pdf", nss / "out.pdf"
    source.write_bytes(pdf)
    target.unlink(missing_ok=True)
    return tools.made(
        "pdfsig", "-nssdir", f"sql:{nss}", "-nss-pwd", "", "-add-signature", "-new-signature-field-name", field,
        "-nick", token.name, "-digest", "SHA256", source, target, result=target,
    )  # fmt: skip
