"""Trust as signed configuration: which roots and authorities are believed, as what, from when until when.

    DIR/manifest.json                     the version in force; its number only grows
    DIR/signatures/<number>.<name>.sig    Ed25519 over the very bytes of that manifest, 64 bytes each

A manifest counts where two people with different keys have signed it. Whose keys count is a setting of the machine
(MOTCUA_TRUST_KEYS) and stands nowhere in the folder: whoever can write to the folder cannot make himself a signer.
Files that a manifest does not name are not believed, so that a new version can be laid beside the old one and comes
into force with the one rename of manifest.json.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

MANIFEST = "manifest.json"
SIGNATURES = "signatures"
SIGNERS_NEEDED = 2
KINDS = ("public", "government", "timestamp")
SIGNER, STAMPER = "signer", "timestamp"
ROLES = (SIGNER, STAMPER)
_LARGEST = 1024 * 1024
_NAME = re.compile(r"[a-z][a-z0-9-]{0,39}")
_ANCHOR_FILE = re.compile(r"anchors/(public|government|timestamp)/[A-Za-z0-9][A-Za-z0-9._-]{0,120}")
_INTERMEDIATE_FILE = re.compile(r"intermediates/[A-Za-z0-9][A-Za-z0-9._-]{0,120}")
_DIGEST = re.compile(r"[0-9a-f]{64}")

#: name → public key of a person who may sign.
Keys = Mapping[str, Ed25519PublicKey]


class TrustError(Exception):
    """The trust folder cannot be used; the message names the file."""


@dataclass(frozen=True, slots=True)
class Authority:
    """A certificate that is believed: its file, the SHA-256 of its DER form, and where its lists and answers come from.

    `answers`: responders that answer for what this authority issued. No other address is ever asked.
    """

    file: str
    sha256: str
    lists: tuple[str, ...] = ()
    answers: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Anchor(Authority):
    """A root: its kind, what it vouches for (signers, timestamps), and when it is believed (`until` None: still)."""

    kind: str = "public"
    roles: tuple[str, ...] = (SIGNER,)
    since: datetime = datetime(1970, 1, 1, tzinfo=UTC)
    until: datetime | None = None

    def believed_at(self, moment: datetime) -> bool:
        """Whether a signature whose proven time is `moment` may rest on this root: also after its end, for before."""
        return self.since <= moment and (self.until is None or moment <= self.until)


@dataclass(frozen=True, slots=True)
class Fetching:
    """How often lists are asked for, and how long before a list ends somebody is called."""

    every_minutes: int = 60
    warn_hours: int = 12


@dataclass(frozen=True, slots=True)
class Manifest:
    """One version of the configuration."""

    number: int
    made_at: datetime
    anchors: tuple[Anchor, ...]
    intermediates: tuple[Authority, ...] = ()
    fetching: Fetching = field(default_factory=Fetching)

    @property
    def authorities(self) -> tuple[Authority, ...]:
        return (*self.anchors, *self.intermediates)

    def dump(self) -> bytes:
        """The bytes that people sign."""
        content = {
            "number": self.number,
            "made_at": self.made_at.isoformat(),
            "anchors": [
                {
                    **_authority_as_json(a),
                    "kind": a.kind,
                    "roles": list(a.roles),
                    "from": a.since.isoformat(),
                    "until": a.until.isoformat() if a.until else None,
                }
                for a in self.anchors
            ],
            "intermediates": [_authority_as_json(a) for a in self.intermediates],
            "fetching": {"every_minutes": self.fetching.every_minutes, "warn_hours": self.fetching.warn_hours},
        }
        return (json.dumps(content, indent=1, ensure_ascii=False) + "\n").encode()


def parse(raw: bytes) -> Manifest:
    """Read a manifest strictly: nothing missing, nothing more. Raises TrustError."""
    try:
        if len(raw) > _LARGEST:
            raise ValueError("it is larger than 1 MiB")
        content = json.loads(raw, object_pairs_hook=_without_repetition)
        found = _members(content, "number", "made_at", "anchors", "intermediates", "fetching")
        fetching = _members(found["fetching"], "every_minutes", "warn_hours")
        manifest = Manifest(
            number=_whole(found["number"], 1),
            made_at=_moment(found["made_at"]),
            anchors=tuple(_anchor(item) for item in _list(found["anchors"])),
            intermediates=tuple(_intermediate(item) for item in _list(found["intermediates"])),
            fetching=Fetching(_whole(fetching["every_minutes"], 1), _whole(fetching["warn_hours"], 1)),
        )
        for values in ([a.file for a in manifest.authorities], [a.sha256 for a in manifest.authorities]):
            if len(values) != len(set(values)):
                raise ValueError("it names a file or a certificate twice")
        if not manifest.anchors:
            raise ValueError("it names no anchor")
    except (ValueError, TypeError, KeyError, RecursionError) as error:
        raise TrustError(f"{MANIFEST}: {error}") from error
    return manifest


def read_keys(setting: str) -> dict[str, Ed25519PublicKey]:
    """MOTCUA_TRUST_KEYS: `name:key,name:key`, each key the 32 bytes of an Ed25519 public key in base64.

    Raises ValueError, also where two names have one key: two people sign, not one person twice.
    """
    keys: dict[str, Ed25519PublicKey] = {}
    seen: set[bytes] = set()
    for item in filter(None, (part.strip() for part in setting.split(","))):
        name, _, text = item.partition(":")
        try:
            raw = base64.b64decode(text, validate=True)
            key = Ed25519PublicKey.from_public_bytes(raw)
        except (binascii.Error, ValueError):
            raise ValueError(f"{name[:40]} has no Ed25519 public key (32 bytes in base64)") from None
        if not _NAME.fullmatch(name) or name in keys or raw in seen:
            raise ValueError(f"{name[:40]}: a name is of a-z, 0-9 and -, and every name and key stands there once")
        keys[name] = key
        seen.add(raw)
    if keys and len(keys) < SIGNERS_NEEDED:
        raise ValueError(f"at least {SIGNERS_NEEDED} people must be able to sign")
    return keys


def signers_of(raw: bytes, signatures: Mapping[str, bytes], keys: Keys) -> list[str]:
    """Names of those among `keys` whose signature over these bytes is right."""
    found = []
    for name in sorted(set(signatures) & set(keys)):
        try:
            keys[name].verify(signatures[name], raw)
        except InvalidSignature:
            continue
        found.append(name)
    return found


def verified(folder: Path, keys: Keys) -> Manifest:
    """The manifest in force. Raises TrustError where it is missing, malformed or not signed by two of `keys`."""
    try:
        raw = (folder / MANIFEST).read_bytes()
    except OSError as error:
        raise TrustError(f"{folder / MANIFEST} cannot be read: {error.strerror}") from error
    manifest = parse(raw)
    names = signers_of(raw, signatures_of(folder, manifest.number), keys)
    if len(names) < SIGNERS_NEEDED:
        who = ", ".join(names) or "nobody"
        raise TrustError(f"{MANIFEST} number {manifest.number} is signed by {who}: {SIGNERS_NEEDED} people must sign")
    return manifest


def signatures_of(folder: Path, number: int) -> dict[str, bytes]:
    """Signatures that lie beside a manifest, by name; whether they are right is another question."""
    found = {}
    for path in (folder / SIGNATURES).glob(f"{number}.*.sig"):
        name = path.name.removeprefix(f"{number}.").removesuffix(".sig")
        if _NAME.fullmatch(name) and path.is_file() and path.stat().st_size == 64:
            found[name] = path.read_bytes()
    return found


def digest_of(der: bytes) -> str:
    """The fingerprint by which a manifest names a certificate."""
    return hashlib.sha256(der).hexdigest()


def is_address(text: Any) -> bool:
    """Whether the fetcher would ask there: http(s), a host, nothing of a user or a fragment."""
    if not isinstance(text, str) or len(text) > 500 or re.search(r"[\s\x00-\x1f]", text):
        return False
    try:
        parts = urlsplit(text)
        port = parts.port
    except ValueError:
        return False
    plain = not parts.username and not parts.password and not parts.fragment and port != 0
    return parts.scheme in ("http", "https") and bool(parts.hostname) and plain


def _authority_as_json(item: Authority) -> dict[str, Any]:
    return {"file": item.file, "sha256": item.sha256, "lists": list(item.lists), "answers": list(item.answers)}


def _without_repetition(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    if len({name for name, _ in pairs}) != len(pairs):
        raise ValueError("it says something twice")
    return dict(pairs)


def _members(value: Any, *names: str) -> dict[str, Any]:
    if not isinstance(value, dict) or set(value) != set(names):
        raise ValueError(f"an object with exactly {', '.join(names)} is needed")
    return value


def _list(value: Any) -> list[Any]:
    if not isinstance(value, list):
        raise ValueError("a list is needed")
    return value


def _whole(value: Any, least: int) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or value < least:
        raise ValueError(f"a whole number from {least} on is needed")
    return value


def _moment(value: Any) -> datetime:
    moment = datetime.fromisoformat(value)
    if moment.tzinfo is None:
        raise ValueError("a time needs its zone")
    return moment


def _addresses(value: Any) -> tuple[str, ...]:
    if not all(is_address(item) for item in _list(value)):
        raise ValueError("addresses begin with http:// or https:// and name a host")
    return tuple(value)


def _base(item: dict[str, Any], file: re.Pattern[str]) -> dict[str, Any]:
    if not isinstance(item["file"], str) or not file.fullmatch(item["file"]) or not _DIGEST.fullmatch(item["sha256"]):
        raise ValueError("a file of its folder and the SHA-256 of its certificate are needed")
    return {
        "file": item["file"], "sha256": item["sha256"], "lists": _addresses(item["lists"]),
        "answers": _addresses(item["answers"]),
    }  # fmt: skip


def _anchor(value: Any) -> Anchor:
    item = _members(value, "file", "sha256", "lists", "answers", "kind", "roles", "from", "until")
    base = _base(item, _ANCHOR_FILE)
    if item["kind"] not in KINDS or not item["file"].startswith(f"anchors/{item['kind']}/"):
        raise ValueError(f"an anchor's kind is one of {', '.join(KINDS)}, and the folder that it lies in")
    roles = _list(item["roles"])
    if not roles or not set(roles) <= set(ROLES):
        raise ValueError(f"an anchor's roles are of {', '.join(ROLES)}")
    until = None if item["until"] is None else _moment(item["until"])
    since = _moment(item["from"])
    if until is not None and until < since:
        raise ValueError("an anchor's trust ends before it begins")
    return Anchor(**base, kind=item["kind"], roles=tuple(roles), since=since, until=until)


def _intermediate(value: Any) -> Authority:
    return Authority(**_base(_members(value, "file", "sha256", "lists", "answers"), _INTERMEDIATE_FILE))
