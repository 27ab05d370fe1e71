"""The byte door: the vault's internal HTTP port, `PUT` and `GET /files/<file id>` with a ticket, nothing else.

A green WSGI server in the room's own process. Every request ends with its connection. At stop it takes no more, lets
transfers in hand end, then closes.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterable, Iterator
from typing import Any
from urllib.parse import urlsplit

import eventlet
import eventlet.wsgi
import orjson
from bson import ObjectId
from pymongo.errors import PyMongoError

from services.common import logs, problems
from services.common import metrics as kernel_metrics
from services.common.kernel import Kernel
from services.common.problems import Problem
from services.vault import bytes as file_bytes
from services.vault import metrics, tickets, transfer, uploads

MOST_TRANSFERS = 32
SILENCE = 30  # seconds without a byte
LONGEST = 300  # seconds for one transfer
STOP_GRACE = 10.0
_DRAIN_BYTES = 32 * 1024 * 1024
_DRAIN_SECONDS = 5
_PATH = re.compile(r"/files/([0-9a-f]{32})")
_REASONS = {
    200: "OK", 201: "Created", 206: "Partial Content", 400: "Bad Request", 401: "Unauthorized", 403: "Forbidden",
    404: "Not Found", 405: "Method Not Allowed", 408: "Request Timeout", 409: "Conflict", 413: "Content Too Large",
    416: "Range Not Satisfiable", 422: "Unprocessable Content", 500: "Internal Server Error",
    503: "Service Unavailable",
}  # fmt: skip
_ALWAYS = [
    ("X-Content-Type-Options", "nosniff"),
    ("Cache-Control", "private, no-store"),
    ("Content-Security-Policy", "default-src 'none'; sandbox"),
]

Environ = dict[str, Any]
Start = Callable[[str, list[tuple[str, str]]], Any]
Headers = list[tuple[str, str]]


class Door:
    """Opened with the kernel of the process, closed before it."""

    def __init__(self) -> None:
        self._kernel: Kernel | None = None
        self._socket: Any = None
        self._server: Any = None
        self._in_hand = 0
        self._stopping = False

    def open(self, kernel: Kernel) -> None:
        """Listens on the port of the settings; on this machine only where the vault's own address says so."""
        port = kernel.settings.http_port
        if port is None:
            raise ValueError("the vault needs MOTCUA_HTTP_PORT")
        self._kernel = kernel
        self._stopping = False
        local = urlsplit(kernel.settings.vault_url).hostname in ("127.0.0.1", "localhost")
        self._socket = eventlet.listen(("127.0.0.1" if local else "0.0.0.0", port), reuse_port=False)
        self._server = eventlet.spawn(
            eventlet.wsgi.server, self._socket, self._answer, log_output=False, keepalive=False, debug=False,
            socket_timeout=SILENCE, max_size=MOST_TRANSFERS * 2,
        )  # fmt: skip

    def close(self) -> None:
        """Takes no more, waits for what is in hand, closes."""
        self._stopping = True
        limit = time.monotonic() + STOP_GRACE
        while self._in_hand and time.monotonic() < limit:
            eventlet.sleep(0.02)
        if self._in_hand:
            logs.warning("stopped_with_transfers_in_hand", count=self._in_hand)
        if self._server is not None:
            self._server.kill()
            self._socket.close()

    def _answer(self, environ: Environ, start: Start) -> Iterable[bytes]:
        return _Exchange(self, environ, start)

    def enter(self) -> Kernel:
        """A transfer begins. Raises Problem 503 where there are too many, or at stop."""
        if self._kernel is None or self._stopping or self._in_hand >= MOST_TRANSFERS:
            raise problems.unavailable(retry_after=2)
        self._in_hand += 1
        metrics.transfers.set(self._in_hand)
        return self._kernel

    def leave(self) -> None:
        self._in_hand -= 1
        metrics.transfers.set(self._in_hand)


def _too_slow() -> Problem:
    return Problem("/problems/too-slow", "Truyền tệp quá chậm", "The transfer takes too long", 408)


class _Exchange:
    """One request and its answer. Iterated by the server, then closed by it, whatever happened."""

    def __init__(self, door: Door, environ: Environ, start: Start) -> None:
        self._door = door
        self._environ = environ
        self._start = start
        self._entered = False
        self._status = 500
        self._answered = False
        self._begun = time.monotonic()
        self._deadline = eventlet.Timeout(LONGEST)
        # Small answers leave at once, not when the iteration ends.
        environ["eventlet.minimum_write_chunk_size"] = 0

    def __iter__(self) -> Iterator[bytes]:
        try:
            yield from self._respond()
        except Problem as problem:
            yield self._refuse(problem)
        except uploads.Aborted:
            metrics.record_upload("aborted")
            yield self._refuse(problems.malformed("the body ended early"))
        except PyMongoError as exc:
            logs.fault("database_fault", exc, method="vault.door")
            yield self._refuse(problems.unavailable(retry_after=2))
        except eventlet.Timeout as late:
            if late is not self._deadline or self._answered:
                raise
            metrics.record_upload("aborted")
            yield self._refuse(_too_slow())
        except Exception as exc:
            if self._answered:
                raise
            logs.fault("request_fault", exc, method="vault.door")
            yield self._refuse(problems.internal())

    def close(self) -> None:
        """After the last byte: takes what the sender still sends (else a reset would eat our answer)."""
        self._deadline.cancel()
        try:
            self._drain()
        finally:
            if self._entered:
                self._door.leave()
            kernel_metrics.record_http("/files/{file_id}", self._method(), self._status, time.monotonic() - self._begun)

    def _method(self) -> str:
        method = self._environ["REQUEST_METHOD"]
        return method if method in ("GET", "PUT") else "other"

    def _respond(self) -> Iterator[bytes]:
        kernel = self._door.enter()
        self._entered = True
        found = _PATH.fullmatch(self._environ.get("PATH_INFO", ""))
        if found is None:
            raise problems.not_found()
        if self._environ["REQUEST_METHOD"] == "PUT":
            yield self._put(kernel, found[1])
        elif self._environ["REQUEST_METHOD"] == "GET":
            yield from self._get(kernel, found[1])
        else:
            raise Problem("/problems/method-not-allowed", "Phương thức không được dùng", "Method not allowed", 405)

    def _ticket(self, kernel: Kernel, operation: tickets.Operation, file_id: str) -> tickets.Ticket:
        header = self._environ.get("HTTP_AUTHORIZATION")
        return tickets.read(kernel.verifier, kernel.settings.room, header, operation, file_id)

    def _put(self, kernel: Kernel, file_id: str) -> bytes:
        ticket = self._ticket(kernel, "put", file_id)
        length = self._environ.get("CONTENT_LENGTH")
        chunked = self._environ.get("HTTP_TRANSFER_ENCODING", "").lower() == "chunked"
        if self._environ.get("HTTP_CONTENT_ENCODING", "identity").lower() != "identity":
            raise problems.malformed("a content encoding is not understood here")
        if not chunked and length is None:
            raise problems.malformed("the length of the body is not stated")
        try:
            answer = uploads.receive(
                kernel, file_id, ticket.actor, self._environ["wsgi.input"].read, None if chunked else int(length or 0)
            )
        except Problem as problem:
            metrics.record_upload("refused" if problem.status < 500 else "fault")
            raise
        return self._send(201, orjson.dumps(answer), [("Content-Type", "application/json")])

    def _get(self, kernel: Kernel, file_id: str) -> Iterator[bytes]:
        ticket = self._ticket(kernel, "get", file_id)
        file = kernel.store.get("files", file_id)
        if file is None:
            raise problems.not_found()
        try:
            etag = f'"{file["sha256"]}"'
            asked = self._environ.get("HTTP_RANGE")
            if self._environ.get("HTTP_IF_RANGE", etag) != etag:
                asked = None
            span = transfer.wanted_span(asked, file["size"])
        except transfer.Unsatisfiable:
            raise Problem(
                "/problems/range-not-satisfiable", "Không có đoạn này trong tệp", "The file has no such part", 416,
                extra={"size": file["size"]},
            ) from None  # fmt: skip
        if ticket.access:
            seen = {"$inc": {"served": 1}}
            kernel.store.collection("accesses").update_one({"_id": ObjectId(ticket.access)}, seen)
        filename = kernel.data_key.open(file["filename"], "files.filename")
        headers = [
            ("Content-Type", file["media_type"]),
            ("Content-Length", str(span.size if span else file["size"])),
            ("Content-Disposition", transfer.content_disposition(filename)),
            ("ETag", etag),
            ("Accept-Ranges", "bytes"),
            *_ALWAYS,
        ]
        if span is not None:
            headers.append(("Content-Range", f"bytes {span.start}-{span.stop - 1}/{file['size']}"))
        whole = transfer.Span(0, file["size"])
        self._begin(206 if span else 200, headers)
        yield from self._pieces(kernel, file, span or whole)

    def _pieces(self, kernel: Kernel, file: dict[str, Any], span: transfer.Span) -> Iterator[bytes]:
        # The status has gone out: what fails from here on can only break the connection, which the receiver
        # notices by the length.
        try:
            for piece in file_bytes.read(kernel.store, file["bytes_id"], span.start, span.stop):
                metrics.record_moved("out", len(piece))
                yield piece
        except (file_bytes.Missing, PyMongoError) as exc:
            logs.fault("download_broken", exc, file_id=file["_id"])
            raise ConnectionAbortedError from None

    def _refuse(self, problem: Problem) -> bytes:
        headers: Headers = [("Content-Type", "application/problem+json"), *_ALWAYS]
        if problem.status == 401:
            headers.append(("WWW-Authenticate", tickets.SCHEME))
        if problem.retry_after is not None:
            headers.append(("Retry-After", str(problem.retry_after)))
        if problem.status == 405:
            headers.append(("Allow", "GET, PUT"))
        if problem.status == 416:
            headers.append(("Content-Range", f"bytes */{problem.extra['size']}"))
        return self._send(problem.status, orjson.dumps(problem.to_dict()), headers)

    def _send(self, status: int, body: bytes, headers: Headers) -> bytes:
        self._begin(status, [*headers, ("Content-Length", str(len(body)))])
        return body

    def _begin(self, status: int, headers: Headers) -> None:
        self._status = status
        self._answered = True
        self._start(f"{status} {_REASONS.get(status, 'Refused')}", headers)

    def _drain(self) -> None:
        source = self._environ["wsgi.input"]
        if source.should_send_hundred_continue:
            return  # the sender waits for our word and has sent nothing
        left = _DRAIN_BYTES
        with eventlet.Timeout(_DRAIN_SECONDS, False):
            try:
                while left > 0:
                    piece = source.read(65_536)
                    if not piece:
                        return
                    left -= len(piece)
            except (OSError, ValueError):
                return  # gone, or not framed as announced: nobody waits for an answer
