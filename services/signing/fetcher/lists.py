"""Whether a revocation list is what its issuer says now: pure.

The issuer is chosen by key, from the signed configuration: its name, its key identifier, and its signature over the
list. An older list than the one that is known would bring revoked certificates back to life, so it is refused.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import dsa, ec, ed448, ed25519, rsa

_WEAK = (hashes.MD5, hashes.SHA1)
_UNDERSTOOD = frozenset({
    x509.CRLNumber.oid, x509.AuthorityKeyIdentifier.oid, x509.IssuingDistributionPoint.oid,
    x509.AuthorityInformationAccess.oid,
})  # fmt: skip


class NotTaken(Exception):
    """A list or an answer that is not believed; `why` is one word of the log."""

    def __init__(self, why: str) -> None:
        super().__init__(why)
        self.why = why


@dataclass(frozen=True, slots=True)
class Known:
    """What tells a list from an older one."""

    number: int | None
    issued: datetime
    ends: datetime

    def is_before(self, other: Known) -> bool:
        """Whether `other` is newer, by number where both have one."""
        if self.number is not None and other.number is not None and self.number != other.number:
            return self.number < other.number
        return self.issued < other.issued


def read(der: bytes, issuer: x509.Certificate) -> Known:
    """Number and times of a list that this issuer has signed. Raises NotTaken."""
    try:
        found = x509.load_der_x509_crl(der)
        extensions = {e.oid: e for e in found.extensions}
    except (ValueError, TypeError, UnsupportedAlgorithm, x509.DuplicateExtension):
        raise NotTaken("unreadable") from None
    if found.issuer != issuer.subject:
        raise NotTaken("issuer")
    named = extensions.get(x509.AuthorityKeyIdentifier.oid)
    if named is not None and named.value.key_identifier is not None:
        own = _own_identifier(issuer)
        if own is not None and named.value.key_identifier != own:
            raise NotTaken("issuer")
    if not _may_sign_lists(issuer) or not _signed_by(found, issuer):
        raise NotTaken("signature")
    if x509.DeltaCRLIndicator.oid in extensions or _is_partial(extensions.get(x509.IssuingDistributionPoint.oid)):
        raise NotTaken("partial")
    if any(e.critical and oid not in _UNDERSTOOD for oid, e in extensions.items()):
        raise NotTaken("unknown_extension")
    if found.next_update_utc is None:
        raise NotTaken("no_end")
    number = extensions.get(x509.CRLNumber.oid)
    return Known(number.value.crl_number if number else None, found.last_update_utc, found.next_update_utc)


def take(der: bytes, issuer: x509.Certificate, newest: Known | None, now: datetime) -> Known | None:
    """What the list says of itself where it is to replace what is known; None where it is that very list.

    Raises NotTaken.
    """
    found = read(der, issuer)
    if found.issued > now:
        raise NotTaken("future")
    if newest is not None:
        if found == newest:
            return None
        if not newest.is_before(found):
            raise NotTaken("older")
    if found.ends < now:
        raise NotTaken("ended")
    return found


def _own_identifier(issuer: x509.Certificate) -> bytes | None:
    try:
        return issuer.extensions.get_extension_for_class(x509.SubjectKeyIdentifier).value.digest
    except x509.ExtensionNotFound:
        return None


def _may_sign_lists(issuer: x509.Certificate) -> bool:
    try:
        return issuer.extensions.get_extension_for_class(x509.KeyUsage).value.crl_sign
    except x509.ExtensionNotFound:
        return True


def _signed_by(found: x509.CertificateRevocationList, issuer: x509.Certificate) -> bool:
    key = issuer.public_key()
    kinds = (rsa.RSAPublicKey, ec.EllipticCurvePublicKey, ed25519.Ed25519PublicKey, ed448.Ed448PublicKey)
    if isinstance(key, dsa.DSAPublicKey) or not isinstance(key, kinds):
        return False
    try:
        if isinstance(found.signature_hash_algorithm, _WEAK):
            return False
        return found.is_signature_valid(key)
    except (InvalidSignature, UnsupportedAlgorithm, ValueError, TypeError):
        return False


def _is_partial(extension: x509.Extension[x509.ExtensionType] | None) -> bool:
    """Whether the list speaks of a part of the certificates only: it would not say of the others that they are good."""
    if extension is None:
        return False
    scope = extension.value
    assert isinstance(scope, x509.IssuingDistributionPoint)
    return bool(
        scope.only_contains_user_certs or scope.only_contains_ca_certs or scope.only_contains_attribute_certs
        or scope.indirect_crl or scope.only_some_reasons
    )  # fmt: skip
