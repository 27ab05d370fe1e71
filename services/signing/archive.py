"""Lists that were in use once: what an issuer said while a certificate was valid that has expired since.

    DIR/archive/<key>/<issued>-<number>.crl        written by the fetcher, never removed, so read once and kept

A later list may have dropped an expired certificate, so its silence proves nothing. Looked up for one certificate at a
time: the last list before its end, and the first one after (RFC 5280 §3.3: an entry stays until one list issued after
the certificate's end has carried it).
"""

from __future__ import annotations

from bisect import bisect_right
from datetime import UTC, datetime
from functools import lru_cache
from pathlib import Path

from cryptography import x509

from services.signing.certificates import Certificate
from services.signing.lists import RevocationList

FOLDER = "archive"


class Archive:
    """The archive of one trust folder; empty where there is none."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder / FOLDER

    def about(self, certificate: Certificate, issuer: Certificate) -> list[RevocationList]:
        """Lists of the issuer's key that may know a certificate which has expired."""
        shelf = self._folder / key_identifier(issuer.native)
        try:
            names = sorted(path.name for path in shelf.glob("*.crl"))
        except OSError:
            return []
        place = bisect_right(names, stamp(certificate.native.not_valid_after_utc) + "~")
        found = (_read(str(shelf / name)) for name in names[max(place - 1, 0) : place + 1])
        return [item for item in found if item is not None]


def key_identifier(issuer: x509.Certificate) -> str:
    """The issuer's key as a name for files: what it says of itself, else the digest of the key (RFC 5280 §4.2.1.2)."""
    try:
        own = issuer.extensions.get_extension_for_class(x509.SubjectKeyIdentifier).value.digest
    except x509.ExtensionNotFound:
        own = x509.SubjectKeyIdentifier.from_public_key(issuer.public_key()).digest
    return own.hex()[:40]


def stamp(moment: datetime) -> str:
    """A moment as names of files begin; sorted by name they are sorted by time."""
    return moment.astimezone(UTC).strftime("%Y%m%dT%H%M%SZ")


@lru_cache(maxsize=64)
def _read(path: str) -> RevocationList | None:
    try:
        return RevocationList.load(Path(path).read_bytes())
    except (OSError, ValueError, TypeError):
        return None
