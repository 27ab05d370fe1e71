"""The test authority of rehearsals: roots, issuing authorities, revocation lists and the soft tokens of the cast.

    python -m deploy.rehearsal.authority build --out DIR --trust TRUSTDIR

writes keys and tokens to DIR and what a verifier needs to TRUSTDIR:

    TRUSTDIR/anchors/{public,government,timestamp}/*.pem   intermediates/*.pem   crls/*.crl   ocsps/

Each rehearsal copies TRUSTDIR and signs its own manifest over the copy (trust_folder.py).

One foreign root with its authority is built as well and is *not* put into TRUSTDIR. Names say "DIỄN TẬP" (rehearsal):
nothing here may be trusted by a production system. A soft token is two files, DIR/tokens/<name>.pem (certificate and
its issuer) and <name>.key; they stand for the hardware tokens that real signers hold.

Certificates are valid from 2023 to 2032 and the lists until then, so that every business day of a rehearsal
(the clock starts at 2024-03-11) finds valid revocation data.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import sys
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Literal

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID, ObjectIdentifier

from deploy.rehearsal import cast
from deploy.rehearsal.trust_folder import make_signers

PrivateKey = ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey
KeyKind = Literal["ec", "rsa"]

NOT_BEFORE = datetime(2023, 1, 1, tzinfo=UTC)
NOT_AFTER = datetime(2032, 12, 31, tzinfo=UTC)
# The lists are issued after the only rehearsed revocation and before the first business day of a rehearsal.
LIST_ISSUED = datetime(2024, 2, 15, tzinfo=UTC)
REVOKED_ON = datetime(2024, 2, 1, tzinfo=UTC)

# Document signing, RFC 9336.
DOCUMENT_SIGNING = ObjectIdentifier("1.3.6.1.5.5.7.3.36")
USER_ID = NameOID.USER_ID  # 0.9.2342.19200300.100.1.1: "CCCD:…" or "MST:…"

# Written last; a folder without it, or with another number, is built anew.
LAYOUT = "2"
# Which anchor folder a root belongs to; the foreign root has none.
ROOTS = {"public-root": "public", "government-root": "government", "timestamp-root": "timestamp", "foreign-root": ""}


@dataclass(frozen=True, slots=True)
class Token:
    """A certificate with its private key and the issuing certificates above it (without the root)."""

    name: str
    certificate: x509.Certificate
    key: PrivateKey
    chain: tuple[x509.Certificate, ...] = ()


def subject(
    common_name: str, *, organization: str | None = None, user_id: str | None = None, country: str = "VN"
) -> x509.Name:
    """A certificate subject as Vietnamese authorities write it; `user_id` is "CCCD:…" or "MST:…"."""
    parts = [x509.NameAttribute(NameOID.COUNTRY_NAME, country)]
    if organization:
        parts.append(x509.NameAttribute(NameOID.ORGANIZATION_NAME, organization))
    parts.append(x509.NameAttribute(NameOID.COMMON_NAME, common_name))
    if user_id:
        parts.append(x509.NameAttribute(USER_ID, user_id))
    return x509.Name(parts)


def new_key(kind: KeyKind = "ec", *, bits: int = 2048) -> PrivateKey:
    """A fresh private key: P-256, or RSA of `bits`."""
    if kind == "ec":
        return ec.generate_private_key(ec.SECP256R1())
    return rsa.generate_private_key(public_exponent=65537, key_size=bits)


class Authority:
    """The rehearsal's authorities in one folder. Issues certificates, revokes them and writes the lists."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        (folder / "authorities").mkdir(parents=True, exist_ok=True)
        (folder / "tokens").mkdir(parents=True, exist_ok=True)

    def found(
        self,
        name: str,
        common_name: str,
        *,
        parent: str | None = None,
        key: KeyKind = "ec",
        not_before: datetime = NOT_BEFORE,
        not_after: datetime = NOT_AFTER,
    ) -> Token:
        """Make a root (no parent) or an issuing authority and keep its key.

        Raises FileNotFoundError where the parent does not exist.
        """
        own = new_key(key)
        above = self.authority(parent) if parent else None
        who = subject(common_name, organization="Hệ thống DIỄN TẬP")
        builder = (
            _builder(name, who, own, above, not_before, not_after)
            .add_extension(x509.BasicConstraints(ca=True, path_length=0 if above else 1), critical=True)
            .add_extension(_usage("keyCertSign", "cRLSign"), critical=True)
        )
        certificate = builder.sign(above.key if above else own, hashes.SHA256())
        token = Token(name, certificate, own, (above.certificate, *above.chain) if above else ())
        _write_token(self.folder / "authorities", token)
        return token

    def authority(self, name: str) -> Token:
        """Load an authority with its key."""
        return _read_token(self.folder / "authorities", name)

    def issue(
        self,
        name: str,
        who: x509.Name,
        *,
        issuer: str = "public-ca",
        key: KeyKind = "ec",
        bits: int = 2048,
        not_before: datetime = NOT_BEFORE,
        not_after: datetime = NOT_AFTER,
        usages: tuple[str, ...] = ("digitalSignature", "nonRepudiation"),
        extended: tuple[ObjectIdentifier, ...] | None = (ExtendedKeyUsageOID.EMAIL_PROTECTION, DOCUMENT_SIGNING),
        critical_extended: bool = False,
    ) -> Token:
        """Issue an end-entity certificate as soft token `name`, kept in the folder; see `made`."""
        token = self.made(
            name,
            who,
            issuer=issuer,
            key=key,
            bits=bits,
            not_before=not_before,
            not_after=not_after,
            usages=usages,
            extended=extended,
            critical_extended=critical_extended,
        )
        _write_token(self.folder / "tokens", token)
        return token

    def made(
        self,
        name: str,
        who: x509.Name,
        *,
        issuer: str = "public-ca",
        key: KeyKind = "ec",
        bits: int = 2048,
        not_before: datetime = NOT_BEFORE,
        not_after: datetime = NOT_AFTER,
        usages: tuple[str, ...] = ("digitalSignature", "nonRepudiation"),
        extended: tuple[ObjectIdentifier, ...] | None = (ExtendedKeyUsageOID.EMAIL_PROTECTION, DOCUMENT_SIGNING),
        critical_extended: bool = False,
    ) -> Token:
        """Make an end-entity certificate with its key and keep it nowhere; `extended=None` leaves that extension out.

        Raises FileNotFoundError where the issuer does not exist.
        """
        above = self.authority(issuer)
        own = new_key(key, bits=bits)
        builder = (
            _builder(name, who, own, above, not_before, not_after)
            .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
            .add_extension(_usage(*usages), critical=True)
            # Addresses that must never be asked: the verifier fetches nothing.
            .add_extension(_distribution_point(issuer), critical=False)
        )
        if extended is not None:
            builder = builder.add_extension(x509.ExtendedKeyUsage(list(extended)), critical=critical_extended)
        certificate = builder.sign(above.key, hashes.SHA256())
        # Roots stay out of what signers embed.
        return Token(name, certificate, own, (above.certificate,) if above.chain else ())

    def revoke(self, issuer: str, certificate: x509.Certificate, at: datetime) -> None:
        """Note a revocation; it counts once the issuer's list is written again."""
        path = self.folder / "revoked.json"
        noted: list[dict[str, str]] = json.loads(path.read_text()) if path.exists() else []
        noted.append({"issuer": issuer, "serial": str(certificate.serial_number), "at": at.isoformat()})
        path.write_text(json.dumps(noted, indent=1))

    def write_list(
        self,
        issuer: str,
        into: Path,
        *,
        issued: datetime = LIST_ISSUED,
        next_update: datetime = NOT_AFTER,
    ) -> Path:
        """Write the issuer's revocation list (DER) to `into`/<issuer>.crl and return the path."""
        above = self.authority(issuer)
        path = self.folder / "revoked.json"
        noted = json.loads(path.read_text()) if path.exists() else []
        builder = (
            x509.CertificateRevocationListBuilder()
            .issuer_name(above.certificate.subject)
            .last_update(issued)
            .next_update(next_update)
            .add_extension(x509.CRLNumber(1), critical=False)
            .add_extension(_key_identifier_of(above), critical=False)
        )
        for entry in noted:
            if entry["issuer"] == issuer:
                builder = builder.add_revoked_certificate(
                    x509.RevokedCertificateBuilder()
                    .serial_number(int(entry["serial"]))
                    .revocation_date(datetime.fromisoformat(entry["at"]))
                    .add_extension(x509.CRLReason(x509.ReasonFlags.key_compromise), critical=False)
                    .build()
                )
        into.mkdir(parents=True, exist_ok=True)
        target = into / f"{issuer}.crl"
        target.write_bytes(builder.sign(above.key, hashes.SHA256()).public_bytes(serialization.Encoding.DER))
        return target


def token(folder: Path | str, name: str) -> Token:
    """Load soft token `name` of the authority in `folder`. Raises FileNotFoundError where there is none."""
    return _read_token(Path(folder) / "tokens", name)


def build(out: Path, trust: Path) -> Authority:
    """Build the whole rehearsal authority, once: where keys and tokens are complete, only `trust` is written again."""
    marker = out / "complete"
    authority = Authority(out)
    make_signers(out)
    if marker.exists() and marker.read_text() == LAYOUT:
        write_trust(authority, trust)
        return authority
    marker.unlink(missing_ok=True)
    (out / "revoked.json").unlink(missing_ok=True)
    for root, common_name in (
        ("public-root", "Root chứng thực công cộng DIỄN TẬP"),
        ("government-root", "Root chuyên dùng công vụ DIỄN TẬP"),
        ("timestamp-root", "Root dấu thời gian DIỄN TẬP"),
        ("foreign-root", "Foreign Root"),
    ):
        authority.found(root, common_name)
    authority.found("public-ca", "CA công cộng DIỄN TẬP", parent="public-root")
    authority.found("government-ca", "CA chuyên dùng công vụ DIỄN TẬP", parent="government-root")
    # Bears the government authority's name: only its key tells it apart.
    authority.found("foreign-ca", "CA chuyên dùng công vụ DIỄN TẬP", parent="foreign-root")
    _issue_cast(authority)
    write_trust(authority, trust)
    marker.write_text(LAYOUT)
    return authority


def write_trust(authority: Authority, trust: Path) -> None:
    """Write anchors, intermediates and lists of the trusted authorities to `trust`."""
    for folder in ("intermediates", "crls", "ocsps"):
        (trust / folder).mkdir(parents=True, exist_ok=True)
    for root, kind in ROOTS.items():
        if kind:
            _write_certificate(trust / "anchors" / kind / f"{root}.pem", authority.authority(root).certificate)
            authority.write_list(root, trust / "crls")
    for name in ("public-ca", "government-ca"):
        _write_certificate(trust / "intermediates" / f"{name}.pem", authority.authority(name).certificate)
        authority.write_list(name, trust / "crls")


def _issue_cast(authority: Authority) -> None:
    for person in cast.PEOPLE.values():
        unit = cast.UNITS.get(person.unit)
        authority.issue(
            person.key,
            subject(
                person.full_name,
                organization=unit.name if unit else None,
                user_id=f"CCCD:{person.personal_number}",
            ),
            issuer="government-ca" if unit else "public-ca",
            # One RSA signer, so that both families of algorithms are in every rehearsal.
            key="rsa" if person.key == "citizen-binh" else "ec",
        )
    competent, other = cast.COMPETENT_AGENCY, cast.OTHER_AGENCY
    seal = subject(competent.name, organization=competent.name, user_id=f"MST:{competent.tax_number}")
    authority.issue("agency-quang-thai", seal, issuer="government-ca")
    authority.issue(
        "agency-other",
        subject(other.name, organization=other.name, user_id=f"MST:{other.tax_number}"),
        issuer="government-ca",
    )
    revoked = authority.issue("agency-revoked", seal, issuer="government-ca")
    authority.revoke("government-ca", revoked.certificate, REVOKED_ON)
    authority.issue("foreign-quang-thai", seal, issuer="foreign-ca")
    authority.issue(
        "timestamp",
        subject("Dấu thời gian DIỄN TẬP", organization="Hệ thống DIỄN TẬP"),
        issuer="timestamp-root",
        key="rsa",
        extended=(ExtendedKeyUsageOID.TIME_STAMPING,),
        critical_extended=True,
        usages=("digitalSignature",),
    )


def _builder(
    name: str,
    who: x509.Name,
    key: PrivateKey,
    above: Token | None,
    not_before: datetime,
    not_after: datetime,
) -> x509.CertificateBuilder:
    # Serial numbers depend on the name and the key, so that two builds never give one serial to two keys.
    public = key.public_key().public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
    serial = int.from_bytes(hashlib.sha256(name.encode() + public).digest()[:15], "big")
    return (
        x509.CertificateBuilder()
        .subject_name(who)
        .issuer_name(above.certificate.subject if above else who)
        .public_key(key.public_key())
        .serial_number(serial)
        .not_valid_before(not_before)
        .not_valid_after(not_after - timedelta(seconds=1))
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .add_extension(
            _key_identifier_of(above)
            if above
            else x509.AuthorityKeyIdentifier.from_issuer_public_key(key.public_key()),
            critical=False,
        )
    )


def _key_identifier_of(above: Token) -> x509.AuthorityKeyIdentifier:
    extension = above.certificate.extensions.get_extension_for_class(x509.SubjectKeyIdentifier)
    return x509.AuthorityKeyIdentifier.from_issuer_subject_key_identifier(extension.value)


def _usage(*names: str) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature="digitalSignature" in names,
        content_commitment="nonRepudiation" in names,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign="keyCertSign" in names,
        crl_sign="cRLSign" in names,
        encipher_only=False,
        decipher_only=False,
    )


def _distribution_point(issuer: str) -> x509.CRLDistributionPoints:
    address = x509.UniformResourceIdentifier(f"http://crl.rehearsal.invalid/{issuer}.crl")
    return x509.CRLDistributionPoints([x509.DistributionPoint([address], None, None, None)])


def _write_certificate(path: Path, certificate: x509.Certificate) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))


def _write_token(folder: Path, item: Token) -> None:
    pem = b"".join(c.public_bytes(serialization.Encoding.PEM) for c in (item.certificate, *item.chain))
    (folder / f"{item.name}.pem").write_bytes(pem)
    key = item.key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    path = folder / f"{item.name}.key"
    path.unlink(missing_ok=True)
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as out:
        out.write(key)


def _read_token(folder: Path, name: str) -> Token:
    certificates = x509.load_pem_x509_certificates((folder / f"{name}.pem").read_bytes())
    key = serialization.load_pem_private_key((folder / f"{name}.key").read_bytes(), password=None)
    if not isinstance(key, ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey):
        raise TypeError(f"token {name}: unexpected kind of key")
    return Token(name, certificates[0], key, tuple(certificates[1:]))


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m deploy.rehearsal.authority", description=(__doc__ or "")[:110])
    command = parser.add_subparsers(dest="command", required=True).add_parser("build", help="build what is missing")
    command.add_argument("--out", type=Path, required=True, metavar="DIR", help="keys and soft tokens")
    command.add_argument("--trust", type=Path, required=True, metavar="TRUSTDIR", help="what verifiers trust")
    given = parser.parse_args(arguments)
    build(given.out, given.trust)
    return 0


if __name__ == "__main__":
    sys.exit(main())
