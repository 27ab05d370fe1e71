"""Signed heads of the ledger, kept outside the database: one JSON line per entry in `heads.jsonl`.

A line is written after the entry's commit. A process that is killed in between leaves one entry without a head; the
next head covers it, and at start the head of the present end is written when it is missing. Where the newest head knows
more than the ledger holds, or says something else of its end, nothing is signed over it: that is reported, and the
head is kept in `heads.highest`, because lower numbers may follow it in the file.

After a restore the newest heads know entries that are gone. `take_back` then puts them aside, into `lost-….jsonl`, and
keeps the operator's signed statement beside them (`restored-….json`), which `motcua ledger verify` reads out.

Lines come to the disk at intervals, and when the process stops; the newest head is read back from the file's end.
"""

from __future__ import annotations

import fcntl
import json
import os
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from services.oversight.ledger import Entry, Head, Restoration, Sign, sign_head

FILE = "heads.jsonl"
HIGHEST = "heads.highest"
SYNC_ENTRIES = 100  # lines after which they are brought to the disk
SYNC_SECONDS = 1.0  # and after which time
_READ_BACK = 64 * 1024  # bytes that are read at once, from the end on


@dataclass(frozen=True)
class Lines:
    """What a directory of heads holds: the heads, and how many lines could not be read."""

    heads: list[Head]
    unreadable: int


class HeadsFile:
    """The file to which one process appends. `sign` signs bytes with the key `kid`; `fsync` is the system's."""

    def __init__(self, directory: Path, kid: str, sign: Sign, fsync: Callable[[int], None] = os.fsync) -> None:
        directory.mkdir(parents=True, exist_ok=True)
        self._path = directory / FILE
        self._highest = directory / HIGHEST
        self._kid = kid
        self._sign = sign
        self._fsync = fsync
        self._unsynced = 0
        self._synced_at = float("-inf")

    def append(self, entry: Entry) -> Head:
        """Signs the ledger's end and writes it. Raises OSError."""
        head = sign_head(entry, datetime.now(UTC), self._kid, self._sign)
        self._write(head)
        return head

    def catch_up(self, end: Callable[[], Entry | None]) -> tuple[str, Entry | None]:
        """To be called at start: "written" (a head was missing), "in order", "empty" or "contradicted"; and the
        ledger's end, which `end` reads, after the newest head: another process may make entries meanwhile."""
        self._drop_torn_line()
        newest = self._newest()
        tail = end()
        return self._compared(newest, tail), tail

    def _compared(self, newest: Head | None, tail: Entry | None) -> str:
        if newest is None:
            if tail is None:
                return "empty"
        elif (
            tail is None
            or newest.sequence > tail.sequence
            or (newest.sequence == tail.sequence and newest.hash != tail.hash)
        ):
            self._highest.write_text(json.dumps(newest.to_dict(), sort_keys=True), encoding="utf-8")
            return "contradicted"
        elif newest.sequence == tail.sequence:
            return "in order"
        self.append(tail)
        return "written"

    def _write(self, head: Head) -> None:
        line = json.dumps(head.to_dict(), sort_keys=True, separators=(",", ":")).encode() + b"\n"
        handle = os.open(self._path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        try:
            fcntl.flock(handle, fcntl.LOCK_EX)  # until it is closed
            os.write(handle, line)
            self._unsynced += 1
            now = time.monotonic()
            if self._unsynced >= SYNC_ENTRIES or now - self._synced_at >= SYNC_SECONDS:
                self._bring_to_disk(handle)
        finally:
            os.close(handle)

    def sync(self) -> None:
        """Brings to the disk what was written since the last time. Raises OSError."""
        if not self._unsynced:
            return
        handle = os.open(self._path, os.O_WRONLY | os.O_APPEND)
        try:
            self._bring_to_disk(handle)
        finally:
            os.close(handle)

    def _bring_to_disk(self, handle: int) -> None:
        self._fsync(handle)
        self._unsynced = 0
        self._synced_at = time.monotonic()

    def _drop_torn_line(self) -> None:
        # A line without its end was never a head: the machine stopped in the middle of writing it.
        if not self._path.exists():
            return
        with open(self._path, "r+b") as file:
            fcntl.flock(file, fcntl.LOCK_EX)  # another process may be writing it just now
            size = file.seek(0, os.SEEK_END)
            back = min(size, _READ_BACK)
            file.seek(size - back)
            end = file.read(back)
            if end and not end.endswith(b"\n"):
                file.truncate(size - back + end.rfind(b"\n") + 1)

    def _newest(self) -> Head | None:
        # The highest sequence, not the last line alone: after a contradiction lower numbers may follow.
        last = None
        for line in _lines_from_the_end(self._path) if self._path.exists() else ():
            last = _head(line)
            if last is not None:
                break
        kept = _head(self._highest.read_bytes()) if self._highest.exists() else None
        if last is None or kept is None:
            return last or kept
        return kept if kept.sequence > last.sequence else last


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


def restorations(directory: Path) -> tuple[list[Restoration], list[str]]:
    """Statements about restores in a directory, signatures not looked at, and the names of files that are none."""
    found, strange = [], []
    for path in sorted(directory.glob("restored-*.json")):
        try:
            found.append(Restoration.from_dict(json.loads(path.read_bytes())))
        except (KeyError, TypeError, ValueError, RecursionError):
            strange.append(path.name)
    return found, strange


def take_back(directory: Path, statement: Restoration) -> None:
    """Puts heads of entries that a restore took back aside and keeps the statement. Safe to repeat. Raises OSError."""
    stamp = "".join(letter for letter in statement.declared_at if letter.isalnum())
    path = directory / FILE

    def lines(lost: bool) -> Iterator[bytes]:
        with open(path, "rb") as file:
            for line in file:
                head = _head(line)
                if (head is not None and head.sequence > statement.sequence) is lost:
                    yield line

    path.touch(mode=0o600)
    if any(True for _ in lines(lost=True)):
        put(directory / f"lost-{stamp}.jsonl", lines(lost=True))
    put(directory / f"restored-{stamp}.json", [json.dumps(statement.to_dict(), sort_keys=True).encode() + b"\n"])
    put(path, lines(lost=False))
    (directory / HIGHEST).unlink(missing_ok=True)


def put(path: Path, pieces: Iterable[bytes]) -> None:
    """Writes a file of heads whole: a kill leaves the old one or the new one."""
    beside = path.with_name(f".{path.name}.new")
    with open(os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as out:
        out.writelines(pieces)
        out.flush()
        os.fsync(out.fileno())
    os.replace(beside, path)


def _lines_from_the_end(path: Path) -> Iterator[bytes]:
    """The complete lines of a file, the last one first; only as much is read as is asked for."""
    with open(path, "rb") as file:
        place = file.seek(0, os.SEEK_END)
        rest = b""
        while place > 0:
            back = min(place, _READ_BACK)
            place -= back
            file.seek(place)
            first, *lines = (file.read(back) + rest).split(b"\n")
            for line in reversed(lines):
                if line.strip():
                    yield line
            rest = first
        if rest.strip():
            yield rest


def _scan(path: Path) -> Iterator[Head | None]:
    """Heads of the complete lines; None for a line that is none."""
    with open(path, "rb") as file:
        for line in file:
            if line.endswith(b"\n") and line.strip():
                yield _head(line)


def _head(line: bytes) -> Head | None:
    try:
        head = Head.from_dict(json.loads(line))
    except (ValueError, KeyError, TypeError, RecursionError):
        return None
    texts = (head.hash, head.signed_at, head.kid, head.signature)
    good = type(head.sequence) is int and all(isinstance(text, str) for text in texts)
    return head if good else None
