"""What a report says of a signature besides its verdict: who signed, with which certificate, when, how."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from pyhanko.sign.diff_analysis import DiffResult, ModificationLevel
from pyhanko.sign.validation import EmbeddedPdfSignature
from pyhanko.sign.validation.status import SignatureCoverageLevel

from services.signing import trust
from services.signing.at_time import Judged
from services.signing.signers import signer_of, subject_attributes
from services.signing.values import Value
from services.signing.verdict import Finding, SignatureReport, Signer


def described(
    finding: Finding,
    leaf: trust.Certificate | None,
    judged: Judged,
    *,
    integrity: EmbeddedPdfSignature | None,
    value: Value | None,
    signing_time: datetime | None,
    timestamped: bool,
    integrity_ok: bool,
    changes: ModificationLevel | None,
    level: str,
) -> SignatureReport:
    """The report of one signature. `integrity` and `value` are None where the check came to none."""
    return SignatureReport(
        finding=finding,
        **certificate(leaf, judged.chain),
        signing_time=iso(signing_time),
        time_basis="timestamp" if timestamped else "claimed+receipt",
        timestamped=timestamped,
        integrity_ok=integrity_ok,
        chain_ok=judged.chain is not None and judged.finding.code not in BROKEN_CHAIN,
        **revocation(judged),
        covers_whole_document=bool(integrity and integrity.coverage == SignatureCoverageLevel.ENTIRE_FILE),
        modification_level=changes.name if changes else None,
        algorithm=value.algorithm if value else None,
        level=level,
    )


#: Findings of a certificate that no chain vouches for.
BROKEN_CHAIN = frozenset({"no_chain", "no_signer", "chain_constraints", "chain_failure", "path_constraints", "weak"})


def revocation(judged: Judged) -> dict[str, Any]:
    """The fields of a report that tell what is known of revocation, and from what."""
    found = judged.revoked
    return {
        "revocation": judged.revocation,
        "revocation_sources": judged.sources,
        "revoked_at": iso(found.since) if found else None,
        "revocation_reason": found.reason if found else None,
    }


def certificate(leaf: trust.Certificate | None, chain: trust.Chain | None) -> dict[str, Any]:
    """The fields of a report that tell the signer's certificate."""
    if leaf is None:
        nothing = dict.fromkeys(("issuer", "serial", "not_before", "not_after", "certificate_sha256"))
        return {"signer": Signer(), **nothing}
    return {
        "signer": signer_of(subject_attributes(leaf.asn1.subject), chain.kind if chain else "unknown"),
        "issuer": signer_of(subject_attributes(leaf.asn1.issuer), "unknown").common_name,
        "serial": f"{leaf.asn1.serial_number:x}",
        "not_before": iso(leaf.asn1.not_valid_before),
        "not_after": iso(leaf.asn1.not_valid_after),
        "certificate_sha256": leaf.fingerprint,
    }


def changes(signature: EmbeddedPdfSignature) -> ModificationLevel:
    """How far the library says that the document was changed behind the signature."""
    result = signature.diff_result
    return result.modification_level if isinstance(result, DiffResult) else ModificationLevel.OTHER


def iso(moment: datetime | None) -> str | None:
    """As it stands in a report: UTC."""
    return moment.astimezone(UTC).isoformat() if moment else None
