"""OCSP answers: whom they speak of, and who may sign them.

An answer is good when the certificate's issuer signed it himself, or a responder whom he named for that (a certificate
issued by the same key, with the purpose OCSP signing). Anybody else's answer says nothing.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from datetime import datetime
from typing import Any

from asn1crypto import ocsp as asn1_ocsp
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from pyhanko_certvalidator.sig_validate import DefaultSignatureValidator

from services.signing.certificates import Certificate
from services.signing.statements import Statement

_HASHES: dict[str, Callable[[bytes], Any]] = {
    "sha1": hashlib.sha1,
    "sha256": hashlib.sha256,
    "sha384": hashlib.sha384,
    "sha512": hashlib.sha512,
}
_STRONG = frozenset({"own", "sha224", "sha256", "sha384", "sha512", "sha3_256", "sha3_384", "sha3_512"})
_RESPONDERS = 5
#: (responder, issuer, moment) → whether nothing stands against the responder.
Asked = Callable[[Certificate, Certificate, datetime], bool]


class Answer:
    """One answer with the serial numbers that it speaks of."""

    __slots__ = ("_signed", "basic", "der", "serials")

    def __init__(self, der: bytes, basic: Any) -> None:
        data = basic["tbs_response_data"]
        self.der = der
        self.basic = basic
        self.serials = frozenset(int(r["cert_id"]["serial_number"].native) for r in data["responses"])
        self._signed: dict[bytes, Certificate | None] = {}

    @classmethod
    def load(cls, der: bytes) -> Answer | None:
        """None for an answer without content (an error of the responder). ValueError for what is no answer."""
        parsed = asn1_ocsp.OCSPResponse.load(der, strict=True)
        if parsed["response_status"].native != "successful":
            return None
        return cls(der, parsed.basic_ocsp_response)

    @property
    def fingerprint(self) -> str:
        return hashlib.sha256(self.der).hexdigest()

    def statements(self, certificate: Certificate, issuer: Certificate, is_good: Asked) -> Iterator[Statement]:
        """What the answer says of a certificate of this issuer.

        Its time is thisUpdate, up to which it knows the status; when it was put together (producedAt) adds nothing.
        """
        if certificate.asn1.serial_number not in self.serials:
            return
        meant = [r for r in self.basic["tbs_response_data"]["responses"] if _is_meant(r, certificate, issuer)]
        if not meant:
            return
        responder = self._responder(issuer)
        if responder is None:
            return
        asked = responder.key != issuer.key and not _no_check(responder)
        for single in meant:
            said = _said(single, self.fingerprint)
            if said is None or not responder.valid_at(said.issued):
                continue
            if not asked or is_good(responder, issuer, said.issued):
                yield said

    def _responder(self, issuer: Certificate) -> Certificate | None:
        """The certificate whose key signed the answer, if it may sign for this issuer."""
        if issuer.der not in self._signed:
            self._signed[issuer.der] = next((c for c in self._candidates(issuer) if self._is_signed_by(c)), None)
        return self._signed[issuer.der]

    def _candidates(self, issuer: Certificate) -> Iterator[Certificate]:
        yield issuer
        for number, item in enumerate(self.basic["certs"] or ()):
            if number == _RESPONDERS:
                return
            try:
                found = Certificate.load(item.dump())
            except (ValueError, TypeError):
                continue
            purposes = found.asn1.extended_key_usage_value
            if purposes is not None and "ocsp_signing" in purposes.native and issuer.issued(found):
                yield found

    def _is_signed_by(self, certificate: Certificate) -> bool:
        algorithm = self.basic["signature_algorithm"]
        if _hash_of(algorithm) not in _STRONG:
            return False
        try:
            DefaultSignatureValidator().validate_signature(
                self.basic["signature"].native,
                self.basic["tbs_response_data"].dump(),
                certificate.asn1.public_key,
                algorithm,
            )
        except (InvalidSignature, UnsupportedAlgorithm, ValueError, TypeError, AssertionError, NotImplementedError):
            return False  # or a key of another kind than the signature
        return True


def _hash_of(algorithm: Any) -> str:
    try:
        return str(algorithm.hash_algo)
    except ValueError:
        return "own"  # Ed25519 and Ed448 bring theirs


def _is_meant(single: Any, certificate: Certificate, issuer: Certificate) -> bool:
    named = single["cert_id"]
    digest = _HASHES.get(named["hash_algorithm"]["algorithm"].native)
    return bool(
        digest is not None
        and named["serial_number"].native == certificate.asn1.serial_number
        and named["issuer_key_hash"].native == digest(issuer.asn1.public_key["public_key"].contents[1:]).digest()
        and named["issuer_name_hash"].native
        in (digest(issuer.asn1.subject.dump()).digest(), digest(certificate.asn1.issuer.dump()).digest())
    )


def _said(single: Any, source: str) -> Statement | None:
    status, issued, until = single["cert_status"], single["this_update"].native, single["next_update"].native
    kept = _archive_cutoff(single)
    if status.name == "good":
        return Statement(issued, until, keeps_since=kept, source=source)
    if status.name == "revoked":
        reason = status.chosen["revocation_reason"].native
        return Statement(issued, until, status.chosen["revocation_time"].native, reason, kept, source=source)
    return None


def _archive_cutoff(single: Any) -> datetime | None:
    extensions = single["single_extensions"]
    found = [e for e in extensions if e["extn_id"].native == "archive_cutoff"] if extensions.native else []
    cutoff: datetime | None = found[0]["extn_value"].parsed.native if found else None
    return cutoff


def _no_check(responder: Certificate) -> bool:
    return responder.asn1.ocsp_no_check_value is not None
