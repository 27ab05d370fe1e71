"""Cross-reference tables and streams, read strictly: which object stands where, by one revision's own word.

A table that begins one byte beside the place that `startxref` names, or with another keyword than `xref`, is broken for
one reader and sound for the next; the one that finds it broken looks for objects by itself and finds others. So
nothing is corrected here: what is not exact is a SyntaxProblem.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any

from services.signing.syntax import Indirect, Ref, SyntaxProblem, indirect, unpacked, value_at

_KEYWORD = re.compile(rb"xref *(?:\r\n|\r|\n)")
_SUBSECTION = re.compile(rb"(0|[1-9]\d{0,9}) (0|[1-9]\d{0,9}) *(?:\r\n|\r|\n)")
_ROW = re.compile(rb"(\d{10}) (\d{5}) ([nf])(?: \r| \n|\r\n)")
# Some producers end rows with one byte only; the signed revision may, a later one may not.
_LOOSE_ROW = re.compile(rb"(\d{10}) (\d{5}) ([nf]) *(?:\r\n|\r|\n)")
_TRAILER = re.compile(rb"[\x00\t\n\x0c\r ]*trailer(?=[\x00\t\n\x0c\r <])")
# One comment of a producer ("%iText-7.1.0") may stand before startxref: letters, digits and harmless signs only.
_CLOSE = re.compile(
    rb"[\x00\t\n\x0c\r ]*(?:%[A-Za-z0-9 .,:;+_-]{1,80}[\r\n][\x00\t\n\x0c\r ]*)?"
    rb"startxref[\x00\t\n\x0c\r ]+(0|[1-9]\d{0,9})[\x00\t\n\x0c\r ]+%%EOF(?=[\x00\t\n\x0c\r ]|\Z)"
)
_HIGHEST = 1_000_000


@dataclass(frozen=True, slots=True)
class Entry:
    """Where an object stands: at an offset, or as the `index`th object of the object stream `container`."""

    generation: int = 0
    offset: int | None = None
    container: int | None = None
    index: int = 0

    @property
    def free(self) -> bool:
        return self.offset is None and self.container is None


@dataclass(frozen=True, slots=True)
class Section:
    """One table or cross-reference stream. `data[start:end]` is all of it with its trailer.

    `stream` is the object where it is a cross-reference stream; `hybrid` the stream that a table's /XRefStm names.
    """

    start: int
    end: int
    entries: dict[int, Entry]
    trailer: dict[bytes, Any] = field(repr=False)
    stream: Indirect | None = None
    hybrid: Section | None = None

    @property
    def previous(self) -> int | None:
        """The table before this one. Raises SyntaxProblem where /Prev is no plain number."""
        value = self.trailer.get(b"Prev")
        if value is not None and (type(value) is not int or value < 0):
            raise SyntaxProblem("/Prev is no place in the file")
        return value

    def close(self, data: bytes, *, loose: bool = False) -> tuple[int, int]:
        """What `startxref` behind this section names, and where its %%EOF ends.

        `loose`: the stream at the head of a linearised file has none; it names nothing and ends where its object does.
        """
        match = _CLOSE.match(data, self.end)
        if match is None:
            if loose and self.stream is not None:
                return 0, self.end
            raise SyntaxProblem(f"no startxref and %%EOF behind the table at {self.start}")
        return int(match[1]), match.end()

    def all_entries(self) -> dict[int, Entry]:
        """The section's own entries and those of its hybrid stream, which fills in what the table calls free."""
        if self.hybrid is None:
            return self.entries
        return {
            **self.hybrid.entries,
            **{n: e for n, e in self.entries.items() if not (e.free and n in self.hybrid.entries)},
        }


def section(data: bytes, at: int, *, loose: bool = False) -> Section:
    """The table or stream that begins exactly at `at`. `loose`: hybrid tables, comments and short rows are allowed."""
    if data.startswith(b"xref", at):
        return _table(data, at, loose)
    return _stream(data, at, loose)


def _table(data: bytes, at: int, loose: bool) -> Section:
    keyword = _KEYWORD.match(data, at)
    if keyword is None:
        raise SyntaxProblem(f"no xref keyword at {at}")
    place, entries = keyword.end(), dict[int, Entry]()
    while match := _SUBSECTION.match(data, place):
        place = match.end()
        first, count = int(match[1]), int(match[2])
        if first + count > _HIGHEST or count > (len(data) - place) // 19:
            raise SyntaxProblem(f"a table beyond the file at {place}")
        for number in range(first, first + count):
            row = (_LOOSE_ROW if loose else _ROW).match(data, place)
            if row is None:
                raise SyntaxProblem(f"no row of a table at {place}")
            place = row.end()
            used = row[3] == b"n"
            _put(entries, number, Entry(int(row[2]), int(row[1])) if used else Entry(int(row[2])))
    trailer = _TRAILER.match(data, place)
    if trailer is None:
        raise SyntaxProblem(f"no trailer at {place}")
    value, end = value_at(data, trailer.end(), comments=loose)
    if not isinstance(value, dict):
        raise SyntaxProblem(f"no trailer dictionary before {end}")
    return _checked(Section(at, end, entries, value, hybrid=_hybrid(data, value, loose)))


def _hybrid(data: bytes, trailer: dict[bytes, Any], loose: bool) -> Section | None:
    place = trailer.get(b"XRefStm")
    if place is None:
        return None
    if not loose or type(place) is not int:
        raise SyntaxProblem("a hybrid table")
    return _stream(data, place, loose)


def _stream(data: bytes, at: int, loose: bool) -> Section:
    def lengths(_: Ref) -> int | None:
        return None  # a reference cannot be followed before there is a table

    item = indirect(data, at, lengths, comments=loose)
    head = item.value
    if not isinstance(head, dict) or head.get(b"Type") != b"XRef":
        raise SyntaxProblem(f"no cross-reference stream at {at}")
    widths, size = head.get(b"W"), head.get(b"Size")
    index = head.get(b"Index", [0, size])
    if (
        not isinstance(widths, list)
        or len(widths) != 3
        or not all(type(w) is int and 0 <= w <= 8 for w in widths)
        or not isinstance(index, list)
        or not index
        or len(index) % 2
        or not all(type(n) is int and 0 <= n <= _HIGHEST for n in index)
    ):
        raise SyntaxProblem(f"a cross-reference stream of no known form at {at}")
    rows = unpacked(data, item)
    if len(rows) != sum(widths) * sum(index[1::2]) or not rows:
        raise SyntaxProblem(f"a cross-reference stream of another length at {at}")
    entries: dict[int, Entry] = {}
    place = 0
    for first, count in zip(index[::2], index[1::2], strict=True):
        for number in range(first, first + count):
            fields = []
            for width in widths:
                fields.append(int.from_bytes(rows[place : place + width], "big"))
                place += width
            _put(entries, number, _entry(fields[0] if widths[0] else 1, fields[1], fields[2]))
    return _checked(Section(at, item.end, entries, head, stream=item))


def _entry(kind: int, second: int, third: int) -> Entry:
    if kind == 0:
        return Entry(third)
    if kind == 1:
        return Entry(third, second)
    if kind == 2:
        return Entry(container=second, index=third)
    raise SyntaxProblem("an entry of unknown kind")


def _put(entries: dict[int, Entry], number: int, entry: Entry) -> None:
    if number in entries:
        raise SyntaxProblem(f"object {number} stands twice in one table")
    entries[number] = entry


def _checked(found: Section) -> Section:
    size = found.trailer.get(b"Size")
    highest = max((number for number, entry in found.entries.items() if not entry.free), default=0)
    if type(size) is not int or size <= highest:
        raise SyntaxProblem("a table with objects beyond its size")
    return found
