"""What the vault stores and what it refuses, by content."""

from __future__ import annotations

import io
import random
import zipfile

import pytest

from deploy.rehearsal import forms, office_files
from services.common.problems import Problem
from services.vault import content
from services.vault.content import Inspection, clean_filename

PNG = b"\x89PNG\r\n\x1a\n" + b"\0" * 40
PDF = b"%PDF-1.7\n1 0 obj\n"
JPEG = b"\xff\xd8\xff\xe0" + b"\0" * 40
TEST_VIRUS = b"X5O!P%@AP[4\\PZX54(P^)7CC)7}$EICAR-STANDARD-" + b"ANTIVIRUS-TEST-FILE!$H+H*"


def archive(*names: str, size: int = 10) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as made:
        for name in names:
            made.writestr(name, random.Random(name).randbytes(size))
    return out.getvalue()


def stored(text: str) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as made:
        made.writestr("[Content_Types].xml", text)
        made.writestr("word/document.xml", "x")
    return out.getvalue()


DOCX_WITH_MORE = archive("[Content_Types].xml", "word/document.xml") + b"MZ" + b"\0" * 200


def judge(data: bytes, filename: str, piece: int = 255 * 1024) -> str:
    inspection = Inspection(filename)
    for start in range(0, len(data), piece):
        inspection.feed(data[start : start + piece])
    return inspection.finish()


def fault(data: bytes, filename: str, piece: int = 255 * 1024) -> Problem:
    with pytest.raises(Problem) as caught:
        judge(data, filename, piece)
    return caught.value


DOCX = archive("[Content_Types].xml", "_rels/.rels", "word/document.xml")
XLSX = archive("[Content_Types].xml", "xl/workbook.xml")


@pytest.mark.parametrize(
    ("data", "filename", "media_type"),
    [
        (PDF, "Đơn đề nghị.pdf", "application/pdf"),
        (PDF, "DON.PDF", "application/pdf"),
        (PNG, "a.png", "image/png"),
        (JPEG, "a.jpeg", "image/jpeg"),
        (JPEG, "a.jpg", "image/jpeg"),
        (DOCX, "a.docx", content._DOCX),
        (XLSX, "a.xlsx", content._XLSX),
        ("Cộng hòa xã hội chủ nghĩa Việt Nam\r\n".encode(), "a.txt", "text/plain"),
        (b"\xef\xbb\xbf" + "Tờ khai".encode(), "a.txt", "text/plain"),
        (b'<?xml version="1.0"?>\n<!-- mau --><hoso/>', "a.xml", "application/xml"),
        (b"\xef\xbb\xbf<hs:hoso xmlns:hs='x'>1</hs:hoso>", "a.xml", "application/xml"),
        ('<?xml version="1.0" encoding="utf-16"?><hoso/>'.encode("utf-16"), "a.xml", "application/xml"),
    ],
)
def test_papers_are_taken(data: bytes, filename: str, media_type: str) -> None:
    assert judge(data, filename) == media_type


@pytest.mark.req("SE-04")
@pytest.mark.parametrize(
    ("data", "filename"),
    [
        (b"MZ\x90\0" + b"\0" * 60, "a.pdf"),
        (b"\x7fELF\x02\x01", "a.png"),
        (b"\xca\xfe\xba\xbe\0\0\0\x34", "a.docx"),
        (b"#!/bin/sh\nrm -rf /\n", "a.txt"),
        (b"<?php system($_GET[1]); ?>", "a.txt"),
        (b"<script>alert(1)</script>", "a.txt"),
        (b"  <html><body></body></html>", "a.txt"),
        (b"@echo off\r\ndel *.*", "a.txt"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 60, "a.docx"),
        (b'<svg xmlns="http://www.w3.org/2000/svg"><script/></svg>', "a.xml"),
        (b'<?xml version="1.0"?><x:html xmlns:x="y"/>', "a.xml"),
        (b'<?xml version="1.0"?><!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/passwd">]><a>&x;</a>', "a.xml"),
        (b'<?xml version="1.0"?><?xml-stylesheet href="a.xsl"?><a/>', "a.xml"),
        (archive("[Content_Types].xml", "word/document.xml", "word/vbaProject.bin"), "a.docx"),
        (archive("[Content_Types].xml", "word/document.xml", "setup.exe"), "a.docx"),
        (archive("[Content_Types].xml", "word/document.xml", "word/activeX/activeX1.bin"), "a.docx"),
        (PDF + b"<< /S /JavaScript /JS (app.alert(1)) >>", "a.pdf"),
        (PDF + b"<< /S /J#61v#61Script /JS 5 0 R >>", "a.pdf"),
        (PDF + b"<< /OpenAction << /S /Launch /Win << /F (cmd.exe) >> >> >>", "a.pdf"),
        (b"%PDF-1.4\n<html><script>alert(1)</script>", "a.pdf"),
        (PNG + b"<SCRIPT>alert(1)</SCRIPT>", "a.png"),
        (PDF + b"%%EOF\n" + archive("META-INF/MANIFEST.MF", "A.class"), "a.pdf"),
        (JPEG + archive("[Content_Types].xml", "word/document.xml"), "a.jpg"),
        (PNG + archive("a.txt") + b"\n" * 500, "a.png"),
        (JPEG + b"%PDF-1.4\n", "a.jpg"),
        (stored("%PDF-1.4\n1 0 obj"), "a.docx"),
        (DOCX_WITH_MORE, "a.docx"),
        (b"<!-- x -->\n<html><script>1</script></html>", "a.txt"),
        (b'Option Explicit\nDim a\nSet s = CreateObject("WScript.Shell")', "a.txt"),
        (b"rem hello\r\npowershell -enc AAAA\r\n", "a.txt"),
        (b"$c = New-Object Net.WebClient\n", "a.txt"),
        (b"var s = new ActiveXObject('WScript.Shell');", "a.txt"),
        (b"<a xmlns:h='http://www.w3.org/1999/xhtml'><h:script>1</h:script></a>", "a.xml"),
        ("<a><s:svg xmlns:s='http://www.w3.org/2000/svg'/></a>".encode("utf-16"), "a.xml"),
        (PDF + b"<< /OpenAction << /S /SubmitForm /F (http://x.invalid) >> >>", "a.pdf"),
        (b"{\\rtf1{\\object\\objemb{\\*\\objdata 4d5a}}}", "a.txt"),
        (b'<a><hta:application id="x"/><script language="vbscript">1</script></a>', "a.xml"),
        (TEST_VIRUS, "a.txt"),
        (PDF + TEST_VIRUS, "a.pdf"),
    ],
)
def test_programs_scripts_and_malware_are_refused(data: bytes, filename: str) -> None:
    problem = fault(data, filename)
    assert problem.status == 422
    assert problem.rule == "SE-04"
    assert "QĐ 08/2025" in (problem.citation or "")


@pytest.mark.parametrize(
    ("data", "filename"),
    [
        (b"", "a.pdf"),
        (PNG, "a.pdf"),
        (PDF, "a.txt"),
        (DOCX, "a.xlsx"),
        (archive("a.txt"), "a.docx"),
        (DOCX[:-30], "a.docx"),
        (b"PK\x03\x04" + b"\0" * 400, "a.docx"),
        (b"abc\0def", "a.txt"),
        (b"abc \x1b[31m", "a.txt"),
        (b"\xff\xfea\0b\0", "a.txt"),
        (b"abc \xc3", "a.txt"),
        (b"\x1f\x8b\x08", "a.txt"),
        (b"only text", "a.xml"),
    ],
)
def test_what_is_not_what_it_says_is_refused(data: bytes, filename: str) -> None:
    assert fault(data, filename).status == 422


def honest() -> list[tuple[str, bytes]]:
    """Papers as people bring them: written, scanned, photographed, filled in, signed."""
    from PIL import Image
    from reportlab.lib.utils import ImageReader
    from reportlab.pdfgen.canvas import Canvas

    noise = Image.frombytes("RGB", (500, 700), random.Random(1).randbytes(500 * 700 * 3))
    files = []
    for name, options in (("anh.jpg", {"format": "JPEG", "quality": 95}), ("anh.png", {"format": "PNG"})):
        out = io.BytesIO()
        noise.save(out, **options)
        files.append((name, out.getvalue()))
    out = io.BytesIO()
    canvas = Canvas(out)
    canvas.drawImage(ImageReader(noise), 0, 0, 500, 700)
    canvas.linkURL("https://example.invalid/launch", (0, 0, 10, 10))
    canvas.bookmarkPage("JavaScript")
    canvas.save()
    files.append(("ban-quet.pdf", out.getvalue()))
    text = "Kính gửi: UBND xã\nTôi có file setup.exe, cmd và html; var là biến.\nset ngày = 5/3, import hàng hóa\n"
    files.append(("don.txt", text.encode()))
    files.append(("to-khai.xml", forms.form("Tờ khai <script>", {"Họ và tên": "Nguyễn Thị An"})))
    files.append(("don.docx", office_files.document("Đơn đề nghị")))
    files.append(
        ("anh-kem.docx", archive("[Content_Types].xml", "word/document.xml", "word/media/image1.png", size=90_000))
    )
    return files


@pytest.mark.req("SE-04")
def test_honest_papers_pass() -> None:
    for name, data in honest():
        for piece in (255 * 1024, 4_000):
            assert judge(data, name, piece if name != "don.txt" else 255 * 1024) in content.MEDIA_TYPES, name


@pytest.mark.req("SE-04")
def test_words_of_a_program_across_two_pieces_are_seen() -> None:
    data = PDF + b"x" * 300_000 + b" /S /JavaScript " + b"y" * 1000
    for cut in range(data.index(b"/JavaScript") - 1, data.index(b"/JavaScript") + 12):
        assert fault(data, "a.pdf", piece=cut).status == 422


def test_text_is_judged_to_its_end() -> None:
    text = ("ậ" * 200_000).encode()
    assert judge(text, "a.txt", piece=65_537) == "text/plain"
    assert fault(text + b"\0", "a.txt").status == 422


def test_test_virus_across_two_pieces_is_seen() -> None:
    data = PDF + b"x" * 200 + TEST_VIRUS
    cut = data.index(b"EICAR") + 7
    inspection = Inspection("a.pdf")
    inspection.feed(data[:cut])
    with pytest.raises(Problem):
        inspection.feed(data[cut:])


def test_a_large_office_file_is_known_by_its_end() -> None:
    pictures = [f"word/media/{number}.png" for number in range(30)]
    large = archive("[Content_Types].xml", "word/document.xml", *pictures, size=40_000)
    assert judge(large, "a.docx") == content._DOCX


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("Đơn đề nghị.pdf", "Đơn đề nghị.pdf"),
        (r"C:\Users\an\Giấy tờ.PDF", "Giấy tờ.PDF"),
        ("../../etc/x.png", "x.png"),
        ("hinh\u202egnp.jpg", "hinhgnp.jpg"),
        ("Đ\u0361o\u0308n.txt", "Đ\u0361ön.txt"),
    ],
)
def test_names_are_cleaned(given: str, kept: str) -> None:
    assert clean_filename(given) == kept


@pytest.mark.req("SE-04")
@pytest.mark.parametrize("name", ["a.exe", "a.js", "a.pdf.bat", "a", ".pdf", "..", "a/", "a." + "x" * 300, "a.svg"])
def test_names_of_other_kinds_are_refused(name: str) -> None:
    with pytest.raises(Problem) as caught:
        clean_filename(name)
    assert caught.value.errors[0]["field"] == "filename"
