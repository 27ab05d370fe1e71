"""What the PDF library may use to judge a chain: that which the trust snapshot chose, its revocation data, a moment.

Nothing else: certificates and lists that came with the file are not searched, and nothing is fetched.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from pyhanko_certvalidator import ValidationContext
from pyhanko_certvalidator.policy_decl import REQUIRE_REVINFO, CertRevTrustPolicy, DisallowWeakAlgorithmsPolicy
from pyhanko_certvalidator.registry import CertificateRegistry, SimpleTrustManager

from services.signing import trust

_REVOCATION = CertRevTrustPolicy(REQUIRE_REVINFO, retroactive_revinfo=True)


def context(snapshot: trust.Snapshot, chains: Sequence[trust.Chain], moment: datetime) -> ValidationContext:
    """A context for these chains at `moment` (aware)."""
    lists: list[Any] = []
    answers: list[Any] = []
    for chain in chains:
        more_lists, more_answers, _ = snapshot.revocation_for(chain)
        lists += more_lists
        answers += more_answers
    return ValidationContext(
        trust_manager=SimpleTrustManager.build(trust_roots=[chain.anchor.asn1 for chain in chains]),
        certificate_registry=_ChosenOnly([c.asn1 for chain in chains for c in (*chain.links, chain.anchor)]),
        moment=moment,
        allow_fetching=False,
        crls=lists,
        ocsps=answers,
        revinfo_policy=_REVOCATION,
        algorithm_usage_policy=DisallowWeakAlgorithmsPolicy(),
    )


class _ChosenOnly(CertificateRegistry):
    """A registry that takes the chosen chain only: certificates from the file would add issuers to search."""

    def __init__(self, chosen: Sequence[Any]) -> None:
        super().__init__()
        self._chosen = frozenset(c.sha256 for c in chosen)
        self.register_multiple(chosen)

    def register(self, cert: Any) -> bool:
        return cert.sha256 in self._chosen and super().register(cert)
