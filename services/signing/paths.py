"""Whether a chain holds at one moment, as RFC 5280 asks: the library's path validation, of that chain and nothing else.

The chain was chosen by key (`trust`); revocation is judged apart (`revocation`), so the context knows no lists, and
nothing is fetched. Certificates that came with the file are not searched for other issuers.
"""

from __future__ import annotations

from collections.abc import Coroutine, Sequence
from datetime import datetime
from typing import Any

from asn1crypto import algos
from pyhanko.sign.ades.report import AdESIndeterminate
from pyhanko.sign.validation.generic_cms import handle_certvalidator_errors
from pyhanko.sign.validation.settings import KeyUsageConstraints
from pyhanko_certvalidator import ValidationContext
from pyhanko_certvalidator.authority import CertTrustAnchor
from pyhanko_certvalidator.errors import PathValidationError
from pyhanko_certvalidator.path import ValidationPath
from pyhanko_certvalidator.policy_decl import NO_REVOCATION, CertRevTrustPolicy, DisallowWeakAlgorithmsPolicy
from pyhanko_certvalidator.registry import CertificateRegistry, SimpleTrustManager
from pyhanko_certvalidator.sig_validate import DEFAULT_VALIDATION_CONTEXT, DefaultSignatureValidator
from pyhanko_certvalidator.validate import async_validate_path

from services.signing import trust

_JUDGED_ELSEWHERE = CertRevTrustPolicy(NO_REVOCATION)
_EC_KEY = "1.2.840.10045.2.1"

BY_INDICATION: dict[Any, str] = {
    AdESIndeterminate.NO_CERTIFICATE_CHAIN_FOUND: "no_chain",
    AdESIndeterminate.NO_SIGNING_CERTIFICATE_FOUND: "no_signer",
    AdESIndeterminate.CHAIN_CONSTRAINTS_FAILURE: "chain_constraints",
    AdESIndeterminate.CRYPTO_CONSTRAINTS_FAILURE: "weak",
    AdESIndeterminate.CRYPTO_CONSTRAINTS_FAILURE_NO_POE: "weak",
    AdESIndeterminate.EXPIRED: "expired",
    AdESIndeterminate.OUT_OF_BOUNDS_NO_POE: "expired_no_poe",
}


def context(chains: Sequence[trust.Chain], moment: datetime) -> ValidationContext:
    """What the library may use: these chains, at `moment` (aware). It does not ask about revocation."""
    return ValidationContext(
        trust_manager=SimpleTrustManager.build(trust_roots=[chain.anchor.asn1 for chain in chains]),
        certificate_registry=_ChosenOnly([c.asn1 for chain in chains for c in (*chain.links, chain.anchor)]),
        moment=moment,
        allow_fetching=False,
        revinfo_policy=_JUDGED_ELSEWHERE,
        algorithm_usage_policy=DisallowWeakAlgorithmsPolicy(),
        signature_validator=SignatureValidator(),
    )


def path(chain: trust.Chain) -> ValidationPath:
    """The chain as the library has it: from the anchor down to the leaf."""
    links = [c.asn1 for c in chain.links]
    return ValidationPath(CertTrustAnchor(chain.anchor.asn1), links[:0:-1], links[0] if links else None)


def problem(chain: trust.Chain, moment: datetime, usage: KeyUsageConstraints) -> str | None:
    """Why the chain does not hold at `moment`, as a finding's code; None where it does."""
    if not chain.anchor.valid_at(moment):
        return "chain_failure"
    leaf = chain.links[0] if chain.links else chain.anchor

    constraints = False

    async def check() -> None:
        nonlocal constraints
        try:
            await async_validate_path(context([chain], moment), path(chain))
        except PathValidationError as error:
            # The plain error is about what an authority may issue: basic constraints, usage, length, names, policies.
            constraints = type(error) is PathValidationError
            raise
        usage.validate(leaf.asn1)

    result = finished(handle_certvalidator_errors(leaf.asn1, check()))
    if result.error_subindic is None:
        return None
    if constraints:
        return "path_constraints"
    return BY_INDICATION.get(result.error_subindic, "chain_failure")


def finished(work: Coroutine[Any, Any, Any]) -> Any:
    """The result of a coroutine of the library that has nothing to wait for, since nothing is fetched."""
    try:
        work.send(None)
    except StopIteration as end:
        return end.value
    work.close()
    raise RuntimeError("the library wanted to wait")


class _ChosenOnly(CertificateRegistry):
    """A registry that takes the chosen chain only: certificates from the file would add issuers to search."""

    def __init__(self, chosen: Sequence[Any]) -> None:
        super().__init__()
        self._chosen = frozenset(c.sha256 for c in chosen)
        self.register_multiple(chosen)

    def register(self, cert: Any) -> bool:
        return cert.sha256 in self._chosen and super().register(cert)


class SignatureValidator(DefaultSignatureValidator):
    """Also verifies what some producers write: an EC signature that names the key's kind in place of the algorithm."""

    def validate_signature(
        self,
        signature: bytes,
        signed_data: bytes,
        public_key_info: Any,
        signature_algorithm: Any,
        context: Any = DEFAULT_VALIDATION_CONTEXT,
    ) -> None:
        if signature_algorithm["algorithm"].dotted == _EC_KEY and public_key_info.algorithm == "ec":
            digest = context.contextual_md_algorithm
            signature_algorithm = algos.SignedDigestAlgorithm({"algorithm": f"{digest}_ecdsa"})
        super().validate_signature(signature, signed_data, public_key_info, signature_algorithm, context)
