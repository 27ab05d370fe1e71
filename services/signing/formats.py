"""What kind of file it is, by content and never by name, and whether such a file may carry a signature."""

from __future__ import annotations

from typing import Literal

Format = Literal["pdf", "xml", "ooxml", "other"]

_PICTURES = (b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff", b"GIF87a", b"GIF89a", b"BM")
_ARMOURED = (b"-----BEGIN PKCS7", b"-----BEGIN CMS", b"-----BEGIN PGP", b"-----BEGIN SIGNED")
_UTF8_MARK = b"\xef\xbb\xbf"
# Readers accept a PDF header that begins within this distance, so a verifier must see it as well.
_HEADER_WITHIN = 1024


def sniff(data: bytes) -> Format:
    """The format as far as signatures are concerned; `other` is everything that is neither PDF, XML nor Office."""
    if b"%PDF-" in data[:_HEADER_WITHIN]:
        return "pdf"
    if data.startswith(b"PK\x03\x04"):
        return "ooxml" if b"[Content_Types].xml" in data else "other"
    text = data[:4096].removeprefix(_UTF8_MARK).lstrip()
    if text.startswith(b"<") or data.startswith((b"\xff\xfe<", b"\xfe\xff\x00<")):
        return "xml"
    return "other"


def cannot_carry_signature(data: bytes) -> bool:
    """Whether a file of format `other` is certain to carry no signature: a picture or plain text.

    Archives, old Office files, CMS containers and everything unknown are not: there the answer is "cannot determine".
    """
    if data.startswith(_PICTURES) or (data.startswith(b"RIFF") and data[8:12] == b"WEBP"):
        return True
    if any(mark in data for mark in _ARMOURED) or b"\0" in data:
        return False
    try:
        data.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True
