"""The corpus' own authorities: trusted, foreign, look-alike, revoked, expired and badly made ones.

What the rehearsal's authority cannot make is made here: OCSP answers, two trusted roots of one name, authorities
certified twice, certificates without key identifiers, weak algorithms. Nothing of it leaves the test run.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from asn1crypto import ocsp as asn1_ocsp
from asn1crypto import x509 as asn1_x509
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.x509 import ocsp
from cryptography.x509.oid import ExtendedKeyUsageOID, ObjectIdentifier

from deploy.rehearsal.authority import DOCUMENT_SIGNING, PrivateKey, Token, subject

NOT_BEFORE = datetime(2023, 1, 1, tzinfo=UTC)
NOT_AFTER = datetime(2036, 1, 1, tzinfo=UTC)
#: Each authority has two lists: one from before the papers were signed, one from after the late revocations.
LIST_ISSUED = datetime(2024, 3, 6, tzinfo=UTC)
LATE_LIST_ISSUED = datetime(2024, 3, 25, tzinfo=UTC)

SIGNING = (ExtendedKeyUsageOID.EMAIL_PROTECTION, DOCUMENT_SIGNING)
_CURVES: dict[str, Any] = {"p256": ec.SECP256R1, "p384": ec.SECP384R1, "p521": ec.SECP521R1}


def day(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def der(item: Any) -> bytes:
    return bytes(item.public_bytes(serialization.Encoding.DER))


def new_key(kind: str) -> PrivateKey:
    """`p256`, `p384`, `p521` or `rsa1024` and so on."""
    if kind in _CURVES:
        return ec.generate_private_key(_CURVES[kind]())
    return rsa.generate_private_key(public_exponent=65537, key_size=int(kind.removeprefix("rsa")))


@dataclass(frozen=True)
class Entry:
    """One line of a revocation list."""

    token: str
    at: datetime
    reason: x509.ReasonFlags = x509.ReasonFlags.key_compromise


@dataclass
class Pki:
    """Tokens by name, revocations by issuer."""

    tokens: dict[str, Token] = field(default_factory=dict)
    revoked: dict[str, list[Entry]] = field(default_factory=dict)
    _serial: int = 4096

    def __getitem__(self, name: str) -> Token:
        return self.tokens[name]

    def make(
        self,
        name: str,
        who: x509.Name,
        *,
        issuer: str | None = None,
        ca: bool = False,
        path_length: int | None = None,
        key: str | PrivateKey = "p256",
        since: datetime = NOT_BEFORE,
        until: datetime = NOT_AFTER,
        usages: Sequence[str] | None = ("digital_signature", "content_commitment"),
        extended: Sequence[ObjectIdentifier] | None = SIGNING,
        critical_extended: bool = False,
        identifiers: bool = True,
        sha1: bool = False,
        embeds: bool = True,
        no_check: bool = False,
    ) -> Token:
        """A certificate with its key; without `issuer` it is a root. `identifiers`: SKI and AKI."""
        own = new_key(key) if isinstance(key, str) else key
        above = self.tokens[issuer] if issuer else None
        self._serial += 104729
        builder = (
            x509.CertificateBuilder()
            .subject_name(who)
            .issuer_name(above.certificate.subject if above else who)
            .public_key(own.public_key())
            .serial_number(self._serial)
            .not_valid_before(since)
            .not_valid_after(until)
            .add_extension(x509.BasicConstraints(ca, path_length if ca else None), critical=True)
        )
        if identifiers:
            signer = above.key if above else own
            builder = builder.add_extension(
                x509.SubjectKeyIdentifier.from_public_key(own.public_key()), False
            ).add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(signer.public_key()), False)
        chosen = (
            ("key_cert_sign", "crl_sign") if ca and usages == ("digital_signature", "content_commitment") else usages
        )
        if chosen is not None:
            builder = builder.add_extension(_usage(chosen), True)
        if extended is not None and not ca:
            builder = builder.add_extension(x509.ExtendedKeyUsage(list(extended)), critical_extended)
        if no_check:
            builder = builder.add_extension(x509.OCSPNoCheck(), False)
        by = above.key if above else own
        certificate = builder.sign(by, hashes.SHA256())
        if sha1:
            certificate = _signed_with_sha1(certificate, by)
        chain = (above.certificate, *above.chain) if above and issuer not in ROOTS and embeds else ()
        token = Token(name, certificate, own, chain)
        self.tokens[name] = token
        return token

    def revoke(self, issuer: str, token: str, at: datetime, **more: Any) -> None:
        self.revoked.setdefault(issuer, []).append(Entry(token, at, **more))

    def revocation_list(
        self,
        issuer: str,
        *,
        issued: datetime = LIST_ISSUED,
        until: datetime = NOT_AFTER,
        entries: Sequence[Entry] | None = None,
        signer: str | None = None,
    ) -> bytes:
        above, by = self.tokens[issuer], self.tokens[signer or issuer]
        builder = (
            x509.CertificateRevocationListBuilder()
            .issuer_name(above.certificate.subject)
            .last_update(issued)
            .next_update(until)
            .add_extension(x509.CRLNumber(1), False)
            .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(by.key.public_key()), False)
        )
        noted = [e for e in self.revoked.get(issuer, []) if e.at <= issued]
        for entry in noted if entries is None else entries:
            builder = builder.add_revoked_certificate(
                x509.RevokedCertificateBuilder()
                .serial_number(self.tokens[entry.token].certificate.serial_number)
                .revocation_date(entry.at)
                .add_extension(x509.CRLReason(entry.reason), False)
                .build()
            )
        return der(builder.sign(by.key, hashes.SHA256()))

    def answer(
        self,
        token: str,
        issuer: str,
        *,
        by: str | None = None,
        revoked_at: datetime | None = None,
        issued: datetime = LIST_ISSUED,
        until: datetime | None = NOT_AFTER,
    ) -> bytes:
        """An OCSP answer of the issuer himself, or of responder `by` with its certificate in the answer."""
        responder = self.tokens[by or issuer]
        builder = (
            ocsp.OCSPResponseBuilder()
            .add_response(
                cert=self.tokens[token].certificate,
                issuer=self.tokens[issuer].certificate,
                algorithm=hashes.SHA1(),
                cert_status=ocsp.OCSPCertStatus.REVOKED if revoked_at else ocsp.OCSPCertStatus.GOOD,
                this_update=issued,
                next_update=until,
                revocation_time=revoked_at,
                revocation_reason=x509.ReasonFlags.key_compromise if revoked_at else None,
            )
            .responder_id(ocsp.OCSPResponderEncoding.HASH, responder.certificate)
        )
        if by:
            builder = builder.certificates([responder.certificate])
        return _produced(der(builder.sign(responder.key, hashes.SHA256())), issued, responder.key)


def _produced(answer: bytes, at: datetime, by: PrivateKey) -> bytes:
    """The same answer, produced at another time than now."""
    parsed = asn1_ocsp.OCSPResponse.load(answer)
    basic = parsed["response_bytes"]["response"].parsed
    basic["tbs_response_data"]["produced_at"] = at
    content = basic["tbs_response_data"].dump(force=True)
    if isinstance(by, rsa.RSAPrivateKey):
        basic["signature"] = by.sign(content, padding.PKCS1v15(), hashes.SHA256())
    else:
        basic["signature"] = by.sign(content, ec.ECDSA(hashes.SHA256()))
    again = {"response_type": "basic_ocsp_response", "response": basic}
    return bytes(asn1_ocsp.OCSPResponse({"response_status": "successful", "response_bytes": again}).dump(force=True))


def _signed_with_sha1(certificate: x509.Certificate, by: PrivateKey) -> x509.Certificate:
    """The same certificate under a signature that libraries no longer make."""
    assert isinstance(by, rsa.RSAPrivateKey)
    parsed = asn1_x509.Certificate.load(der(certificate))
    weak = {"algorithm": "sha1_rsa", "parameters": None}
    parsed["tbs_certificate"]["signature"] = weak
    parsed["signature_algorithm"] = weak
    parsed["signature_value"] = by.sign(parsed["tbs_certificate"].dump(force=True), padding.PKCS1v15(), hashes.SHA1())
    return x509.load_der_x509_certificate(parsed.dump(force=True))


def _usage(names: Sequence[str]) -> x509.KeyUsage:
    known = (
        "digital_signature", "content_commitment", "key_encipherment", "data_encipherment", "key_agreement",
        "key_cert_sign", "crl_sign", "encipher_only", "decipher_only",
    )  # fmt: skip
    return x509.KeyUsage(**{name: name in names for name in known})


#: Roots: the anchor folder of each; "" is trusted by nobody.
ROOTS = {
    "public-root": "public",
    "second-root": "public",
    "twin-root-a": "public",
    "twin-root-b": "public",
    "government-root": "government",
    "timestamp-root": "timestamp",
    "foreign-root": "",
    "lookalike-root": "",
    "foreign-stamp-root": "",
}
#: Issuing authorities in the trust folder that have a revocation list there.
LISTED = (
    "public-ca", "rsa-ca", "government-ca", "twin-ca-a", "twin-ca-b", "cross-ca", "withdrawn-ca", "late-withdrawn-ca",
    "expired-ca", "closing-ca", "unnamed-ca", "nested-ca", "sha1-ca", "small-ca", "toothless-ca",
)  # fmt: skip
#: In the trust folder without a list: answers only, nothing, or a list that ran out.
UNLISTED = ("ocsp-ca", "silent-ca", "stale-ca")


def build() -> Pki:
    """All authorities and tokens; names of the certificates say what is wrong with them."""
    pki = Pki()
    _authorities(pki)
    _signers(pki)
    _stamps(pki)
    return pki


def _authorities(pki: Pki) -> None:
    def root(name: str, common_name: str, **more: Any) -> None:
        pki.make(name, subject(common_name, organization="TEST"), ca=True, **more)

    def ca(name: str, common_name: str, above: str, **more: Any) -> None:
        pki.make(name, subject(common_name, organization="TEST"), issuer=above, ca=True, **more)

    root("public-root", "Root công cộng TEST")
    root("second-root", "Root thứ hai TEST", key="rsa3072")
    root("twin-root-a", "Root trùng tên TEST")
    root("twin-root-b", "Root trùng tên TEST")
    root("government-root", "Root công vụ TEST")
    root("timestamp-root", "Root dấu thời gian TEST")
    root("foreign-root", "Foreign Root")
    root("lookalike-root", "Root công cộng TEST")
    root("foreign-stamp-root", "Root dấu thời gian TEST")
    ca("public-ca", "CA công cộng TEST", "public-root", path_length=0)
    ca("rsa-ca", "CA RSA TEST", "second-root", key="rsa2048")
    ca("government-ca", "CA công vụ TEST", "government-root")
    ca("foreign-ca", "Foreign CA", "foreign-root")
    ca("lookalike-ca", "CA công cộng TEST", "lookalike-root")
    ca("twin-ca-a", "CA trùng tên TEST", "twin-root-a")
    ca("twin-ca-b", "CA trùng tên TEST", "twin-root-b")
    # One key, certified by a foreign root (what signers embed) and by a trusted one (what we know).
    ca("cross-ca-foreign", "CA ký chéo TEST", "foreign-root")
    ca("cross-ca", "CA ký chéo TEST", "public-root", key=pki["cross-ca-foreign"].key)
    ca("withdrawn-ca", "CA đã thu hồi TEST", "government-root")
    ca("late-withdrawn-ca", "CA thu hồi sau TEST", "government-root")
    ca("expired-ca", "CA hết hạn TEST", "public-root", until=day("2024-03-01"))
    ca("closing-ca", "CA sắp hết hạn TEST", "public-root", until=day("2024-03-15"))
    ca("unnamed-ca", "CA không định danh TEST", "public-root", identifiers=False)
    ca("nested-ca", "CA dưới CA TEST", "public-ca")
    ca("sha1-ca", "CA SHA-1 TEST", "second-root", sha1=True)
    ca("small-ca", "CA khóa ngắn TEST", "second-root", key="rsa1024")
    ca("toothless-ca", "CA không được ký TEST", "public-root", usages=("crl_sign",))
    ca("ocsp-ca", "CA chỉ có OCSP TEST", "public-root", key="rsa2048")
    ca("silent-ca", "CA không dữ liệu TEST", "public-root")
    ca("stale-ca", "CA danh sách cũ TEST", "public-root")
    pki.revoke("government-root", "withdrawn-ca", day("2024-01-10"))
    pki.revoke("government-root", "late-withdrawn-ca", day("2024-03-20"))


def _signers(pki: Pki) -> None:
    def person(name: str, issuer: str = "public-ca", **more: Any) -> None:
        number = 46190000000 + len(pki.tokens)
        pki.make(name, subject(f"Người ký {name}", user_id=f"CCCD:0{number}"), issuer=issuer, **more)

    person("an")
    person("chi")
    person("binh", "rsa-ca", key="rsa2048")
    person("p384", key="p384")
    person("p521", key="p521")
    person("rsa3072", "rsa-ca", key="rsa3072")
    agency = subject("UBND xã TEST", organization="UBND xã TEST", user_id="MST:3300100018")
    pki.make("officer", subject("Cán bộ TEST", user_id="CCCD:046190000777"), issuer="government-ca")
    pki.make("agency", agency, issuer="government-ca")
    person("bare", embeds=False)
    person("plain-usage", usages=("digital_signature",), extended=None)
    person("commitment-only", usages=("content_commitment",))
    person("no-identifiers", identifiers=False)
    person("under-unnamed", "unnamed-ca", identifiers=False)
    person("twin-a", "twin-ca-a")
    person("twin-b", "twin-ca-b")
    person("twin-a-unnamed", "twin-ca-a", identifiers=False)
    person("crossed", "cross-ca-foreign")
    person("revoked-before")
    person("revoked-after")
    person("on-hold")
    person("ended-before", until=day("2024-03-09"))
    person("ended-after", until=day("2024-03-15"))
    person("young", since=day("2024-03-12"))
    person("server-only", extended=(ExtendedKeyUsageOID.SERVER_AUTH,))
    person("code-only", extended=(ExtendedKeyUsageOID.CODE_SIGNING,))
    person("stamp-purpose", extended=(ExtendedKeyUsageOID.TIME_STAMPING,))
    person("no-usage", usages=())
    person("encipher-only", usages=("key_encipherment",))
    person("short-key", "rsa-ca", key="rsa1024")
    person("sha1-certificate", "rsa-ca", sha1=True)
    for below in ("withdrawn", "late-withdrawn", "expired", "closing", "nested", "sha1", "small", "toothless", "silent",
                  "stale", "foreign", "lookalike"):  # fmt: skip
        person(f"under-{below}", f"{below}-ca")
    # Issued by a certificate that is no authority.
    person("under-person", "an")
    pki.make("self-signed", subject("Người ký an", user_id="CCCD:046190000123"))
    pki.make("lookalike-an", pki["an"].certificate.subject, issuer="lookalike-ca")
    person("ocsp-good", "ocsp-ca")
    person("ocsp-responder-good", "ocsp-ca")
    person("ocsp-revoked-before", "ocsp-ca")
    person("ocsp-revoked-after", "ocsp-ca")
    person("ocsp-foreign-answer", "ocsp-ca")
    person("ocsp-unmeant-responder", "ocsp-ca")
    person("ocsp-silent", "ocsp-ca")
    pki.make(
        "responder",
        subject("OCSP TEST"),
        issuer="ocsp-ca",
        usages=("digital_signature",),
        extended=(ExtendedKeyUsageOID.OCSP_SIGNING,),
        no_check=True,
    )
    pki.revoke("public-ca", "revoked-before", day("2024-02-01"))
    pki.revoke("public-ca", "revoked-after", day("2024-03-20"))
    pki.revoke("public-ca", "on-hold", day("2024-03-05"), reason=x509.ReasonFlags.certificate_hold)


def _stamps(pki: Pki) -> None:
    def stamp(name: str, issuer: str = "timestamp-root", **more: Any) -> None:
        more.setdefault("extended", (ExtendedKeyUsageOID.TIME_STAMPING,))
        pki.make(
            name, subject(f"TSA {name}"), issuer=issuer, key="rsa2048", critical_extended=True,
            usages=("digital_signature",), **more,
        )  # fmt: skip

    stamp("stamp")
    stamp("foreign-stamp", "foreign-stamp-root")
    stamp("purposeless-stamp", extended=SIGNING)
    stamp("ended-stamp", until=day("2024-03-01"))


def write_trust(pki: Pki, trust: Path) -> None:
    """The folder that `./motcua verify --trust` reads."""
    for part in ("anchors/public", "anchors/government", "anchors/timestamp", "intermediates", "crls", "ocsps"):
        (trust / part).mkdir(parents=True, exist_ok=True)
    for name, kind in ROOTS.items():
        if kind:
            pem = pki[name].certificate.public_bytes(serialization.Encoding.PEM)
            (trust / "anchors" / kind / f"{name}.pem").write_bytes(pem)
    for name in (*LISTED, *UNLISTED):
        (trust / "intermediates" / f"{name}.crt").write_bytes(der(pki[name].certificate))
    for name in (*LISTED, *(root for root, kind in ROOTS.items() if kind)):
        (trust / "crls" / f"{name}.crl").write_bytes(pki.revocation_list(name))
        (trust / "crls" / f"{name}-late.crl").write_bytes(pki.revocation_list(name, issued=LATE_LIST_ISSUED))
    stale = pki.revocation_list("stale-ca", issued=day("2024-01-01"), until=day("2024-02-01"))
    (trust / "crls" / "stale-ca.crl").write_bytes(stale)
    answers = {
        "ocsp-good": pki.answer("ocsp-good", "ocsp-ca"),
        "ocsp-responder-good": pki.answer("ocsp-responder-good", "ocsp-ca", by="responder"),
        "ocsp-revoked-before": pki.answer("ocsp-revoked-before", "ocsp-ca", revoked_at=day("2024-02-01")),
        "ocsp-revoked-after": pki.answer("ocsp-revoked-after", "ocsp-ca"),
        "ocsp-revoked-after-late": pki.answer(
            "ocsp-revoked-after", "ocsp-ca", revoked_at=day("2024-03-20"), issued=LATE_LIST_ISSUED
        ),
        # Signed by somebody else's authority, or by a signer of the same authority who is no responder.
        "ocsp-foreign-answer": pki.answer("ocsp-foreign-answer", "ocsp-ca", by="foreign-ca"),
        "ocsp-unmeant-responder": pki.answer("ocsp-unmeant-responder", "ocsp-ca", by="ocsp-good"),
    }
    for name, answer in answers.items():
        (trust / "ocsps" / f"{name}.ors").write_bytes(answer)
