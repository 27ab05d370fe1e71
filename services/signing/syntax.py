"""PDF syntax read strictly: one object at one place, from its first digit to its `endobj`.

No repair, no guess, nothing skipped: what a tolerant reader would correct is a SyntaxProblem here. Two readers that
correct the same fault differently show two different documents under one signature.

Pure, without recursion, linear in the bytes read.
"""

from __future__ import annotations

import re
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple

WHITE = b"\x00\t\n\x0c\r "
_DEPTH = 60
# What an object stream or a cross-reference stream may unpack to.
_UNPACKED = 64 * 1024 * 1024
_BLOCK = 4096

_GAP = re.compile(rb"[\x00\t\n\x0c\r ]*+")
_COMMENTED_GAP = re.compile(rb"(?:[\x00\t\n\x0c\r ]++|%[^\r\n]*+)*+")
_END = rb"(?=[\x00\t\n\x0c\r ()<>\[\]{}/%]|\Z)"
_HEAD = re.compile(rb"(0|[1-9]\d{0,9})[\x00\t\n\x0c\r ]+(0|[1-9]\d{0,4})[\x00\t\n\x0c\r ]+obj" + _END)
# One alternative a group (a reference has two, the later one tells it): what is met most often stands first.
_NAME, _REF, _INTEGER, _MARK, _REAL, _HEX, _TEXT, _OPEN, _WORD = 1, 3, 4, 5, 6, 7, 8, 9, 10
_VALUE = (
    rb"(?:/([^\x00\t\n\x0c\r ()<>\[\]{}/%]*+)"
    rb"|(\d{1,10})[\x00\t\n\x0c\r ]++(\d{1,5})[\x00\t\n\x0c\r ]++R" + _END + rb""
    rb"|([+-]?\d{1,18})" + _END + rb""
    rb"|(<<|>>|\[|\])"
    rb"|([+-]?(?:\d+\.\d*|\.\d+))" + _END + rb""
    rb"|<([0-9A-Fa-f\x00\t\n\x0c\r ]*+)>"
    rb"|\(((?:[^()\\]++|\\.)*+)\)"
    rb"|(\()"
    rb"|(true|false|null)" + _END + rb")"
)
_TOKEN = re.compile(_GAP.pattern + _VALUE, re.DOTALL)
_COMMENTED_TOKEN = re.compile(_COMMENTED_GAP.pattern + _VALUE, re.DOTALL)
_IN_STRING = re.compile(rb"[^()\\]*+(?:\\.[^()\\]*+)*+", re.DOTALL)
_ESCAPED_NAME = re.compile(rb"#([0-9A-Fa-f]{2})")
_STREAM_EOL = re.compile(rb"\r?\n")
_AFTER_STREAM = re.compile(rb"[\x00\t\n\x0c\r ]*endstream[\x00\t\n\x0c\r ]+endobj" + _END)
_ENDOBJ = re.compile(rb"endobj(?=[\x00\t\n\x0c\r %]|\Z)")
_OPENING_OF = {b">>": b"<<", b"]": b"["}
_OPENING = frozenset(_OPENING_OF.values())
_CONSTANTS = {b"true": True, b"false": False, b"null": None}


class SyntaxProblem(Exception):
    """The bytes are not exactly what the format asks for; the message names the place for whoever investigates."""


class Name(bytes):
    """A name without its slash, escapes resolved."""


class Ref(NamedTuple):
    """A reference to an indirect object."""

    number: int
    generation: int


@dataclass(frozen=True, slots=True)
class Indirect:
    """One indirect object: `data[start:end]` is all of it; `stream` says where its raw stream data stand."""

    number: int
    generation: int
    start: int
    end: int
    value: Any
    stream: tuple[int, int] | None = None


Lengths = Callable[[Ref], int | None]


def skip(data: bytes, at: int, *, comments: bool = False) -> int:
    """The place behind white space (and comments, where they are allowed)."""
    match = (_COMMENTED_GAP if comments else _GAP).match(data, at)
    return match.end() if match else at


def bare_end(data: bytes, end: int) -> int:
    """Where `data[:end]` ends without the white space behind it; nothing large is copied."""
    while end > 0:
        start = max(0, end - _BLOCK)
        kept = len(data[start:end].rstrip(WHITE))
        if kept:
            return start + kept
        end = start
    return 0


def indirect(data: bytes, at: int, lengths: Lengths, *, comments: bool = False) -> Indirect:
    """The object that begins exactly at `at`. `lengths` resolves a stream's indirect /Length."""
    head = _HEAD.match(data, at)
    if head is None:
        raise SyntaxProblem(f"no object at {at}")
    value, place = value_at(data, head.end(), comments=comments)
    place = skip(data, place, comments=comments)
    stream = None
    if data.startswith(b"stream", place):
        stream = _stream(data, place + 6, value, lengths)
        closing = _AFTER_STREAM.match(data, stream[1])
    else:
        closing = _ENDOBJ.match(data, place)
    if closing is None:
        raise SyntaxProblem(f"the object at {at} does not end at {place}")
    return Indirect(int(head[1]), int(head[2]), at, closing.end(), value, stream)


def _stream(data: bytes, at: int, value: Any, lengths: Lengths) -> tuple[int, int]:
    first = _STREAM_EOL.match(data, at)
    length = value.get(b"Length") if isinstance(value, dict) else None
    if isinstance(length, Ref):
        length = lengths(length)
    if first is None or type(length) is not int or not 0 <= length <= len(data) - first.end():
        raise SyntaxProblem(f"no stream of a known length at {at}")
    return first.end(), first.end() + length


def value_at(data: bytes, at: int, *, comments: bool = False) -> tuple[Any, int]:
    """One value (not a stream) and the place behind it."""
    pattern = _COMMENTED_TOKEN if comments else _TOKEN
    next_token = pattern.scanner(data, at).match  # type: ignore[attr-defined]  # each call goes on behind the last one
    level: list[Any] = []
    outer: list[tuple[bytes, list[Any]]] = []
    while True:
        token = next_token()
        if token is None:
            raise SyntaxProblem(f"no value at {at}")
        kind, at = token.lastindex, token.end()
        if kind == _NAME:
            name = token[_NAME]
            level.append(Name(_ESCAPED_NAME.sub(_unescaped, name) if b"#" in name else name))
        elif kind == _REF:
            level.append(Ref(int(token[_REF - 1]), int(token[_REF])))
        elif kind == _INTEGER:
            level.append(int(token[_INTEGER]))
        elif kind == _MARK:
            text = token[_MARK]
            if text in _OPENING:
                if len(outer) == _DEPTH:
                    raise SyntaxProblem(f"nested too deeply at {at}")
                outer.append((text, level))
                level = []
                continue
            level = _closed(text, level, outer, at)
        elif kind == _OPEN:
            value, at = _string(data, at)
            level.append(value)
            next_token = pattern.scanner(data, at).match  # type: ignore[attr-defined]
        else:
            level.append(_scalar(kind, token[kind]))
        if not outer:
            return level[0], at


def _closed(text: bytes, level: list[Any], outer: list[tuple[bytes, list[Any]]], at: int) -> list[Any]:
    if not outer or outer[-1][0] != _OPENING_OF[text]:
        raise SyntaxProblem(f"closes nothing at {at}")
    around = outer.pop()[1]
    around.append(level if text == b"]" else _dictionary(level, at))
    return around


def _dictionary(items: list[Any], at: int) -> dict[bytes, Any]:
    keys = items[::2]
    found = dict(zip(keys, items[1::2], strict=False)) if all(type(key) is Name for key in keys) else {}
    if len(found) * 2 != len(items):
        raise SyntaxProblem(f"no dictionary of distinct keys before {at}")
    return found


def _scalar(kind: int, text: bytes) -> Any:
    if kind == _REAL:
        return float(text)
    if kind == _TEXT:
        return text
    if kind == _WORD:
        return _CONSTANTS[text]
    digits = text.translate(None, WHITE)
    return bytes.fromhex((digits + b"0" if len(digits) % 2 else digits).decode("ascii"))


def _unescaped(match: re.Match[bytes]) -> bytes:
    return bytes([int(match[1], 16)])


def _string(data: bytes, at: int) -> tuple[bytes, int]:
    """A literal string with parentheses in it, as it is written: escapes matter to nobody here, only where it ends."""
    depth, place = 1, at
    while depth:
        match = _IN_STRING.match(data, place)
        place = match.end() if match else place
        if place >= len(data) or data[place] == 0x5C:
            raise SyntaxProblem(f"a string without end at {at}")
        depth += 1 if data[place] == 0x28 else -1
        place += 1
    return data[at : place - 1], place


def unpacked(data: bytes, item: Indirect) -> bytes:
    """The content of an object stream or cross-reference stream: plain or deflated, with or without PNG prediction."""
    if item.stream is None:
        raise SyntaxProblem(f"no stream at {item.start}")
    raw = data[slice(*item.stream)]
    names, settings = _alone(item.value.get(b"Filter")), _alone(item.value.get(b"DecodeParms"))
    if names is None and settings is None:
        return raw
    if names != b"FlateDecode" or not isinstance(settings, dict | None):
        raise SyntaxProblem(f"an unexpected filter at {item.start}")
    engine = zlib.decompressobj()
    try:
        content = engine.decompress(raw, _UNPACKED)
    except zlib.error as error:
        raise SyntaxProblem(f"damaged stream at {item.start}") from error
    if not engine.eof or engine.unused_data.strip(WHITE):
        raise SyntaxProblem(f"a stream with more or less than its content at {item.start}")
    predictor = (settings or {}).get(b"Predictor", 1)
    if predictor == 1:
        return content
    columns = (settings or {}).get(b"Columns", 1)
    known = {b"Predictor", b"Columns", b"Colors", b"BitsPerComponent"}
    if (
        type(predictor) is not int
        or not 10 <= predictor <= 15
        or type(columns) is not int
        or not 0 < columns <= 64
        or not set(settings or {}) <= known
        or (settings or {}).get(b"Colors", 1) != 1
        or (settings or {}).get(b"BitsPerComponent", 8) != 8
    ):
        raise SyntaxProblem(f"an unexpected prediction at {item.start}")
    return _unpredicted(content, columns)


def _alone(value: Any) -> Any:
    return value[0] if isinstance(value, list) and len(value) == 1 else value


def _unpredicted(content: bytes, columns: int) -> bytes:
    """Undo PNG prediction with one byte a sample."""
    if len(content) % (columns + 1):
        raise SyntaxProblem("rows of unequal length")
    out = bytearray()
    above = bytes(columns)
    for start in range(0, len(content), columns + 1):
        method, row = content[start], bytearray(content[start + 1 : start + 1 + columns])
        if method > 4:
            raise SyntaxProblem("an unknown prediction")
        for place in range(columns) if method else ():
            left = row[place - 1] if place else 0
            corner = above[place - 1] if place else 0
            guess = (0, left, above[place], (left + above[place]) // 2, _paeth(left, above[place], corner))[method]
            row[place] = (row[place] + guess) & 0xFF
        out += row
        above = bytes(row)
    return bytes(out)


def _paeth(left: int, above: int, corner: int) -> int:
    estimate = left + above - corner
    return min((left, above, corner), key=lambda value: abs(estimate - value))
