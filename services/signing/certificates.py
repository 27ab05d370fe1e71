"""One certificate, in the forms of both libraries, and the question who issued it."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from datetime import datetime
from functools import lru_cache
from typing import Any

from asn1crypto import x509 as asn1_x509
from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from pyhanko_certvalidator.sig_validate import DefaultSignatureValidator

# What is signed over these could be two things at once: nothing that they protect counts.
WEAK_HASHES = (hashes.MD5, hashes.SHA1)


@dataclass(frozen=True, slots=True)
class Certificate:
    """A certificate in the forms of both libraries; `fingerprint` is the SHA-256 of its DER form."""

    der: bytes
    asn1: Any = field(compare=False)
    native: x509.Certificate = field(compare=False)
    # Names in a form that can be compared: making it is slow.
    subject: str = field(compare=False)
    issuer: str = field(compare=False)

    @classmethod
    def load(cls, der: bytes) -> Certificate:
        """Raises ValueError for what is no certificate that both libraries can read.

        The last ones are kept: the same authorities come with every file.
        """
        return _loaded(der)

    @property
    def fingerprint(self) -> str:
        return hashlib.sha256(self.der).hexdigest()

    @property
    def key(self) -> bytes:
        """The public key with its kind, as it is written in the certificate."""
        return bytes(self.asn1.public_key.dump())

    @property
    def not_after(self) -> datetime:
        moment: datetime = self.asn1.not_valid_after
        return moment

    @property
    def self_issued(self) -> bool:
        return self.subject == self.issuer

    def issued(self, other: Certificate) -> bool:
        """Whether this certificate's key signed `other`: by name, key identifiers and signature."""
        if self.subject != other.issuer:
            return False
        wanted, own = other.asn1.authority_key_identifier, self.asn1.key_identifier
        if wanted and own and wanted != own:
            return False
        try:
            other.native.verify_directly_issued_by(self.native)
        except InvalidSignature:
            return False
        except (UnsupportedAlgorithm, ValueError, TypeError):
            return self._issued_weakly(other)
        return True

    def _issued_weakly(self, other: Certificate) -> bool:
        """Over a hash that is refused nowadays: the chain is found, and then called weak."""
        try:
            DefaultSignatureValidator().validate_signature(
                other.asn1["signature_value"].native,
                other.asn1["tbs_certificate"].dump(),
                self.asn1.public_key,
                other.asn1["signature_algorithm"],
            )
        except (InvalidSignature, UnsupportedAlgorithm, ValueError, TypeError, AssertionError, NotImplementedError):
            return False
        return True

    def valid_at(self, moment: datetime) -> bool:
        return bool(self.asn1.not_valid_before <= moment <= self.asn1.not_valid_after)


@lru_cache(maxsize=256)
def _loaded(der: bytes) -> Certificate:
    asn1 = asn1_x509.Certificate.load(der, strict=True)
    asn1.native  # noqa: B018 - parses all of it now, so that nothing fails later
    return Certificate(der, asn1, x509.load_der_x509_certificate(der), asn1.subject.hashable, asn1.issuer.hashable)
