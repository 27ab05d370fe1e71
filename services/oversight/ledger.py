"""The ledger: an append-only chain of hashes, each entry sealed, and signed heads kept outside the database.

Each entry's hash covers its sequence number, the hash before it and its body; its seal is oversight's signature over
that hash, so whoever writes to the database can invent no entry, not even one onto which genuine ones follow. A head
is a signature over (sequence, hash, time) stored elsewhere: whoever cuts the tail off, or brings back an older ledger,
contradicts the heads. Pure: signing and verifying are callables given by the room (Ed25519 there).

Known limits: entries after the last head can be cut off unseen; whoever also holds the signing key, or removes the
newest heads as well, is not found out. Sign heads often, copy them away.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

from services.common.rules import rule

#: What the first entry names as the hash before it.
GENESIS = "0" * 64
_ENTRY = b"motcua ledger entry v1\n"
_HEAD = b"motcua ledger head v1\n"
_SEAL = b"motcua ledger seal v1\n"
_RESTORED = b"motcua ledger restored v1\n"

Sign = Callable[[bytes], bytes]
#: (key id, message, signature) → is it a signature of that key?
Verify = Callable[[str, bytes, bytes], bool]


def canonical(value: Any) -> bytes:
    """One spelling per value: UTF-8 JSON, sorted keys, no spaces. Raises TypeError for what has no safe spelling.

    Floats are refused (their text differs between programs), as are keys that are not text.
    """
    _plain(value)
    return json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode()


def _plain(value: Any) -> None:
    if value is None or isinstance(value, str | bool | int):
        return
    if isinstance(value, dict):
        for name, member in value.items():
            if not isinstance(name, str):
                raise TypeError("the ledger keeps text as keys only")
            _plain(member)
    elif isinstance(value, list):
        for member in value:
            _plain(member)
    else:
        raise TypeError(f"the ledger keeps no {type(value).__name__}")


@dataclass(frozen=True, slots=True)
class Entry:
    """One recorded event; `body` holds the event with business and real time, ids and codes, never a person's data."""

    sequence: int
    previous: str
    body: Mapping[str, Any]
    hash: str
    kid: str = ""
    seal: str = ""

    def to_dict(self) -> dict[str, Any]:
        """Form to store; the seal is hex."""
        return {
            "sequence": self.sequence,
            "previous": self.previous,
            "body": dict(self.body),
            "hash": self.hash,
            "kid": self.kid,
            "seal": self.seal,
        }

    @classmethod
    def from_dict(cls, stored: Mapping[str, Any]) -> Entry:
        """Read what `to_dict` gave; members that are not ours (a database id) are ignored. Raises KeyError."""
        return cls(
            stored["sequence"], stored["previous"], stored["body"], stored["hash"], stored["kid"], stored["seal"]
        )


def entry_hash(sequence: int, previous: str, body: Mapping[str, Any]) -> str:
    """SHA-256 (hex) over what an entry says and where it stands."""
    content = canonical({"sequence": sequence, "previous": previous, "body": dict(body)})
    return hashlib.sha256(_ENTRY + content).hexdigest()


@rule("PR-06", title="Nhật ký giao dịch không sửa được, phát hiện được can thiệp", cites="QĐ 08/2025/QĐ-UBND Đ4.3")
def append(last: Entry | None, body: Mapping[str, Any], kid: str, sign: Sign) -> Entry:
    """The entry that follows `last` (None begins the ledger), sealed with the key `kid`."""
    sequence, previous = (1, GENESIS) if last is None else (last.sequence + 1, last.hash)
    hash = entry_hash(sequence, previous, body)
    return Entry(sequence, previous, body, hash, kid, sign(_seal_message(hash, kid)).hex())


def _seal_message(hash: str, kid: str) -> bytes:
    return _SEAL + canonical({"hash": hash, "kid": kid})


@dataclass(frozen=True, slots=True)
class Head:
    """A signed statement: at `signed_at` (ISO 8601, UTC) the ledger ended with this sequence and hash."""

    sequence: int
    hash: str
    signed_at: str
    kid: str
    signature: str

    def message(self) -> bytes:
        """The bytes that are signed."""
        return _head_message(self.sequence, self.hash, self.signed_at, self.kid)

    def to_dict(self) -> dict[str, Any]:
        """Form to store; the signature is hex."""
        return {
            "sequence": self.sequence,
            "hash": self.hash,
            "signed_at": self.signed_at,
            "kid": self.kid,
            "signature": self.signature,
        }

    @classmethod
    def from_dict(cls, stored: Mapping[str, Any]) -> Head:
        """Read what `to_dict` gave. Raises KeyError."""
        return cls(stored["sequence"], stored["hash"], stored["signed_at"], stored["kid"], stored["signature"])


def _head_message(sequence: int, hash: str, signed_at: str, kid: str) -> bytes:
    return _HEAD + canonical({"sequence": sequence, "hash": hash, "signed_at": signed_at, "kid": kid})


def sign_head(last: Entry, now: datetime, kid: str, sign: Sign) -> Head:
    """Sign the present end of the ledger. `now` is real time, aware."""
    if now.tzinfo is None:
        raise ValueError("a datetime without a zone has no meaning here")
    signed_at = now.astimezone(UTC).isoformat()
    signature = sign(_head_message(last.sequence, last.hash, signed_at, kid))
    return Head(last.sequence, last.hash, signed_at, kid, signature.hex())


@dataclass(frozen=True, slots=True)
class Restoration:
    """The operator's signed statement: at `declared_at` (real time, ISO 8601 UTC) this ledger was brought back to a
    backup that ended with this sequence and hash; heads up to `lost_to` were known then. What those say of later
    entries is history that was lost, and no contradiction; what is signed afterwards must hold again."""

    sequence: int
    hash: str
    lost_to: int
    backup: str
    taken_at: str
    declared_at: str
    kid: str
    signature: str = ""

    def message(self) -> bytes:
        """The bytes that are signed."""
        return _RESTORED + canonical({name: value for name, value in self.to_dict().items() if name != "signature"})

    def to_dict(self) -> dict[str, Any]:
        """Form to store; the signature is hex."""
        return {name: getattr(self, name) for name in Restoration.__slots__}

    @classmethod
    def from_dict(cls, stored: Mapping[str, Any]) -> Restoration:
        """Read what `to_dict` gave. Raises KeyError, ValueError."""
        found = cls(**{name: stored[name] for name in cls.__slots__})
        if type(found.sequence) is not int or datetime.fromisoformat(found.declared_at).tzinfo is None:
            raise ValueError("not a statement about a restore")
        return found

    def lost(self, head: Head) -> bool:
        """Whether a head speaks of an entry that this restore took back."""
        return head.sequence > self.sequence and _instant(head.signed_at) <= _instant(self.declared_at)

    def replaced_by(self, other: Restoration) -> bool:
        """Whether a later restore went back further."""
        return other.sequence < self.sequence and _instant(other.declared_at) >= _instant(self.declared_at)


def _instant(text: str) -> datetime:
    """An instant as it was signed; one that cannot be read counts as later than any."""
    try:
        return datetime.fromisoformat(text).astimezone(UTC)
    except ValueError:
        return datetime.max.replace(tzinfo=UTC)


class Fault(StrEnum):
    """What verification finds. CHANGED: entry and hash disagree. FORGED: oversight did not enter it. BROKEN_LINK: it
    does not continue the entry before.
    REWRITTEN: the chain is whole but contradicts a signed head. CUT_OFF: a head knows more entries than are there.
    UNANCHORED: there are entries but no valid head at all. BAD_RESTORATION: a statement about a restore that the
    operator did not sign; it excuses nothing."""

    CHANGED = "CHANGED"
    FORGED = "FORGED"
    MISSING = "MISSING"
    REORDERED = "REORDERED"
    DUPLICATE = "DUPLICATE"
    BROKEN_LINK = "BROKEN_LINK"
    REWRITTEN = "REWRITTEN"
    CUT_OFF = "CUT_OFF"
    BAD_HEAD = "BAD_HEAD"
    UNANCHORED = "UNANCHORED"
    BAD_RESTORATION = "BAD_RESTORATION"


@dataclass(frozen=True, slots=True)
class Finding:
    """One fault, at entries `sequence` … `until` (equal for a single one)."""

    fault: Fault
    sequence: int
    until: int


@dataclass(slots=True)
class Report:
    """Outcome of a verification. `anchored` is the last sequence that a valid head covers; `restorations` are the
    operator's valid statements, `lost_heads` how many heads each of them took back, in the order of their times."""

    entries: int = 0
    heads: int = 0
    last_sequence: int = 0
    last_hash: str = GENESIS
    anchored: int = 0
    findings: list[Finding] = field(default_factory=list)
    restorations: list[Restoration] = field(default_factory=list)
    lost_heads: list[int] = field(default_factory=list)

    @property
    def ok(self) -> bool:
        """Whether nothing at all was found."""
        return not self.findings

    def add(self, fault: Fault, sequence: int, until: int | None = None) -> None:
        """Note one fault."""
        self.findings.append(Finding(fault, sequence, sequence if until is None else until))


@rule("PR-06", title="Kiểm chứng nhật ký", cites="QĐ 08/2025/QĐ-UBND Đ4.3")
def verify(
    entries: Iterable[Entry],
    heads: Iterable[Head],
    check: Verify,
    restorations: Iterable[Restoration] = (),
    check_operator: Verify | None = None,
) -> Report:
    """Read the whole ledger in stored order, in one pass that keeps only gaps and heads, and tell what is wrong.

    Restores that the operator stated (`check_operator` knows his keys) excuse what they name, and nothing else.
    """
    report = Report()
    expected_hash = _expected(heads, check, _stated(restorations, check_operator, report), report)
    gaps = _Gaps()
    before: Entry | None = None
    for entry in entries:
        report.entries += 1
        if not _hash_holds(entry):
            report.add(Fault.CHANGED, entry.sequence)
        if not _sealed(entry, check):
            report.add(Fault.FORGED, entry.sequence)
        if any(signed != entry.hash for signed in expected_hash.get(entry.sequence, ())):
            report.add(Fault.REWRITTEN, entry.sequence)
        if entry.sequence <= report.last_sequence:
            report.add(Fault.REORDERED if gaps.fill(entry.sequence) else Fault.DUPLICATE, entry.sequence)
            continue
        if entry.sequence > report.last_sequence + 1:
            gaps.open(report.last_sequence + 1, entry.sequence - 1)
        elif entry.previous != (GENESIS if before is None else before.hash):
            report.add(Fault.BROKEN_LINK, entry.sequence)
        before, report.last_sequence, report.last_hash = entry, entry.sequence, entry.hash

    for first, last in gaps:
        report.add(Fault.MISSING, first, last)
    newest = max(expected_hash, default=0)
    if newest > report.last_sequence:
        report.add(Fault.CUT_OFF, report.last_sequence + 1, newest)
    if report.entries and not expected_hash:
        report.add(Fault.UNANCHORED, 1, report.last_sequence)
    report.anchored = min(newest, report.last_sequence)
    report.findings.sort(key=lambda finding: (finding.sequence, finding.fault))
    return report


def _stated(restorations: Iterable[Restoration], check: Verify | None, report: Report) -> list[Restoration]:
    """The operator's valid statements, the earliest first."""
    for stated in restorations:
        if check is not None and _valid(stated, check):
            report.restorations.append(stated)
        else:
            report.add(Fault.BAD_RESTORATION, stated.sequence)
    report.restorations.sort(key=lambda stated: _instant(stated.declared_at))
    report.lost_heads = [0] * len(report.restorations)
    return report.restorations


def _expected(
    heads: Iterable[Head], check: Verify, restorations: list[Restoration], report: Report
) -> dict[int, set[str]]:
    """Sequence → hashes that were signed for it and not taken back by a restore."""
    expected: dict[int, set[str]] = {}
    for head in heads:
        report.heads += 1
        if not _valid(head, check):
            report.add(Fault.BAD_HEAD, head.sequence)
            continue
        places = [place for place, stated in enumerate(restorations) if stated.lost(head)]
        if places:
            report.lost_heads[places[0]] += 1
        else:
            expected.setdefault(head.sequence, set()).add(head.hash)
    for stated in restorations:
        if stated.sequence and not any(stated.replaced_by(other) for other in restorations):
            expected.setdefault(stated.sequence, set()).add(stated.hash)
    return expected


def _hash_holds(entry: Entry) -> bool:
    try:
        return entry.hash == entry_hash(entry.sequence, entry.previous, entry.body)
    except (TypeError, ValueError):
        # An editor put something into the body that could never have been recorded.
        return False


def _sealed(entry: Entry, check: Verify) -> bool:
    try:
        return check(entry.kid, _seal_message(entry.hash, entry.kid), bytes.fromhex(entry.seal))
    except (TypeError, ValueError):
        return False


def _valid(statement: Head | Restoration, check: Verify) -> bool:
    try:
        return check(statement.kid, statement.message(), bytes.fromhex(statement.signature))
    except (TypeError, ValueError):
        return False


class _Gaps:
    """Sequence numbers that were passed over, as ranges: a deleted million costs one pair."""

    def __init__(self) -> None:
        self._ranges: list[tuple[int, int]] = []

    def __iter__(self) -> Iterator[tuple[int, int]]:
        return iter(self._ranges)

    def open(self, first: int, last: int) -> None:
        self._ranges.append((first, last))

    def fill(self, sequence: int) -> bool:
        """Take one number out of the gaps; False when it was in none."""
        for number, (first, last) in enumerate(self._ranges):
            if first <= sequence <= last:
                rest = [(first, sequence - 1), (sequence + 1, last)]
                self._ranges[number : number + 1] = [(low, high) for low, high in rest if low <= high]
                return True
        return False
