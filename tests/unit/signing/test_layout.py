"""Every byte behind a signature is accounted for: revisions that are exact pass, all others do not.

Many readers repair a broken table by looking for objects, and take the last one that they find. A file whose table one
reader finds sound and the next finds broken shows two documents under one signature.
"""

from __future__ import annotations

import contextlib
import io
import random
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pypdf import PdfReader, PdfWriter

from services.signing import layout, syntax
from services.signing.syntax import SyntaxProblem
from tests.unit.signing.increments import FORGED, Revision, Signed, StreamRevision, by_hand, der, stream, with_streams

pytestmark = pytest.mark.req("SG-07")

AGENCY = "agency-quang-thai"
NOT_PASSED = ("TOTAL_FAILED", "INDETERMINATE")


def verdict(world: Any, data: bytes) -> tuple[str, str]:
    report = world.check(data)
    return report["verdict"], report["code"]


def agency(world: Any, paper: bytes | None = None, name: str = "agency") -> Signed:
    return Signed(world.once(name, lambda: world.signed(AGENCY, pdf=paper or world.paper)))


def on_streams(world: Any) -> Signed:
    return agency(world, world.once("with streams", lambda: with_streams(world.paper)), "agency on streams")


def store(world: Any, signed: Signed) -> dict[int, bytes]:
    return signed.with_store(der(world.token(AGENCY)))


def test_an_exact_security_store_passes(world: Any) -> None:
    signed = agency(world)
    assert verdict(world, Revision(signed, store(world, signed)).data()) == ("TOTAL_PASSED", "passed")
    assert verdict(world, Revision(signed, signed.with_store()).data()) == ("TOTAL_PASSED", "passed")


@pytest.mark.parametrize("comment", [b"%iText-7.1.0\n", b"\r\n"])
def test_a_producers_comment_before_startxref_passes(world: Any, comment: bytes) -> None:
    signed = agency(world)
    forged = Revision(signed, store(world, signed), before_startxref=comment)
    assert verdict(world, forged.data()) == ("TOTAL_PASSED", "passed")


def test_files_with_streams_for_tables_pass_with_and_without_a_store(world: Any) -> None:
    signed = on_streams(world)
    assert b"/ObjStm" in StreamRevision(signed, store(world, signed)).data()
    assert verdict(world, signed.data) == ("TOTAL_PASSED", "passed")
    for listed in (True, False):
        later = StreamRevision(signed, store(world, signed), listed=listed).data()
        assert verdict(world, later) == ("TOTAL_PASSED", "passed")
    two = world.signed("officer-desk", pdf=signed.data, field="CanBo")
    assert verdict(world, two) == ("TOTAL_PASSED", "passed")


@pytest.mark.parametrize("form", ["plain", "comments", "short-rows", "hybrid", "linearised", "linearised-streams"])
def test_papers_of_other_producers_pass(world: Any, form: str) -> None:
    signed = agency(world, by_hand(form), f"by hand {form}")
    assert verdict(world, signed.data) == ("TOTAL_PASSED", "passed")
    assert verdict(world, Revision(signed, store(world, signed)).data()) == ("TOTAL_PASSED", "passed")


def test_a_paper_rewritten_by_another_library_passes(world: Any) -> None:
    out = io.BytesIO()
    PdfWriter(clone_from=PdfReader(io.BytesIO(world.paper))).write(out)
    assert verdict(world, world.signed(AGENCY, pdf=out.getvalue())) == ("TOTAL_PASSED", "passed")


def test_an_object_that_the_signed_table_does_not_name_is_not_determined(world: Any) -> None:
    assert verdict(world, world.signed(AGENCY, pdf=by_hand("loose"))) == ("INDETERMINATE", "ambiguous")


def test_an_object_that_begins_inside_of_a_comment_is_not_determined(world: Any) -> None:
    """Who honours comments when he repairs does not see it, and shows another document under the signature."""
    signed = world.signed(AGENCY, pdf=by_hand("commented-out"))
    with pytest.raises(layout.Ambiguous, match="belong to nothing"):
        layout.read(signed, len(signed))
    assert verdict(world, signed) == ("INDETERMINATE", "ambiguous")


ZIP = b"PK\x03\x04" + bytes(40) + b"PK\x05\x06" + bytes(18)
WRONG: dict[str, Callable[[Signed], dict[str, Any]]] = {
    # The finding: pyHanko reads four bytes of the keyword and compares three; others rebuild and see the loose object.
    "keyword-xref!": lambda s: {"keyword": b"xref!\n", "before_table": s.loose()},
    "keyword-xrefx": lambda s: {"keyword": b"xrefx\n", "before_table": s.loose()},
    "keyword-only": lambda s: {"keyword": b"xref!\n"},
    "startxref+1": lambda s: {"shift": 1, "before_table": s.loose()},
    "startxref+2": lambda s: {"shift": 2, "before_table": s.loose()},
    "startxref-1": lambda s: {"shift": -1},
    "startxref-leading-zero": lambda s: {"startxref": b"0" + str(len(s.data)).encode()},
    "startxref-zero": lambda s: {"startxref": b"0"},
    "loose-object-sound-table": lambda s: {"before_table": s.loose()},
    "loose-object-between": lambda s: {"between": s.loose()},
    "loose-object-in-comment": lambda s: {"before_table": b"%" + s.loose().replace(b"\n", b" ") + b"\n"},
    "loose-object-behind-trailer": lambda s: {"before_startxref": s.loose()},
    "comment": lambda s: {"before_table": b"% nothing\n"},
    "binary-comment-behind-trailer": lambda s: {"before_startxref": b"%\xe2\xe3\n"},
    "trailer-in-comment": lambda s: {"before_startxref": b"%trailer\n"},
    "zip": lambda s: {"before_table": ZIP},
    "zip-behind": lambda s: {"end": b"%%EOF\n" + ZIP},
    "second-header": lambda s: {"between": b"%PDF-1.7\n"},
    "second-trailer": lambda s: {"before_startxref": b"trailer\n<</Root 1 0 R>>\n"},
    "words-behind-eof": lambda s: {"end": b"%%EOF\nend\n"},
    "eof-with-more": lambda s: {"end": b"%%EOFx\n"},
    "no-eof": lambda s: {"end": b""},
    "offset+1": lambda s: {"move": 1},
    "offset-1": lambda s: {"move": -1},
    "short-rows": lambda s: {"row_end": b"\n"},
    "entry-twice": lambda s: {"rows": [(s.root, b"%010d 00000 n" % (len(s.data)))]},
    "entry-of-an-old-offset": lambda s: {"rows": [(s.content, b"0000000015 00000 n")]},
    "entry-of-nothing": lambda s: {"rows": [(s.content, b"0000000000 00000 n")]},
    "entry-frees-the-content": lambda s: {"rows": [(s.content, b"0000000000 00001 f")]},
    "marker-neither-n-nor-f": lambda s: {"rows": [(s.size + 9, b"0000000000 00000 x")]},
    "previous-of-nothing": lambda s: {"previous": 1},
    "previous-leaves-one-out": lambda s: {"previous": -s.target},
    "second-table": lambda s: {"trailer": b"/XRefStm 15"},
    "encrypt": lambda s: {"trailer": b"/Encrypt 5 0 R"},
    "key-twice": lambda s: {"trailer": b"/Root 5 0 R"},
    "key-twice-escaped": lambda s: {"trailer": b"/Roo#74 5 0 R"},
    "other-root": lambda s: {"root": s.size},
    "size-hides-objects": lambda s: {"size": s.size - 1},
}  # fmt: skip


@pytest.mark.parametrize("how", WRONG)
@pytest.mark.parametrize("form", ["paper", "linearised"])
def test_a_later_revision_that_is_not_exact_fails(world: Any, form: str, how: str) -> None:
    signed = agency(world) if form == "paper" else agency(world, by_hand(form), f"by hand {form}")
    forged = Revision(signed, store(world, signed), **WRONG[how](signed)).data()
    assert verdict(world, forged)[0] in NOT_PASSED
    with pytest.raises(layout.Modified):
        layout.read(forged, len(signed.data))


BODIES: dict[str, Callable[[Signed], bytes]] = {
    "object-in-a-string": lambda s: b"<</Type/DSS/Certs[]/Note(%s)>>" % s.loose(b"x").replace(b"\n", b" "),
    "endobj-in-a-string": lambda s: b"<</Type/DSS/Certs[]/VRI<</A(endobj)>>>>",
    "two-values": lambda s: b"<</Type/DSS/Certs[]>> <</Type/DSS>>",
    "no-value": lambda s: b"",
    "comment": lambda s: b"<</Type/DSS %\xff\xfe\n/Certs[]>>",
    "key-twice": lambda s: b"<</Type/DSS/Certs[]/Certs[4 0 R]>>",
    "inner-endobj": lambda s: b"<</Type/DSS/Certs[]>>\nendobj\n%s" % s.loose().removesuffix(b"\nendobj\n"),
    "open-string": lambda s: b"<</Type/DSS/Certs[]/A(((>>",
    "deep": lambda s: b"<</Type/DSS/Certs" + b"[" * 500 + b"]" * 500 + b">>",
}


@pytest.mark.parametrize("how", BODIES)
def test_an_object_with_more_or_less_than_a_value_fails(world: Any, how: str) -> None:
    signed = agency(world)
    objects = {**signed.with_store(), signed.size: BODIES[how](signed)}
    assert verdict(world, Revision(signed, objects).data())[0] in NOT_PASSED


CONTENTS: dict[str, Callable[[bytes], bytes]] = {
    "length-short": lambda d: stream(d).replace(b"/Length %d" % len(d), b"/Length %d" % (len(d) - 1)),
    "length-long": lambda d: stream(d).replace(b"/Length %d" % len(d), b"/Length %d" % (len(d) + 20)),
    "length-twice": lambda d: stream(d, b"/Length 3"),
    "outside-the-file": lambda d: stream(d, b"/F(x.der)"),
    "words-in-its-dictionary": lambda d: stream(d, b"/Note(the fee is 3.000.000)"),
    "zip": lambda d: stream(ZIP),
    "zip-behind-the-certificate": lambda d: stream(d + ZIP),
    "text": lambda d: stream(b"not a certificate"),
    "an-object": lambda d: stream(b"4 0 obj\n<</Length 3>>\nstream\nabc\nendstream\nendobj"),
}


@pytest.mark.parametrize("how", CONTENTS)
def test_a_security_store_with_anything_else_fails(world: Any, how: str) -> None:
    signed = agency(world)
    certificate = der(world.token(AGENCY))
    objects = {**store(world, signed), signed.size + 1: CONTENTS[how](certificate)}
    assert verdict(world, Revision(signed, objects).data())[0] in NOT_PASSED


def in_the_store(world: Any, entry: bytes) -> bytes:
    """A security store whose entry of a signature is `entry`, one certificate beside it."""
    signed = agency(world)
    objects = {**store(world, signed), signed.size: b"<</Type/DSS/Certs[%d 0 R]/VRI<<%s>>>>" % (signed.size + 1, entry)}
    return Revision(signed, objects).data()


OF_SIGNATURE = b"/" + b"0123456789ABCDEF" * 2 + b"01234567"


@pytest.mark.parametrize(
    "entry", [b"", b"/Type/VRI", b"/TU(D:20240311083000+07'00')", b"/TU(D:20240311083000Z)", b"/Type/VRI/TU(D:2024)"]
)
def test_a_security_store_may_say_when_it_was_made(world: Any, entry: bytes) -> None:
    assert verdict(world, in_the_store(world, OF_SIGNATURE + b"<<%s>>" % entry)) == ("TOTAL_PASSED", "passed")


@pytest.mark.parametrize(
    "entry",
    [
        OF_SIGNATURE + b"<</TU(the fee is 3.000.000)>>",
        OF_SIGNATURE + b"<</TU(D:20240311083000Z, and more)>>",
        OF_SIGNATURE + b"<</TU 20240311>>",
        OF_SIGNATURE + b"<</TU[(D:2024)]>>",
        OF_SIGNATURE + b"<</Type/Another>>",
        OF_SIGNATURE + b"<</Type(VRI)>>",
        b"/Any#20words<<>>",
    ],
)
def test_a_security_store_that_says_something_else_fails(world: Any, entry: bytes) -> None:
    assert verdict(world, in_the_store(world, entry)) == ("TOTAL_FAILED", "modified")


STREAMS: dict[str, Callable[[Signed], dict[str, Any]]] = {
    "hidden-object": lambda s: {"hidden": {s.content: b"<</Length 0>>"}},
    "junk-in-object-stream": lambda s: {"junk": b"(more)"},
    "rows-too-many": lambda s: {"behind_rows": b"\2" + bytes(7)},
    "behind-the-deflated-rows": lambda s: {"in_deflate": ZIP},
    "number-of-the-content-listed": lambda s: {"number": s.content},
    "number-of-the-content": lambda s: {"number": s.content, "listed": False},
    "loose-object": lambda s: {"loose": s.loose()},
    "places-swapped": lambda s: {"swap": True},
}


@pytest.mark.parametrize("how", STREAMS)
def test_a_later_revision_with_streams_that_is_not_exact_fails(world: Any, how: str) -> None:
    signed = on_streams(world)
    forged = StreamRevision(signed, store(world, signed), **STREAMS[how](signed)).data()
    assert verdict(world, forged)[0] in NOT_PASSED


def test_what_stands_between_two_signatures_must_be_exact_too(world: Any) -> None:
    signed = agency(world)
    between = Revision(signed, store(world, signed), before_table=signed.loose()).data()
    assert verdict(world, world.signed("officer-desk", pdf=between, field="CanBo"))[0] in NOT_PASSED


def test_the_loose_object_really_shows_in_a_reader_that_repairs(world: Any) -> None:
    """The control of the whole file: without our reading, this is a forgery that somebody sees."""
    signed = agency(world, by_hand("plain"), "by hand plain")
    forged = Revision(signed, store(world, signed), keyword=b"xref!\n", before_table=signed.loose()).data()
    repaired = PdfReader(io.BytesIO(forged.replace(b"xref!\n", b"XXXX!\n")), strict=False)
    assert FORGED in repaired.pages[0].get_contents().get_data()  # type: ignore[union-attr]


def test_random_changes_of_a_later_revision_never_move_an_object(world: Any) -> None:
    """What still passes (a key that nobody reads, an ID) leaves every object where it was."""
    signed = agency(world)
    good = Revision(signed, signed.with_store()).data()
    choice = random.Random("changes behind the signature")
    for _ in range(60):
        place, value = choice.randrange(len(signed.data), len(good)), choice.randrange(256)
        if good[place] == value or (good[place] in syntax.WHITE and value in syntax.WHITE):
            continue
        mutant = good[:place] + bytes([value]) + good[place + 1 :]
        if verdict(world, mutant)[0] == "TOTAL_PASSED":
            assert (
                layout.read(mutant, len(signed.data)).places.keys() == layout.read(good, len(signed.data)).places.keys()
            )


@given(st.binary(max_size=400), st.integers(-5, 400))
def test_hostile_bytes_raise_only_what_is_expected(data: bytes, end: int) -> None:
    with pytest.raises((layout.Ambiguous, layout.Modified)):
        layout.read(data, end)
    with contextlib.suppress(SyntaxProblem):
        syntax.value_at(data, 0)
