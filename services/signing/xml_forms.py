"""Validation of every signature in an XML e-form: enveloped XMLDSig and XAdES (B-B, B-T).

The same order as for PDF: shape and value first, whoever signed; then the time; then the certificate at that time, by
the same judgement and in the same words (`at_time`). A timestamp of XAdES-T proves T. Without it the certificate must
be good at our receipt and at the time that the signature states; XMLDSig has no place of its own for such a time, so a
signature without one is judged by our receipt alone.

Several signatures are judged each; a signature that does not cover the whole form, or in another place than below the
root, is never good.
"""

from __future__ import annotations

import binascii
from base64 import b64decode
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from typing import Any

from asn1crypto import cms
from cryptography.hazmat.primitives import hashes
from lxml import etree
from signxml import DigestAlgorithm
from signxml.algorithms import digest_algorithm_implementations

from services.common.rules import rule
from services.signing import at_time, structure, trust, values, xml_value
from services.signing.certificates import Certificate
from services.signing.container import SignedData
from services.signing.description import BROKEN_CHAIN, certificate, iso, revocation
from services.signing.findings import FINDINGS, NO_SIGNATURE, PASSED, Finding
from services.signing.pdf import Result
from services.signing.revocation import Evidence
from services.signing.verdict import SignatureReport, worst
from services.signing.xml_reading import DS, XML_LIMITS, Unreadable, may_be_signed, signature_elements, tree
from services.signing.xml_shape import XADES, Shape, Shaped, nested, shape

# A stated time without a zone is taken as local.
_LOCAL = timezone(timedelta(hours=7))
_INCLUSIVE = "http://www.w3.org/TR/2001/REC-xml-c14n-20010315"


@rule("SG-01", title="Chữ ký số trên biểu mẫu điện tử XML được kiểm tra như trên PDF", cites="TB 94/TB-UBND §2")
def check_xml(data: bytes, *, snapshot: trust.Snapshot, received: datetime, now: datetime) -> Result:
    """Judge all signatures of an XML file; `received` (aware) is when we got it."""
    try:
        root = tree(data)
        signatures = signature_elements(root)
        if not signatures:
            return Result((FINDINGS["unsupported"] if may_be_signed(root) else NO_SIGNATURE,), parser="strict")
        if len(signatures) > structure.LIMITS.signatures or len(signatures) * len(data) > XML_LIMITS.judged_bytes:
            return Result((FINDINGS["limit"],), parser="strict")
        findings = (FINDINGS["hidden_signature"],) if nested(signatures) else ()
        known = _Known(root, snapshot, Evidence(snapshot.lists, snapshot.answers, now), received, now)
        reports = tuple(_Signature(known, number).report() for number in range(len(signatures)))
        return Result(findings, reports, "strict")
    except Unreadable as problem:
        return Result((FINDINGS[problem.code],), parser="strict")
    except (RecursionError, MemoryError):
        return Result((FINDINGS["limit"],), parser="strict")
    except Exception:  # hostile input raises anything; whatever it is, nothing was verified
        return Result((FINDINGS["unparsable"],), parser="strict")


@dataclass(frozen=True, slots=True)
class _Known:
    """What is the same for all signatures of a form."""

    root: Any
    snapshot: trust.Snapshot
    evidence: Evidence
    received: datetime
    now: datetime


class _Signature:
    """One signature on its way to a report."""

    def __init__(self, known: _Known, number: int) -> None:
        self.known = known
        self.number = number
        self.element = signature_elements(known.root)[number]
        self.leaf: Certificate | None = None
        self.others: tuple[Certificate, ...] = ()
        self.value: xml_value.Value | None = None
        self.stated: datetime | None = None
        self.proven: datetime | None = None

    def report(self) -> SignatureReport:
        judged = at_time.Judged(FINDINGS["unparsable"])
        try:
            self.leaf, self.others = certificates_of(self.element)
            shaped = shape(self.known.root, self.element)
            if self.leaf is None:
                return self._described(FINDINGS["no_signer"], judged)
            self.value = xml_value.verified(self.known.root, self.number, shaped, self.leaf)
            findings = [self.value.finding]
            if self.value.signed:
                findings.append(self._properties(shaped))
                self.proven = self._proven()
            judged = self._judged()
            finding = worst([*findings, judged.finding])
        except Shape as problem:
            finding = FINDINGS[problem.code]
        except (RecursionError, MemoryError):
            finding = FINDINGS["limit"]
        except Exception:  # see check_xml
            finding = FINDINGS["unparsable"]
        return self._described(finding, judged)

    def _judged(self) -> at_time.Judged:
        assert self.leaf is not None
        known = self.known
        return at_time.judged(
            self.leaf,
            snapshot=known.snapshot,
            received=known.received,
            now=known.now,
            claimed=self.stated or known.received,
            proven=self.proven,
            offered=self.others,
            evidence=known.evidence,
        )

    def _properties(self, shaped: Shaped) -> Finding:
        """Reads time and certificate from what was signed, nothing else."""
        assert self.value is not None and self.leaf is not None
        signed = self.value.signed
        times = [
            item.text
            for number in shaped.stated
            for item in signed[number].iter(etree.Element)
            if etree.QName(item).localname == "SigningTime" and len(item) == 0
        ]
        if shaped.properties is not None:
            own = signed[shaped.properties].find(f"{{{XADES}}}SignedSignatureProperties")
            if own is not None:
                times += [item.text for item in own.findall(f"{{{XADES}}}SigningTime")]
                if not self._names_leaf(own):
                    return FINDINGS["no_signer"]
        if len(set(times)) > 1:
            return FINDINGS["ambiguous"]
        if times:
            self.stated = moment_of(times[0])
            return PASSED if self.stated else FINDINGS["unparsable"]
        return PASSED

    def _names_leaf(self, own: Any) -> bool:
        """Whether the signed properties name the very certificate that we report on; true where they name none."""
        assert self.leaf is not None
        for name in ("SigningCertificate", "SigningCertificateV2"):
            named = own.find(f"{{{XADES}}}{name}/{{{XADES}}}Cert/{{{XADES}}}CertDigest")
            if named is None:
                continue
            algorithm = DigestAlgorithm(named.find(f"{{{DS}}}DigestMethod").get("Algorithm"))
            if algorithm not in xml_value.STRONG_DIGESTS:
                raise Shape("weak")
            digest = hashes.Hash(digest_algorithm_implementations[algorithm]())
            digest.update(self.leaf.der)
            if b64decode(named.find(f"{{{DS}}}DigestValue").text) != digest.finalize():
                return False
        return True

    def _proven(self) -> datetime | None:
        """The earliest time that a trusted timestamp over the signature value proves; others are ignored."""
        path = (
            f"{{{DS}}}Object/{{{XADES}}}QualifyingProperties/{{{XADES}}}UnsignedProperties/"
            f"{{{XADES}}}UnsignedSignatureProperties/{{{XADES}}}SignatureTimeStamp"
        )
        found = []
        for stamp in self.element.findall(path)[: structure.LIMITS.signatures]:
            try:
                time = self._stamped(stamp)
            except (RecursionError, MemoryError):
                raise
            except Exception:  # hostile input raises anything; whatever it is, it proves no time
                continue
            if time is not None:
                found.append(time)
        return min(found, default=None)

    def _stamped(self, stamp: Any) -> datetime | None:
        canonical = stamp.find(f"{{{DS}}}CanonicalizationMethod")
        covered = xml_value.canonical(
            self.element.find(f"{{{DS}}}SignatureValue"),
            canonical.get("Algorithm") if canonical is not None else _INCLUSIVE,
        )
        der = b64decode(stamp.find(f"{{{XADES}}}EncapsulatedTimeStamp").text)
        token = cms.ContentInfo.load(der)["content"]
        own = SignedData.load(der)
        if own.problem(len(der)) or own.signer is None or not values.imprint_fits(token, values.digest_of(covered)):
            return None
        if values.verified(token, own.signer, None).finding is not PASSED:
            return None
        known, time = self.known, own.stamped_at()
        judged = at_time.stamper(
            own.signer,
            snapshot=known.snapshot,
            stamped=time,
            existed=known.received,
            offered=(*own.others, *self.others),
            evidence=known.evidence,
        )
        return time if judged.finding is PASSED else None

    def _described(self, finding: Finding, judged: at_time.Judged) -> SignatureReport:
        intact = self.value is not None and self.value.intact
        moment = self.proven or self.stated
        return SignatureReport(
            finding=finding,
            **certificate(self.leaf, judged.chain),
            signing_time=iso(moment),
            time_basis="timestamp" if self.proven else "claimed+receipt" if self.stated else "receipt",
            timestamped=self.proven is not None,
            integrity_ok=intact,
            chain_ok=judged.chain is not None and judged.finding.code not in BROKEN_CHAIN,
            **revocation(judged),
            covers_whole_document=bool(intact and self.value and self.value.signed),
            algorithm=self.value.algorithm if self.value else None,
            level="B-T" if self.proven else "B-B",
        )


def certificates_of(signature: Any) -> tuple[Certificate | None, tuple[Certificate, ...]]:
    """The signer's certificate, which is the only one in the signature that issued none of the others. Raises Shape."""
    texts = [item.text or "" for item in signature.findall(f"{{{DS}}}KeyInfo/{{{DS}}}X509Data/{{{DS}}}X509Certificate")]
    if len(texts) > structure.LIMITS.certificates:
        raise Shape("limit")
    found = list({c.der: c for c in (_loaded(text) for text in texts)}.values())
    ends = [c for c in found if not any(c.issued(other) for other in found if other is not c)]
    return (ends[0], tuple(c for c in found if c is not ends[0])) if len(ends) == 1 else (None, ())


def _loaded(text: str) -> Certificate:
    try:
        return Certificate.load(b64decode("".join(text.split()), validate=True))
    except (ValueError, TypeError, binascii.Error) as error:
        raise Shape("no_signer") from error


def moment_of(text: str | None) -> datetime | None:
    """A stated time, None for what is none."""
    try:
        moment = datetime.fromisoformat((text or "").strip())
    except ValueError:
        return None
    return moment if moment.utcoffset() is not None else moment.replace(tzinfo=_LOCAL)
