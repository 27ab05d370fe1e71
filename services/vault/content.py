"""What may be stored: judged by the bytes as they stream by, never by the name or a declared type alone.

Accepted are PDF, PNG, JPEG, DOCX, XLSX, XML and plain text. Programs, scripts, macros, active pages and the standard
test file of virus scanners are refused (SE-04), and so are files that are two kinds at once (see hidden.py). Pure:
pieces in, a media type or a Problem out.

Known limit: this is no virus scanner. It closes the door to what runs by itself; it does not look into the members of
an Office file, nor into parts of a PDF that are encrypted or coded otherwise than by Flate. A scanner does where one is
plugged in (adapters/clamav.py).
"""

from __future__ import annotations

import codecs
import re
import struct
import unicodedata
from collections.abc import Iterator
from contextlib import contextmanager

from services.common import problems
from services.common.problems import Problem
from services.common.rules import rule
from services.vault import hidden
from services.vault.packed import Harmful, Packed, Unbearable

LIMIT_BYTES = 20 * 1024 * 1024
LONGEST_NAME = 180

_DOCX = "application/vnd.openxmlformats-officedocument.wordprocessingml.document"
_XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
#: What is stored, with the endings that a name of it may have.
MEDIA_TYPES: dict[str, tuple[str, ...]] = {
    "application/pdf": ("pdf",),
    "image/png": ("png",),
    "image/jpeg": ("jpg", "jpeg"),
    _DOCX: ("docx",),
    _XLSX: ("xlsx",),
    "application/xml": ("xml",),
    "text/plain": ("txt",),
}
_ENDINGS = frozenset(ending for endings in MEDIA_TYPES.values() for ending in endings)
_ZIPPED = "zip"

# Windows, other Mach-O, shell, WebAssembly, Android, LLVM, shortcuts, OLE.
_PROGRAMS = (
    *hidden.PROGRAMS, b"MZ", b"\xfe\xed\xfa", b"#!", b"\0asm", b"dex\n", b"BC\xc0\xde", b"L\0\0\0\x01\x14\x02\0",
    b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1",
)  # fmt: skip
_SCRIPT_STARTS = ("<?php", "<?=", "<%", "<script", "<html", "<svg", "<!doctype", "@echo", "<job", "<package", "<hta")
_RUNNABLE_MEMBERS = (
    ".exe", ".dll", ".com", ".scr", ".msi", ".js", ".jse", ".vbs", ".vbe", ".wsf", ".hta", ".bat", ".cmd", ".ps1",
    ".sh", ".jar", ".class", ".lnk",
)  # fmt: skip
# Written in two halves, so that no scanner takes this source for the test file itself.
_TEST_VIRUS = b"EICAR-STANDARD-" + b"ANTIVIRUS-TEST-FILE"
_ACTIVE_ROOTS = frozenset({"html", "svg", "script", "stylesheet", "xsl"})
_UTF8_MARK = b"\xef\xbb\xbf"
# The table of contents of an Office file stands at its end; one that needs more than this is none that people make.
_TAIL = 192 * 1024

_CITES = "QĐ 08/2025/QĐ-UBND Đ26.2c; Đ5"


def refused(message_vi: str, message_en: str, field: str = "content") -> Problem:
    """422 under SE-04."""
    return problems.invalid(problems.field_error(field, message_vi, message_en, "SE-04"), citation=_CITES)


def clean_filename(name: str) -> str:
    """The last part of a path, in NFC, without invisible characters (they disguise endings). Raises Problem 422."""
    last = re.split(r"[/\\]", unicodedata.normalize("NFC", name))[-1]
    cleaned = "".join(c for c in last if unicodedata.category(c) not in ("Cc", "Cf", "Cs", "Zl", "Zp")).strip(" .")
    if not cleaned or len(cleaned) > LONGEST_NAME:
        raise refused("Tên tệp không hợp lệ.", "The file name is not usable.", "filename")
    if ending_of(cleaned) not in _ENDINGS:
        raise refused(
            f"Chỉ nhận các loại tệp: {', '.join(sorted(_ENDINGS))}.",
            f"Only these kinds of files are taken: {', '.join(sorted(_ENDINGS))}.",
            "filename",
        )
    return cleaned


def ending_of(name: str) -> str:
    """The ending of a name in small letters, without its dot; empty where there is none."""
    stem, dot, ending = name.rpartition(".")
    return ending.lower() if dot and stem else ""


class Inspection:
    """Looks at one file while it streams by: `feed` every piece in order, then `finish`.

    Both raise Problem 422 as soon as the content is known to be refused. Holds at most about 200 kB,
    and of a PDF a piece more.
    """

    def __init__(self, filename: str) -> None:
        self._ending = ending_of(filename)
        self._kind = ""
        self._overlap = b""
        self._size = 0
        self._tail = b""
        self._decoder = codecs.getincrementaldecoder("utf-8")()
        self._packed: Packed | None = None

    @rule("SE-04", title="Không nhận tệp chương trình, mã kịch bản, tệp nhiễm mã độc", cites=_CITES)
    def feed(self, piece: bytes) -> None:
        """The next piece; the first one must hold the first 255 kB of the file, or all of a smaller one."""
        if not piece:
            return
        if not self._kind:
            self._kind = _kind_of(piece, self._ending)
            if self._kind != _ZIPPED:
                self._check_ending(self._kind)
            _check_beginning(self._kind, piece)
            self._packed = Packed() if self._kind == "application/pdf" else None
        self._size += len(piece)
        if _TEST_VIRUS in self._overlap + piece:
            raise refused("Tệp chứa mẫu mã độc.", "The file contains a malware signature.")
        _check_part(self._kind, self._overlap + piece)
        if self._packed is not None:
            with _unpacked():
                self._packed.feed(piece)
        self._overlap = (self._overlap + piece)[-hidden.OVERLAP :]
        self._tail = (self._tail + piece)[-_TAIL:] if len(piece) < _TAIL else piece[-_TAIL:]
        if self._kind == "text/plain":
            self._check_text(piece, final=False)

    def finish(self) -> str:
        """The media type of the whole file."""
        if not self._kind:
            raise refused("Tệp rỗng.", "The file is empty.")
        if self._kind == "text/plain":
            self._check_text(b"", final=True)
        if self._packed is not None:
            with _unpacked():
                self._packed.finish()
        if self._kind != _ZIPPED and hidden.archive_at_end(self._tail):
            raise _two_kinds()
        if self._kind == _ZIPPED:
            if not hidden.archive_is_whole(self._tail, self._size):
                raise _unknown()
            found = _office_kind(_members(self._tail))
            self._check_ending(found)
            return found
        return self._kind

    def _check_ending(self, kind: str) -> None:
        if self._ending not in MEDIA_TYPES[kind]:
            raise refused("Nội dung tệp không đúng với tên tệp.", "The content is not what the name of the file says.")

    def _check_text(self, piece: bytes, *, final: bool) -> None:
        try:
            text = self._decoder.decode(piece, final)
        except UnicodeDecodeError:
            raise _unknown() from None
        if _CONTROL.search(text):
            raise _unknown()


_CONTROL = re.compile(r"[\x00-\x08\x0b\x0e-\x1f\x7f]")


def _unknown() -> Problem:
    return refused("Loại tệp không được chấp nhận.", "This kind of file is not accepted.")


def _two_kinds() -> Problem:
    return refused(
        "Tệp chứa một tệp loại khác bên trong (tệp lai).", "The file is a file of another kind as well (polyglot)."
    )


def _active_pdf() -> Problem:
    return refused(
        "Không nhận tệp PDF có mã kịch bản, chương trình hoặc lệnh chạy chương trình; hãy lưu lại tệp không kèm mã.",
        "A PDF with scripts, programs or orders to start them is not accepted; save it without them.",
    )


@contextmanager
def _unpacked() -> Iterator[None]:
    try:
        yield
    except Harmful:
        raise _active_pdf() from None
    except Unbearable:
        raise refused(
            "Tệp PDF quá phức tạp: quá nhiều phần hoặc nội dung nén quá lớn; hãy lưu lại tệp đơn giản hơn.",
            "The PDF is too complex: too many parts, or it unpacks to too much; save it in a simpler form.",
        ) from None


def _check_beginning(kind: str, head: bytes) -> None:
    if kind not in ("application/xml", "text/plain") and hidden.web_page_inside(head):
        raise _two_kinds()
    if kind not in ("application/pdf", "text/plain") and hidden.pdf_inside(head):
        raise _two_kinds()


def _check_part(kind: str, part: bytes) -> None:
    if kind == "application/pdf" and hidden.active_pdf(part):
        raise _active_pdf()
    if kind == "application/xml" and hidden.active_xml(part):
        raise refused("Không nhận tệp mã kịch bản.", "Scripts are not accepted.")


def _kind_of(head: bytes, ending: str) -> str:
    if head.startswith(_PROGRAMS):
        raise refused("Không nhận tệp chương trình.", "Programs are not accepted.")
    if head.startswith(b"%PDF-"):
        return "application/pdf"
    if head.startswith(b"\x89PNG\r\n\x1a\n"):
        return "image/png"
    if head.startswith(b"\xff\xd8\xff"):
        return "image/jpeg"
    if head.startswith(b"PK\x03\x04"):
        return _ZIPPED
    text = _text_of(head)
    if text is None:
        raise _unknown()
    start = text.lstrip()
    if ending == "xml" or start.startswith("<?xml"):
        _check_xml(start)
        return "application/xml"
    if start[:16].lower().startswith(_SCRIPT_STARTS) or hidden.script(text):
        raise refused("Không nhận tệp mã kịch bản.", "Scripts are not accepted.")
    if head.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise _unknown()  # plain text is UTF-8 here
    return "text/plain"


def _text_of(head: bytes) -> str | None:
    if head.startswith((b"\xff\xfe", b"\xfe\xff")):
        return head[: len(head) & ~1].decode("utf-16", "ignore").lstrip("\ufeff")
    if b"\0" in head:
        return None
    try:
        # A letter may be cut at the end of the piece: not final.
        return codecs.getincrementaldecoder("utf-8")().decode(head.removeprefix(_UTF8_MARK), False)
    except UnicodeDecodeError:
        return None


_PROLOG = re.compile(r"\s*(?:<\?(?P<target>[\w.:-]+)(?:(?!\?>).)*\?>|<!--(?:(?!-->).)*-->)", re.DOTALL)
_ROOT = re.compile(r"\s*<(?:[\w.-]+:)?([\w.-]+)[\s/>]")


def _check_xml(text: str) -> None:
    """Data only: no document type (entities reach for other files), no stylesheet, no page that a browser would run."""
    place = 0
    while (found := _PROLOG.match(text, place)) is not None:
        if (found["target"] or "xml").lower() != "xml":
            raise refused("Tệp XML không được tham chiếu kiểu trình bày.", "XML with a stylesheet is not accepted.")
        place = found.end()
    root = _ROOT.match(text, place)
    if root is None:
        raise refused("Tệp XML không hợp lệ hoặc có DTD.", "The XML is malformed or has a document type.")
    if root[1].lower() in _ACTIVE_ROOTS:
        raise refused("Không nhận tệp mã kịch bản.", "Scripts are not accepted.")


def _members(tail: bytes) -> list[str]:
    """Names in the table of contents of a ZIP whose last bytes are given. Raises Problem for what is no whole ZIP."""
    end = tail.rfind(b"PK\x05\x06")
    if end < 0 or end + 22 > len(tail):
        raise _unknown()
    count, size = struct.unpack_from("<HI", tail, end + 10)
    place = end - size
    names: list[str] = []
    while len(names) < count:
        if place < 0 or tail[place : place + 4] != b"PK\x01\x02" or place + 46 > end:
            raise _unknown()
        name_length, extra, comment = struct.unpack_from("<HHH", tail, place + 28)
        names.append(tail[place + 46 : place + 46 + name_length].decode("utf-8", "replace"))
        place += 46 + name_length + extra + comment
    return names


def _office_kind(names: list[str]) -> str:
    small = [name.lower() for name in names]
    if any(name.endswith((*_RUNNABLE_MEMBERS, "vbaproject.bin")) or "/activex/" in name for name in small):
        raise refused("Không nhận tệp có macro hoặc chương trình.", "Macros and programs are not accepted.")
    if "[content_types].xml" in small:
        if any(name.startswith("word/") for name in small):
            return _DOCX
        if any(name.startswith("xl/") for name in small):
            return _XLSX
    raise _unknown()
