"""The time T at which a signature surely existed, and how far the file itself proves it.

Timestamps over the document prove everything before them: the newest must be good when we got the file, each older
one when the next newer was made. A signature's own timestamps must be good at the moment so proven for the signature.
Of all that can be trusted the earliest counts; what cannot be is ignored.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from pyhanko.sign.validation.generic_cms import extract_tst_data_iter

from services.signing import at_time, structure, trust, values
from services.signing.certificates import Certificate
from services.signing.container import SignedData
from services.signing.longterm import Stamp
from services.signing.revocation import Evidence, standing
from services.signing.verdict import FINDINGS, PASSED


@dataclass(frozen=True, slots=True)
class Proof:
    """A moment at which the signature surely existed, and the chain of the authority that says so."""

    time: datetime
    chain: trust.Chain | None


def proofs(
    signer_info: Any,
    own: SignedData,
    covering: Sequence[Stamp],
    *,
    snapshot: trust.Snapshot,
    received: datetime,
    offered: Sequence[Certificate],
    evidence: Evidence,
) -> list[Proof]:
    """All that prove when a signature existed, the earliest first. `covering`: document timestamps behind it."""
    found = [Proof(stamp.time, stamp.chain) for stamp in covering if stamp.trusted and stamp.time is not None]
    existed = min((proof.time for proof in found), default=received)
    stamps = list(zip(extract_tst_data_iter(signer_info, signed=False), own.stamps(), strict=True))
    imprint = values.digest_of(own.asn1["signer_infos"][0]["signature"].native)
    for token, parsed in stamps[: structure.LIMITS.signatures]:
        try:
            stamp = SignedData.of(parsed)
            if stamp.signer is None or not values.imprint_fits(token, imprint):
                continue
            if values.verified(token, stamp.signer, None).finding is not PASSED:
                continue
            time = stamp.stamped_at()
            judged = at_time.stamper(
                stamp.signer,
                snapshot=snapshot,
                stamped=time,
                existed=existed,
                offered=(*stamp.others, *offered),
                evidence=evidence,
            )
        except (RecursionError, MemoryError):
            raise
        except Exception:  # hostile input raises anything; whatever it is, it proves no time
            continue
        # One of the future is kept: it contradicts our receipt, and the judgement says so.
        if judged.finding in (PASSED, FINDINGS["time_order"]):
            found.append(Proof(time, judged.chain))
    return sorted(found, key=lambda proof: proof.time)


def level(proof: Proof | None, chain: trust.Chain | None, brought: Evidence | None, *, stamped_with_data: bool) -> str:
    """B-B, B-T with a proven time, B-LT with all data about revocation in the file, B-LTA where a trusted timestamp
    covers them."""
    if proof is None:
        return "B-B"
    if brought is None or chain is None:
        return "B-T"
    for part in (chain, proof.chain):
        for certificate, issuer in at_time.pairs(part) if part else ():
            if standing(brought.about(certificate, issuer), certificate, proof.time).kind == "unknown":
                return "B-T"
    return "B-LTA" if stamped_with_data else "B-LT"
