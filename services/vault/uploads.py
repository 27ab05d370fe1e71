"""Taking in the bytes of one file: counted, hashed and looked at while they stream, then committed with their event.

Nothing of a file that is too large, refused or cut off stays behind. The same bytes under the same file id again are
answered as before; other bytes are refused.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

from services.common import logs, problems
from services.common.kernel import Kernel
from services.common.store import Document
from services.common.unit import Origin, UnitOfWork
from services.common.writes import Duplicate, StaleVersion
from services.vault import content, metrics
from services.vault.adapters import clamav
from services.vault.bytes import PIECE, Deposit
from services.vault.store import LINKS

Read = Callable[[int], bytes]


class Aborted(Exception):
    """The sender broke off."""


class _Counted:
    """The body as pieces of PIECE bytes. Raises Problem 413 above the limit, Aborted below the declared length."""

    def __init__(self, read: Read, declared: int | None) -> None:
        self._read = read
        self._declared = declared
        self._digest = hashlib.sha256()
        self.size = 0

    @property
    def sha256(self) -> str:
        return self._digest.hexdigest()

    def next(self) -> bytes:
        """The next piece, empty at the end."""
        try:
            piece = self._read(PIECE)
        except (OSError, ValueError):
            # closed by the sender, silent for too long, or not the framing that was announced
            raise Aborted from None
        self.size += len(piece)
        if self.size > content.LIMIT_BYTES:
            raise problems.too_large(content.LIMIT_BYTES)
        if len(piece) < PIECE and self._declared is not None and self.size < self._declared:
            raise Aborted
        self._digest.update(piece)
        metrics.record_moved("in", len(piece))
        return piece


def receive(kernel: Kernel, file_id: str, uploader: str, read: Read, declared: int | None) -> dict[str, Any]:
    """Stores the body that `read` gives, as the file whose upload was opened; returns what the sender is told.

    `declared` is the announced length, if any. Raises Problem or Aborted.
    """
    if declared is not None and declared > content.LIMIT_BYTES:
        raise problems.too_large(content.LIMIT_BYTES)
    body = _Counted(read, declared)
    kept = kernel.store.get("files", file_id)
    if kept is not None:
        while body.next():
            continue
        return _repeated(kept, body)
    opening = kernel.store.get("openings", file_id)
    if opening is None or opening["uploader"] != uploader:
        raise problems.not_found()
    return _store(kernel, opening, body)


def _store(kernel: Kernel, opening: Document, body: _Counted) -> dict[str, Any]:
    filename = kernel.data_key.open(opening["filename"], "files.filename")
    inspection = content.Inspection(filename)
    piece = body.next()
    inspection.feed(piece)
    if not piece:
        inspection.finish()
    # Only now: a program or a script is refused before anything is written, and before the scanner hears of it.
    scan = _scan(kernel)
    deposit = Deposit(kernel.store, opening["_id"])
    try:
        while piece:
            deposit.add(piece)
            scan.feed(piece)
            piece = body.next()
            inspection.feed(piece)
        media_type = inspection.finish()
        scan.finish(opening["_id"])
        file = _commit(kernel, opening, body, media_type, deposit)
    except Duplicate:
        # Another transfer under the same ticket was faster.
        deposit.discard()
        kept = kernel.store.get("files", opening["_id"])
        if kept is None:
            raise problems.unavailable(retry_after=2) from None
        return _repeated(kept, body)
    except StaleVersion:
        deposit.discard()
        raise problems.unavailable(retry_after=2, detail="the upload took too long") from None
    except BaseException:  # also a deadline or the end of the process: leave nothing behind
        deposit.discard()
        raise
    finally:
        scan.close()
    metrics.record_upload("stored")
    logs.info("file_stored", file_id=file["_id"], size=file["size"], media_type=media_type, purpose=file["purpose"])
    return summary(file)


class _Scan:
    """What the malware scanner says of one upload; says nothing where none is plugged in."""

    def __init__(self, scan: clamav.Scan | None) -> None:
        self._scan = scan

    def feed(self, piece: bytes) -> None:
        if self._scan is not None:
            with _counted_away():
                self._scan.feed(piece)

    def finish(self, file_id: str) -> None:
        """Raises Problem 422 for what the scanner knows as malware, 503 where it does not answer."""
        if self._scan is None:
            return
        with _counted_away():
            found = self._scan.finish()
        metrics.record_scan("infected" if found else "clean")
        if found:
            # Which file and what: neither whose nor what it was called.
            logs.warning("malware_refused", file_id=file_id, malware=found)
            raise content.refused("Tệp nhiễm mã độc.", "The file carries malware.")

    def close(self) -> None:
        if self._scan is not None:
            self._scan.close()


@contextmanager
def _counted_away() -> Iterator[None]:
    try:
        yield
    except problems.Problem:
        metrics.record_scan("away")
        raise


def _scan(kernel: Kernel) -> _Scan:
    where = clamav.address(kernel.settings.scanner)
    if where is None:
        return _Scan(None)
    with _counted_away():
        return _Scan(clamav.Scanner(where).begin())


def look_for_scanner(kernel: Kernel) -> None:
    """Sets the gauge that says whether a scanner is plugged in and answers."""
    where = clamav.address(kernel.settings.scanner)
    metrics.scanner.set(-1 if where is None else int(clamav.Scanner(where).answers()))


def _commit(kernel: Kernel, opening: Document, body: _Counted, media_type: str, deposit: Deposit) -> Document:
    now = kernel.now()
    owner = LINKS.current(kernel.store, opening["person_id"]) if opening["person_id"] else None
    file: Document = {
        "_id": opening["_id"],
        "sha256": body.sha256,
        "size": body.size,
        "media_type": media_type,
        "purpose": opening["purpose"],
        "filename": opening["filename"],
        "uploader": opening["uploader"],
        "person_id": owner,
        "bytes_id": deposit.id,
        "stored_at": now,
        "recorded_at": datetime.now(UTC),
    }
    origin = Origin(
        room=kernel.settings.room,
        correlation_id=opening["correlation_id"],
        causation_id=opening["causation_id"],
        actor_id=opening["uploader"],
        now=now,
        channel=opening.get("channel", ""),  # one that a former release opened a minute ago has none
    )
    unit = UnitOfWork(kernel.store, origin, kernel.check_event)
    unit.insert("files", file)
    if owner:
        LINKS.hold(unit, owner)
    unit.tell(
        file,
        "file.stored",
        {
            "file_id": file["_id"],
            "sha256": file["sha256"],
            "size": file["size"],
            "media_type": media_type,
            "purpose": file["purpose"],
            "stored_at": now,
        },
    )
    deposit.keep(unit)
    unit.delete("openings", {"_id": opening["_id"]})
    unit.commit()
    return file


def _repeated(kept: Document, body: _Counted) -> dict[str, Any]:
    if kept["sha256"] != body.sha256:
        raise problems.conflict(
            "Mã tệp này đã có nội dung khác", "This file id already holds other content", detail="file_id"
        )
    metrics.record_upload("repeated")
    return summary(kept)


def summary(file: Document) -> dict[str, Any]:
    """What the sender of a file is told about it."""
    return {"file_id": file["_id"], **{name: file[name] for name in ("sha256", "size", "media_type")}}
