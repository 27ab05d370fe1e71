"""File bytes in GridFS layout (`bytes.files`, `bytes.chunks`), written and read one piece at a time.

pymongo's own GridFS writer gathers up to 32 MB before it sends and its reader fetches many pieces at once; eight
transfers of 20 MB must not cost more than 16 MiB, so pieces are moved singly here. Any GridFS client can read them.

A file of one piece, as most are, is written with its document in one transaction. For a longer one a row in `uploads`
stands before the first piece and changes its state in that transaction; what is left in state `open` belongs to nobody
and is swept.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

from bson import ObjectId

from services.common.store import Document, Index, Store
from services.common.unit import UnitOfWork
from services.common.writes import Kind, Write

PIECE = 255 * 1024  # GridFS's own default
#: Real time after which an upload that did not end is taken for dead. Transfers are cut off long before.
ABANDONED = timedelta(minutes=15)

INDEXES = [
    Index("bytes.chunks", [("files_id", 1), ("n", 1)], {"unique": True, "name": "files_id_1_n_1"}),
    Index("bytes.files", [("filename", 1), ("uploadDate", 1)], {"name": "filename_1_uploadDate_1"}),
    Index("uploads", [("started_at", 1)], {"name": "unfinished", "partialFilterExpression": {"ended_at": None}}),
    Index("uploads", [("ended_at", 1)], {"name": "ended", "expireAfterSeconds": 3600}),
]


class Missing(Exception):
    """A piece of a stored file is not there."""


class Deposit:
    """Bytes on their way into the store. `add` pieces of PIECE bytes (the last may be shorter), then `keep`."""

    def __init__(self, store: Store, file_id: str) -> None:
        self.id = ObjectId()
        self._store = store
        self._file_id = file_id
        self._first: Document = {}
        self._count = 0
        self._size = 0

    def add(self, piece: bytes) -> None:
        row = {"_id": ObjectId(), "files_id": self.id, "n": self._count, "data": piece}
        self._count += 1
        self._size += len(piece)
        if self._count == 1:
            self._first = row  # kept here: there may be no other
            return
        if self._count == 2:
            self._begin()
            self._write(self._first)
            self._first = {}
        self._write(row)

    def keep(self, unit: UnitOfWork) -> None:
        """Ties the bytes to what the unit writes. Its commit raises StaleVersion when they were swept meanwhile."""
        whole = {
            "_id": self.id,
            "length": self._size,
            "chunkSize": PIECE,
            "uploadDate": datetime.now(UTC),
            "metadata": {"file_id": self._file_id},
        }
        unit.add(Write("bytes.files", Kind.INSERT, {}, lambda: whole))
        if self._count == 1:
            unit.add(Write("bytes.chunks", Kind.INSERT, {}, lambda: self._first))
        else:
            unit.change(
                "uploads",
                {"_id": self.id, "state": "open"},
                {"$set": {"state": "stored", "ended_at": datetime.now(UTC)}},
            )

    def discard(self) -> None:
        """Removes everything that was written, unless it became a file all the same: a commit that nobody waits for
        any more, or whose answer was lost, may be done."""
        if self._count > 1:
            _give_up(self._store, self.id)

    def _begin(self) -> None:
        self._store.collection("uploads").insert_one(
            {
                "_id": self.id,
                "file_id": self._file_id,
                "state": "open",
                "started_at": datetime.now(UTC),
                "ended_at": None,
            }
        )

    def _write(self, row: Document) -> None:
        self._store.collection("bytes.chunks").insert_one(row)


def read(store: Store, bytes_id: ObjectId, start: int, stop: int) -> Iterator[bytes]:
    """Bytes from `start` to `stop` (exclusive), in pieces. Raises Missing."""
    chunks = store.collection("bytes.chunks")
    for number in range(start // PIECE, (stop + PIECE - 1) // PIECE):
        row = chunks.find_one({"files_id": bytes_id, "n": number}, {"data": 1})
        if row is None:
            raise Missing(str(bytes_id))
        offset = number * PIECE
        data: bytes = row["data"]
        yield data[max(0, start - offset) : stop - offset]


def sweep(store: Store, now: datetime) -> int:
    """Removes bytes of uploads that never became a file; `now` is real time. Returns how many."""
    limit = now - ABANDONED
    swept = 0
    for row in list(store.find("uploads", {"ended_at": None, "started_at": {"$lt": limit}}, limit=100)):
        swept += _give_up(store, row["_id"])
    return swept


def _give_up(store: Store, bytes_id: ObjectId) -> bool:
    # From the claim on the upload's own commit is refused; what is cut short here is taken up by the next sweep.
    claim = {"_id": bytes_id, "state": {"$in": ["open", "swept"]}}
    if not store.collection("uploads").update_one(claim, {"$set": {"state": "swept"}}).matched_count:
        return False
    store.collection("bytes.files").delete_one({"_id": bytes_id})
    store.collection("bytes.chunks").delete_many({"files_id": bytes_id})
    store.collection("uploads").delete_one({"_id": bytes_id})
    return True


def leftovers(store: Store) -> Document:
    """Counts of what lies in the store, for the metrics."""
    return {"unfinished": store.collection("uploads").count_documents({"ended_at": None}, limit=10_000)}
