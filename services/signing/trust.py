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
        """The chain from `leaf` to an anchor of one of the kinds, or None.

        `embedded` are certificates that came with the file; self-issued ones among them are dropped. A certificate that
        is an anchor itself signs nothing: it has no chain. Among equals, what is valid at `at` goes first.
        """
        anchors = [(kind, c) for kind in KINDS if kind in kinds for c in self.anchors.get(kind, ())]
        if any(leaf.der == c.der for kind in KINDS for c in self.anchors.get(kind, ())):
            return None
        known = {c.der for c in self.intermediates}
        offered = sorted(
            (c for c in embedded if not c.self_issued and c.der not in known and c.der != leaf.der),
            key=lambda c: c.fingerprint,
        )
        middle = [*self.intermediates, *offered]

        def climb(links: tuple[Certificate, ...]) -> Chain | None:
            top = links[-1]
            for kind, anchor in sorted(anchors, key=lambda pair: not pair[1].valid_at(at)):
                if anchor.issued(top):
                    return Chain(links, anchor, kind)
            if len(links) == _LONGEST_CHAIN:
                return None
            for candidate in sorted(middle, key=lambda c: not c.valid_at(at)):
                if candidate not in links and candidate.issued(top):
                    found = climb((*links, candidate))
                    if found:
                        return found
            return None

        return climb((leaf,))

    def revocation_for(self, chain: Chain) -> tuple[list[Any], list[Any], bool]:
        """Lists and answers that speak of the chain's certificates, and whether each certificate has at least one."""
        lists: list[Any] = []
        answers: list[Any] = []
        complete = True
        for certificate, issuer in zip(chain.links, (*chain.links[1:], chain.anchor), strict=True):
            own_lists = [item.asn1 for item in self.lists if item.speaks_of(certificate, issuer)]
            serial, until = certificate.asn1.serial_number, certificate.asn1.not_valid_after
            own_answers = [a.asn1 for a in self.answers if serial in a.serials and a.produced <= until]
            lists += own_lists
            answers += own_answers
            complete = complete and bool(own_lists or own_answers)
        return lists, answers, complete


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
