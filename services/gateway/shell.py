"""Around every request: correlation id, security headers, CORS, problems for whatever is refused, log line, metric."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass, field
from typing import Any

from services.common import logs, metrics, problems
from services.common.problems import Problem
from services.gateway import answers, requests

API_CSP = b"default-src 'none'; frame-ancestors 'none'"
_SECURITY: answers.Headers = [
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),
    (b"cross-origin-opener-policy", b"same-origin"),
    (b"x-frame-options", b"DENY"),
]
_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
_CORS_METHODS = b"GET, POST, DELETE"
_CORS_HEADERS = b"authorization, content-type, idempotency-key, x-channel, x-correlation-id, range, if-range"
_CORS_EXPOSED = b"x-correlation-id, location, retry-after, content-disposition, content-range, etag"
_SMALL = 64 * 1024  # an unread body up to here is taken by the protocol itself
_DRAIN_BYTES = 32 * 1024 * 1024
_DRAIN_SECONDS = 5.0


@dataclass
class Work:
    """One request in hand. `route` is the pattern, never the path with its ids; `note` says why it was refused."""

    correlation: str
    route: str = "unmatched"
    status: int = 0
    note: str = ""
    caller: str = ""  # who is signed in
    started: float = field(default_factory=time.monotonic)


class Shell:
    """The outermost ASGI application. `origins`: who may call from a browser; `https`: say so to browsers."""

    def __init__(self, app: Any, origins: tuple[str, ...], *, https: bool) -> None:
        self._app = app
        self._origins = frozenset(origin.encode() for origin in origins)
        self._https = https
        self.in_hand = 0

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] != "http":
            raise RuntimeError(f"{scope['type']} is not spoken here")
        work = scope["motcua"] = Work(requests.correlation_id(scope))
        reader = _Reader(scope, receive)
        writer = _Writer(send, reader, self._headers(scope, work), work)
        self.in_hand += 1
        metrics.in_hand.labels("http").set(self.in_hand)
        try:
            requests.check_head(scope)
            if not self._preflight(scope):
                await self._app(scope, reader, writer)
            else:
                work.route = "preflight"
                await self._answer_preflight(scope, writer)
        except Problem as problem:
            await self._refuse(problem, work, writer)
        except requests.ClientGone:
            work.note = "client-gone"
            work.status = work.status or 499
        except asyncio.CancelledError:
            work.note = "cancelled"
            raise
        except Exception as exc:
            logs.fault("request_fault", exc, route=work.route, correlation=work.correlation)
            await self._refuse(problems.internal(), work, writer)
        finally:
            self.in_hand -= 1
            metrics.in_hand.labels("http").set(self.in_hand)
            self._record(scope, work)

    async def _refuse(self, problem: Problem, work: Work, writer: _Writer) -> None:
        work.note = problem.rule or problem.type
        if writer.started:
            # the status has gone out: only a broken connection tells the receiver, who counts bytes
            logs.warning("answer_broken", route=work.route, correlation=work.correlation, why=problem.type)
            raise _Broken
        await answers.send_problem(writer, problem)

    def _record(self, scope: Any, work: Work) -> None:
        seconds = time.monotonic() - work.started
        method = scope["method"] if scope["method"] in _METHODS else "other"
        metrics.record_http(work.route, method, work.status, seconds)
        why = {"why": work.note} if work.note else {}
        logs.info(
            "http",
            correlation=work.correlation,
            method=method,
            route=work.route,
            status=work.status,
            ms=round(seconds * 1000, 1),
            **why,
        )

    # --- headers -----------------------------------------------------------------------------------------------------

    def _headers(self, scope: Any, work: Work) -> answers.Headers:
        headers = [(b"x-correlation-id", work.correlation.encode()), *_SECURITY]
        if self._https or scope.get("scheme") == "https":
            headers.append((b"strict-transport-security", b"max-age=31536000; includeSubDomains"))
        if self._origins:
            headers.append((b"vary", b"origin"))
            origin = requests.header(scope, b"origin").encode("latin-1")
            if origin in self._origins:
                headers.append((b"access-control-allow-origin", origin))
                headers.append((b"access-control-expose-headers", _CORS_EXPOSED))
        return headers

    def _preflight(self, scope: Any) -> bool:
        return scope["method"] == "OPTIONS" and bool(requests.header(scope, b"access-control-request-method"))

    async def _answer_preflight(self, scope: Any, send: Any) -> None:
        if requests.header(scope, b"origin").encode("latin-1") not in self._origins:
            raise problems.forbidden("this origin may not call from a browser")
        headers = [
            (b"access-control-allow-methods", _CORS_METHODS),
            (b"access-control-allow-headers", _CORS_HEADERS),
            (b"access-control-max-age", b"600"),
        ]
        await send({"type": "http.response.start", "status": 204, "headers": headers})
        await send({"type": "http.response.body", "body": b""})


class _Broken(Exception):
    """Makes the server break the connection."""


class _Reader:
    """Receives, and knows whether the body was read to its end."""

    def __init__(self, scope: Any, receive: Any) -> None:
        self._receive = receive
        length = requests.header(scope, b"content-length")
        self.length = int(length) if length.isdigit() else None
        chunked = bool(requests.header(scope, b"transfer-encoding"))
        self.waits_for_us = requests.header(scope, b"expect").lower() == "100-continue"
        self.done = not chunked and not self.length

    async def __call__(self) -> Any:
        message = await self._receive()
        self.waits_for_us = False
        if message["type"] == "http.disconnect" or not message.get("more_body", False):
            self.done = True
        return message

    @property
    def much_unread(self) -> bool:
        return not self.done and (self.length is None or self.length > _SMALL)


class _Writer:
    """Sends, adding the headers that every answer has. Where an answer goes out before a long body was read, the rest
    of the body is taken for a moment (else a reset would eat the answer) and the connection ended."""

    def __init__(self, send: Any, reader: _Reader, headers: answers.Headers, work: Work) -> None:
        self._send = send
        self._reader = reader
        self._headers = headers
        self._work = work
        self.started = False

    async def __call__(self, message: Any) -> None:
        if message["type"] == "http.response.start":
            self.started = True
            self._work.status = message["status"]
            given = message.get("headers", [])
            names = {name for name, _ in given}
            extra = [*self._headers]
            if b"cache-control" not in names:
                extra.append((b"cache-control", b"no-store"))
            if b"content-security-policy" not in names:
                extra.append((b"content-security-policy", API_CSP))
            if self._reader.much_unread:
                extra.append((b"connection", b"close"))
            await self._send({**message, "headers": [*given, *extra]})
            return
        if message.get("more_body", False) or not self._reader.much_unread or self._reader.waits_for_us:
            await self._send(message)
            return
        await self._send({**message, "more_body": True})
        await self._drain()
        await self._send({"type": "http.response.body", "body": b""})

    async def _drain(self) -> None:
        taken = 0
        try:
            async with asyncio.timeout(_DRAIN_SECONDS):
                while not self._reader.done and taken < _DRAIN_BYTES:
                    taken += len((await self._reader()).get("body", b""))
        except TimeoutError:
            return  # who goes on sending that long is not waiting for an answer
