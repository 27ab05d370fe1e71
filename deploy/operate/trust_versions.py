"""The next version of a trust folder: made of the one in force, signed by two people, put into force by one rename."""

from __future__ import annotations

import base64
import dataclasses
import getpass
import os
import shutil
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from deploy.local.paths import write_atomically
from services.signing.certificates import Certificate
from services.signing.trust_configuration import (
    KINDS,
    MANIFEST,
    SIGNATURES,
    SIGNERS_NEEDED,
    Anchor,
    Authority,
    Manifest,
    digest_of,
    parse,
    signers_of,
    verified,
)

NEXT = "next"


class Refused(Exception):
    """The command cannot be done; the message says why and what to do."""


class Configuration:
    """A trust folder and the next version that is being made in it."""

    def __init__(self, folder: Path, keys: dict[str, Ed25519PublicKey]) -> None:
        self.folder, self.keys = folder, keys
        self.next = folder / NEXT

    @property
    def in_force(self) -> Manifest | None:
        """The version in force; None before the first. Raises TrustError where two people have not signed what lies
        there: a change that were built on it would carry somebody else's root under their signatures."""
        return verified(self.folder, self.keys) if (self.folder / MANIFEST).is_file() else None

    @property
    def proposed(self) -> Manifest | None:
        file = self.next / MANIFEST
        return parse(file.read_bytes()) if file.is_file() else None

    def propose(self, change: Callable[[Manifest], Manifest]) -> Manifest:
        """Change the next version, which begins from the one in force; signatures on it are taken off."""
        current = self.in_force
        number = max([current.number if current else 0, *self._used()]) + 1
        base = self.proposed or current or Manifest(number, _now(), ())
        made = dataclasses.replace(change(base), number=number, made_at=_now())
        if made.anchors:
            parse(made.dump())  # by the rules that every reader holds it to
        for old in self.next.glob("*.sig"):
            old.unlink()
        write_atomically(self.next / MANIFEST, made.dump())
        return made

    def _used(self) -> list[int]:
        """Numbers that were in force here once: a version that was put back does not make them free again."""
        names = [path.name for part in (SIGNATURES, "versions") for path in (self.folder / part).glob("*")]
        return [int(number) for name in names if (number := name.partition(".")[0]).isdecimal()]

    def proposal(self) -> bytes:
        """The bytes of the next version, which people read and sign. Raises Refused where there is none."""
        file = self.next / MANIFEST
        if not file.is_file():
            raise Refused("there is no next version; make one with add, retire, remove, addresses or renew")
        return file.read_bytes()

    def sign(self, key: Ed25519PrivateKey, raw: bytes) -> tuple[str, list[str]]:
        """Sign the next version, whose bytes somebody has read; who signed now, and all who did. It comes into force
        with the second."""
        if raw != self.proposal():
            raise Refused("the next version has changed since it was shown; read it again")
        public = _raw(key.public_key())
        name = next((n for n, known in self.keys.items() if _raw(known) == public), None)
        if name is None:
            raise Refused("this key is none of MOTCUA_TRUST_KEYS: its owner may not sign")
        manifest = parse(raw)
        current = self.in_force
        if current is not None and manifest.number <= current.number:
            raise Refused(f"number {current.number} is in force by now; drop this one and make it again")
        write_atomically(self.next / f"{name}.sig", key.sign(raw))
        names = signers_of(raw, {p.stem: p.read_bytes() for p in self.next.glob("*.sig")}, self.keys)
        if len(names) >= SIGNERS_NEEDED:
            self._put_into_force(manifest, raw, names)
        return name, names

    def _put_into_force(self, manifest: Manifest, raw: bytes, names: list[str]) -> None:
        """Certificates, then signatures, then the manifest by one rename: a kill in between changes nothing."""
        for item in manifest.authorities:
            staged, placed = self.next / item.file, self.folder / item.file
            source = staged if staged.is_file() else placed
            if not source.is_file() or digest_of(der_of(source.read_bytes())) != item.sha256:
                raise Refused(f"{source} is not the certificate that was signed; drop this version and make it again")
            if source is staged:
                write_atomically(placed, staged.read_bytes())
        for name in names:
            write_atomically(
                self.folder / SIGNATURES / f"{manifest.number}.{name}.sig", (self.next / f"{name}.sig").read_bytes()
            )
        before = self.folder / MANIFEST
        if before.is_file():
            kept = self.folder / "versions" / f"{parse(before.read_bytes()).number}.json"
            write_atomically(kept, before.read_bytes())
        write_atomically(before, raw)
        shutil.rmtree(self.next, ignore_errors=True)

    def add(self, file: Path, kind: str, item: Callable[[str, str], Authority]) -> Manifest:
        """Put a certificate into the next version."""
        raw = file.read_bytes()
        try:
            found = Certificate.load(der_of(raw))
        except (ValueError, TypeError) as error:
            raise Refused(f"{file} is no certificate: {error}") from None
        constraints = found.asn1.basic_constraints_value
        if constraints is None or not constraints["ca"].native:
            raise Refused(f"{file} is no authority's certificate (basicConstraints)")
        digest = digest_of(found.der)
        place = f"anchors/{kind}" if kind in KINDS else "intermediates"
        named = item(f"{place}/{digest[:16]}.pem", digest)

        def change(manifest: Manifest) -> Manifest:
            if any(known.sha256 == digest for known in manifest.authorities):
                raise Refused("that certificate is named already; retire or addresses change what is said of it")
            if isinstance(named, Anchor):
                return dataclasses.replace(manifest, anchors=(*manifest.anchors, named))
            return dataclasses.replace(manifest, intermediates=(*manifest.intermediates, named))

        pem = found.native.public_bytes(serialization.Encoding.PEM)
        made = self.propose(change)
        write_atomically(self.next / named.file, pem)
        return made

    def change_one(self, digest: str, change: Callable[[Authority], Authority | None]) -> Manifest:
        """Change, or take out (None), the authority whose fingerprint begins with `digest`."""

        def changed(manifest: Manifest) -> Manifest:
            found = [a for a in manifest.authorities if a.sha256.startswith(digest.lower())]
            if len(found) != 1 or len(digest) < 8:
                raise Refused(
                    f"{digest} names {len(found)} authorities; give the beginning of its SHA-256 as show does"
                )
            new = [(change(a) if a is found[0] else a) for a in manifest.authorities]
            return dataclasses.replace(
                manifest,
                anchors=tuple(a for a in new if isinstance(a, Anchor)),
                intermediates=tuple(a for a in new if a is not None and not isinstance(a, Anchor)),
            )

        return self.propose(changed)


def _now() -> datetime:
    return datetime.now(UTC).replace(microsecond=0)


def _raw(key: Ed25519PublicKey) -> bytes:
    return key.public_bytes(serialization.Encoding.Raw, serialization.PublicFormat.Raw)


def der_of(raw: bytes) -> bytes:
    if b"-----BEGIN" in raw:
        return x509.load_pem_x509_certificate(raw).public_bytes(serialization.Encoding.DER)
    return raw


def public_text(key: Ed25519PublicKey) -> str:
    """A public key as MOTCUA_TRUST_KEYS wants it."""
    return base64.b64encode(_raw(key)).decode()


def write_key(out: Path, password: bytes | None = None) -> Ed25519PrivateKey:
    """A new key of a signer, readable by its owner alone. Raises FileExistsError."""
    key = Ed25519PrivateKey.generate()
    how = serialization.BestAvailableEncryption(password) if password else serialization.NoEncryption()
    pem = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, how)
    with os.fdopen(os.open(out, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(pem)
    return key


def read_key(file: Path) -> Ed25519PrivateKey:
    """A signer's key; asks for its password where it has one. Raises Refused."""
    raw = file.read_bytes()
    try:
        try:
            key = serialization.load_pem_private_key(raw, None)
        except TypeError:
            key = serialization.load_pem_private_key(
                raw, getpass.getpass(f"mật khẩu / password of {file.name}: ").encode()
            )
    except ValueError as error:
        raise Refused(f"{file} is no key that can be read, or the password is another") from error
    if not isinstance(key, Ed25519PrivateKey):
        raise Refused(f"{file} is no Ed25519 key; make one with: key OUT")
    return key
