"""Revocation data: lists and OCSP answers with what is needed to choose them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from asn1crypto import crl as asn1_crl
from asn1crypto import ocsp as asn1_ocsp

from services.signing.certificates import Certificate


@dataclass(frozen=True, slots=True)
class RevocationList:
    """A list with what is needed to choose it."""

    asn1: Any
    issuer: bytes
    key_identifier: bytes | None
    issued: datetime
    # The list keeps expired certificates (expiredCertsOnCRL), so it may speak about them.
    keeps_expired: bool

    @classmethod
    def load(cls, der: bytes) -> RevocationList:
        parsed = asn1_crl.CertificateList.load(der, strict=True)
        extensions = {e["extn_id"].dotted for e in parsed["tbs_cert_list"]["crl_extensions"]}
        return cls(
            asn1=parsed,
            issuer=parsed.issuer.dump(),
            key_identifier=parsed.authority_key_identifier,
            issued=parsed["tbs_cert_list"]["this_update"].native,
            keeps_expired="2.5.29.60" in extensions,
        )

    def speaks_of(self, certificate: Certificate, issuer: Certificate) -> bool:
        """Whether the list is the issuer's and can know the certificate: an expired one may have left a later list."""
        if self.issuer != issuer.asn1.subject.dump():
            return False
        own = issuer.asn1.key_identifier
        if self.key_identifier and own and self.key_identifier != own:
            return False
        return self.keeps_expired or self.issued <= certificate.asn1.not_valid_after


@dataclass(frozen=True, slots=True)
class Answer:
    """An OCSP answer with the serial numbers that it speaks of."""

    asn1: Any
    serials: frozenset[int]
    produced: datetime

    @classmethod
    def load(cls, der: bytes) -> Answer | None:
        """None for an answer without content (an error of the responder)."""
        parsed = asn1_ocsp.OCSPResponse.load(der, strict=True)
        if parsed["response_status"].native != "successful":
            return None
        data = parsed.response_data
        serials = frozenset(r["cert_id"]["serial_number"].native for r in data["responses"])
        return cls(parsed, serials, data["produced_at"].native)
