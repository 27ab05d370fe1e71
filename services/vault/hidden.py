"""Files in files, and what runs by itself: looked for in the bytes as they stream by.

- polyglots: an archive that a PDF or a picture carries at its end, a page of the web at its beginning, a PDF that
  begins inside another file. Each would be one paper for the officer and another for another program;
- active PDFs: JavaScript, programs to start, films with scripts, forms that send themselves. No paper needs them;
- scripts among plain texts, by words that no letter begins a line with;
- XML with parts that a browser would run.

Words of a PDF are found in plain objects, also where letters are escaped (#4a); what it packs is opened by packed.py.
"""

from __future__ import annotations

import re
import struct

#: How programs begin that nothing else begins like: ELF, Java class (and fat Mach-O), Mach-O, cabinets.
PROGRAMS = (b"\x7fELF", b"\xca\xfe\xba\xbe", b"\xcf\xfa\xed\xfe", b"\xce\xfa\xed\xfe", b"MSCF")
_ARCHIVE_END = b"PK\x05\x06"
_ARCHIVE_ENTRY = b"PK\x01\x02"
#: Programs take a file for a PDF, or for a page of the web, where its mark begins within so many bytes.
MARK_WITHIN = 1024
#: So many bytes of the piece before are looked at again, so that no word hides between two pieces.
OVERLAP = 128

_WEB = re.compile(rb"<(?:html|script|!doctype\s+html|iframe|svg|body|hta:)[\s>/]", re.IGNORECASE)
_WEB_IN_TEXT = re.compile(r"<(?:html|script|!doctype\s+html|iframe|svg|hta:\w+)[\s>/]", re.IGNORECASE)
_SCRIPT_LINE = re.compile(
    r"""^\s*(?:
        @echo\s+o | on\s+error\s+resume\s+next\b | option\s+explicit\b | \#requires\s+- | \[cmdletbinding\(
        | set-executionpolicy\b | invoke-(?:expression|webrequest|command)\b | start-process\b
        | (?:set\s+)?\$?\w+\s*=\s*(?:wscript\.)?createobject\( | wscript\.\w+ | \$\w+\s*=\s*new-object\b
        | (?:powershell|pwsh|cmd|mshta|wscript|cscript|rundll32|regsvr32)(?:\.exe)?\s+[-/\w]
        | (?:const|let|var)\s+\w+\s*=\s*(?:require\(|new\s+activexobject\() | reg\s+add\s+hk | net\s+user\s+\w+\s+/
        | import\s+(?:os|subprocess|socket|ctypes)\s*$ | eval\(\w*(?:atob|unescape)\(
    )""",
    re.IGNORECASE | re.MULTILINE | re.VERBOSE,
)
_ACTIVE_PARTS = re.compile(
    rb"http://www\.w3\.org/(?:1999/xhtml|2000/svg|1999/XSL/Transform)|<(?:hta:\w+|script)[\s>/]", re.IGNORECASE
)


def _name(word: str) -> bytes:
    """A pattern for a PDF name in which any letter may be escaped."""
    return b"/" + b"".join(b"(?:%c|#%s)" % (ord(c), _hex(c)) for c in word)


def _hex(letter: str) -> bytes:
    digits = f"{ord(letter):02x}"
    return b"".join(b"[%c%c]" % (ord(d), ord(d.upper())) if d.isalpha() else d.encode() for d in digits)


_ACTIVE_NAMES = re.compile(
    b"(?:"
    + b"|".join(map(_name, ("JavaScript", "Launch", "RichMedia", "SubmitForm", "ImportData")))
    + rb")(?![A-Za-z0-9])"
)


def active_pdf(part: bytes) -> bool:
    """Whether a part of a PDF names something that runs, or that sends or fetches what is filled in."""
    return _ACTIVE_NAMES.search(part) is not None


def web_page_inside(head: bytes) -> bool:
    """Whether the beginning of a PDF or a picture is a page of the web as well."""
    return _WEB.search(head[:MARK_WITHIN]) is not None


def pdf_inside(head: bytes) -> bool:
    """Whether programs would take a file that is none for a PDF."""
    return b"%PDF-" in head[:MARK_WITHIN]


def active_xml(part: bytes) -> bool:
    """Whether a part of an XML file names a kind of element that a browser runs; also in UTF-16."""
    return _ACTIVE_PARTS.search(part.replace(b"\0", b"")) is not None


def script(text: str) -> bool:
    """Whether a plain text is a script, or a page of the web behind a comment."""
    start = text.lstrip("\ufeff \t\r\n")
    if start.startswith("{\\rtf"):  # a document that carries objects of other programs, and no plain text
        return True
    return _SCRIPT_LINE.search(text) is not None or (start.startswith("<") and _WEB_IN_TEXT.search(text) is not None)


def archive_at_end(tail: bytes) -> bool:
    """Whether the last bytes of a file are the table of contents of an archive (ZIP, JAR)."""
    place = tail.rfind(_ARCHIVE_END)
    while place >= 0:
        if place + 22 <= len(tail):
            count, size = struct.unpack_from("<HI", tail, place + 10)
            start = place - size
            # A table that begins before what we hold is a large archive's.
            if count and size >= 46 and (start < 0 or tail[start : start + 4] == _ARCHIVE_ENTRY):
                return True
        place = tail.rfind(_ARCHIVE_END, 0, place)
    return False


def archive_is_whole(tail: bytes, size: int) -> bool:
    """Whether an archive of `size` bytes ends with its own table of contents: nothing behind it, nothing between."""
    place = tail.rfind(_ARCHIVE_END)
    if place < 0 or place + 22 > len(tail):
        return False
    length, offset, comment = struct.unpack_from("<IIH", tail, place + 12)
    end = size - len(tail) + place
    return bool(place + 22 + comment == len(tail) and offset + length == end)
