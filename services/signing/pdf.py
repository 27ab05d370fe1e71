"""Validation of every signature in a PDF.

Order (EN 319 102-1, and the measurements behind it; docs/signing-policy.md tells it whole): structure, digest,
signature value and later changes first, whoever signed; then the time T, which a trusted timestamp proves (`stamps`),
else "good at our receipt and at the claimed time"; then certificate chain and revocation at T (`at_time`) with data
from the trust snapshot and with what the file brings along, as far as the right key signed it. Nothing is fetched,
ever: addresses inside an upload are the uploader's.

The PDF library is the engine for parsing, CMS, differences and path validation. What it gets wrong or leaves open is
closed here, in `structure` and in `layout`: the gap check, bytes that no table accounts for, changes after the last
signature, issuers chosen by key, revocation data required. Where the library finds an object elsewhere than our own
reading does, nothing is decided.
"""

from __future__ import annotations

import io
import logging
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from pyhanko.pdf_utils.generic import IndirectObject, Reference
from pyhanko.pdf_utils.misc import PdfError
from pyhanko.pdf_utils.reader import PdfFileReader
from pyhanko.pdf_utils.xref import ObjStreamRef
from pyhanko.sign.validation import EmbeddedPdfSignature

from services.signing import layout, longterm, structure, trust
from services.signing.container import SignedData
from services.signing.digests import Digests
from services.signing.embedded import Brought, of_container
from services.signing.fields import empty_field_added
from services.signing.revocation import Evidence
from services.signing.signature import Check, Context, end_of
from services.signing.tables import Entry
from services.signing.verdict import FINDINGS, Finding, SignatureReport

# The library logs subjects of certificates, which are names of people; its loggers are silenced altogether.
for _name in ("pyhanko", "pyhanko_certvalidator"):
    logging.getLogger(_name).setLevel(logging.CRITICAL + 1)


@dataclass(frozen=True, slots=True)
class Result:
    """What was found in one PDF: findings about the file, a report per signature and document timestamp, the parser."""

    findings: tuple[Finding, ...]
    signatures: tuple[SignatureReport, ...] = ()
    parser: str = "none"
    timestamps: tuple[SignatureReport, ...] = ()


def check_pdf(data: bytes, *, snapshot: trust.Snapshot, received: datetime, now: datetime, digests: Digests) -> Result:
    """Judge all signatures of a PDF; `received` (aware) is when we got the file, which is when it surely existed."""
    if len(data) > structure.LIMITS.file_bytes:
        return Result((FINDINGS["limit"],))
    if not data.startswith(b"%PDF-"):
        return Result((FINDINGS["unreadable"],))
    result = Result((FINDINGS["unreadable"],))
    # Strict refuses tables that Word writes; lenient reads them, and the report says so.
    for parser in ("strict", "lenient"):
        try:
            reader = PdfFileReader(io.BytesIO(data), strict=parser == "strict")
            if parser == "strict" and reader.xrefs.hybrid_xrefs_present:
                continue
            return _File(data, reader, parser, snapshot, received, now, digests).run()
        except PdfError:
            result = Result((FINDINGS["unreadable"],), parser=parser)
        except (RecursionError, MemoryError):
            return Result((FINDINGS["limit"],), parser=parser)
        except Exception:  # hostile input raises anything; whatever it is, nothing was verified
            result = Result((FINDINGS["unparsable"],), parser=parser)
    return result


@dataclass(frozen=True, slots=True)
class _File:
    data: bytes
    reader: PdfFileReader
    parser: str
    snapshot: trust.Snapshot
    received: datetime
    now: datetime
    digests: Digests

    def run(self) -> Result:
        if self.reader.xrefs.total_revisions > structure.LIMITS.revisions:
            return Result((FINDINGS["limit"],), parser=self.parser)
        if self.reader.encrypted:
            return Result((FINDINGS["encrypted"],), parser=self.parser)
        embedded = list(self.reader.embedded_signatures)
        if len(embedded) > structure.LIMITS.signatures:
            return Result((FINDINGS["limit"],), parser=self.parser)
        findings = []
        structural, opaque = self._structure(embedded) if embedded else (None, ())
        written = structure.byte_ranges(self.data, opaque)
        # A signature that the parser passed over, or one whose key is not in the plain bytes.
        if written > len(embedded):
            findings.append(FINDINGS["hidden_signature"])
        elif written < len(embedded):
            findings.append(FINDINGS["byte_range"])
        ordinary = [e for e in embedded if e.sig_object_type == "/Sig"]
        if structural:
            findings.append(structural)
        tail_is_clean = structural is not FINDINGS["modified"]
        if empty_field_added(self.reader, embedded):
            findings.append(FINDINGS["modified"])
        store = longterm.store(self.reader) if embedded else Brought()
        if isinstance(store, Finding):
            findings.append(store)
            store = Brought()
        # A second parse for all reading of ours: touching the library's own objects can re-encode what was signed.
        containers = {e: SignedData.load(e.pkcs7_content) for e in embedded}
        brought = sum((of_container(cms.asn1) for cms in containers.values()), store)
        evidence = Evidence(
            (*self.snapshot.lists, *brought.lists),
            (*self.snapshot.answers, *brought.answers),
            self.now,
            self.snapshot.archive,
        )
        stamps = self._stamps({e: cms for e, cms in containers.items() if e not in ordinary}, brought, evidence)
        findings += [stamp.report.finding for stamp in stamps if stamp.harms]
        listed = tuple(stamp.report for stamp in stamps)
        if len(embedded) > 1 and self._objects() > structure.LIMITS.diff_objects:
            return Result((*findings, FINDINGS["limit"]), parser=self.parser, timestamps=listed)
        last = max(ordinary, key=end_of, default=None)
        context = Context(
            self.reader, self.snapshot, self.received, self.now, self.digests, brought, evidence, tuple(stamps)
        )
        reports = [
            Check(
                context,
                e,
                containers[e],
                gap_fits=self._gap_problem(e) is None,
                is_last=e is last,
                tail_is_clean=tail_is_clean or e is not last,
            ).report()
            for e in ordinary
        ]
        return Result(tuple(findings), tuple(reports), self.parser, listed)

    def _stamps(
        self, embedded: dict[EmbeddedPdfSignature, SignedData], brought: Brought, evidence: Evidence
    ) -> list[longterm.Stamp]:
        """The document timestamps in the file's order, judged from the newest to the oldest."""
        existed = self.received
        found: list[longterm.Stamp] = []
        for stamp in sorted(embedded, key=end_of, reverse=True):
            try:
                judged = longterm.document_timestamp(
                    stamp,
                    embedded[stamp],
                    end=end_of(stamp),
                    snapshot=self.snapshot,
                    existed=existed,
                    offered=brought.certificates,
                    evidence=evidence,
                    gap_fits=self._gap_problem(stamp) is None,
                )
            except (RecursionError, MemoryError):
                judged = longterm.unreadable(stamp, end_of(stamp), FINDINGS["limit"])
            except Exception:  # see check_pdf
                judged = longterm.unreadable(stamp, end_of(stamp), FINDINGS["unparsable"])
            if judged.trusted and judged.time is not None:
                existed = min(existed, judged.time)
            found.append(judged)
        return found[::-1]

    def _structure(self, embedded: Sequence[EmbeddedPdfSignature]) -> tuple[Finding | None, Sequence[tuple[int, int]]]:
        """What our own strict reading of all bytes has against the file, or against the library's reading of it; where
        it has nothing, the spans in which no object stands."""
        if not self._tail_is_clean(embedded):
            return FINDINGS["modified"], ()
        try:
            found = layout.read(self.data, min(end_of(e) for e in embedded))
        except layout.Ambiguous:
            return FINDINGS["ambiguous"], ()
        except layout.Modified:
            return FINDINGS["modified"], ()
        finding = self._disagreement(found, embedded)
        return finding, () if finding else found.opaque

    def _disagreement(self, found: layout.Layout, embedded: Sequence[EmbeddedPdfSignature]) -> Finding | None:
        newest = self.reader.xrefs.total_revisions - 1
        for signature in embedded:
            if found.later_than(end_of(signature), self.data) != newest - signature.signed_revision:
                return FINDINGS["modified"]
        first = min(e.signed_revision for e in embedded)
        agrees = self._agrees(found.places, newest) and (first == newest or self._agrees(found.signed, first))
        return None if agrees else FINDINGS["ambiguous"]

    def _agrees(self, places: dict[int, Entry], revision: int) -> bool:
        """Whether the library finds every object of a revision where our own reading does."""
        tables = self.reader.xrefs
        known = {ref.idnum for number in range(revision + 1) for ref in tables.explicit_refs_in_revision(number)}
        if not known <= places.keys():
            return False
        for number, entry in places.items():
            place = tables.get_historical_ref(Reference(number, entry.generation, self.reader), revision)
            own = entry.offset if entry.container is None else ObjStreamRef(entry.container, entry.index)
            if place != own and not (entry.free and place is None):
                return False
        return True

    def _gap_problem(self, signature: EmbeddedPdfSignature) -> str | None:
        reference = signature.sig_field.raw_get("/V")
        if not isinstance(reference, IndirectObject):
            return "the signature is no object of its own"
        place = self.reader.xrefs[reference.reference]
        return structure.gap_problem(
            self.data,
            list(signature.byte_range),
            signature.pkcs7_content,
            reference.idnum,
            place if isinstance(place, int) else None,
        )

    def _tail_is_clean(self, embedded: Sequence[EmbeddedPdfSignature]) -> bool:
        last = max(embedded, key=end_of)
        later = self.reader.xrefs.total_revisions - last.signed_revision - 1
        return structure.tail_is_clean(self.data, end_of(last), later)

    def _objects(self) -> int:
        tables = self.reader.xrefs
        return sum(len(tables.explicit_refs_in_revision(number)) for number in range(tables.total_revisions))
