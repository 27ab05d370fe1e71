"""Lists and answers as they lie in the trust folder, and every one that ever was taken in the archive beside them.

    DIR/crls/<key>.crl   DIR/ocsps/<certificate>.ocsp       what is in use
    DIR/archive/<key>/<issued>-<number>.crl                 never removed: a certificate that has expired is judged by
    DIR/archive/<key>/<certificate>-<issued>.ocsp           what was said while it was valid

Everything is written beside and renamed, the archive first: a kill at any moment leaves a folder that can be used.
"""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

from asn1crypto import pem
from cryptography import x509

from services.signing.archive import FOLDER as ARCHIVE
from services.signing.archive import key_identifier, stamp
from services.signing.fetcher import answers, lists
from services.signing.fetcher.lists import Known, NotTaken


class Shelf:
    """One trust folder's revocation data."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def newest_list(self, issuer: x509.Certificate) -> Known | None:
        """The newest list of this issuer's key that ever was here; what the archive lacks of it is put there."""
        found: list[Known] = []
        for path in self._in_use("crls"):
            der = _der_of(path)
            known = _list_of(der, issuer)
            if known is not None:
                self._archive_list(der, issuer, known)
                found.append(known)
        archived = sorted((self.folder / ARCHIVE / key_identifier(issuer)).glob("*.crl"))
        # names begin with the time of issue: the last is the newest, but for lists of one second
        for path in archived[-2:]:
            known = _list_of(path.read_bytes(), issuer)
            if known is not None:
                found.append(known)
        newest: Known | None = None
        for known in found:
            newest = known if newest is None or newest.is_before(known) else newest
        return newest

    def put_list(self, der: bytes, issuer: x509.Certificate, known: Known) -> None:
        """Archive a list, then put it into use, then take away those of the same key that it replaces."""
        self._archive_list(der, issuer, known)
        target = self.folder / "crls" / f"{key_identifier(issuer)}.crl"
        write_whole(target, der)
        for path in self._in_use("crls"):
            other = _list_of(_der_of(path), issuer) if path != target else None
            if other is not None and other.is_before(known):
                path.unlink(missing_ok=True)

    def list_in_use(self, issuer: x509.Certificate) -> Known | None:
        """The newest of this issuer's lists that is in use now."""
        found = [k for path in self._in_use("crls") if (k := _list_of(_der_of(path), issuer)) is not None]
        return max(found, key=lambda known: known.issued, default=None)

    def restore_list(self, issuer: x509.Certificate) -> None:
        """Put the newest archived list into use again where somebody has taken it away."""
        for path in sorted((self.folder / ARCHIVE / key_identifier(issuer)).glob("*.crl"), reverse=True):
            der = path.read_bytes()
            if _list_of(der, issuer) is not None:
                write_whole(self.folder / "crls" / f"{key_identifier(issuer)}.crl", der)
                return

    def newest_answer(self, certificate: x509.Certificate, issuer: x509.Certificate, digest: str) -> Known | None:
        path = self._answer_file(digest)
        try:
            return answers.read(path.read_bytes(), certificate, issuer)
        except (OSError, NotTaken):
            return None

    def put_answer(self, der: bytes, issuer: x509.Certificate, digest: str, known: Known) -> None:
        folder = self.folder / ARCHIVE / key_identifier(issuer)
        write_whole(folder / f"{digest[:16]}-{stamp(known.issued)}.ocsp", der)
        write_whole(self._answer_file(digest), der)

    def _answer_file(self, digest: str) -> Path:
        return self.folder / "ocsps" / f"{digest[:16]}.ocsp"

    def _archive_list(self, der: bytes, issuer: x509.Certificate, known: Known) -> None:
        number = "none" if known.number is None else str(known.number)
        target = self.folder / ARCHIVE / key_identifier(issuer) / f"{stamp(known.issued)}-{number[:48]}.crl"
        if not target.exists():
            write_whole(target, der)

    def _in_use(self, part: str) -> list[Path]:
        return sorted(p for p in (self.folder / part).glob("*") if p.is_file() and not p.name.startswith("."))


def write_whole(target: Path, data: bytes) -> None:
    """Write beside and rename, on the disk before it has its name."""
    target.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name}.")
    try:
        with os.fdopen(handle, "wb") as out:
            out.write(data)
            out.flush()
            os.fsync(out.fileno())
        os.chmod(name, 0o644)
        os.replace(name, target)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise


def _der_of(path: Path) -> bytes:
    try:
        raw = path.read_bytes()
        return pem.unarmor(raw)[2] if pem.detect(raw) else raw
    except (OSError, ValueError):
        return b""


def _list_of(der: bytes, issuer: x509.Certificate) -> Known | None:
    try:
        return lists.read(der, issuer)
    except NotTaken:
        return None
