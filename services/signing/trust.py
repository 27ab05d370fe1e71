"""What the room trusts: anchors by kind, issuing authorities and revocation data, as one immutable snapshot.

    DIR/anchors/{public,government,timestamp}/   roots
    DIR/intermediates/                           issuing authorities
    DIR/crls/  DIR/ocsps/                        revocation data, kept up by a job of its own (fetcher/)
    DIR/manifest.json  DIR/signatures/           what of it is believed, as what, when (trust_configuration.py)
    DIR/archive/                                 every list that ever was fetched, for certificates that have expired

Files are PEM or DER. With `keys` only what a manifest names counts that two people have signed; without, the whole
folder is believed as it lies there (tests, ./motcua verify), and a manifest in it only says periods and roles. Issuers
are chosen by key: name, key identifier where both sides state one, and the signature itself. So a second root of the
same name, or look-alike certificates inside an uploaded file, cannot change a verdict; self-issued certificates that
are not in the store are dropped. Nothing is ever fetched from here.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from asn1crypto import pem

from services.signing.archive import Archive
from services.signing.certificates import Certificate
from services.signing.revocation import Answer, RevocationList
from services.signing.trust_configuration import (
    KINDS,
    MANIFEST,
    SIGNER,
    STAMPER,
    Anchor,
    Keys,
    Manifest,
    TrustError,
    parse,
    verified,
)

__all__ = [
    "KINDS",
    "SIGNER_KINDS",
    "TIMESTAMP_KINDS",
    "Answer",
    "Certificate",
    "Chain",
    "RevocationList",
    "Snapshot",
    "Store",
    "TrustError",
    "load",
]

SIGNER_KINDS = frozenset({"public", "government"})
TIMESTAMP_KINDS = frozenset({"timestamp"})
_LONGEST_CHAIN = 6
_MOST_CHAINS = 8
_MOST_STEPS = 200


@dataclass(frozen=True, slots=True)
class Chain:
    """From a leaf up to an anchor: `links[0]` is the leaf, the anchor is apart."""

    links: tuple[Certificate, ...]
    anchor: Certificate
    kind: str


@dataclass(frozen=True, slots=True)
class Snapshot:
    """One version of the trust store. `version` changes with any byte of it."""

    version: str
    anchors: dict[str, tuple[Certificate, ...]]
    intermediates: tuple[Certificate, ...]
    lists: tuple[RevocationList, ...]
    answers: tuple[Answer, ...]
    #: What the manifest says of an anchor, by its fingerprint; one that it does not name is believed without end.
    terms: Mapping[str, Anchor] = field(default_factory=dict)
    #: Number of the manifest that two people signed; None for a folder that is believed as it lies there.
    number: int | None = None
    archive: Archive | None = None

    def chain(
        self,
        leaf: Certificate,
        kinds: frozenset[str],
        *,
        at: datetime,
        embedded: Sequence[Certificate] = (),
    ) -> Chain | None:
        """The first of `chains`, or None."""
        return next(iter(self.chains(leaf, kinds, at=at, embedded=embedded)), None)

    def chains(
        self,
        leaf: Certificate,
        kinds: frozenset[str],
        *,
        at: datetime,
        embedded: Sequence[Certificate] = (),
    ) -> list[Chain]:
        """The chains from `leaf` to anchors of the kinds, always in the same order: what is valid at `at` goes first.

        There may be several: authorities are cross-signed and renewed. `embedded` are certificates that came with the
        file; self-issued ones among them are dropped. A certificate that is an anchor itself signs nothing: it has no
        chain; but a timestamp authority's own certificate may be the anchor of its kind. An anchor whose trust has
        ended counts for `at` before its end.
        """
        anchors = [(kind, c) for of, c in self._all_anchors() if (kind := self._vouches_as(of, c, kinds, at))]
        own = [kind for kind in KINDS if any(leaf.der == c.der for c in self.anchors.get(kind, ()))]
        if own:
            believed = own == ["timestamp"] and self._vouches_as("timestamp", leaf, kinds & TIMESTAMP_KINDS, at)
            return [Chain((), leaf, "timestamp")] if believed else []
        known = {c.der for c in self.intermediates}
        offered = {c.der: c for c in embedded if not c.self_issued and c.der not in known and c.der != leaf.der}
        middle = [*self.intermediates, *sorted(offered.values(), key=lambda c: c.fingerprint)]
        return _climb(leaf, anchors, middle, at)

    def _all_anchors(self) -> Iterator[tuple[str, Certificate]]:
        return ((kind, c) for kind in KINDS for c in self.anchors.get(kind, ()))

    def _vouches_as(self, kind: str, anchor: Certificate, kinds: frozenset[str], at: datetime) -> str | None:
        """As which of the kinds an anchor of `kind` may stand at the end of a chain."""
        terms = self.terms.get(anchor.fingerprint)
        if terms is None:
            return kind if kind in kinds else None
        if not terms.believed_at(at):
            return None
        if kind in kinds & SIGNER_KINDS and SIGNER in terms.roles:
            return kind
        return "timestamp" if kinds & TIMESTAMP_KINDS and STAMPER in terms.roles else None


def _climb(
    leaf: Certificate, anchors: list[tuple[str, Certificate]], middle: list[Certificate], at: datetime
) -> list[Chain]:
    """Depth first, nearest first; bounded, because a file can bring authorities that vouch for each other in rings."""
    anchors = sorted(anchors, key=lambda pair: not pair[1].valid_at(at))
    middle = sorted(middle, key=lambda c: not c.valid_at(at))
    issuers: dict[bytes, list[Certificate]] = {}
    found: list[Chain] = []
    steps = 0

    def climb(links: tuple[Certificate, ...]) -> None:
        nonlocal steps
        steps += 1
        top = links[-1]
        found.extend(Chain(links, anchor, kind) for kind, anchor in anchors if anchor.issued(top))
        if len(links) == _LONGEST_CHAIN:
            return
        if top.der not in issuers:
            issuers[top.der] = [c for c in middle if c.issued(top)]
        for candidate in issuers[top.der]:
            if candidate not in links and len(found) < _MOST_CHAINS and steps < _MOST_STEPS:
                climb((*links, candidate))

    climb((leaf,))
    return found[:_MOST_CHAINS]


@dataclass(frozen=True, slots=True)
class _File:
    """A certificate, list or answer as it lies in the folder."""

    path: Path
    der: bytes
    sha256: str


@dataclass(frozen=True, slots=True)
class Folder:
    """A trust folder as read, before anything of it is parsed: what counts of it, and its version."""

    version: str
    manifest: Manifest | None
    number: int | None
    parts: Mapping[str, tuple[_File, ...]]
    place: Path


_PARTS = (*(f"anchors/{kind}" for kind in KINDS), "intermediates", "crls", "ocsps")


def read(folder: Path, keys: Keys | None = None) -> Folder:
    """Read the files of a trust folder. Raises TrustError where it holds no anchor, or `keys` have not signed it.

    Where there is a manifest, certificates that it does not name are not believed; without `keys` nobody asks who has
    signed it.
    """
    manifest = verified(folder, keys) if keys is not None else _unsigned(folder)
    digest = hashlib.sha256(manifest.dump() if manifest else b"")
    parts = files_of(folder)
    if manifest:
        parts |= _named(folder, manifest, parts)
    for part, files in parts.items():
        for file in files:
            digest.update(f"{part}\0".encode() + bytes.fromhex(file.sha256))
    if not any(parts[f"anchors/{kind}"] for kind in KINDS):
        raise TrustError(f"no trust anchor in {folder}")
    number = manifest.number if manifest else None
    version = digest.hexdigest()[:16]
    return Folder(version if number is None else f"{number}-{version}", manifest, number, parts, folder)


def files_of(folder: Path) -> dict[str, tuple[_File, ...]]:
    """Everything that lies in the folder, by part, believed or not."""
    return {part: tuple(_files(folder / part)) for part in _PARTS}


def load(folder: Path, keys: Keys | None = None, *, known: dict[str, Any] | None = None) -> Snapshot:
    """Read a trust folder. Raises TrustError where it holds no anchor or a file that cannot be read.

    `known` keeps what was parsed, by its digest, so that an unchanged list is not parsed again.
    """
    return parsed(read(folder, keys), known)


def parsed(found: Folder, known: dict[str, Any] | None = None) -> Snapshot:
    """The snapshot of what was read. Raises TrustError for a file that cannot be read."""
    before: dict[str, Any] = dict(known or {})
    now: dict[str, Any] = {}

    def each(part: str, load_one: Any) -> tuple[Any, ...]:
        for file in found.parts[part]:
            key = f"{part.partition('/')[0]}/{file.sha256}"
            now[key] = before[key] if key in before else _loaded(load_one, file.path, file.der)
        return tuple(now[f"{part.partition('/')[0]}/{file.sha256}"] for file in found.parts[part])

    snapshot = Snapshot(
        found.version,
        {kind: each(f"anchors/{kind}", Certificate.load) for kind in KINDS},
        each("intermediates", Certificate.load),
        each("crls", RevocationList.load),
        tuple(a for a in each("ocsps", Answer.load) if a),
        {anchor.sha256: anchor for anchor in found.manifest.anchors} if found.manifest else {},
        found.number,
        Archive(found.place),
    )
    if known is not None:
        known.clear()
        known.update(now)
    return snapshot


class Store:
    """Hands out the current snapshot and reads the folder again when a file in it changed."""

    def __init__(self, folder: Path, keys: Keys | None = None) -> None:
        self._folder = folder
        self._keys = keys
        self._parsed: dict[str, Any] = {}
        real = folder.resolve()
        self._seen = state_of(real)
        self._snapshot = load(real, keys, known=self._parsed)

    def current(self) -> Snapshot:
        """The snapshot of now. The old one stays where the new state of the folder cannot be read (half written), and
        where its manifest is older than the one in use."""
        real = self._folder.resolve()  # a folder may be swapped as a whole, by its link
        seen = state_of(real)
        if seen != self._seen:
            try:
                found = load(real, self._keys, known=self._parsed)
            except (TrustError, OSError):
                return self._snapshot
            if (found.number or 0) >= (self._snapshot.number or 0):
                self._snapshot, self._seen = found, seen
        return self._snapshot


def state_of(folder: Path) -> tuple[tuple[str, int, int], ...]:
    """What tells that a file of the folder has changed; the archive has no say."""
    places = [folder / MANIFEST, *(path for part in (*_PARTS, "signatures") for path in (folder / part).glob("*"))]
    found = []
    for place in places:
        try:
            state = place.stat()
        except OSError:  # gone since it was listed
            continue
        found.append((str(place), state.st_mtime_ns, state.st_size))
    return tuple(sorted(found))


def _unsigned(folder: Path) -> Manifest | None:
    file = folder / MANIFEST
    return parse(file.read_bytes()) if file.is_file() else None


def _named(folder: Path, manifest: Manifest, parts: Mapping[str, tuple[_File, ...]]) -> dict[str, tuple[_File, ...]]:
    """Of anchors and intermediates those alone that the manifest names. Raises TrustError where one is missing."""
    wanted = {(a.file.rpartition("/")[0], a.sha256) for a in manifest.authorities}
    chosen = {
        part: tuple(f for f in files if (part, f.sha256) in wanted)
        for part, files in parts.items()
        if part not in ("crls", "ocsps")
    }
    there = {(part, file.sha256) for part, files in chosen.items() for file in files}
    for anchor in manifest.authorities:
        if (anchor.file.rpartition("/")[0], anchor.sha256) not in there:
            raise TrustError(f"{folder / anchor.file} is not the certificate that {MANIFEST} names")
    return chosen


def _files(folder: Path) -> Iterator[_File]:
    try:
        for path in sorted(p for p in folder.glob("*") if p.is_file() and not p.name.startswith(".")):
            for der in _ders(path):
                yield _File(path, der, hashlib.sha256(der).hexdigest())
    except OSError as error:
        raise TrustError(f"{error.filename} cannot be read: {error.strerror}") from error
    except ValueError as error:
        raise TrustError(f"{folder}: {error}") from error


def _ders(path: Path) -> Iterable[bytes]:
    raw = path.read_bytes()
    return [der for _, _, der in pem.unarmor(raw, multiple=True)] if pem.detect(raw) else [raw]


def _loaded(read_one: Any, path: Path, der: bytes) -> Any:
    try:
        return read_one(der)
    except (ValueError, TypeError) as error:
        raise TrustError(f"{path}: {error}") from error
