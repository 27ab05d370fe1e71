"""The HTTP protocol of the public port: uvicorn's, with time and size limits before a request is whole, and problem
documents also for what is no HTTP."""

from __future__ import annotations

import asyncio
import sys
from collections import Counter
from http import HTTPStatus
from typing import Any, ClassVar

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol

from services.common import problems
from services.common.problems import Problem
from services.gateway import answers
from services.gateway.config import HEAD_LIMIT, HEAD_SECONDS, MOST_CONNECTIONS, MOST_CONNECTIONS_OF_ADDRESS


class StrictConnection(h11.Connection):
    """Takes no request whose end two readers could see in different places (RFC 9112 §6.1, §6.3): a length beside
    chunks, or chunks in HTTP/1.0. What follows it on the line is nobody's request."""

    def next_event(self) -> Any:
        """As h11's. Raises h11.RemoteProtocolError."""
        event = super().next_event()
        if isinstance(event, h11.Request):
            names = {name for name, _ in event.headers}
            if b"transfer-encoding" in names and (b"content-length" in names or event.http_version < b"1.1"):
                raise h11.RemoteProtocolError("two ways to tell where the request ends")
        return event


class DoorProtocol(H11Protocol):
    """One connection."""

    _head_timer: asyncio.TimerHandle | None = None
    _of_address: ClassVar[Counter[str]] = Counter()
    _counted = ""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.conn = StrictConnection(h11.SERVER, HEAD_LIMIT)

    def connection_made(self, transport: Any) -> None:
        super().connection_made(transport)
        address = self.client[0] if self.client else ""
        if not self.config.proxy_headers:  # behind a proxy of ours all come from its address: it counts them
            self._counted = address
            self._of_address[address] += 1
        if len(self.connections) > MOST_CONNECTIONS or self._of_address[address] > MOST_CONNECTIONS_OF_ADDRESS:
            self._end(problems.unavailable(retry_after=5, detail="too many connections"))
            return
        self._head_timer = self.loop.call_later(HEAD_SECONDS, self._head_too_slow)

    def connection_lost(self, exc: Exception | None) -> None:
        self._cancel_head_timer()
        if self._counted:
            self._of_address[self._counted] -= 1
            if not self._of_address[self._counted]:
                del self._of_address[self._counted]
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        if self.conn.their_state is not h11.IDLE:
            self._cancel_head_timer()
        elif self._head_timer is None and self.conn.trailing_data[0] and not self.transport.is_closing():
            self._head_timer = self.loop.call_later(HEAD_SECONDS, self._head_too_slow)

    def send_400_response(self, msg: str) -> None:
        """Called by uvicorn while it handles h11's error, which knows a better status than 400 for some."""
        fault = sys.exception()
        hint = getattr(fault, "error_status_hint", 400)
        self._end(answers.too_long(431) if hint == 431 else problems.malformed("this is not HTTP"))

    def _head_too_slow(self) -> None:
        self._head_timer = None
        if self.transport.is_closing() or self.conn.their_state is not h11.IDLE:
            return
        if self.conn.trailing_data[0]:
            self._end(answers.too_slow())
        else:
            self.transport.close()

    def _cancel_head_timer(self) -> None:
        if self._head_timer is not None:
            self._head_timer.cancel()
            self._head_timer = None

    def _end(self, problem: Problem) -> None:
        """Answers where no answer has begun, and closes."""
        if self.conn.our_state in (h11.IDLE, h11.SEND_RESPONSE):
            body, headers = answers.problem_parts(problem)
            reason = HTTPStatus(problem.status).phrase.encode()
            head = h11.Response(
                status_code=problem.status,
                reason=reason,
                headers=[
                    (b"content-type", answers.PROBLEM),
                    (b"content-length", str(len(body)).encode()),
                    (b"x-content-type-options", b"nosniff"),
                    (b"cache-control", b"no-store"),
                    (b"connection", b"close"),
                    *headers,
                ],
            )
            for event in (head, h11.Data(data=body), h11.EndOfMessage()):
                self.transport.write(self.conn.send(event) or b"")
        self.transport.close()
