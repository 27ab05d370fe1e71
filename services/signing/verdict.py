"""One verdict per signature and one per file, and the report that says so.

Pure: takes findings (what a check saw, see `findings`) and says what they amount to.

    findings of one signature -> worst one decides the signature -> worst signature decides the file
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, field
from datetime import datetime
from typing import Any

from services.common.rules import rule
from services.signing.findings import FINDINGS, NO_SIGNATURE, PASSED, POLICY, VIETNAMESE, Finding, Verdict

__all__ = [
    "FINDINGS",
    "NO_SIGNATURE",
    "PASSED",
    "POLICY",
    "VIETNAMESE",
    "Finding",
    "SignatureReport",
    "Signer",
    "Verdict",
    "file_report",
    "is_signed",
    "killed_report",
    "worst",
]

# From harmless to grave; the file is judged by the gravest of its signatures.
_GRAVITY = (Verdict.TOTAL_PASSED, Verdict.NO_SIGNATURE, Verdict.INDETERMINATE, Verdict.TOTAL_FAILED)


@dataclass(frozen=True, slots=True)
class Signer:
    """Who a certificate names. `kind` tells which anchors vouch: public, government or unknown."""

    common_name: str | None = None
    organization: str | None = None
    personal_number: str | None = None
    tax_number: str | None = None
    kind: str = "unknown"


@dataclass(frozen=True, slots=True)
class SignatureReport:
    """What was found about one signature; times are ISO 8601 in UTC."""

    finding: Finding
    signer: Signer = field(default_factory=Signer)
    issuer: str | None = None
    serial: str | None = None
    not_before: str | None = None
    not_after: str | None = None
    signing_time: str | None = None
    time_basis: str = "claimed+receipt"
    timestamped: bool = False
    integrity_ok: bool = False
    chain_ok: bool = False
    revocation: str = "unknown"
    covers_whole_document: bool = False
    modification_level: str | None = None
    algorithm: str | None = None
    # How far the signature carries its own proofs: B-B, B-T (timestamp), B-LT (revocation data), B-LTA (all stamped).
    level: str = "B-B"
    # SHA-256 of the signer's certificate: who registered it is known by it (SG-06).
    certificate_sha256: str | None = None
    # SHA-256 of each revocation list and answer that spoke of the chain's certificates: what "good" was read from.
    revocation_sources: tuple[str, ...] = ()
    # Since when a certificate of the chain is revoked, and the reason of RFC 5280 where its authority gives one.
    revoked_at: str | None = None
    revocation_reason: str | None = None


@rule("SG-07", title="Bốn kết luận về chữ ký số; không xác định không phải là hợp lệ", cites="TB 94/TB-UBND §2")
def worst(findings: Iterable[Finding]) -> Finding:
    """The gravest finding decides: failed before indeterminate before passed; none at all means no signature."""
    gravest: Finding | None = None
    for finding in findings:
        if gravest is None or _GRAVITY.index(finding.verdict) > _GRAVITY.index(gravest.verdict):
            gravest = finding
    return gravest or NO_SIGNATURE


@rule("SG-03", title="Chỉ chữ ký hợp lệ toàn bộ mới là kết quả đã ký số", cites="TB 94/TB-UBND §4")
def is_signed(verdict: str) -> bool:
    """Whether a verdict counts as "validly signed": TOTAL_PASSED and nothing else, also for words we do not know."""
    return verdict == Verdict.TOTAL_PASSED


def file_report(
    *,
    sha256: str,
    size: int,
    format: str,
    trust_version: str,
    checked_at: datetime,
    received_at: datetime,
    signatures: Sequence[SignatureReport] = (),
    timestamps: Sequence[SignatureReport] = (),
    findings: Sequence[Finding] = (),
    parser: str = "none",
) -> dict[str, Any]:
    """The report of a file as plain JSON values.

    `findings` concern the file as a whole (broken, encrypted, a hidden signature …) and weigh like a signature.
    `timestamps` are those over the whole document: listed, but no signatures of anybody; a bad one is in `findings`.
    """
    decided = worst([*findings, *(s.finding for s in signatures)])
    return {
        "sha256": sha256,
        "size": size,
        "format": format,
        **_words(decided),
        "verdict_vi": VIETNAMESE[decided.verdict],
        "policy": POLICY,
        "trust_version": trust_version,
        "parser": parser,
        "checked_at": checked_at.isoformat(),
        "received_at": received_at.isoformat(),
        "signatures": [_plain(signature) for signature in signatures],
        "timestamps": [_plain(stamp) for stamp in timestamps],
    }


def _words(finding: Finding) -> dict[str, Any]:
    return {
        "verdict": str(finding.verdict),
        "sub_indication": finding.sub_indication,
        "code": finding.code,
        "reason_vi": finding.vi,
        "reason_en": finding.en,
    }


def _plain(signature: SignatureReport) -> dict[str, Any]:
    values = asdict(signature)
    del values["finding"]
    return {**_words(signature.finding), **values}


def killed_report(*, sha256: str, size: int, trust_version: str, now: datetime, received: datetime) -> dict[str, Any]:
    """The report for a file that made its worker exceed time or memory: INDETERMINATE, RESOURCE_LIMIT."""
    return file_report(
        sha256=sha256,
        size=size,
        format="other",
        trust_version=trust_version,
        checked_at=now,
        received_at=received,
        findings=[FINDINGS["limit"]],
    )
