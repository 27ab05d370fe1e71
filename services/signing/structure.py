"""Structure of a signed PDF, looked at byte by byte: what the PDF library does not check itself.

The library adds up lengths to find out whether a signature covers the file; it never looks whether the gap in
/ByteRange really is the signature's own /Contents. A forged file can put a whole document into that gap and is called
"intact, entire file". Here the gap must be exactly `<hex>` of the parsed contents, in a plain object that begins
before it. What else lies in the file, and behind the signatures, is accounted for in `layout`.

Pure: bytes in, words out. Raises nothing on hostile input; every function is linear in the file's length.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from services.signing.syntax import WHITE, bare_end

_BYTE_RANGE = re.compile(rb"/ByteRange(?=[\x00\t\n\x0c\r \[\d/<>(%])")
_OBJECT = re.compile(rb"[\x00\t\n\x0c\r ]*(\d{1,10})[\x00\t\n\x0c\r ]+(\d{1,5})[\x00\t\n\x0c\r ]+obj")
_HEX = re.compile(rb"<(?:[0-9A-Fa-f]{2})+>")


@dataclass(frozen=True, slots=True)
class Limits:
    """Bounds of a check; what lies above is answered INDETERMINATE / RESOURCE_LIMIT, never looked at further."""

    file_bytes: int = 64 * 1024 * 1024
    revisions: int = 100
    signatures: int = 20
    certificates: int = 20
    contents_bytes: int = 2 * 1024 * 1024
    # Certificates, revocation lists and answers that a file brings along.
    brought: int = 100
    # Comparing revisions costs about 0.6 ms an object.
    diff_objects: int = 20_000


LIMITS = Limits()


def byte_ranges(data: bytes, opaque: Iterable[tuple[int, int]] = ()) -> int:
    """How many signature dictionaries (by their key /ByteRange) stand in the plain bytes; `opaque` is not counted."""
    found = start = 0
    for stop, behind in (*sorted(opaque), (len(data), len(data))):
        found += sum(1 for _ in _BYTE_RANGE.finditer(data, start, stop))
        start = behind
    return found


def gap_problem(
    data: bytes, byte_range: Sequence[object], contents: bytes, number: int, offset: int | None
) -> str | None:
    """Say what is wrong with the gap of one signature, or None when it is exactly the signature's own contents.

    `byte_range` and `contents` are what the parser read; `number` is the signature's object and `offset` where the
    file's table says that it begins (None when it lies inside a compressed object stream or is no object of its own).
    """
    if len(byte_range) != 4 or not all(isinstance(v, int) and not isinstance(v, bool) for v in byte_range):
        return "the byte range is not four integers"
    first, start, stop, length = (int(v) for v in byte_range if isinstance(v, int))
    end = stop + length
    if first != 0 or length < 0 or not 0 < start < stop <= end <= len(data):
        return "the byte range does not lie in the file"
    gap = data[start:stop]
    if not _HEX.fullmatch(gap):
        return "the gap is not one hexadecimal string"
    if bytes.fromhex(gap[1:-1].decode("ascii")) != contents:
        return "the gap is not the signature's contents"
    if not padding_is_empty(contents):
        return "the contents carry more than the signature"
    if offset is None or not 0 <= offset < start:
        return "the signature is not a plain object before the gap"
    head = _OBJECT.match(data, offset, start)
    if head is None or int(head.group(1)) != number:
        return "the signature's object does not stand where the table says"
    between = data[head.end() : start]
    if b"endobj" in between or b"stream" in between or not between.rstrip(WHITE).endswith(b"/Contents"):
        return "the gap does not belong to the signature's /Contents"
    if not data.endswith(b"%%EOF", 0, bare_end(data, end)):
        return "the signed range does not end with a revision"
    return None


def padding_is_empty(contents: bytes) -> bool:
    """Whether only zeros follow the outermost DER value (signers reserve more room than they need)."""
    if len(contents) < 2 or contents[0] != 0x30:
        return False
    length = contents[1]
    if length == 0x80:
        # Indefinite length: where it ends is known to the CMS parser only; the padding is covered by no digest anyway.
        return True
    after = 2
    if length > 0x80:
        after += length & 0x7F
        length = int.from_bytes(contents[2:after], "big")
    return after + length <= len(contents) and not contents[after + length :].strip(b"\0")


def tail_is_clean(data: bytes, end: int, later_revisions: int) -> bool:
    """Whether as many revisions follow byte `end`, where the last signed range ends, as the library read.

    `later_revisions` is how many revisions after the signed one the library found. A cheap first look: what lies in
    those revisions, to the last byte, is for `layout` to say.
    """
    tail = data[end:]
    if not tail.strip(WHITE):
        return later_revisions == 0
    return tail.count(b"%%EOF") == later_revisions and tail.rstrip(WHITE).endswith(b"%%EOF")
