"""A backup as it lies on disk: what its files are, how one is known to be whole, and how its secrets are sealed.

DIR/manifest.json               what was taken, when, by which release; size and SHA-256 of every file; signed. Last
DIR/<room>/<collection>.bson.gz documents as the database gave them, one after the other (`bsondump` reads them)
DIR/ledger-heads/…              the ledger's signed heads
DIR/secrets.sealed              keys of the rooms, sealed with a key that lies elsewhere; or left out

A backup is written beside its place as `DIR.unfinished` and renamed when everything is on the disk, so one that was
cut short never has the name of a whole one.
"""

from __future__ import annotations

import base64
import gzip
import hashlib
import json
import os
import secrets
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from cryptography.exceptions import InvalidSignature, InvalidTag
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.scrypt import Scrypt
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    PublicFormat,
    load_pem_private_key,
    load_pem_public_key,
)

FORMAT = 1
MANIFEST = "manifest.json"
SECRETS = "secrets.sealed"
HEADS = "ledger-heads"
_UNFINISHED = ".unfinished"
_SIGNED = b"motcua backup manifest v1\n"
_SEALED = b"motcua backup secrets v1"
_PIECE = 1024 * 1024


class Damaged(Exception):
    """The directory is no whole backup of ours; the message names the file."""


class WrongKey(Exception):
    """The secrets of the backup do not open with this key."""


@dataclass
class Manifest:
    """What a backup holds. `files`: name → {sha256, bytes, documents}; `indexes`: room → collection → definitions."""

    backup: str
    taken_at: str
    business_at: str
    cluster_time: list[int]
    release: str
    rehearsal: bool
    schemas: dict[str, int]
    listens: dict[str, list[str]]
    key_prints: dict[str, str]
    secrets: bool
    kid: str
    public_key: str
    files: dict[str, dict[str, Any]] = field(default_factory=dict)
    indexes: dict[str, dict[str, list[dict[str, Any]]]] = field(default_factory=dict)
    format: int = FORMAT
    signature: str = ""

    def message(self) -> bytes:
        """The bytes that are signed."""
        body = {name: value for name, value in vars(self).items() if name != "signature"}
        return _SIGNED + json.dumps(body, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()

    def collections(self) -> Iterator[tuple[str, str, int]]:
        """(room, collection, number of documents) of every data file."""
        for name, about in sorted(self.files.items()):
            if name.endswith(".bson.gz"):
                room, _, file = name.partition("/")
                yield room, file.removesuffix(".bson.gz"), int(about["documents"])


class Writer:
    """Writes one backup beside its place; `finish` makes it whole. Raises FileExistsError where the place is taken."""

    def __init__(self, place: Path) -> None:
        self._place = place
        self.folder = place.with_name(place.name + _UNFINISHED)
        if place.exists():
            raise FileExistsError(place)
        self._files: dict[str, dict[str, Any]] = {}
        self.folder.parent.mkdir(parents=True, exist_ok=True)
        self.clear()

    def clear(self) -> None:
        """Begins again: what a try before left, here or cut short by a kill, is removed."""
        remove(self.folder)
        self.folder.mkdir(mode=0o700)
        self._files = {}

    def documents(self, room: str, collection: str, batches: Iterable[tuple[bytes, int]]) -> int:
        """Writes a collection: each batch is documents one after the other, and how many; returns how many in all."""
        name = f"{room}/{collection}.bson.gz"
        count = 0
        target = self._target(name)
        with open(target, "xb") as out:
            with gzip.GzipFile(fileobj=out, mode="wb", compresslevel=3, mtime=0, filename="") as packed:
                for batch, number in batches:
                    packed.write(batch)
                    count += number
            _to_disk(out.fileno())
        self._files[name] = {**_about(target), "documents": count}
        return count

    def file(self, name: str, content: bytes) -> None:
        """Writes a file that is no collection."""
        target = self._target(name)
        with open(target, "xb") as out:
            out.write(content)
            _to_disk(out.fileno())
        self._files[name] = _about(target)

    def _target(self, name: str) -> Path:
        target = self.folder / name
        target.parent.mkdir(mode=0o700, exist_ok=True)
        return target

    def finish(self, manifest: Manifest, key: Ed25519PrivateKey) -> None:
        """Signs and writes the manifest, brings all to the disk, gives the backup its name."""
        manifest.files = self._files
        manifest.signature = key.sign(manifest.message()).hex()
        with open(self.folder / MANIFEST, "x", encoding="utf-8") as out:
            json.dump(vars(manifest), out, indent=1, sort_keys=True, ensure_ascii=False)
            out.write("\n")
            out.flush()
            _to_disk(out.fileno())
        for folder in (*(entry for entry in self.folder.iterdir() if entry.is_dir()), self.folder):
            _sync_folder(folder)
        os.rename(self.folder, self._place)
        _sync_folder(self._place.parent)


def _about(file: Path) -> dict[str, Any]:
    return {"sha256": _digest(file), "bytes": file.stat().st_size}


def _digest(file: Path) -> str:
    total = hashlib.sha256()
    with open(file, "rb") as content:
        while piece := content.read(_PIECE):
            total.update(piece)
    return total.hexdigest()


def _to_disk(handle: int) -> None:
    os.fchmod(handle, 0o600)
    os.fsync(handle)


def _sync_folder(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def remove(folder: Path) -> None:
    """Removes a folder of ours, two levels deep at most; nothing else is followed."""
    if not folder.exists():
        return
    for entry in folder.iterdir():
        if entry.is_dir():
            for file in entry.iterdir():
                file.unlink()
            entry.rmdir()
        else:
            entry.unlink()
    folder.rmdir()


# -- reading ----------------------------------------------------------------------------------------------------------


def read(folder: Path) -> Manifest:
    """The manifest, its signature looked at and every file compared with it. Raises Damaged, which names the file.

    That the signer's key is the operator's is for the caller to see: it stands in the manifest itself.
    """
    manifest = _manifest(folder)
    for name, about in manifest.files.items():
        file = folder / name
        if ".." in Path(name).parts or Path(name).is_absolute() or not file.is_file():
            raise Damaged(f"{name} is missing")
        if file.stat().st_size != about["bytes"]:
            raise Damaged(f"{name} has {file.stat().st_size} bytes, the manifest says {about['bytes']}")
        if _digest(file) != about["sha256"]:
            raise Damaged(f"{name} was changed: its SHA-256 is not the manifest's")
    return manifest


def _manifest(folder: Path) -> Manifest:
    file = folder / MANIFEST
    if not file.is_file():
        raise Damaged(f"{MANIFEST} is missing: this is no backup, or one that was cut short")
    try:
        manifest = Manifest(**json.loads(file.read_text(encoding="utf-8")))
        if manifest.format > FORMAT:
            raise Damaged(
                f"{MANIFEST} has format {manifest.format}, this program knows {FORMAT}: use the newer release"
            )
        public_key(manifest).verify(bytes.fromhex(manifest.signature), manifest.message())
    except (ValueError, TypeError, KeyError, AttributeError):
        raise Damaged(f"{MANIFEST} cannot be read") from None
    except InvalidSignature:
        raise Damaged(f"{MANIFEST} was changed: its signature is not valid") from None
    return manifest


def public_key(manifest: Manifest) -> Ed25519PublicKey:
    """The key that signed the manifest, as the manifest names it."""
    key = load_pem_public_key(manifest.public_key.encode())
    if not isinstance(key, Ed25519PublicKey):
        raise ValueError("not an Ed25519 key")
    return key


def documents(folder: Path, room: str, collection: str) -> Iterator[bytes]:
    """The documents of a collection, one by one, as BSON. Raises Damaged."""
    name = f"{room}/{collection}.bson.gz"
    try:
        with gzip.open(folder / name, "rb") as packed:
            while head := packed.read(4):
                rest = packed.read(int.from_bytes(head, "little") - 4)
                yield head + rest
    except (EOFError, gzip.BadGzipFile, OSError) as exc:
        raise Damaged(f"{name} cannot be read: {exc}") from None


# -- keys -------------------------------------------------------------------------------------------------------------


def load_key(path: Path) -> Ed25519PrivateKey:
    """A signing key from its PEM file."""
    key = load_pem_private_key(path.read_bytes(), password=None)
    if not isinstance(key, Ed25519PrivateKey):
        raise ValueError(f"{path.name} is not an Ed25519 key")
    return key


def public_text(key: Ed25519PrivateKey) -> str:
    return key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()


def make_key_file(path: Path) -> None:
    """A new key of 32 random bytes for the secrets of backups, readable by its owner only."""
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(handle, "wb") as out:
        out.write(base64.b64encode(secrets.token_bytes(32)) + b"\n")
        out.flush()
        os.fsync(out.fileno())


def seal(bundle: Mapping[str, bytes], key: bytes) -> bytes:
    """Seals files under a key (any text; a short one is made costly to guess): salt, nonce, AES-256-GCM."""
    salt, nonce = os.urandom(16), os.urandom(12)
    plain = json.dumps({name: base64.b64encode(content).decode() for name, content in bundle.items()}).encode()
    return salt + nonce + AESGCM(_derive(key, salt)).encrypt(nonce, plain, _SEALED)


def unseal(sealed: bytes, key: bytes) -> dict[str, bytes]:
    """The files again. Raises WrongKey."""
    salt, nonce, body = sealed[:16], sealed[16:28], sealed[28:]
    try:
        plain = AESGCM(_derive(key, salt)).decrypt(nonce, body, _SEALED)
    except InvalidTag:
        raise WrongKey from None
    return {name: base64.b64decode(content) for name, content in json.loads(plain).items()}


def _derive(key: bytes, salt: bytes) -> bytes:
    if not key.strip():
        raise WrongKey
    return Scrypt(salt=salt, length=32, n=2**15, r=8, p=1).derive(key.strip())


def key_print(secret: bytes) -> str:
    """By which a data key is known without being told."""
    return hashlib.sha256(b"motcua data key\n" + secret.strip()).hexdigest()[:32]
