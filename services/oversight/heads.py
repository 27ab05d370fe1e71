"""Signed heads of the ledger, kept outside the database: one JSON line per entry in `heads.jsonl`.

A line is written after the entry's commit. A process that is killed in between leaves one entry without a head; the
next head covers it, and at start the head of the present end is written when it is missing. Where the newest head knows
more than the ledger holds, or says something else of its end, nothing is signed over it: that is reported.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from services.oversight.ledger import Entry, Head, Sign, sign_head

FILE = "heads.jsonl"
_READ_BACK = 64 * 1024  # bytes from the end in which the newest complete line is looked for


@dataclass(frozen=True)
class Lines:
    """What a directory of heads holds: the heads, and how many lines could not be read."""

    heads: list[Head]
    unreadable: int


class HeadsFile:
    """The file to which one process appends. `sign` signs bytes with the key `kid`."""

    def __init__(self, directory: Path, kid: str, sign: Sign) -> None:
        directory.mkdir(parents=True, exist_ok=True)
        self._path = directory / FILE
        self._kid = kid
        self._sign = sign

    def append(self, entry: Entry) -> Head:
        """Signs the ledger's end and writes it. Raises OSError."""
        head = sign_head(entry, datetime.now(UTC), self._kid, self._sign)
        self._write(head)
        return head

    def catch_up(self, tail: Entry | None) -> str:
        """To be called at start: "written" (a head was missing), "in order", "empty" or "contradicted"."""
        self._drop_torn_line()
        newest = self._newest()
        if tail is None:
            return "empty" if newest is None else "contradicted"
        if newest is not None and (newest.sequence > tail.sequence or
                                   (newest.sequence == tail.sequence and newest.hash != tail.hash)):  # fmt: skip
            return "contradicted"
        if newest is not None and newest.sequence == tail.sequence:
            return "in order"
        self.append(tail)
        return "written"

    def _write(self, head: Head) -> None:
        line = json.dumps(head.to_dict(), sort_keys=True, separators=(",", ":")).encode() + b"\n"
        handle = os.open(self._path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        try:
            os.write(handle, line)
        finally:
            os.close(handle)

    def _drop_torn_line(self) -> None:
        # A line without its end was never a head: the machine stopped in the middle of writing it.
        if not self._path.exists():
            return
        with open(self._path, "r+b") as file:
            size = file.seek(0, os.SEEK_END)
            back = min(size, _READ_BACK)
            file.seek(size - back)
            end = file.read(back)
            if end and not end.endswith(b"\n"):
                file.truncate(size - back + end.rfind(b"\n") + 1)

    def _newest(self) -> Head | None:
        # The highest sequence, not the last line: after a contradiction lower numbers may follow.
        newest: Head | None = None
        for head in _scan(self._path) if self._path.exists() else ():
            if head is not None and (newest is None or head.sequence >= newest.sequence):
                newest = head
        return newest


def read(directory: Path) -> Lines:
    """Every head in a directory's `*.jsonl` files, signatures not looked at. A torn last line is left out."""
    heads: list[Head] = []
    unreadable = 0
    for path in sorted(directory.glob("*.jsonl")):
        for head in _scan(path):
            if head is None:
                unreadable += 1
            else:
                heads.append(head)
    return Lines(heads, unreadable)


def _scan(path: Path) -> Iterator[Head | None]:
    """Heads of the complete lines; None for a line that is none."""
    with open(path, "rb") as file:
        for line in file:
            if line.endswith(b"\n") and line.strip():
                yield _head(line)


def _head(line: bytes) -> Head | None:
    try:
        head = Head.from_dict(json.loads(line))
    except (ValueError, KeyError, TypeError):
        return None
    texts = (head.hash, head.signed_at, head.kid, head.signature)
    good = type(head.sequence) is int and all(isinstance(text, str) for text in texts)
    return head if good else None
