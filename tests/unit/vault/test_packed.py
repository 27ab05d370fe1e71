"""What a PDF packs: objects in compressed streams, attached programs."""

from __future__ import annotations

import io
import random
import zlib

import pytest

from services.common.problems import Problem
from services.vault.content import Inspection
from services.vault.packed import Limits, Packed, Unbearable

ACTION = b"5 0 6 40 << /Type /Action /S /JavaScript /JS (x) >> << /Kids [] >>"
PROGRAM = b"MZ" + b"\0" * 58 + (128).to_bytes(4, "little") + b"\0" * 64 + b"PE\0\0" + b"\0" * 400


def pdf(
    *streams: bytes, keys: bytes = b"/Type /ObjStm /N 2 /First 9 /Filter /FlateDecode", end: bytes = b"\n"
) -> bytes:
    body = b"".join(
        b"%d 0 obj\n<< %s /Length %d >>\nstream%s%s\nendstream\nendobj\n" % (number, keys, len(stream), end, stream)
        for number, stream in enumerate(streams, 1)
    )
    return b"%PDF-1.7\n" + body + b"%%EOF\n"


def judge(data: bytes, piece: int = 255 * 1024) -> str:
    inspection = Inspection("a.pdf")
    for start in range(0, len(data), piece):
        inspection.feed(data[start : start + piece])
    return inspection.finish()


NOISE = random.Random(7).randbytes(40_000)
FAR = b"5 0 " + b"<< /A (" + NOISE.hex().encode() + b") >>" + b" << /S /Launch /F (cmd) >>"


@pytest.mark.req("SE-04")
@pytest.mark.parametrize(
    "data",
    [
        pdf(zlib.compress(ACTION)),
        pdf(zlib.compress(ACTION), end=b"\r\n"),
        pdf(zlib.compress(ACTION, 0)),
        pdf(zlib.compress(ACTION), keys=b"/Length 9999999 /Filter [ /Fl#61teDecode ] /T (" + b"x" * 9_000 + b")"),
        pdf(zlib.compress(b"  % c\n" + ACTION)),
        pdf(zlib.compress(ACTION.replace(b"JavaScript", b"J#61vaScript"))),
        pdf(zlib.compress(b"7 0 " + b"1 " * 900 + ACTION)),
        pdf(zlib.compress(FAR)),
        pdf(b"x" * 5000, zlib.compress(b"q 1 0 0 1 0 0 cm"), zlib.compress(ACTION)),
        pdf(zlib.compress(b"5 0 <<>>")[:-6], zlib.compress(ACTION)),
        pdf(PROGRAM, keys=b"/Type /EmbeddedFile"),
        pdf(zlib.compress(PROGRAM), keys=b"/Type /EmbeddedFile /Filter /FlateDecode"),
        pdf(zlib.compress(b"\x7fELF\x02\x01\x01" + b"\0" * 90), keys=b"/Filter /FlateDecode"),
        pdf(zlib.compress(b"#!/bin/sh\nrm -rf ~\n"), keys=b"/Filter /FlateDecode"),
    ],
)
def test_what_runs_is_found_in_packed_parts_wherever_a_piece_ends(data: bytes) -> None:
    for piece in (255 * 1024, 4096, 1021, 97):
        with pytest.raises(Problem) as caught:
            judge(data, piece)
        assert (caught.value.status, caught.value.rule) == (422, "SE-04")


@pytest.mark.req("SE-04")
@pytest.mark.parametrize(
    "data",
    [
        pdf(zlib.compress(b"5 0 6 12 << /A 1 >> << /Kids [ 5 0 R ] /T (JavaScript) >>")),
        pdf(zlib.compress(b"1 0 0 1 72 720 cm /JavaScript Do"), keys=b"/Filter /FlateDecode"),  # drawing, no objects
        pdf(zlib.compress(b"MZ" + b"\0" * 500), keys=b"/Subtype /Image /Filter /FlateDecode"),
        pdf(NOISE, zlib.compress(NOISE), keys=b"/Filter /FlateDecode"),
        pdf(zlib.compress(b"<?xml version='1.0'?><Invoice/>"), keys=b"/Type /EmbeddedFile /Filter /FlateDecode"),
        pdf(b"\x78\x9c" + NOISE),
        pdf(b""),
    ],
)
def test_honest_parts_pass(data: bytes) -> None:
    for piece in (255 * 1024, 1021):
        assert judge(data, piece) == "application/pdf"


@pytest.mark.req("SE-04")
def test_a_file_that_packs_its_objects_passes_and_with_a_script_it_does_not() -> None:
    from pyhanko.pdf_utils import generic, writer

    def written(active: bool) -> bytes:
        out = writer.PdfFileWriter(stream_xrefs=True)
        page = writer.PageObject(contents=out.add_object(generic.StreamObject(stream_data=b"")), media_box=(0, 0, 9, 9))
        out.insert_page(page)
        packed = out.prepare_object_stream()
        action = {"/S": generic.NameObject("/JavaScript"), "/JS": generic.pdf_string("x")} if active else {}
        names = generic.DictionaryObject({generic.NameObject(key): value for key, value in action.items()})
        out.root["/Extra"] = out.add_object(names, obj_stream=packed)
        result = io.BytesIO()
        out.write(result)
        return result.getvalue()

    assert b"/JavaScript" not in written(active=True)
    assert judge(written(active=False)) == "application/pdf"
    with pytest.raises(Problem):
        judge(written(active=True))


def test_the_work_is_bounded() -> None:
    bomb = pdf(zlib.compress(b"5 0 " + b" " * 3_000_000))
    many = pdf(*[b""] * 50)
    for data, limits in ((bomb, Limits(unpacked=1_000_000)), (many, Limits(streams=49))):
        Packed().feed(data)
        with pytest.raises(Unbearable):
            Packed(limits).feed(data * 2)
    with pytest.raises(Problem, match="invalid"):
        judge(pdf(zlib.compress(b"5 0 " + b" " * 140_000_000)))
