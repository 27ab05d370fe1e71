"""Questions about our issuing authorities to their responders (OCSP), and whether an answer is to be believed: pure."""

from __future__ import annotations

from datetime import datetime

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed448, ed25519, padding, rsa
from cryptography.x509 import ocsp
from cryptography.x509.oid import ExtendedKeyUsageOID

from services.signing.fetcher.lists import Known, NotTaken


def question(certificate: x509.Certificate, issuer: x509.Certificate) -> bytes:
    """An OCSP request about one certificate; SHA-1 names keys here and signs nothing."""
    builder = ocsp.OCSPRequestBuilder().add_certificate(certificate, issuer, hashes.SHA1())
    return builder.build().public_bytes(serialization.Encoding.DER)


def read(der: bytes, certificate: x509.Certificate, issuer: x509.Certificate) -> Known:
    """The times of an answer about `certificate` that its issuer stands behind. Raises NotTaken."""
    try:
        found = ocsp.load_der_ocsp_response(der)
        if found.response_status is not ocsp.OCSPResponseStatus.SUCCESSFUL:
            raise NotTaken("unsuccessful")
        serial, status, ends = found.serial_number, found.certificate_status, found.next_update_utc
    except ValueError:
        raise NotTaken("unreadable") from None
    if serial != certificate.serial_number or status is ocsp.OCSPCertStatus.UNKNOWN:
        raise NotTaken("unknown_certificate")
    if not any(_signed(found, signer) for signer in _may_answer(found, issuer)):
        raise NotTaken("signature")
    if ends is None:
        raise NotTaken("no_end")
    return Known(None, found.this_update_utc, ends)


def take(
    der: bytes, certificate: x509.Certificate, issuer: x509.Certificate, newest: Known | None, now: datetime
) -> Known | None:
    """What the answer says of itself where it is to replace what is known; None where it is no newer.

    Raises NotTaken.
    """
    found = read(der, certificate, issuer)
    if found.issued > now:
        raise NotTaken("future")
    if found.ends < now:
        raise NotTaken("ended")
    if newest is not None and found.issued < newest.issued:
        raise NotTaken("older")
    return None if newest == found else found


def _may_answer(found: ocsp.OCSPResponse, issuer: x509.Certificate) -> list[x509.Certificate]:
    """The issuer itself, or a responder that it has certified for this very purpose."""
    able = [issuer]
    for certificate in found.certificates:
        try:
            purposes = certificate.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
            certificate.verify_directly_issued_by(issuer)
        except (x509.ExtensionNotFound, InvalidSignature, UnsupportedAlgorithm, ValueError, TypeError):
            continue
        if ExtendedKeyUsageOID.OCSP_SIGNING in purposes:
            able.append(certificate)
    return able


def _signed(found: ocsp.OCSPResponse, signer: x509.Certificate) -> bool:
    key, digest = signer.public_key(), found.signature_hash_algorithm
    if isinstance(digest, hashes.SHA1 | hashes.MD5):
        return False
    try:
        if isinstance(key, rsa.RSAPublicKey) and digest is not None:
            key.verify(found.signature, found.tbs_response_bytes, padding.PKCS1v15(), digest)
        elif isinstance(key, ec.EllipticCurvePublicKey) and digest is not None:
            key.verify(found.signature, found.tbs_response_bytes, ec.ECDSA(digest))
        elif isinstance(key, ed25519.Ed25519PublicKey | ed448.Ed448PublicKey):
            key.verify(found.signature, found.tbs_response_bytes)
        else:
            return False
    except (InvalidSignature, UnsupportedAlgorithm, ValueError):
        return False
    return True
