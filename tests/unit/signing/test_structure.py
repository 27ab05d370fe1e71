"""The gap check and the rule about the file's tail, on bytes alone."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.signing.structure import byte_ranges, gap_problem, padding_is_empty, tail_is_clean

pytestmark = pytest.mark.req("SG-07")

CONTENTS = b"\x30\x03\x02\x01\x05\x00\x00"


def document(gap: bytes = b"<" + CONTENTS.hex().encode() + b">", before: bytes = b"") -> tuple[bytes, list[int]]:
    """A file with one signature object number 7 at offset 9; returns its byte range, too."""
    head = b"%PDF-1.7\n7 0 obj\n<</Type/Sig/ByteRange[0 0 0 0]" + before + b"/Contents "
    tail = b">>\nendobj\nstartxref\n0\n%%EOF\n"
    return head + gap + tail, [0, len(head), len(head) + len(gap), len(tail)]


def test_exact_gap_is_fine() -> None:
    data, byte_range = document()
    assert gap_problem(data, byte_range, CONTENTS, 7, 9) is None


@pytest.mark.parametrize(
    "gap",
    [b"(" + CONTENTS + b")", b"<3003020105>", b"<30 03020105 0000>", b"<>", b"<300302010500 7>", b"<30030201050000>x"],
    ids=["literal", "other-contents", "spaces", "empty", "odd", "behind"],
)
def test_gap_that_is_not_the_contents_is_refused(gap: bytes) -> None:
    data, byte_range = document(gap)
    assert gap_problem(data, byte_range, CONTENTS, 7, 9)


@pytest.mark.parametrize(
    "change",
    [
        lambda r: r[:3],
        lambda r: [*r, 0],
        lambda r: [1, *r[1:]],
        lambda r: [r[0], -1, *r[2:]],
        lambda r: [r[0], r[2], r[1], r[3]],
        lambda r: [*r[:3], r[3] + 1],
        lambda r: [*r[:3], -1],
        lambda r: [*r[:3], "5"],
        lambda r: [*r[:3], True],
        lambda r: [*r[:3], r[3] - 8],
    ],
)
def test_odd_byte_ranges_are_refused(change: object) -> None:
    data, byte_range = document()
    assert gap_problem(data, change(byte_range), CONTENTS, 7, 9)  # type: ignore[operator]


@pytest.mark.parametrize(("number", "offset"), [(8, 9), (7, 10), (7, None), (7, -1), (7, 10_000)])
def test_object_must_stand_before_the_gap(number: int, offset: int | None) -> None:
    data, byte_range = document()
    assert gap_problem(data, byte_range, CONTENTS, number, offset)


@pytest.mark.parametrize("between", [b">>endobj 8 0 obj<<", b">>stream\nendstream<<"])
def test_gap_must_belong_to_that_object(between: bytes) -> None:
    data, byte_range = document(before=between)
    assert gap_problem(data, byte_range, CONTENTS, 7, 9)


@pytest.mark.parametrize(
    ("contents", "expected"),
    [
        (b"\x30\x03\x02\x01\x05", True),
        (b"\x30\x03\x02\x01\x05\0\0", True),
        (b"\x30\x03\x02\x01\x05\0\1", False),
        (b"\x30\x81\x03\x02\x01\x05\0", True),
        (b"\x30\x82\xff\xff\x02", False),
        (b"\x30\x80\x02\x01\x05\0\0", True),
        (b"\x31\x03\x02\x01\x05", False),
        (b"", False),
    ],
)
def test_padding(contents: bytes, expected: bool) -> None:
    assert padding_is_empty(contents) is expected


@pytest.mark.parametrize(
    ("tail", "later", "expected"),
    [
        (b"", 0, True),
        (b"\r\n", 0, True),
        (b"\n% comment", 0, False),
        (b"PK\x03\x04", 0, False),
        (b"\n1 0 obj<<>>endobj\nstartxref\n5\n%%EOF\n", 1, True),
        (b"\n1 0 obj<<>>endobj\nstartxref\n5\n%%EOF\n", 0, False),
        (b"\nx %%EOF y %%EOF", 1, False),
        (b"\nstartxref\n5\n%%EOF\ntrailing", 1, False),
        (b"", 1, False),
    ],
)
def test_tail(tail: bytes, later: int, expected: bool) -> None:
    signed = b"%PDF-1.7 ... %%EOF"
    assert tail_is_clean(signed + tail, len(signed), later) is expected


@given(st.binary(max_size=300), st.lists(st.integers(-5, 400), max_size=5), st.binary(max_size=9), st.integers(-3, 400))
def test_hostile_bytes_raise_nothing(data: bytes, byte_range: list[int], contents: bytes, offset: int) -> None:
    assert gap_problem(data, byte_range, contents, 7, offset) is not None
    padded = data + b"."
    assert byte_ranges(padded + b" /ByteRange [" * 3) == byte_ranges(padded) + 3


def test_signatures_are_counted_outside_of_what_holds_no_objects() -> None:
    data = b"/ByteRange [0] stream /ByteRange [0] endstream /ByteRange<stream /ByteRange/ endstream /ByteRanges 1"
    first, second = data.index(b"stream "), data.index(b"stream /ByteRange/")
    spans = [(second, second + 18), (first, first + 22)]
    assert [byte_ranges(data), byte_ranges(data, spans[1:]), byte_ranges(data, spans)] == [4, 3, 2]
