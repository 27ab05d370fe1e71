"""What the room trusts: anchors by kind, issuing authorities and revocation data, as one immutable snapshot.

    DIR/anchors/{public,government,timestamp}/   roots
    DIR/intermediates/                           issuing authorities
    DIR/crls/  DIR/ocsps/                        revocation data, kept up by a job of its own

Files are PEM or DER. Issuers are chosen by key: name, key identifier where both sides state one, and the signature
itself. So a second root of the same name, or look-alike certificates inside an uploaded file, cannot change a verdict;
self-issued certificates that are not in the store are dropped. Nothing is ever fetched from here.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from asn1crypto import pem

from services.signing.certificates import Certificate
from services.signing.revocation import Answer, RevocationList

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

KINDS = ("public", "government", "timestamp")
SIGNER_KINDS = frozenset({"public", "government"})
TIMESTAMP_KINDS = frozenset({"timestamp"})
_LONGEST_CHAIN = 6
_MOST_CHAINS = 8
_MOST_STEPS = 200


class TrustError(Exception):
    """The trust folder cannot be used; the message names the file."""


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
        chain; but a timestamp authority's own certificate may be the anchor of its kind.
        """
        anchors = [(kind, c) for kind in KINDS if kind in kinds for c in self.anchors.get(kind, ())]
        own = [kind for kind in KINDS if any(leaf.der == c.der for c in self.anchors.get(kind, ()))]
        if own:
            return [Chain((), leaf, "timestamp")] if own == ["timestamp"] and "timestamp" in kinds else []
        known = {c.der for c in self.intermediates}
        offered = {c.der: c for c in embedded if not c.self_issued and c.der not in known and c.der != leaf.der}
        middle = [*self.intermediates, *sorted(offered.values(), key=lambda c: c.fingerprint)]
        return _climb(leaf, anchors, middle, at)


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


def load(folder: Path) -> Snapshot:
    """Read a trust folder. Raises TrustError where it holds no anchor or a file that cannot be read."""
    digest = hashlib.sha256()

    def each(part: str) -> Iterator[tuple[Path, bytes]]:
        for path in sorted(p for p in (folder / part).glob("*") if p.is_file() and not p.name.startswith(".")):
            for der in _ders(path):
                digest.update(f"{part}\0".encode() + hashlib.sha256(der).digest())
                yield path, der

    def certificates(part: str) -> tuple[Certificate, ...]:
        return tuple(_loaded(Certificate.load, path, der) for path, der in each(part))

    anchors = {kind: certificates(f"anchors/{kind}") for kind in KINDS}
    if not any(anchors.values()):
        raise TrustError(f"no trust anchor in {folder}")
    snapshot_parts = (
        certificates("intermediates"),
        tuple(_loaded(RevocationList.load, path, der) for path, der in each("crls")),
        tuple(a for a in (_loaded(Answer.load, path, der) for path, der in each("ocsps")) if a),
    )
    return Snapshot(digest.hexdigest()[:16], anchors, *snapshot_parts)


class Store:
    """Hands out the current snapshot and reads the folder again when a file in it changed."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._seen = _state(folder)
        self._snapshot = load(folder)

    def current(self) -> Snapshot:
        """The snapshot of now; the old one stays where the new state of the folder cannot be read (half written)."""
        seen = _state(self._folder)
        if seen != self._seen:
            try:
                self._snapshot, self._seen = load(self._folder), seen
            except TrustError:
                return self._snapshot
        return self._snapshot


def _state(folder: Path) -> tuple[tuple[str, int, int], ...]:
    found = (p for p in folder.rglob("*") if p.is_file())
    return tuple(sorted((str(p), s.st_mtime_ns, s.st_size) for p in found for s in (p.stat(),)))


def _ders(path: Path) -> Iterable[bytes]:
    raw = path.read_bytes()
    return [der for _, _, der in pem.unarmor(raw, multiple=True)] if pem.detect(raw) else [raw]


def _loaded(read: Any, path: Path, der: bytes) -> Any:
    try:
        return read(der)
    except (ValueError, TypeError) as error:
        raise TrustError(f"{path}: {error}") from error
