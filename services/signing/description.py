"""What a report says of a signature besides its verdict: who signed, with which certificate, when, how."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from pyhanko.sign.diff_analysis import DiffResult, ModificationLevel
from pyhanko.sign.validation.status import PdfSignatureStatus, SignatureCoverageLevel

from services.signing import trust
from services.signing.signers import signer_of, subject_attributes
from services.signing.verdict import Finding, SignatureReport, Signer

_BROKEN_CHAIN = frozenset({"no_chain", "no_signer", "chain_constraints", "chain_failure", "weak"})


def described(
    finding: Finding,
    status: PdfSignatureStatus | None,
    leaf: trust.Certificate | None,
    chain: trust.Chain | None,
    *,
    signing_time: datetime | None,
    timestamped: bool,
    integrity_ok: bool,
) -> SignatureReport:
    """The report of one signature. `status`: the library's, None where it came to none."""
    found = level(status) if status else None
    return SignatureReport(
        finding=finding,
        **certificate(leaf, chain),
        signing_time=_iso(signing_time),
        time_basis="timestamp" if timestamped else "claimed+receipt",
        timestamped=timestamped,
        integrity_ok=integrity_ok,
        chain_ok=chain is not None and finding.code not in _BROKEN_CHAIN,
        revocation=_revocation(finding, status),
        covers_whole_document=bool(status and status.coverage == SignatureCoverageLevel.ENTIRE_FILE),
        modification_level=found.name if found else None,
        algorithm=f"{status.pkcs7_signature_mechanism}+{status.md_algorithm}" if status else None,
    )


def certificate(leaf: trust.Certificate | None, chain: trust.Chain | None) -> dict[str, Any]:
    """The fields of a report that tell the signer's certificate."""
    if leaf is None:
        return {"signer": Signer(), "issuer": None, "serial": None, "not_before": None, "not_after": None}
    return {
        "signer": signer_of(subject_attributes(leaf.asn1.subject), chain.kind if chain else "unknown"),
        "issuer": signer_of(subject_attributes(leaf.asn1.issuer), "unknown").common_name,
        "serial": f"{leaf.asn1.serial_number:x}",
        "not_before": _iso(leaf.asn1.not_valid_before),
        "not_after": _iso(leaf.asn1.not_valid_after),
    }


def level(status: PdfSignatureStatus) -> ModificationLevel:
    """How far the library says that the document was changed behind the signature."""
    result = status.diff_result
    return result.modification_level if isinstance(result, DiffResult) else ModificationLevel.OTHER


def _revocation(finding: Finding, status: PdfSignatureStatus | None) -> str:
    if finding.code.startswith("revoked"):
        return "revoked"
    return "good" if status is not None and status.trusted and finding.code != "no_revocation_data" else "unknown"


def _iso(moment: datetime | None) -> str | None:
    return moment.astimezone(UTC).isoformat() if moment else None
