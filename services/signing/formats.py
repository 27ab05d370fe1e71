"""What kind of file it is, by content and never by name, and whether such a file may carry a signature.

A file that two kinds of programs would open as two kinds of documents is judged as the one that a signature could be
in, and never as the one where its absence would be certain.
"""

from __future__ import annotations

from typing import Literal

Format = Literal["pdf", "xml", "ooxml", "other"]

_PICTURES = (b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff", b"GIF87a", b"GIF89a", b"BM")
_ARMOURED = (b"-----BEGIN PKCS7", b"-----BEGIN CMS", b"-----BEGIN PGP", b"-----BEGIN SIGNED")
_UTF8_MARK = b"\xef\xbb\xbf"
# Readers accept a PDF header that begins within this distance, so a verifier must see it as well.
_HEADER_WITHIN = 1024
_ARCHIVE_END = b"PK\x05\x06"
# A comment at an archive's end may be this long.
_ARCHIVE_END_WITHIN = 66_000
_SIGNATURE_WORDS = ("xmldsig", "signaturevalue")


def sniff(data: bytes) -> Format:
    """The format as far as signatures are concerned; `other` is everything that is neither PDF, XML nor Office."""
    if b"%PDF-" in data[:_HEADER_WITHIN]:
        return "pdf"
    if data.startswith(b"PK\x03\x04"):
        return "ooxml" if b"[Content_Types].xml" in data else "other"
    return "xml" if (_text(data[:4096]) or "").lstrip("\ufeff \t\r\n").startswith("<") else "other"


def cannot_carry_signature(data: bytes) -> bool:
    """Whether a file of format `other` is certain to carry no signature: a picture or plain text, and nothing else too.

    Archives, old Office files, CMS containers and everything unknown are not: there the answer is "cannot determine".
    """
    if _ARCHIVE_END in data[-_ARCHIVE_END_WITHIN:] or b"%PDF-" in data:
        return False
    if data.startswith(_PICTURES) or (data.startswith(b"RIFF") and data[8:12] == b"WEBP"):
        return True
    if any(mark in data for mark in _ARMOURED):
        return False
    text = _text(data)
    return text is not None and "\0" not in text and not any(word in text.lower() for word in _SIGNATURE_WORDS)


def _text(data: bytes) -> str | None:
    """As text in UTF-8 or, with or without its mark, in UTF-16; None for bytes. UTF-7 is plain ASCII: it stays text."""
    pairs = data[: len(data) & ~1]
    for start, encoding in (
        (b"\xff\xfe", "utf-16"),
        (b"\xfe\xff", "utf-16"),
        (b"<\0", "utf-16-le"),
        (b"\0<", "utf-16-be"),
    ):
        if data.startswith(start):
            return pairs.decode(encoding, "replace")
    try:
        return data.removeprefix(_UTF8_MARK).decode("utf-8")
    except UnicodeDecodeError as error:
        # A letter may be cut where only the head of a file is looked at.
        return (
            data[: error.start].decode("utf-8", "ignore") if error.start > len(data) - 4 and len(data) == 4096 else None
        )
