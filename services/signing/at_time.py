"""Whether a signer's certificate was good when it signed: chain, validity, usage, strength, revocation at that time.

The time is T, which a trusted timestamp proves; else there is none, and the certificate must have been good both when
we got the signature and at the time that the signature claims. Used for PDF and XML signatures alike.

Pure: the trust snapshot, what came with the file and moments in; a finding out.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from pyhanko.sign.validation.settings import KeyUsageConstraints

from services.common.rules import rule
from services.signing import paths, trust
from services.signing.certificates import Certificate
from services.signing.findings import FINDINGS, PASSED, Finding, Verdict
from services.signing.revocation import HARMLESS, Evidence, Standing, Statement, standing

# Clocks differ; a claimed time may lie this much after our receipt.
CLOCK_TOLERANCE = timedelta(minutes=10)

# Domain facts §8 (5): digitalSignature or nonRepudiation.
_USAGE = KeyUsageConstraints(key_usage={"non_repudiation", "digital_signature"})
# Where a certificate lists purposes, one of these must be among them. Checked here: the library, given a list, refuses
# every certificate that lists none.
_PURPOSES = frozenset(
    {
        "2.5.29.37.0",  # any
        "1.3.6.1.5.5.7.3.4",  # e-mail protection
        "1.3.6.1.5.5.7.3.36",  # document signing, RFC 9336
        "1.3.6.1.4.1.311.10.3.12",  # document signing, Microsoft
        "1.2.840.113583.1.1.5",  # document signing, Adobe
    }
)
_NO_USAGE = KeyUsageConstraints(key_usage=set())


@dataclass(frozen=True, slots=True)
class Judged:
    """A finding about a certificate, by which chain, and what is known of its revocation: good, revoked or unknown.

    `sources`: SHA-256 of each list and answer that spoke of the chain's certificates, in order. `revoked`: since when
    and why, where a certificate of the chain is.
    """

    finding: Finding
    chain: trust.Chain | None = None
    revocation: str = "unknown"
    sources: tuple[str, ...] = ()
    revoked: Standing | None = None


@dataclass(frozen=True, slots=True)
class Times:
    """What is known of the time of a signature. All aware; `received` is not after `now`."""

    received: datetime
    now: datetime
    claimed: datetime | None = None
    proven: datetime | None = None

    @property
    def latest(self) -> datetime:
        return self.received + CLOCK_TOLERANCE


def judged(
    leaf: Certificate,
    *,
    snapshot: trust.Snapshot,
    received: datetime,
    now: datetime,
    claimed: datetime | None,
    proven: datetime | None = None,
    offered: Sequence[Certificate] = (),
    evidence: Evidence | None = None,
    kinds: frozenset[str] = trust.SIGNER_KINDS,
) -> Judged:
    """Judge a signer's certificate. `proven` is T; `offered` and what is in `evidence` may have come with the file."""
    times = Times(min(received, now), now, claimed, proven)
    moment = proven or times.received
    known = evidence or Evidence(snapshot.lists, snapshot.answers, now, snapshot.archive)
    chains = snapshot.chains(leaf, kinds, at=moment, embedded=offered)
    outside = _outside(leaf, times)
    if outside is not None:
        return Judged(outside, chains[0] if chains else None)
    if not chains:
        # One's own word for oneself is no certificate for signing.
        return Judged(FINDINGS["chain_constraints" if leaf.self_issued else "no_chain"])
    return _with_sources(_best(_by_chain(chain, times, known) for chain in chains), known)


def _best(results: Iterator[Judged]) -> Judged:
    """The first chain that holds, else what was found by the first of all."""
    first = found = next(results)
    while found.finding is not PASSED:
        another = next(results, None)
        if another is None:
            return first
        found = another
    return found


def _with_sources(found: Judged, evidence: Evidence) -> Judged:
    spoken = {said.source for pair in pairs(found.chain) for said in evidence.about(*pair)} if found.chain else set()
    return replace(found, sources=tuple(sorted(spoken)))


def _outside(leaf: Certificate, times: Times) -> Finding | None:
    """What is wrong with the times alone."""
    reference = times.proven or times.claimed
    if reference is None:
        return FINDINGS["no_time"]
    if reference > times.latest or (times.claimed is not None and times.claimed > times.latest):
        return FINDINGS["time_order"]
    if leaf.valid_at(reference):
        return None
    return FINDINGS["not_yet_valid" if reference < leaf.asn1.not_valid_before else "expired"]


def _by_chain(chain: trust.Chain, times: Times, evidence: Evidence) -> Judged:
    revoked = _revocation(chain, times, evidence)
    if revoked is not None and revoked.code.startswith("revoked"):
        return Judged(
            revoked, chain, "revoked", revoked=_first_revoked(chain, times.proven or times.received, evidence)
        )
    word = "unknown" if revoked else "good"
    leaf, moment = chain.links[0], times.proven or times.received
    if not leaf.valid_at(moment):
        return Judged(FINDINGS["expired_no_poe"], chain, word)
    problem = paths.problem(chain, moment, _USAGE) or (None if _purpose_fits(leaf) else "chain_constraints")
    if problem is not None:
        return Judged(FINDINGS[problem], chain, word)
    return Judged(revoked or PASSED, chain, word)


@rule("SG-07", title="Chữ ký phải có hiệu lực tại thời điểm ký", cites="TB 94/TB-UBND §2; NĐ 130/2018 Đ9")
def _revocation(chain: trust.Chain, times: Times, evidence: Evidence) -> Finding | None:
    """The gravest that is known of the chain's certificates, None where each is known to be good."""
    found = []
    for certificate, issuer in pairs(chain):
        said = evidence.about(certificate, issuer)
        found.append(_of_one(certificate, said, times, "" if certificate is chain.links[0] else "_ca"))
    return min((f for f in found if f is not None), key=_rank, default=None)


def _first_revoked(chain: trust.Chain, moment: datetime, evidence: Evidence) -> Standing | None:
    """What is known of the revoked certificate next to the leaf."""
    standings = (
        standing(evidence.about(certificate, issuer), certificate, moment) for certificate, issuer in pairs(chain)
    )
    return next((found for found in standings if found.kind == "revoked"), None)


def _rank(finding: Finding) -> tuple[bool, bool, bool]:
    return (
        finding.verdict is not Verdict.TOTAL_FAILED,
        not finding.code.startswith("revoked"),
        finding.code == "no_revocation_data",
    )


def _of_one(certificate: Certificate, said: Sequence[Statement], times: Times, suffix: str) -> Finding | None:
    if times.proven is not None:
        at = [standing(said, certificate, times.proven)]
    else:
        moments = (times.received, min(times.claimed or times.received, times.received))
        at = [standing(said, certificate, moment) for moment in moments]
    revoked = next((s for s in at if s.kind == "revoked"), None)
    if revoked is not None and revoked.since is not None:
        before = times.proven is not None or times.claimed is None or revoked.since <= times.claimed
        return FINDINGS[f"revoked{suffix}" if before else f"revoked{suffix}_no_poe"]
    if any(s.kind == "on_hold" for s in at):
        return FINDINGS["on_hold"]
    # A good word for our receipt covers the time before.
    return None if at[0].kind == "good" else FINDINGS["no_revocation_data"]


def _purpose_fits(leaf: Certificate) -> bool:
    listed = leaf.asn1.extended_key_usage_value
    return listed is None or any(purpose.dotted in _PURPOSES for purpose in listed)


def pairs(chain: trust.Chain) -> list[tuple[Certificate, Certificate]]:
    """Each certificate of a chain with the one that issued it."""
    return list(zip(chain.links, (*chain.links[1:], chain.anchor), strict=True)) if chain.links else []


def stamper(
    leaf: Certificate,
    *,
    snapshot: trust.Snapshot,
    stamped: datetime,
    existed: datetime,
    offered: Sequence[Certificate],
    evidence: Evidence,
) -> Judged:
    """Judge a timestamp authority's certificate: good at `existed`, the moment by which the stamp surely existed."""
    chains = snapshot.chains(leaf, trust.TIMESTAMP_KINDS, at=existed, embedded=offered)
    purposes = leaf.asn1.extended_key_usage_value
    if not chains or purposes is None or "time_stamping" not in purposes.native:
        return Judged(FINDINGS["stamp_untrusted"])
    if stamped > existed + CLOCK_TOLERANCE:
        return Judged(FINDINGS["time_order"], chains[0])
    if not leaf.valid_at(stamped):
        early = stamped < leaf.asn1.not_valid_before
        return Judged(FINDINGS["not_yet_valid" if early else "expired"], chains[0])
    return _with_sources(_best(_stamper_by_chain(chain, stamped, existed, evidence) for chain in chains), evidence)


def _stamper_by_chain(chain: trust.Chain, stamped: datetime, existed: datetime, evidence: Evidence) -> Judged:
    leaf = chain.links[0] if chain.links else chain.anchor
    if not leaf.valid_at(existed):
        return Judged(FINDINGS["expired_no_poe"], chain)
    word = "good"
    for certificate, issuer in pairs(chain):
        found = standing(evidence.about(certificate, issuer), certificate, existed)
        if found.kind == "revoked" and not _left_in_order(found, stamped):
            return Judged(FINDINGS["revoked_no_poe"], chain, "revoked", revoked=found)
        if found.kind in ("unknown", "on_hold"):
            word = "unknown"
    problem = paths.problem(chain, existed, _NO_USAGE)
    if problem is not None:
        return Judged(FINDINGS[problem], chain, word)
    return Judged(PASSED if word == "good" else FINDINGS["no_revocation_data"], chain, word)


def _left_in_order(found: Standing, stamped: datetime) -> bool:
    """RFC 3161 §4: stamps from before the revocation stay good where its reason says that the key was never lost."""
    return found.reason in HARMLESS and found.since is not None and stamped < found.since
