"""What a PDF packs: its compressed streams, looked into while the file streams by.

Two things matter here. Objects may stand in a compressed stream (ISO 32000-1, 7.5.7), where no word of them is seen in
the file's own bytes; and any file may be attached, a program too. So each stream's first bytes are unpacked, and all of
one that begins as packed objects do: with the numbers and places of its objects. Its dictionary is not asked, since a
writer of evil may stretch or garble it.

Bounded whatever is sent: `Limits`. Other codings than Flate, and encrypted files, stay closed; they are the malware
scanner's (adapters/clamav.py).
"""

from __future__ import annotations

import re
import zlib
from collections.abc import Iterator
from dataclasses import dataclass

from services.vault import hidden

_STREAM = re.compile(rb"stream(?:\r\n|\n|\r)")
#: Numbers, then what an object begins with: what a page draws has the letter of an operator there.
_OBJECTS = re.compile(rb"[\x00\s]*\d[\d\s\x00+.-]*(?:[<\[(/%]|true|false|null|\Z)|[\x00\s]*%")
_PROGRAMS = (*hidden.PROGRAMS, b"L\0\0\0\x01\x14\x02")  # and shortcuts
_WINDOWS = re.compile(rb"MZ.{58}", re.DOTALL)
_SHELL = re.compile(rb"#![ \t]*/")
_PEEK = 1024
_STEP = 64 * 1024
_BITE = 8 * 1024


class Unbearable(Exception):
    """A file unpacks to more, or has more parts, than any paper does."""


class Harmful(Exception):
    """What is packed is a program, or names something that runs."""


@dataclass(frozen=True, slots=True)
class Limits:
    """How far a file is unpacked: streams looked into, and bytes of packed objects in all."""

    streams: int = 200_000
    unpacked: int = 128 * 1024 * 1024


class Packed:
    """Looks into the streams of one PDF: `feed` every piece in order, then `finish`. Holds at most a few pieces.

    Both raise Harmful or Unbearable.
    """

    def __init__(self, limits: Limits = Limits()) -> None:
        self._limits = limits
        self._streams = 0
        self._unpacked = 0
        self._rest = b""
        self._objects: _Objects | None = None

    def feed(self, piece: bytes) -> None:
        """The next piece of the file."""
        self._look(self._rest + piece, final=False)

    def finish(self) -> None:
        """After the last piece."""
        self._look(self._rest, final=True)

    def _look(self, data: bytes, *, final: bool) -> None:
        place = 0
        if self._objects is not None:
            place = self._read_objects(data, 0)
        while self._objects is None:
            mark = _STREAM.search(data, place)
            if mark is None:
                # the word itself may be cut by the end of the piece
                place = max(place, len(data) - 8)
                break
            if len(data) - mark.end() < _PEEK and not final:
                place = mark.start()
                break
            place = mark.end()
            self._peek(data[place : place + _PEEK])
            if self._objects is not None:
                place = self._read_objects(data, place)
        self._rest = data[place:]

    def _peek(self, start: bytes) -> None:
        """Looks at how one stream begins, as it stands and unpacked."""
        self._streams += 1
        if self._streams > self._limits.streams:
            raise Unbearable
        if _is_program(start):
            raise Harmful
        if len(start) < 2 or start[0] & 0x0F != 8 or int.from_bytes(start[:2], "big") % 31:
            return
        try:
            begins = zlib.decompressobj().decompress(start, _PEEK)
        except zlib.error:
            return
        if _is_program(begins):
            raise Harmful
        if _OBJECTS.match(begins):
            self._objects = _Objects()

    def _read_objects(self, data: bytes, place: int) -> int:
        """Unpacks objects from here on; where the stream ends, or the end of what there is."""
        objects = self._objects
        assert objects is not None
        try:
            while place < len(data) and not objects.ended:
                # in small bites: what lies behind a stream is copied once a bite
                bite = data[place : place + _BITE]
                for size in objects.read(bite):
                    self._unpacked += size
                    if self._unpacked > self._limits.unpacked:
                        raise Unbearable
                place += len(bite) - objects.left
        except zlib.error:
            # broken, or never packed objects at all: what stands in it is looked through as it is
            self._objects = None
            return place
        if objects.ended:
            self._objects = None
        return place


class _Objects:
    """The unpacking of one stream of objects."""

    def __init__(self) -> None:
        self._engine = zlib.decompressobj()
        self._overlap = b""

    @property
    def ended(self) -> bool:
        """Whether the stream is at its end."""
        return self._engine.eof

    @property
    def left(self) -> int:
        """How many of the bytes last read lie behind the stream."""
        return len(self._engine.unused_data)

    def read(self, packed: bytes) -> Iterator[int]:
        """Unpacks step by step; yields the size of each. Raises Harmful or zlib.error."""
        while packed and not self._engine.eof:
            part = self._engine.decompress(packed, _STEP)
            packed = self._engine.unconsumed_tail
            if hidden.active_pdf(self._overlap + part):
                raise Harmful
            self._overlap = (self._overlap + part)[-hidden.OVERLAP :]
            yield len(part)


def _is_program(start: bytes) -> bool:
    if start.startswith(_PROGRAMS) or _SHELL.match(start):
        return True
    # Pixels may begin with these two letters; a program says at byte 60 where its second mark stands.
    if not _WINDOWS.match(start):
        return False
    second = int.from_bytes(start[60:64], "little")
    return start[second : second + 4] == b"PE\0\0" if second + 4 <= len(start) else second < 64 * 1024
