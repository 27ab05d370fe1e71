"""What may follow the last signature: timestamps over the whole document, and data that prove old certificates.

Anybody can append both, so both are judged. A document timestamp must come from a recognised timestamp authority; a
stamp made with an ordinary certificate says nothing but covers the file like a signature. One of a recognised authority
whose certificate has run out since is listed and proves nothing. The security store (/DSS) may hold certificates,
revocation lists and OCSP answers, when they were fetched (/TU), and nothing else: any other content would be a file in
the file.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from asn1crypto import cms, crl, ocsp, tsp, x509
from pyhanko.pdf_utils.generic import ArrayObject, DictionaryObject, StreamObject
from pyhanko.pdf_utils.reader import PdfFileReader
from pyhanko.sign.fields import enumerate_sig_fields
from pyhanko.sign.general import CMSStructuralError
from pyhanko.sign.validation import EmbeddedPdfSignature
from pyhanko.sign.validation.errors import SignatureValidationError

from services.signing import at_time, structure, trust, values
from services.signing.certificates import Certificate
from services.signing.container import SignedData
from services.signing.description import certificate, iso, revocation
from services.signing.embedded import Brought
from services.signing.revocation import Answer, Evidence, RevocationList
from services.signing.verdict import FINDINGS, PASSED, Finding, SignatureReport, Verdict

_KINDS: dict[str, Any] = {
    "/Certs": Certificate,
    "/Cert": Certificate,
    "/CRLs": RevocationList,
    "/CRL": RevocationList,
    "/OCSPs": Answer,
    "/OCSP": Answer,
}
_FORMS: dict[Any, Any] = {
    Certificate: x509.Certificate,
    RevocationList: crl.CertificateList,
    Answer: ocsp.OCSPResponse,
}
_STAMP_KEY = "/TS"  # a timestamp over an entry: says when it was made, proves nothing here
_STORE_KEYS = frozenset({"/Type", "/VRI", "/Certs", "/CRLs", "/OCSPs"})
_ENTRY_KEYS = frozenset({"/Type", "/Cert", "/CRL", "/OCSP", "/TU", _STAMP_KEY})
_STREAM_KEYS = frozenset({"/Length", "/Filter", "/DecodeParms"})
_ENTRY_NAME = re.compile(r"/[0-9A-Fa-f]{40}")  # the digest of a signature
_DATE = re.compile(r"D:\d{4}(?:\d\d){0,5}(?:Z|[+-]\d\d'(?:\d\d'?)?)?", re.ASCII)


def store(reader: PdfFileReader) -> Brought | Finding:
    """What the file's /DSS holds. A finding where that is anything but certificates, revocation data and their date."""
    if "/DSS" not in reader.root:
        return Brought()
    found: dict[tuple[Any, bytes], Any] = {}
    try:
        for key, stream in _streams(reader.root["/DSS"]):
            kind, data = _KINDS[key], stream.data
            if (kind, data) not in found:
                found[kind, data] = _loaded(kind, data)
            if len(found) > structure.LIMITS.brought:
                return FINDINGS["limit"]
    except (ValueError, TypeError, KeyError):
        return FINDINGS["modified"]

    def of(kind: Any) -> tuple[Any, ...]:
        return tuple(item for item in found.values() if isinstance(item, kind))

    return Brought(of(Certificate), of(RevocationList), of(Answer))


def _loaded(kind: Any, data: bytes) -> Any:
    """None for what is well-formed but of no use to us, as an odd certificate beside the ones that count."""
    try:
        return kind.load(data)
    except (ValueError, TypeError):
        parsed = _FORMS[kind].load(data, strict=True)
        parsed.native  # noqa: B018 - parses all of it: a ValueError where it is anything else
        return None


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
        for key in (key for key in _KINDS if key in part):
            items = part[key]
            if not isinstance(items, ArrayObject):
                raise ValueError("no list of data")
            for place in range(len(items)):  # by place: iterating would give references
                item = items[place]
                yield key, _stream(item)
        if _STAMP_KEY in part and not isinstance(_container(_stream(part[_STAMP_KEY]).data), tsp.TSTInfo):
            raise ValueError("no timestamp")


def _stream(item: Any) -> StreamObject:
    if not isinstance(item, StreamObject) or not set(item) <= _STREAM_KEYS:
        raise ValueError("no stream of data")
    return item


def _container(der: bytes) -> Any:
    """What a container holds."""
    return cms.ContentInfo.load(der, strict=True)["content"]["encap_content_info"]["content"].parsed


@dataclass(frozen=True, slots=True)
class Stamp:
    """A document timestamp that was judged: up to where it covers the file, and what was found."""

    end: int
    revision: int
    field: str
    report: SignatureReport
    time: datetime | None = None
    chain: trust.Chain | None = None

    @property
    def trusted(self) -> bool:
        return self.report.finding is PASSED

    @property
    def harms(self) -> bool:
        """Whether it weighs against the file: not where a recognised authority's word is merely worth nothing now."""
        finding = self.report.finding
        return finding.verdict is Verdict.TOTAL_FAILED or finding.code in _HARMFUL


_HARMFUL = frozenset({"stamp_untrusted", "time_order", "limit", "unparsable", "no_signer"})
_NOTED = frozenset({"/ModDate", "/Producer"})
_SUBFILTER = "/ETSI.RFC3161"


def document_timestamp(
    stamp: EmbeddedPdfSignature,
    own: SignedData,
    *,
    end: int,
    snapshot: trust.Snapshot,
    existed: datetime,
    offered: Sequence[Certificate],
    evidence: Evidence,
    gap_fits: bool,
) -> Stamp:
    """One document timestamp, which surely `existed` at a moment; an authority of the kind `timestamp` must stand
    behind it."""

    def judged(finding: Finding, **more: Any) -> Stamp:
        value, found = more.get("value"), more.get("found") or at_time.Judged(finding)
        report = SignatureReport(
            finding=finding,
            **certificate(own.signer, found.chain),
            signing_time=iso(more.get("time")),
            time_basis="timestamp",
            timestamped=finding is PASSED,
            integrity_ok=bool(value and value.intact and value.valid),
            chain_ok=found.finding is PASSED,
            **revocation(found),
            algorithm=value.algorithm if value else None,
        )
        return Stamp(end, stamp.signed_revision, stamp.fq_name, report, more.get("time"), found.chain)

    problem = own.problem(len(stamp.pkcs7_content)) or (None if gap_fits else "byte_range")
    if problem or own.signer is None:
        return judged(FINDINGS[problem or "no_signer"])
    if stamp.sig_object.get("/SubFilter") != _SUBFILTER:
        return judged(FINDINGS["cms_shape"])
    try:
        stamp.compute_integrity_info(skip_diff=True)
        value = values.verified(stamp.signed_data, own.signer, None)
        fits = values.imprint_fits(stamp.signed_data, stamp.compute_digest)
    except (SignatureValidationError, CMSStructuralError):
        return judged(FINDINGS["cms_shape"])
    time = own.stamped_at()
    if fits is False or value.finding.verdict is Verdict.TOTAL_FAILED:
        return judged(FINDINGS["hash"] if fits is False else value.finding, value=value, time=time)
    found = at_time.stamper(
        own.signer, snapshot=snapshot, stamped=time, existed=existed, offered=(*own.others, *offered), evidence=evidence
    )
    weak = found.finding is PASSED and (fits is None or not value.strong)
    return judged(FINDINGS["weak"] if weak else found.finding, value=value, time=time, found=found)


def unreadable(stamp: EmbeddedPdfSignature, end: int, finding: Finding) -> Stamp:
    """A document timestamp that could not be looked at."""
    return Stamp(end, stamp.signed_revision, stamp.fq_name, SignatureReport(finding))


def only_stamps(names: set[str], stamps: Sequence[Stamp], reader: PdfFileReader) -> bool:
    """Whether the changed fields are those of recognised document timestamps that show nothing.

    Some producers give an invisible field an (empty) appearance, which the library takes for form filling.
    """
    invisible = {
        name
        for name, _, reference in enumerate_sig_fields(reader, filled_status=True)
        if _shows_nothing(reference.get_object())
    }
    return bool(names) and names <= {s.field for s in stamps if not s.harms} & invisible


def same_description(reader: PdfFileReader, revision: int) -> bool:
    """Whether the file's description (title, author …) is what it was at a revision; tools note themselves there."""

    def told(trailer: Any) -> dict[str, str]:
        if "/Info" not in trailer:
            return {}
        found = trailer["/Info"]
        return {key: str(found[key]) for key in found if key not in _NOTED}

    return told(reader.trailer_view) == told(reader.get_historical_resolver(revision).trailer_view)


def _shows_nothing(field: Any) -> bool:
    if not isinstance(field, DictionaryObject) or "/Kids" in field:
        return False
    box = field.get("/Rect")
    if box is None:
        return "/AP" not in field
    left, low, right, high = (float(box[place]) for place in range(4))
    return left == right and low == high
