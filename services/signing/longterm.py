"""What may follow the last signature: timestamps over the whole document, and data that prove old certificates.

Anybody can append both, so both are judged. A document timestamp must come from a recognised timestamp authority; a
stamp made with an ordinary certificate says nothing but covers the file like a signature. The security store (/DSS) may
hold certificates, revocation lists and OCSP answers, when they were fetched (/TU), and nothing else: any other content
would be a file in the file.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

from asn1crypto import crl, ocsp, x509
from pyhanko.pdf_utils.generic import ArrayObject, DictionaryObject, StreamObject
from pyhanko.pdf_utils.reader import PdfFileReader
from pyhanko.sign.general import CMSStructuralError
from pyhanko.sign.validation import EmbeddedPdfSignature
from pyhanko.sign.validation.errors import SignatureValidationError
from pyhanko.sign.validation.pdf_embedded import async_validate_pdf_timestamp

from services.signing import paths, trust
from services.signing.container import SignedData
from services.signing.description import certificate
from services.signing.verdict import FINDINGS, PASSED, Finding, SignatureReport

_KINDS: dict[str, Any] = {
    "/Certs": x509.Certificate,
    "/Cert": x509.Certificate,
    "/CRLs": crl.CertificateList,
    "/CRL": crl.CertificateList,
    "/OCSPs": ocsp.OCSPResponse,
    "/OCSP": ocsp.OCSPResponse,
}
_STORE_KEYS = frozenset({"/Type", "/VRI", "/Certs", "/CRLs", "/OCSPs"})
_ENTRY_KEYS = frozenset({"/Type", "/Cert", "/CRL", "/OCSP", "/TU"})
_STREAM_KEYS = frozenset({"/Length", "/Filter", "/DecodeParms"})
_ENTRY_NAME = re.compile(r"/[0-9A-F]{40}")  # the digest of a signature
_DATE = re.compile(r"D:\d{4}(?:\d\d){0,5}(?:Z|[+-]\d\d'(?:\d\d'?)?)?", re.ASCII)


def store_is_true(reader: PdfFileReader) -> bool:
    """Whether the file's /DSS, if there is one, holds certificates, revocation data, their date and nothing else."""
    if "/DSS" not in reader.root:
        return True
    try:
        for key, stream in _streams(reader.root["/DSS"]):
            parsed = _KINDS[key].load(stream.data, strict=True)
            parsed.native  # noqa: B018 - parses all of it
    except (ValueError, TypeError, KeyError):
        return False
    return True


def _streams(store: Any) -> Iterator[tuple[str, StreamObject]]:
    if not isinstance(store, DictionaryObject) or not set(store) <= _STORE_KEYS:
        raise ValueError("no security store")
    signed = store["/VRI"] if "/VRI" in store else DictionaryObject()
    if not isinstance(signed, DictionaryObject) or not all(map(_ENTRY_NAME.fullmatch, signed)):
        raise ValueError("no entries of signatures")
    entries = ((signed[name], _ENTRY_KEYS, "/VRI") for name in signed)
    for part, allowed, kind in ((store, _STORE_KEYS, "/DSS"), *entries):
        if not isinstance(part, DictionaryObject) or not set(part) <= allowed:
            raise ValueError("a security store with something else")
        if ("/Type" in part and part["/Type"] != kind) or ("/TU" in part and not _DATE.fullmatch(part["/TU"])):
            raise ValueError("another type, or no date")
        for key in _KINDS.keys() & set(part):
            items = part[key]
            if not isinstance(items, ArrayObject):
                raise ValueError("no list of data")
            for place in range(len(items)):  # by place: iterating would give references
                item = items[place]
                if not isinstance(item, StreamObject) or not set(item) <= _STREAM_KEYS:
                    raise ValueError("no stream of data")
                yield key, item


async def document_timestamp(
    stamp: EmbeddedPdfSignature, *, snapshot: trust.Snapshot, received: datetime, tolerance: timedelta, gap_fits: bool
) -> SignatureReport:
    """The report of one document timestamp: an authority of the kind `timestamp` must stand behind it."""
    cms = SignedData.load(stamp.pkcs7_content)
    problem = cms.problem(len(stamp.pkcs7_content)) or (None if gap_fits else "byte_range")
    leaf = cms.signer
    chain = snapshot.chain(leaf, trust.TIMESTAMP_KINDS, at=received, embedded=cms.others) if leaf else None
    moment, finding = None, FINDINGS[problem] if problem else FINDINGS["stamp_untrusted"]
    status = None
    if not problem:
        try:
            status = await async_validate_pdf_timestamp(
                stamp, paths.context(snapshot, [chain] if chain else [], received), skip_diff=True
            )
            moment = status.timestamp
            finding = _judged(status, leaf, chain, latest=received + tolerance)
        except (SignatureValidationError, CMSStructuralError):
            finding = FINDINGS["cms_shape"]
    return SignatureReport(
        finding=finding,
        **certificate(leaf, chain),
        signing_time=moment.isoformat() if moment else None,
        time_basis="timestamp",
        timestamped=finding is PASSED,
        integrity_ok=bool(status and status.intact and status.valid),
        chain_ok=bool(status and status.trusted),
        revocation="good" if finding is PASSED else "unknown",
        algorithm=f"{status.pkcs7_signature_mechanism}+{status.md_algorithm}" if status else None,
    )


def _judged(status: Any, leaf: trust.Certificate | None, chain: trust.Chain | None, *, latest: datetime) -> Finding:
    if not status.intact:
        return FINDINGS["hash"]
    if not status.valid:
        return FINDINGS["crypto"]
    if leaf is None or bytes(status.signing_cert.dump()) != leaf.der:
        return FINDINGS["no_signer"]
    purposes = leaf.asn1.extended_key_usage_value
    if chain is None or not status.trusted or purposes is None or "time_stamping" not in purposes.native:
        return FINDINGS["stamp_untrusted"]
    return PASSED if status.timestamp <= latest else FINDINGS["time_order"]
