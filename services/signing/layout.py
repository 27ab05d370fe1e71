"""Whether every byte of a signed PDF is accounted for, so that no reader can find another document in it.

A reader that finds a table broken looks for objects by itself, and a loose one that no table names may win. So nothing
counts as a later revision but objects that its own table names at exactly their offsets, that table, its trailer,
startxref and %%EOF, and white space. The revision that the first signature covers may carry what producers write
(comments, linearised and hybrid tables, short rows), but its tables, too, must be exact, and nothing may lie between
the objects that they name.

Pure: bytes in; Ambiguous (the signed revision) or Modified (behind it) is raised for whatever is not certain.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field

from services.signing.syntax import Indirect, Ref, SyntaxProblem, bare_end, indirect, skip, unpacked, value_at
from services.signing.tables import Entry, Section, section

_SECTIONS = 200
_STARTXREF = re.compile(rb"startxref[\x00\t\n\x0c\r ]+(0|[1-9]\d{0,9})[\x00\t\n\x0c\r ]+%%EOF")
# What makes a reader that repairs files see an object, a table or a document.
_SEEN_BY_REPAIR = re.compile(rb"\d[\x00\t\n\x0c\r ]*obj|endobj|endstream|trailer|startxref|%%EOF|%PDF-|PK\x05\x06")
_NUMBERS = re.compile(rb"[\x00\t\n\x0c\r ]*(?:\d{1,10}(?:[\x00\t\n\x0c\r ]+|\Z))*")


class Ambiguous(Exception):
    """The signed revision can be read in more than one way."""


class Modified(Exception):
    """Something stands behind the signed revision that no later revision accounts for."""


@dataclass
class Layout:
    """Where every object stands: `signed` for who reads the first signed revision, `places` for who reads it all.

    `ends` are the ends of the revisions from the first signed one on, white space behind them left out. `opaque` are
    contents of streams in the signed revision that hold no objects: pictures, fonts, what pages draw.
    """

    signed: dict[int, Entry]
    places: dict[int, Entry]
    ends: list[int]
    opaque: list[tuple[int, int]] = field(default_factory=list)

    def later_than(self, end: int, data: bytes) -> int | None:
        """How many revisions follow the one that ends at `end`; None where none ends there."""
        bare = bare_end(data, end)
        return len(self.ends) - 1 - self.ends.index(bare) if bare in self.ends else None


def read(data: bytes, first_end: int) -> Layout:
    """Account for all of `data`, where the first signature's range ends at `first_end`."""
    base_end = bare_end(data, first_end)
    try:
        base = _Base(data, base_end)
    except SyntaxProblem as problem:
        raise Ambiguous(str(problem)) from problem
    try:
        return _with_later(data, base, base_end)
    except SyntaxProblem as problem:
        raise Modified(str(problem)) from problem


class _Lookup:
    """Objects by number, for streams whose length stands elsewhere. `maps` may grow; what was unpacked is kept."""

    def __init__(self, data: bytes, *maps: dict[int, Entry], comments: bool) -> None:
        self.data, self.maps, self.comments = data, maps, comments
        self._packed: dict[tuple[int, int] | None, dict[int, object]] = {}  # by where its stream stands

    def length(self, ref: Ref) -> int | None:
        for places in self.maps:
            entry = places.get(ref.number)
            if entry is None or entry.free:
                continue
            if entry.offset is not None:
                item = indirect(self.data, entry.offset, _no_length, comments=self.comments)
                found = item.value if (item.number, item.generation) == (ref.number, ref.generation) else None
            else:
                found = self._in_container(places, entry).get(ref.number)
            return found if type(found) is int else None
        return None

    def _plain(self, ref: Ref) -> int | None:
        """A length that is an object of its own: that of an object stream cannot lie in one."""
        entry = self.maps[0].get(ref.number)
        if entry is None or entry.offset is None:
            return None
        found = indirect(self.data, entry.offset, _no_length, comments=self.comments).value
        return found if type(found) is int else None

    def _in_container(self, places: dict[int, Entry], entry: Entry) -> dict[int, object]:
        number = entry.container or 0
        holder = places.get(number)
        if holder is None or holder.offset is None:
            raise SyntaxProblem(f"object stream {number} is no plain object")
        item = indirect(self.data, holder.offset, self._plain, comments=self.comments)
        if item.stream not in self._packed:
            self._packed[item.stream] = packed(self.data, item)
        return self._packed[item.stream]


def _no_length(_: Ref) -> int | None:
    return None


def packed(data: bytes, item: Indirect) -> dict[int, object]:
    """The objects of an object stream in their order. Raises SyntaxProblem where anything else lies in it."""
    head = item.value
    if not isinstance(head, dict) or head.get(b"Type") != b"ObjStm" or b"Extends" in head:
        raise SyntaxProblem(f"no object stream at {item.start}")
    count, first = head.get(b"N"), head.get(b"First")
    content = unpacked(data, item)
    if type(count) is not int or type(first) is not int or not 0 <= first <= len(content):
        raise SyntaxProblem(f"an object stream of no known form at {item.start}")
    if not _NUMBERS.fullmatch(content[:first]):
        raise SyntaxProblem(f"no list of numbers in the object stream at {item.start}")
    numbers = [int(word) for word in content[:first].split()]
    if len(numbers) != 2 * count or len(set(numbers[::2])) != count:
        raise SyntaxProblem(f"another number of objects in the object stream at {item.start}")
    found: dict[int, object] = {}
    place = first
    for number, offset in zip(numbers[::2], numbers[1::2], strict=True):
        if first + offset != skip(content, place) and first + offset != place:
            raise SyntaxProblem(f"a gap in the object stream at {item.start}")
        found[number], place = value_at(content, first + offset)
    if skip(content, place) != len(content):
        raise SyntaxProblem(f"more than objects in the object stream at {item.start}")
    return found


class _Base:
    """The revisions that the first signature covers; making one checks them."""

    def __init__(self, data: bytes, end: int) -> None:
        self.data, self.end = data, end
        at = data.rfind(b"startxref", 0, end)
        match = _STARTXREF.fullmatch(data, at, end) if at >= 0 else None
        if match is None:
            raise SyntaxProblem("no startxref at the end of the signed revision")
        self.target = int(match[1])
        newest_first = list(self._chain())
        self.newest = newest_first[0]
        self.places: dict[int, Entry] = {}
        self.opaque: list[tuple[int, int]] = []
        for item in reversed(newest_first):
            self.places.update(item.all_entries())
        self._check_extents(newest_first)

    def _chain(self) -> Iterable[Section]:
        seen: set[int] = set()
        at: int | None = self.target
        while at is not None:
            if at in seen or len(seen) == _SECTIONS:
                raise SyntaxProblem("tables that go in circles")
            seen.add(at)
            item = section(self.data, at, loose=True)
            yield item
            at = item.previous

    def _check_extents(self, newest_first: list[Section]) -> None:
        extents: list[tuple[int, int]] = []
        starts = {item.start for item in newest_first}
        places: dict[int, Entry] = {}
        lookup = _Lookup(self.data, places, self.places, comments=True)
        for item in reversed(newest_first):
            named, end = item.close(self.data, loose=True)
            # A linearised file's first table names no place: the one at its end does.
            if named and named not in starts:
                raise SyntaxProblem(f"startxref names no table behind {item.start}")
            extents.append((item.start, end))
            if item.hybrid is not None:
                extents.append((item.hybrid.start, item.hybrid.end))
            places.update(item.all_entries())
            extents += self._objects(item.all_entries(), lookup)
        place = last = 0
        for start, end in sorted(set(extents)):
            # A stream that is a table stands among the objects, too.
            if start < place and start != last:
                raise SyntaxProblem(f"objects that overlap at {start}")
            # A comment goes on to the end of its line: what begins within is an object for some readers only.
            if start > place and skip(self.data, place, comments=True) != start:
                raise SyntaxProblem(f"bytes that belong to nothing before {start}")
            place, last = max(place, end), start
        # The last startxref belongs to a table, so the revision ends with the last extent or is not what it says.
        if place != self.end:
            raise SyntaxProblem(f"bytes that belong to nothing after {place}, or objects behind the revision")

    def _objects(self, entries: dict[int, Entry], lookup: _Lookup) -> Iterable[tuple[int, int]]:
        for number, entry in entries.items():
            if entry.offset is not None:
                start = skip(self.data, entry.offset)
                item = indirect(self.data, start, lookup.length, comments=True)
                if (item.number, item.generation) != (number, entry.generation):
                    raise SyntaxProblem(f"another object than {number} at {start}")
                if item.stream is not None and item.value.get(b"Type") != b"ObjStm":
                    self.opaque.append(item.stream)
                yield item.start, item.end


def _with_later(data: bytes, base: _Base, base_end: int) -> Layout:
    layout = Layout(base.places, dict(base.places), [base_end], base.opaque)
    if skip(data, base_end) == len(data):
        return layout
    match = _STARTXREF.match(data, data.rfind(b"startxref"))
    if match is None or skip(data, match.end()) != len(data):
        raise SyntaxProblem("the file does not end with startxref and %%EOF")
    at, newest_first = int(match[1]), list[Section]()
    while at >= base_end:
        item = section(data, at)
        newest_first.append(item)
        if item.previous is None or item.previous >= at or len(newest_first) == _SECTIONS:
            raise SyntaxProblem(f"the table at {at} names no earlier one")
        at = item.previous
    if at != base.target:
        raise SyntaxProblem("the first later table does not name the signed one")
    before, lookup = base.newest, _Lookup(data, layout.places, comments=False)
    for item in reversed(newest_first):
        _Later(data, item, before, layout, lookup).check()
        before = item
    if skip(data, layout.ends[-1]) != len(data):
        raise SyntaxProblem("bytes behind the last revision")
    return layout


@dataclass
class _Later:
    """One revision behind the first signature."""

    data: bytes
    section: Section
    before: Section
    layout: Layout
    lookup: _Lookup
    objects: dict[int, Indirect] = field(default_factory=dict)

    def check(self) -> None:
        """Add this revision to the layout. Raises SyntaxProblem where it is not exactly what its table says."""
        begin, own, places = self.layout.ends[-1], self.section, self.layout.places
        named, end = own.close(self.data)
        if named != own.start or own.previous != self.before.start:
            raise SyntaxProblem(f"tables that do not follow each other at {own.start}")
        self._check_trailer()
        for number, entry in own.entries.items():
            self._check_entry(number, entry)
        places.update(own.entries)
        self._walk(begin)
        self._check_packed()
        self._check_marks(begin, end)
        self.layout.ends.append(end)

    def _check_trailer(self) -> None:
        own, before = self.section.trailer, self.before.trailer
        if b"XRefStm" in own or b"Encrypt" in own:
            raise SyntaxProblem("a later revision with a second table or encryption")
        if not isinstance(own.get(b"Root"), Ref) or own[b"Root"] != before.get(b"Root"):
            raise SyntaxProblem("a later revision of another document")
        if own[b"Size"] < before[b"Size"]:
            raise SyntaxProblem("a later revision that hides objects by its size")

    def _check_entry(self, number: int, entry: Entry) -> None:
        known = self.layout.places.get(number)
        used_before = known is not None and not known.free
        if entry.free:
            if used_before:
                raise SyntaxProblem(f"object {number} is taken away")
        elif number == 0 or (used_before and known is not None and known.generation != entry.generation):
            raise SyntaxProblem(f"object {number} in another generation")

    def _walk(self, begin: int) -> None:
        """From the end of the revision before to the table: one named object after the other and nothing else."""
        own, table = self.section, self.section.stream
        named = {entry.offset: number for number, entry in own.entries.items() if entry.offset is not None}
        if len(named) != sum(entry.offset is not None for entry in own.entries.values()):
            raise SyntaxProblem("two objects at one place")
        if table is not None:
            number = named.pop(own.start, None)
            if number is None and table.number in self.layout.places:
                raise SyntaxProblem("a table in the place of an object")
            if number is not None and number != table.number:
                raise SyntaxProblem("a table under another number")
        at = skip(self.data, begin)
        for offset in sorted(named):
            if offset != at:
                raise SyntaxProblem(f"bytes that no table names at {at}")
            item = indirect(self.data, at, self.lookup.length)
            number = named[offset]
            if (item.number, item.generation) != (number, own.entries[number].generation):
                raise SyntaxProblem(f"another object than {number} at {at}")
            if item.stream is not None and b"F" in item.value:
                raise SyntaxProblem(f"a stream outside the file at {at}")
            self.objects[number] = item
            at = skip(self.data, item.end)
        if at != own.start:
            raise SyntaxProblem(f"bytes that no table names at {at}")

    def _check_packed(self) -> None:
        """Each object stream holds exactly the objects that the table says."""
        listed: dict[int, list[tuple[int, int]]] = {}
        for number, entry in self.section.entries.items():
            if entry.container is not None:
                listed.setdefault(entry.container, []).append((entry.index, number))
        for number, item in self.objects.items():
            holder = item.stream is not None and item.value.get(b"Type") == b"ObjStm"
            rows = sorted(listed.pop(number, []))
            wanted = [inner for _, inner in rows]
            if [index for index, _ in rows] != list(range(len(rows))):
                raise SyntaxProblem(f"places in object stream {number} that do not fit")
            if (holder or wanted) and list(packed(self.data, item)) != wanted:
                raise SyntaxProblem(f"object stream {number} holds other objects than the table says")
        if listed:
            raise SyntaxProblem("objects in a stream of another revision")

    def _check_marks(self, begin: int, end: int) -> None:
        """Nothing within objects looks like an object or a table to a reader that repairs files."""
        items = [*self.objects.values(), *([self.section.stream] if self.section.stream else [])]
        streams = sum(item.stream is not None for item in items)
        expected = 2 * len(items) + streams + (0 if self.section.stream else 1) + 2
        if sum(1 for _ in _SEEN_BY_REPAIR.finditer(self.data, begin, end)) != expected:
            raise SyntaxProblem(f"something that looks like an object or a table before {end}")
