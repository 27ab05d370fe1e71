"""Signing with pyHanko, at any time and in every way that the corpus needs."""

from __future__ import annotations

import asyncio
import io
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from asn1crypto import crl as asn1_crl
from asn1crypto import keys as asn1_keys
from asn1crypto import ocsp as asn1_ocsp
from asn1crypto import x509 as asn1_x509
from cryptography.hazmat.primitives import serialization
from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter
from pyhanko.sign import fields, signers, timestamps
from pyhanko.sign.validation.dss import DocumentSecurityStore
from pyhanko_certvalidator.registry import SimpleCertificateStore

from deploy.rehearsal.authority import Token
from tests.corpus.case import SIGNED
from tests.corpus.pki import der


class _At(signers.PdfSigner):
    """The library asks the machine's clock; this one stands."""

    def __init__(self, *arguments: Any, at: datetime, **named: Any) -> None:
        super().__init__(*arguments, **named)
        self._at = at

    def init_signing_session(self, *arguments: Any, **named: Any) -> Any:
        session = super().init_signing_session(*arguments, **named)
        session.system_time = self._at
        return session


def sign(
    pdf: bytes,
    token: Token,
    *,
    at: datetime = SIGNED,
    stamp: Token | None = None,
    stamped: datetime | None = None,
    field: str = "Ky1",
    pades: bool = True,
    digest: str = "sha256",
    pss: bool = False,
    certify: fields.MDPPerm | None = None,
    box: tuple[int, int, int, int] | None = None,
    room: int | None = None,
    reason: str | None = None,
) -> bytes:
    """Sign at the claimed time `at`; `stamped` is what the timestamp says, if other than that."""
    metadata = signers.PdfSignatureMetadata(
        field_name=field,
        md_algorithm=digest,
        reason=reason,
        subfilter=fields.SigSeedSubFilter.PADES if pades else fields.SigSeedSubFilter.ADOBE_PKCS7_DETACHED,
        certify=certify is not None,
        docmdp_permissions=certify or fields.MDPPerm.FILL_FORMS,
    )
    store = SimpleCertificateStore.from_certs([_certificate(c) for c in token.chain])
    signer = signers.SimpleSigner(_certificate(token.certificate), _key(token), store, prefer_pss=pss)
    spec = fields.SigFieldSpec(field, on_page=0, box=box) if box else None
    stamper = _stamper(stamp, stamped or at) if stamp else None
    session = _At(metadata, signer, timestamper=stamper, new_field_spec=spec, at=at)
    out = io.BytesIO()
    writer = IncrementalPdfFileWriter(io.BytesIO(pdf), strict=b"/XRefStm" not in pdf)
    asyncio.run(session.async_sign_pdf(writer, bytes_reserved=room, output=out))
    return out.getvalue()


def with_store(
    signed: bytes, *, certificates: Sequence[bytes] = (), lists: Sequence[bytes] = (), answers: Sequence[bytes] = ()
) -> bytes:
    """An update with a security store (/DSS) for the last signature."""
    writer = IncrementalPdfFileWriter(io.BytesIO(signed), strict=b"/XRefStm" not in signed)
    last = writer.prev.embedded_signatures[-1]
    DocumentSecurityStore.supply_dss_in_writer(
        writer,
        last.pkcs7_content.hex().encode(),
        certs=[asn1_x509.Certificate.load(c) for c in certificates],
        crls=[asn1_crl.CertificateList.load(c) for c in lists],
        ocsps=[asn1_ocsp.OCSPResponse.load(c) for c in answers],
    )
    return _out(writer)


def document_stamp(pdf: bytes, token: Token, *, at: datetime, field: str = "Dau1") -> bytes:
    """A timestamp over the whole document."""
    writer = IncrementalPdfFileWriter(io.BytesIO(pdf), strict=b"/XRefStm" not in pdf)
    out = io.BytesIO()
    stamper = signers.PdfTimeStamper(_stamper(token, at), field_name=field)
    asyncio.run(stamper.async_timestamp_pdf(writer, "sha256", output=out))
    return out.getvalue()


def with_field(pdf: bytes, name: str, box: tuple[int, int, int, int] | None = (60, 60, 200, 100)) -> bytes:
    """An empty signature field, prepared for somebody."""
    writer = IncrementalPdfFileWriter(io.BytesIO(pdf), strict=b"/XRefStm" not in pdf)
    fields.append_signature_field(
        writer, fields.SigFieldSpec(name, on_page=0, box=box, empty_field_appearance=box is not None)
    )
    return _out(writer)


def _out(writer: IncrementalPdfFileWriter) -> bytes:
    out = io.BytesIO()
    writer.write(out)
    return out.getvalue()


def _stamper(token: Token, at: datetime) -> timestamps.DummyTimeStamper:
    # Built afresh: the library remembers an answer's size.
    return timestamps.DummyTimeStamper(
        _certificate(token.certificate), _key(token), SimpleCertificateStore(), fixed_dt=at
    )


def _certificate(item: Any) -> asn1_x509.Certificate:
    return asn1_x509.Certificate.load(der(item))


def _key(token: Token) -> asn1_keys.PrivateKeyInfo:
    return asn1_keys.PrivateKeyInfo.load(
        token.key.private_bytes(
            serialization.Encoding.DER, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
    )
