"""Validation of every signature in a PDF.

Order (EN 319 102-1, and the measurements behind it): structure, digest, signature value and later changes first,
whoever signed; then the time T: that of a trusted timestamp, else "good at our receipt and at the claimed time"; then
certificate chain and revocation at T with data from the trust snapshot only. Nothing is fetched, ever: addresses
inside an upload are the uploader's.

The PDF library is the engine for parsing, CMS and path validation. What it gets wrong or leaves open is closed here, in
`structure` and in `layout`: the gap check, bytes that no table accounts for, changes after the last signature, issuers
chosen by key, revocation data required. Where the library finds an object elsewhere than our own reading does, nothing
is decided. Revocation of an expired certificate is judged only by data from before its expiry.
Document timestamps are judged and listed (`longterm`), but no time is taken from them; nor are revocation data that the
file brings along used (B-LT, B-LTA).
"""

from __future__ import annotations

import asyncio
import io
import logging
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from pyhanko.pdf_utils.generic import IndirectObject, Reference
from pyhanko.pdf_utils.misc import PdfError
from pyhanko.pdf_utils.reader import PdfFileReader
from pyhanko.pdf_utils.xref import ObjStreamRef
from pyhanko.sign.ades.report import AdESIndeterminate, AdESStatus
from pyhanko.sign.diff_analysis import ModificationLevel
from pyhanko.sign.general import CMSStructuralError
from pyhanko.sign.validation import EmbeddedPdfSignature, async_validate_pdf_signature
from pyhanko.sign.validation.errors import SignatureValidationError
from pyhanko.sign.validation.settings import KeyUsageConstraints
from pyhanko.sign.validation.status import PdfSignatureStatus

from services.common.rules import rule
from services.signing import layout, longterm, paths, structure, trust
from services.signing.container import SignedData
from services.signing.description import described, level
from services.signing.fields import empty_field_added
from services.signing.tables import Entry
from services.signing.verdict import FINDINGS, PASSED, Finding, SignatureReport, worst

# The library logs subjects of certificates, which are names of people; its loggers are silenced altogether.
for _name in ("pyhanko", "pyhanko_certvalidator"):
    logging.getLogger(_name).setLevel(logging.CRITICAL + 1)

# Clocks differ; a claimed time may lie this much after our receipt.
CLOCK_TOLERANCE = timedelta(minutes=10)
# A claimed time without a zone is taken as local.
_LOCAL = timedelta(hours=7)

# Domain facts §8 (5): digitalSignature or nonRepudiation.
_USAGE = KeyUsageConstraints(key_usage={"non_repudiation", "digital_signature"})
# Where a certificate lists purposes, one of these must be among them. Checked here: the library, given a list, refuses
# every certificate that lists none.
_PURPOSES = frozenset(
    {
        "any_extended_key_usage",
        "email_protection",
        "microsoft_document_signing",
        "1.3.6.1.5.5.7.3.36",  # document signing, RFC 9336
        "1.2.840.113583.1.1.5",  # Adobe document signing
    }
)

_BY_INDICATION: dict[Any, str] = {
    AdESIndeterminate.NO_CERTIFICATE_CHAIN_FOUND: "no_chain",
    AdESIndeterminate.NO_SIGNING_CERTIFICATE_FOUND: "no_signer",
    AdESIndeterminate.CHAIN_CONSTRAINTS_FAILURE: "chain_constraints",
    AdESIndeterminate.CRYPTO_CONSTRAINTS_FAILURE: "weak",
    AdESIndeterminate.CRYPTO_CONSTRAINTS_FAILURE_NO_POE: "weak",
    AdESIndeterminate.TRY_LATER: "no_revocation_data",
    AdESIndeterminate.EXPIRED: "expired",
    AdESIndeterminate.OUT_OF_BOUNDS_NO_POE: "expired_no_poe",
}


@dataclass(frozen=True, slots=True)
class Result:
    """What was found in one PDF: findings about the file, a report per signature and document timestamp, the parser."""

    findings: tuple[Finding, ...]
    signatures: tuple[SignatureReport, ...] = ()
    parser: str = "none"
    timestamps: tuple[SignatureReport, ...] = ()


def check_pdf(data: bytes, *, snapshot: trust.Snapshot, received: datetime) -> Result:
    """Judge all signatures of a PDF; `received` (aware) is when we got the file, which is when it surely existed."""
    if len(data) > structure.LIMITS.file_bytes:
        return Result((FINDINGS["limit"],))
    raw = structure.scan(data)
    if raw.exceeds():
        return Result((FINDINGS["limit"],))
    if not raw.header_at_start:
        return Result((FINDINGS["unreadable"],))
    result = Result((FINDINGS["unreadable"],))
    # Strict refuses tables that Word writes; lenient reads them, and the report says so.
    for parser in ("strict", "lenient"):
        try:
            reader = PdfFileReader(io.BytesIO(data), strict=parser == "strict")
            if parser == "strict" and reader.xrefs.hybrid_xrefs_present:
                continue
            return asyncio.run(_Check(data, reader, parser, raw, snapshot, received).run())
        except PdfError:
            result = Result((FINDINGS["unreadable"],), parser=parser)
        except (RecursionError, MemoryError):
            return Result((FINDINGS["limit"],), parser=parser)
        except Exception:  # hostile input raises anything; whatever it is, nothing was verified
            result = Result((FINDINGS["unparsable"],), parser=parser)
    return result


@dataclass(frozen=True, slots=True)
class _Check:
    data: bytes
    reader: PdfFileReader
    parser: str
    raw: structure.Scan
    snapshot: trust.Snapshot
    received: datetime

    async def run(self) -> Result:
        if self.reader.encrypted:
            return Result((FINDINGS["encrypted"],), parser=self.parser)
        embedded = list(self.reader.embedded_signatures)
        if len(embedded) > structure.LIMITS.signatures:
            return Result((FINDINGS["limit"],), parser=self.parser)
        findings = []
        # A signature that the parser passed over, or one whose key is not in the plain bytes.
        if self.raw.signatures > len(embedded):
            findings.append(FINDINGS["hidden_signature"])
        elif self.raw.signatures < len(embedded):
            findings.append(FINDINGS["byte_range"])
        ordinary = [e for e in embedded if e.sig_object_type == "/Sig"]
        structural = self._structural_finding(embedded) if embedded else None
        if structural:
            findings.append(structural)
        tail_is_clean = structural is not FINDINGS["modified"]
        if empty_field_added(self.reader, embedded) or (embedded and not longterm.store_is_true(self.reader)):
            findings.append(FINDINGS["modified"])
        stamps = [await self._stamp_report(e) for e in embedded if e not in ordinary]
        findings += [stamp.finding for stamp in stamps if stamp.finding is not PASSED]
        if len(embedded) > 1 and self._objects() > structure.LIMITS.diff_objects:
            return Result((*findings, FINDINGS["limit"]), parser=self.parser, timestamps=tuple(stamps))
        last = max(ordinary, key=_end, default=None)
        reports = [
            await _Signature(self, e, is_last=e is last, tail_is_clean=tail_is_clean or e is not last).report()
            for e in ordinary
        ]
        return Result(tuple(findings), tuple(reports), self.parser, tuple(stamps))

    async def _stamp_report(self, stamp: EmbeddedPdfSignature) -> SignatureReport:
        try:
            return await longterm.document_timestamp(
                stamp,
                snapshot=self.snapshot,
                received=self.received,
                tolerance=CLOCK_TOLERANCE,
                gap_fits=self._gap_problem(stamp) is None,
            )
        except (RecursionError, MemoryError):
            return SignatureReport(FINDINGS["limit"])
        except Exception:  # see check_pdf
            return SignatureReport(FINDINGS["unparsable"])

    def _structural_finding(self, embedded: Sequence[EmbeddedPdfSignature]) -> Finding | None:
        """What our own strict reading of all bytes has against the file, or against the library's reading of it."""
        if not self._tail_is_clean(embedded):
            return FINDINGS["modified"]
        try:
            found = layout.read(self.data, min(_end(e) for e in embedded))
        except layout.Ambiguous:
            return FINDINGS["ambiguous"]
        except layout.Modified:
            return FINDINGS["modified"]
        newest = self.reader.xrefs.total_revisions - 1
        for signature in embedded:
            if found.later_than(_end(signature), self.data) != newest - signature.signed_revision:
                return FINDINGS["modified"]
        first = min(e.signed_revision for e in embedded)
        return (
            None if self._agrees(found.signed, first) and self._agrees(found.places, newest) else FINDINGS["ambiguous"]
        )

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
        last = max(embedded, key=_end)
        later = self.reader.xrefs.total_revisions - last.signed_revision - 1
        return structure.tail_is_clean(self.data, _end(last), later)

    def _objects(self) -> int:
        tables = self.reader.xrefs
        return sum(len(tables.explicit_refs_in_revision(number)) for number in range(tables.total_revisions))


class _Signature:
    """One signature on its way to a report."""

    def __init__(self, check: _Check, signature: EmbeddedPdfSignature, *, is_last: bool, tail_is_clean: bool) -> None:
        self.check = check
        self.signature = signature
        self.is_last = is_last
        self.tail_is_clean = tail_is_clean
        # A second parse for all reading of ours: touching the library's own objects can re-encode what was signed.
        self.cms = SignedData.load(signature.pkcs7_content)
        self._chains: dict[datetime, trust.Chain | None] = {}

    async def report(self) -> SignatureReport:
        problem = self.cms.problem(len(self.signature.pkcs7_content)) or (
            "byte_range" if self.check._gap_problem(self.signature) else None
        )
        if problem:
            return self._described(FINDINGS[problem], None, None)
        claimed = _aware(self.signature.self_reported_timestamp)
        proven = None
        try:
            # Trust in timestamps does not depend on this run's moment, so the first run also says what T is.
            moment = self.cms.timestamp() or self.check.received
            status = await self._validate(moment)
            proven = _proven_time(status)
            wanted = proven or self.check.received
            if wanted != moment:
                status = await self._validate(wanted, again=True)
            findings = [self._same_signer(status), _integrity(status), self._later_changes(status)]
            if proven:
                findings.append(self._at_timestamp(status, proven, claimed))
            else:
                findings.append(await self._at_receipt(status, claimed))
        except SignatureValidationError as error:
            return self._described(_by_error(error), None, claimed)
        except CMSStructuralError:
            return self._described(FINDINGS["cms_shape"], None, claimed)
        except (RecursionError, MemoryError):
            return self._described(FINDINGS["limit"], None, claimed)
        except Exception:  # see check_pdf
            return self._described(FINDINGS["unparsable"], None, claimed)
        return self._described(worst(findings), status, proven or claimed, timestamped=proven is not None)

    async def _validate(self, moment: datetime, *, again: bool = False) -> PdfSignatureStatus:
        chain, snapshot = self._chain(moment), self.check.snapshot
        stamps = [self._stamp_chain(c, others) for c, others in self.cms.timestamp_signers()]
        return await async_validate_pdf_signature(
            self.signature,
            # The fraction makes "revoked at this very second" count as revoked: entries carry whole seconds.
            paths.context(snapshot, [chain] if chain else [], moment + timedelta(microseconds=1)),
            paths.context(snapshot, [s for s in stamps if s], self.check.received),
            key_usage_settings=_USAGE,
            skip_diff=again,
        )

    def _chain(self, moment: datetime) -> trust.Chain | None:
        leaf = self.cms.signer
        if leaf is None:
            return None
        if moment not in self._chains:
            offered = self.cms.others
            self._chains[moment] = self.check.snapshot.chain(leaf, trust.SIGNER_KINDS, at=moment, embedded=offered)
        return self._chains[moment]

    def _stamp_chain(self, leaf: trust.Certificate, others: Sequence[trust.Certificate]) -> trust.Chain | None:
        return self.check.snapshot.chain(leaf, trust.TIMESTAMP_KINDS, at=self.check.received, embedded=others)

    def _same_signer(self, status: PdfSignatureStatus) -> Finding:
        """Whether the library verified with the very certificate that we report on."""
        leaf = self.cms.signer
        return PASSED if leaf and bytes(status.signing_cert.dump()) == leaf.der else FINDINGS["no_signer"]

    def _later_changes(self, status: PdfSignatureStatus) -> Finding:
        if status.docmdp_ok is not True or not self.tail_is_clean:
            return FINDINGS["modified"]
        # Behind the last signature only long-term data may follow; a filled field or new appearance has no author.
        if self.is_last and level(status) not in (ModificationLevel.NONE, ModificationLevel.LTA_UPDATES):
            return FINDINGS["modified"]
        return PASSED if status.seed_value_ok else FINDINGS["seed_values"]

    @rule("SG-07", title="Chữ ký phải có hiệu lực tại thời điểm ký", cites="TB 94/TB-UBND §2; NĐ 130/2018 Đ9")
    def _at_timestamp(self, status: PdfSignatureStatus, moment: datetime, claimed: datetime | None) -> Finding:
        """Judge trust at the time T that a trusted timestamp proves."""
        latest = self.check.received + CLOCK_TOLERANCE
        if moment > latest or (claimed is not None and claimed > latest):
            return FINDINGS["time_order"]
        outside = self._outside_validity(moment)
        if outside:
            return outside
        if status.revocation_details is not None:
            return FINDINGS["revoked_ca" if status.revocation_details.ca_revoked else "revoked"]
        return self._trust(status, moment)

    async def _at_receipt(self, at_receipt: PdfSignatureStatus, claimed: datetime | None) -> Finding:
        """Judge trust without proof of the time: good at our receipt and at the claimed time as well."""
        known = self.check.received
        if claimed is None:
            return FINDINGS["no_time"]
        if claimed > self.check.received + CLOCK_TOLERANCE:
            return FINDINGS["time_order"]
        outside = self._outside_validity(claimed)
        if outside:
            return outside
        at_claim = await self._validate(claimed, again=True)
        for run in (at_claim, at_receipt):
            details = run.revocation_details
            if details is not None:
                suffix = "_ca" if details.ca_revoked else ""
                before = details.revocation_date <= claimed
                return FINDINGS[f"revoked{suffix}" if before else f"revoked{suffix}_no_poe"]
        if self._outside_validity(known) is not None:
            return FINDINGS["expired_no_poe"]
        return worst([self._trust(at_receipt, known), self._trust(at_claim, claimed)])

    def _outside_validity(self, moment: datetime) -> Finding | None:
        leaf = self.cms.signer
        if leaf is None or leaf.valid_at(moment):
            return None
        return FINDINGS["not_yet_valid" if moment < leaf.asn1.not_valid_before else "expired"]

    def _trust(self, status: PdfSignatureStatus, moment: datetime) -> Finding:
        if status.trusted:
            return PASSED if _purpose_fits(self.cms.signer) else FINDINGS["chain_constraints"]
        chain = self._chain(moment)
        code = _BY_INDICATION.get(status.trust_problem_indic, "chain_failure")
        if code == "chain_failure" and chain and not self.check.snapshot.revocation_for(chain)[2]:
            code = "no_revocation_data"
        return FINDINGS[code]

    def _described(
        self, finding: Finding, status: PdfSignatureStatus | None, moment: datetime | None, *, timestamped: bool = False
    ) -> SignatureReport:
        chain = self._chain(moment or self.check.received)
        unchanged = status is not None and _integrity(status) is PASSED and self._later_changes(status) is PASSED
        return described(
            finding, status, self.cms.signer, chain, signing_time=moment, timestamped=timestamped,
            integrity_ok=unchanged,
        )  # fmt: skip


def _purpose_fits(leaf: trust.Certificate | None) -> bool:
    listed = leaf.asn1.extended_key_usage_value if leaf else None
    return listed is None or bool(_PURPOSES & set(listed.native))


def _integrity(status: PdfSignatureStatus) -> Finding:
    if not status.intact:
        return FINDINGS["hash"]
    return PASSED if status.valid else FINDINGS["crypto"]


def _proven_time(status: PdfSignatureStatus) -> datetime | None:
    """The time of the timestamp that was found trusted: of that one, not of another that stands before it."""
    stamp = status.timestamp_validity
    return stamp.timestamp if stamp is not None and stamp.intact and stamp.valid and stamp.trusted else None


def _by_error(error: SignatureValidationError) -> Finding:
    if error.ades_status is AdESStatus.FAILED:
        return FINDINGS["cms_shape"]
    return FINDINGS[_BY_INDICATION.get(error.ades_subindication, "unparsable")]


def _end(signature: EmbeddedPdfSignature) -> int:
    values = [v for v in signature.byte_range if isinstance(v, int)]
    return values[2] + values[3] if len(values) == 4 else 0


def _aware(moment: datetime | None) -> datetime | None:
    if moment is not None and moment.utcoffset() is None:
        return (moment - _LOCAL).replace(tzinfo=UTC)
    return moment
