"""A certificate authority of somebody else: built with `cryptography` alone, in the shapes that real ones have.

Nothing here comes from the rehearsal's authority, so that the engine cannot depend on its habits.
"""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from asn1crypto import crl as asn1_crl
from asn1crypto import ocsp as asn1_ocsp
from asn1crypto import x509 as asn1_x509
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa
from cryptography.x509 import ocsp
from cryptography.x509.oid import ExtendedKeyUsageOID as Purpose
from cryptography.x509.oid import NameOID
from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter
from pyhanko.pdf_utils.reader import PdfFileReader
from pyhanko.sign.validation.dss import DocumentSecurityStore

from deploy.rehearsal import papers
from deploy.rehearsal.authority import Token
from services.signing import trust
from services.signing.check import check_file

START, END = datetime(2024, 1, 1, tzinfo=UTC), datetime(2030, 1, 1, tzinfo=UTC)
T = datetime(2025, 6, 2, 3, 0, tzinfo=UTC)  # when things are signed
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
_KEYS: dict[tuple[str, str], Any] = {}
_serials = iter(range(1000, 100_000))


def key(name: str, kind: str = "ec") -> Any:
    """The key of that name; made once per run."""
    if (name, kind) not in _KEYS:
        _KEYS[name, kind] = {
            "ec": lambda: ec.generate_private_key(ec.SECP256R1()),
            "p384": lambda: ec.generate_private_key(ec.SECP384R1()),
            "rsa": lambda: rsa.generate_private_key(65537, 2048),
            "rsa1024": lambda: rsa.generate_private_key(65537, 1024),
            "ed25519": ed25519.Ed25519PrivateKey.generate,
        }[kind]()
    return _KEYS[name, kind]


def named(text: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COUNTRY_NAME, "VN"), x509.NameAttribute(NameOID.COMMON_NAME, text)])


@dataclass
class Ca:
    """A certificate with its key; roots, authorities and holders alike."""

    certificate: x509.Certificate
    key: Any
    above: Ca | None = None

    @property
    def der(self) -> bytes:
        return self.certificate.public_bytes(serialization.Encoding.DER)

    def token(self, *, chain: bool = True) -> Token:
        links, above = [], self.above
        while chain and above is not None and above.above is not None:
            links.append(above.certificate)
            above = above.above
        return Token("outsider", self.certificate, self.key, tuple(links))


def certificate(
    name: str,
    above: Ca | None,
    *,
    ca: bool = False,
    kind: str = "ec",
    same_key_as: str | None = None,
    since: datetime = START,
    until: datetime = END,
    identifiers: bool = True,
    purposes: Sequence[Any] | None = None,
    usages: tuple[str, ...] | None = ("digital_signature", "content_commitment"),
    points: Sequence[str] = (),
    no_check: bool = False,
) -> Ca:
    if purposes and Purpose.TIME_STAMPING in purposes:
        kind = "rsa"  # the only kind that the library's own stamper knows
    own = key(same_key_as or name, kind)
    issuer = above.certificate.subject if above else named(name)
    signing = above.key if above else own
    builder = x509.CertificateBuilder(issuer, named(name), own.public_key(), next(_serials), since, until)
    if ca:
        builder = builder.add_extension(x509.BasicConstraints(True, None), True)
        usages = ("key_cert_sign", "crl_sign")
    if usages is not None:
        every = (
            "digital_signature", "content_commitment", "key_encipherment", "data_encipherment", "key_agreement",
            "key_cert_sign", "crl_sign", "encipher_only", "decipher_only",
        )  # fmt: skip
        builder = builder.add_extension(x509.KeyUsage(**{u: u in usages for u in every}), True)
    if purposes is not None:
        builder = builder.add_extension(x509.ExtendedKeyUsage(purposes), Purpose.TIME_STAMPING in purposes)
    if identifiers:
        builder = builder.add_extension(x509.SubjectKeyIdentifier.from_public_key(own.public_key()), False)
        builder = builder.add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(signing.public_key()), False)
    if points:
        found = [x509.DistributionPoint([x509.UniformResourceIdentifier(p)], None, None, None) for p in points]
        builder = builder.add_extension(x509.CRLDistributionPoints(found), False)
    if no_check:
        builder = builder.add_extension(x509.OCSPNoCheck(), False)
    hashed = None if isinstance(signing, ed25519.Ed25519PrivateKey) else hashes.SHA256()
    return Ca(builder.sign(signing, hashed), own, above)


def signed_over_sha1(item: Ca) -> Ca:
    """The certificate signed anew by its (RSA) authority, over SHA-1: no builder makes such any more."""
    assert item.above is not None
    raw = asn1_x509.Certificate.load(item.der)
    for part in (raw["tbs_certificate"]["signature"], raw["signature_algorithm"]):
        part["algorithm"] = "sha1_rsa"
    over = raw["tbs_certificate"].dump(force=True)
    raw["signature_value"] = item.above.key.sign(over, padding.PKCS1v15(), hashes.SHA1())
    return Ca(x509.load_der_x509_certificate(raw.dump(force=True)), item.key, item.above)


Revoked = tuple[Ca, datetime, str | None]


def revocations(
    issuer: Ca,
    revoked: Sequence[Revoked] = (),
    *,
    at: datetime = T - DAY,
    until: datetime = T + 30 * DAY,
    identifier: bool = True,
    extensions: Sequence[x509.ExtensionType] = (),
    critical: bool = True,
    signer: Any = None,
) -> bytes:
    builder = x509.CertificateRevocationListBuilder(issuer.certificate.subject, at, until)
    for who, when, reason in revoked:
        entry = x509.RevokedCertificateBuilder(who.certificate.serial_number, when)
        if reason:
            entry = entry.add_extension(x509.CRLReason(x509.ReasonFlags(reason)), False)
        builder = builder.add_revoked_certificate(entry.build())
    if identifier:
        builder = builder.add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_public_key(issuer.key.public_key()), False
        )
    for extension in extensions:
        builder = builder.add_extension(extension, critical)
    signing = signer or issuer.key
    hashed = None if isinstance(signing, ed25519.Ed25519PrivateKey) else hashes.SHA256()
    return builder.sign(signing, hashed).public_bytes(serialization.Encoding.DER)


def point(url: str, **more: bool) -> x509.IssuingDistributionPoint:
    given = {
        "only_contains_user_certs": False, "only_contains_ca_certs": False, "indirect_crl": False,
        "only_contains_attribute_certs": False, **more,
    }  # fmt: skip
    names = [x509.UniformResourceIdentifier(url)] if url else None
    return x509.IssuingDistributionPoint(names, None, only_some_reasons=None, **given)


def answer(
    about: Ca,
    *,
    responder: Ca | None = None,
    revoked: datetime | None = None,
    reason: str | None = None,
    at: datetime = T + HOUR,
    until: datetime | None = T + DAY,
) -> bytes:
    assert about.above is not None
    by = responder or about.above
    builder = (
        ocsp.OCSPResponseBuilder()
        .add_response(
            about.certificate,
            about.above.certificate,
            hashes.SHA1() if responder is None else hashes.SHA256(),
            ocsp.OCSPCertStatus.REVOKED if revoked else ocsp.OCSPCertStatus.GOOD,
            at,
            until,
            revoked,
            x509.ReasonFlags(reason) if reason else None,
        )
        .responder_id(ocsp.OCSPResponderEncoding.HASH if responder else ocsp.OCSPResponderEncoding.NAME, by.certificate)
    )
    if responder is not None:
        builder = builder.certificates([responder.certificate])
    return builder.sign(by.key, hashes.SHA256()).public_bytes(serialization.Encoding.DER)


@dataclass
class World:
    """A root, an authority, a holder and a timestamp authority; what the verifier trusts and knows."""

    kind: str = "ec"
    root: Ca = field(init=False)
    ca: Ca = field(init=False)
    holder: Ca = field(init=False)
    stamp_root: Ca = field(init=False)
    stamper: Ca = field(init=False)
    paper: bytes = field(default_factory=lambda: papers.paper("Outsider"))

    def __post_init__(self) -> None:
        self.root = certificate("Root of somebody", None, ca=True)
        self.ca = certificate("CA of somebody", self.root, ca=True)
        self.holder = certificate("Holder", self.ca)
        self.stamp_root = certificate("Stamp root", None, ca=True)
        self.stamper = certificate("Stamps", self.stamp_root, purposes=[Purpose.TIME_STAMPING])

    def snapshot(
        self,
        lists: Sequence[bytes] | None = None,
        answers: Sequence[bytes] = (),
        *,
        roots: Sequence[Ca] | None = None,
        authorities: Sequence[Ca] | None = None,
        stamps: Sequence[Ca] | None = None,
    ) -> trust.Snapshot:
        known = self.lists() if lists is None else lists
        return trust.Snapshot(
            "outsider",
            {
                "public": tuple(map(loaded, [self.root] if roots is None else roots)),
                "government": (),
                "timestamp": tuple(map(loaded, [self.stamp_root] if stamps is None else stamps)),
            },
            tuple(map(loaded, [self.ca] if authorities is None else authorities)),
            tuple(trust.RevocationList.load(der) for der in known),
            tuple(a for a in map(trust.Answer.load, answers) if a),
        )

    def lists(self, revoked: Sequence[Revoked] = (), **options: Any) -> list[bytes]:
        """Lists of all three issuers; `revoked` is on the authority's."""
        return [revocations(self.root), revocations(self.ca, revoked, **options), revocations(self.stamp_root)]

    def sign(self, by: Ca | None = None, *, stamped: bool = False, at: datetime = T, **options: Any) -> bytes:
        token = (by or self.holder).token(chain=options.pop("chain", True))
        stamp = (options.pop("stamper", None) or self.stamper).token() if stamped else None
        return papers.sign(options.pop("pdf", self.paper), token, at=at, timestamp=stamp, **options)

    def stamp(self, pdf: bytes, *, at: datetime, by: Ca | None = None) -> bytes:
        return papers.document_timestamp(pdf, (by or self.stamper).token(), at=at)


def loaded(item: Ca) -> trust.Certificate:
    return trust.Certificate.load(item.der)


def with_data(
    pdf: bytes, *, lists: Sequence[bytes] = (), answers: Sequence[bytes] = (), certificates: Sequence[Ca] = ()
) -> bytes:
    """The file with a security store."""
    writer = IncrementalPdfFileWriter(io.BytesIO(pdf))
    contents = PdfFileReader(io.BytesIO(pdf)).embedded_signatures[0].pkcs7_content
    DocumentSecurityStore.supply_dss_in_writer(
        writer,
        contents,
        certs=[asn1_x509.Certificate.load(c.der) for c in certificates],
        crls=[asn1_crl.CertificateList.load(der) for der in lists],
        ocsps=[asn1_ocsp.OCSPResponse.load(der) for der in answers],
    )
    out = io.BytesIO()
    writer.write(out)
    return out.getvalue()


def verdict(
    data: bytes, snapshot: trust.Snapshot, *, received: datetime = T + HOUR, now: datetime | None = None
) -> tuple[str, str]:
    report = check(data, snapshot, received=received, now=now)
    return report["verdict"], report["code"]


def check(
    data: bytes, snapshot: trust.Snapshot, *, received: datetime = T + HOUR, now: datetime | None = None
) -> dict[str, Any]:
    return check_file(data, snapshot=snapshot, received=received, now=now or max(received, T + 2 * DAY))
