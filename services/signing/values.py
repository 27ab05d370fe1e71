"""The signature value of one container (CMS): does it fit the digest and the certificate, and is it strong enough.

Who the certificate belongs to, and whether it was good, is judged elsewhere (`at_time`).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from asn1crypto import algos, core
from cryptography.hazmat.primitives import hashes
from pyhanko.sign.ades.report import AdESFailure
from pyhanko.sign.general import extract_signer_info
from pyhanko.sign.validation.errors import SignatureValidationError
from pyhanko.sign.validation.generic_cms import validate_sig_integrity
from pyhanko.sign.validation.utils import CMSAlgorithmUsagePolicy
from pyhanko_certvalidator.policy_decl import DisallowWeakAlgorithmsPolicy
from pyhanko_certvalidator.util import get_pyca_cryptography_hash

from services.signing.certificates import Certificate
from services.signing.findings import FINDINGS, PASSED, Finding
from services.signing.paths import SignatureValidator

_POLICY = CMSAlgorithmUsagePolicy.lift_policy(DisallowWeakAlgorithmsPolicy())
_WEAK_IMPRINTS = frozenset({"md2", "md5", "sha1"})


@dataclass(frozen=True, slots=True)
class Value:
    """What was found: `finding` is PASSED, hash, crypto or weak."""

    intact: bool
    valid: bool
    strong: bool
    algorithm: str

    @property
    def finding(self) -> Finding:
        if not self.intact:
            return FINDINGS["hash"]
        if not self.valid:
            return FINDINGS["crypto"]
        return PASSED if self.strong else FINDINGS["weak"]


def verified(signed: Any, signer: Certificate, digest: bytes | None) -> Value:
    """Verify the container's only signature, by `signer`, over `digest`; None: over its own content (a timestamp).

    `signed` is the library's object or one that nobody touched: reading can re-encode what was signed.
    """
    info = extract_signer_info(signed)
    certificate = signer.asn1
    content = signed["encap_content_info"]
    if digest is None:
        own = hashes.Hash(get_pyca_cryptography_hash(info["digest_algorithm"]["algorithm"].native))
        own.update(bytes(content["content"]))
        digest = own.finalize()
    elif not isinstance(content["content"], core.Void):
        raise SignatureValidationError("content inside", ades_subindication=AdESFailure.FORMAT_FAILURE)
    intact, valid = validate_sig_integrity(
        info,
        certificate,
        expected_content_type=content["content_type"].native,
        actual_digest=digest,
        sig_validator=SignatureValidator(),
    )
    mechanism, hashed = info["signature_algorithm"], info["digest_algorithm"]
    strong = all(
        (
            _POLICY.signature_algorithm_allowed(mechanism, moment=None, public_key=certificate.public_key),
            _POLICY.digest_algorithm_allowed(hashed, moment=None),
            # A fresh object: one with and one without NULL parameters are the same algorithm.
            _POLICY.digest_combination_allowed(
                signature_algo=mechanism,
                message_digest_algo=algos.DigestAlgorithm({"algorithm": hashed["algorithm"].native}),
                moment=None,
            ),
        )
    )
    words = f"{mechanism['algorithm'].native}+{hashed['algorithm'].native}"
    return Value(intact, valid, strong, words)


def imprint_fits(signed: Any, digest: Callable[[str], bytes]) -> bool | None:
    """Whether a timestamp is one over the data whose digest is asked for; None where its hash proves nothing."""
    imprint = signed["encap_content_info"]["content"].parsed["message_imprint"]
    name = imprint["hash_algorithm"]["algorithm"].native
    if digest(name) != imprint["hashed_message"].native:
        return False
    return None if name in _WEAK_IMPRINTS else True


def digest_of(data: bytes) -> Callable[[str], bytes]:
    """The digest of some bytes, by the name of the hash."""

    def take(name: str) -> bytes:
        made = hashes.Hash(get_pyca_cryptography_hash(name))
        made.update(data)
        return made.finalize()

    return take
