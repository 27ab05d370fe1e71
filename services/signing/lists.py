"""Revocation lists (CRLs): verified once per key, looked up by serial number.

A list of 200,000 entries is 10 MB: it is kept as its bytes and a set of serial numbers (built at the first question,
0.2 s); date and reason are read from the bytes for the few that are on it.
"""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime
from typing import Any

from asn1crypto import crl as asn1_crl
from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm

from services.signing.certificates import WEAK_HASHES, Certificate
from services.signing.statements import Statement

# Critical extensions that are understood; a list with another one says nothing.
_UNDERSTOOD = frozenset({"2.5.29.28", "2.5.29.20", "2.5.29.35"})
_DELTA, _EXPIRED_KEPT, _SCOPE = "2.5.29.27", "2.5.29.60", "2.5.29.28"


class RevocationList:
    """One list. `usable` is False for what we do not support: it says nothing about anybody."""

    __slots__ = (
        "_fingerprint", "_serials", "_verified", "der", "issued", "issuer", "keeps_since", "key_identifier", "native",
        "scope", "until", "usable",
    )  # fmt: skip

    def __init__(self, der: bytes, native: x509.CertificateRevocationList, parsed: Any) -> None:
        body = parsed["tbs_cert_list"]
        extensions = {e["extn_id"].dotted: e for e in body["crl_extensions"]}
        critical = {number for number, e in extensions.items() if e["critical"].native}
        self.der = der
        self.native = native
        self.issuer: str = parsed.issuer.hashable
        self.key_identifier: bytes | None = parsed.authority_key_identifier
        self.issued: datetime = body["this_update"].native
        self.until: datetime | None = body["next_update"].native
        self.keeps_since = _kept_since(extensions.get(_EXPIRED_KEPT))
        self.scope = parsed.issuing_distribution_point_value
        self.usable = (
            _DELTA not in extensions
            and critical <= _UNDERSTOOD
            and (self.scope is None or not self.scope["indirect_crl"].native)
            and (_SCOPE not in extensions or self.scope is not None)
        )
        self._verified: dict[bytes, bool] = {}
        self._serials: frozenset[int] | None = None
        self._fingerprint: str | None = None

    @classmethod
    def load(cls, der: bytes) -> RevocationList:
        """Raises ValueError for what is no list that both libraries can read."""
        parsed = asn1_crl.CertificateList.load(der, strict=True)
        return cls(der, x509.load_der_x509_crl(der), parsed)

    @property
    def fingerprint(self) -> str:
        """The SHA-256 of the list, in hexadecimal."""
        if self._fingerprint is None:
            self._fingerprint = hashlib.sha256(self.der).hexdigest()
        return self._fingerprint

    @property
    def keeps_expired(self) -> bool:
        """The list keeps expired certificates (expiredCertsOnCRL), so it may speak about them."""
        return self.keeps_since is not None

    def signed_by(self, issuer: Certificate) -> bool:
        """Whether the issuer's key signed the list and may sign lists: by name, usage and signature."""
        if self.issuer != issuer.subject:
            return False
        usage = issuer.asn1.key_usage_value
        if (usage is not None and "crl_sign" not in usage.native) or not issuer.valid_at(self.issued):
            return False
        if issuer.key not in self._verified:
            self._verified[issuer.key] = self._verify(issuer)
        return self._verified[issuer.key]

    def _verify(self, issuer: Certificate) -> bool:
        try:
            algorithm = self.native.signature_hash_algorithm
            if isinstance(algorithm, WEAK_HASHES):
                return False
            return self.native.is_signature_valid(issuer.native.public_key())  # type: ignore[arg-type]
        except (InvalidSignature, UnsupportedAlgorithm, ValueError, TypeError):
            return False

    def statement(self, certificate: Certificate, issuer: Certificate) -> Statement | None:
        """What the list says of a certificate of this issuer; None where it says nothing."""
        if not self.usable or not self._in_scope(certificate) or not self.signed_by(issuer):
            return None
        revoked_at, reason = self._entry(certificate.native.serial_number)
        if reason == "remove_from_crl":
            revoked_at = reason = None
        partial = self.scope is not None and self.scope["only_some_reasons"].native is not None
        return Statement(self.issued, self.until, revoked_at, reason, self.keeps_since, partial, self.fingerprint)

    def _entry(self, serial: int) -> tuple[datetime | None, str | None]:
        if self._serials is None:
            self._serials = frozenset(entry.serial_number for entry in self.native)
        found = self.native.get_revoked_certificate_by_serial_number(serial) if serial in self._serials else None
        if found is None:
            return None, None
        try:
            reason = found.extensions.get_extension_for_class(x509.CRLReason).value.reason
            return found.revocation_date_utc, reason.name
        except (x509.ExtensionNotFound, x509.DuplicateExtension, ValueError):
            return found.revocation_date_utc, None

    def _in_scope(self, certificate: Certificate) -> bool:
        scope = self.scope
        if scope is None:
            return True
        if scope["only_contains_attribute_certs"].native:
            return False
        if scope["only_contains_user_certs"].native and certificate.asn1.ca:
            return False
        if scope["only_contains_ca_certs"].native and not certificate.asn1.ca:
            return False
        return _same_point(scope["distribution_point"], certificate)


def _same_point(point: Any, certificate: Certificate) -> bool:
    """A list for one distribution point speaks of the certificates that name this point."""
    if point.native is None:
        return True
    own = _names(point)
    return any(own & _names(p["distribution_point"]) for p in certificate.asn1.crl_distribution_points)


def _names(point: Any) -> set[str]:
    if point.native is None or point.name != "full_name":
        return set()
    return {str(name.native) for name in point.chosen if name.name == "uniform_resource_identifier"}


def _kept_since(extension: Any) -> datetime | None:
    """expiredCertsOnCRL: a GeneralizedTime from which on expired certificates stay on the list."""
    if extension is None:
        return None
    raw: bytes = extension["extn_value"].contents
    try:
        return datetime.strptime(raw[2:].decode("ascii"), "%Y%m%d%H%M%SZ").replace(tzinfo=UTC)
    except (ValueError, UnicodeDecodeError):
        return None
