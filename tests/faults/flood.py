"""Requests at a rate that does not wait for answers, from many addresses, and what came of each of them.

A program of its own (run it in another process: what it costs must not slow what looks on), as lean as it can be: whole
requests are made beforehand, raw sockets read what is needed of an answer. A connection that the other side closes
while it rests is no fault; a request that meets such an end without a byte of an answer is sent once more, as every
HTTP client does.
"""

from __future__ import annotations

import asyncio
import itertools
import json
import time
import uuid
from collections import Counter, deque
from dataclasses import dataclass, field

from deploy.local.processes import more_files

READ, FILING, UPLOAD = "read", "filing", "upload"
#: Of a hundred requests: places of the filings and of the uploads; the others read.
_FILINGS = frozenset(range(3, 100, 7))  # 14 of them
_UPLOADS = frozenset(range(1, 100, 25))  # 4
LAST_ANSWERS = 45.0  # seconds for answers after the last request: longer than any deadline


@dataclass(frozen=True)
class Filing:
    """A request to file, but for its key, which stands between head and tail; `actor`: whose it is."""

    actor: str
    head: bytes
    tail: bytes


@dataclass(frozen=True)
class Flood:
    """`rate` in requests a second; None: each of `lines` connections sends as soon as it has its answer."""

    port: int
    seconds: float
    lines: int
    rate: float | None
    reads: list[bytes]
    filings: list[Filing]
    uploads: list[Filing]
    paper: bytes  # an upload's body; its first line is made anew for each
    first_address: int = 0


@dataclass
class Report:
    """What came back. `filings`: (actor, key) of all that were sent; `filed`: code → (actor, key) of those that were
    accepted; `kept_back`: requests for which no connection was free at the end."""

    statuses: dict[str, Counter[int]] = field(default_factory=dict)
    seconds: dict[str, list[float]] = field(default_factory=dict)  # of answers 2xx
    refusal_seconds: list[float] = field(default_factory=list)
    filings: list[tuple[str, str]] = field(default_factory=list)
    filed: dict[str, tuple[str, str]] = field(default_factory=dict)
    doubled: list[str] = field(default_factory=list)  # codes that were answered to two keys
    uploaded: list[str] = field(default_factory=list)
    without_retry_after: int = 0
    strange: list[str] = field(default_factory=list)  # answers that none should be
    faults: Counter[str] = field(default_factory=Counter)  # requests without an answer
    reasons: Counter[str] = field(default_factory=Counter)  # `detail` of refusals
    sent: int = 0
    kept_back: int = 0
    lasted: float = 0.0
    ended: float = 0.0  # when the last request was sent, monotonic time of the machine

    def total(self, *classes: int) -> int:
        """Answers of these hundreds, all kinds together."""
        return sum(n for counts in self.statuses.values() for status, n in counts.items() if status // 100 in classes)


@dataclass
class _Ask:
    kind: str
    data: bytes
    key: tuple[str, str] = ("", "")
    at: float = 0.0
    again: bool = False


def run(flood: Flood) -> Report:
    """Sends and answers what came back."""
    more_files()  # of so many connections at once
    return asyncio.run(_Sender(flood).run())


class _Line(asyncio.Protocol):
    """One connection, one request at a time."""

    def __init__(self, sender: _Sender) -> None:
        self._sender = sender
        self._buffer = bytearray()
        self._ask: _Ask | None = None
        self._used = False
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def send(self, ask: _Ask) -> None:
        assert self._transport is not None
        self._ask = ask
        self._transport.write(ask.data)

    @property
    def usable(self) -> bool:
        return self._transport is not None and not self._transport.is_closing()

    def close(self) -> None:
        if self._transport is not None:
            self._transport.close()

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        end = self._buffer.find(b"\r\n\r\n")
        if end < 0:
            return
        head = bytes(self._buffer[:end]).lower()
        length = int(_header(head, b"content-length:") or 0)
        if len(self._buffer) < end + 4 + length:
            return
        body = bytes(self._buffer[end + 4 : end + 4 + length])
        del self._buffer[: end + 4 + length]
        ask, self._ask, self._used = self._ask, None, True
        if b"connection: close" in head:
            self.close()
        if ask is not None:
            self._sender.answered(self, ask, int(head[9:12]), head, body)

    def connection_lost(self, exc: Exception | None) -> None:
        ask, self._ask = self._ask, None
        self._sender.lost(
            self, ask, reused=self._used and not self._buffer, why=type(exc).__name__ if exc else "closed"
        )


class _Sender:
    def __init__(self, flood: Flood) -> None:
        self._flood = flood
        self._report = Report()
        self._numbers = itertools.count()
        self._resting: deque[_Line] = deque()
        self._waiting: deque[_Ask] = deque()
        self._lines = 0
        self._opened = itertools.count(flood.first_address)
        self._in_flight = 0
        self._ending = False

    async def run(self) -> Report:
        loop = self._loop = asyncio.get_running_loop()
        flood, report = self._flood, self._report
        started = loop.time()
        if flood.rate is None:
            for _ in range(flood.lines):
                self._offer(next(self._numbers))
            await asyncio.sleep(flood.seconds)
        else:
            sent = 0
            while (passed := loop.time() - started) < flood.seconds:
                for _ in range(int(passed * flood.rate) - sent):
                    self._offer(next(self._numbers))
                    sent += 1
                await asyncio.sleep(0.004)
        self._ending = True
        report.ended = time.monotonic()
        report.lasted = loop.time() - started
        report.kept_back = len(self._waiting)
        self._waiting.clear()
        limit = loop.time() + LAST_ANSWERS
        while self._in_flight and loop.time() < limit:
            await asyncio.sleep(0.02)
        report.faults["unanswered"] += self._in_flight
        return report

    def _offer(self, number: int) -> None:
        self._give(self._ask(number))

    def _give(self, ask: _Ask) -> None:
        ask.at = self._loop.time()
        while self._resting:
            line = self._resting.popleft()
            if line.usable:
                self._send(line, ask)
                return
        if self._lines < self._flood.lines:
            self._lines += 1
            self._in_flight += 1
            self._loop.create_task(self._open(ask))
        else:
            self._waiting.append(ask)

    def _send(self, line: _Line, ask: _Ask) -> None:
        self._in_flight += 1
        self._report.sent += not ask.again
        line.send(ask)

    async def _open(self, ask: _Ask) -> None:
        number = next(self._opened)
        address = (f"127.{16 + number // 60_000}.{number // 240 % 250}.{number % 240 + 1}", 0)
        try:
            _, line = await self._loop.create_connection(
                lambda: _Line(self), "127.0.0.1", self._flood.port, local_addr=address
            )
        except OSError as exc:
            self._lines -= 1
            self._in_flight -= 1
            self._report.faults[f"no connection: {type(exc).__name__}"] += 1
            return
        self._in_flight -= 1
        self._send(line, ask)

    def answered(self, line: _Line, ask: _Ask, status: int, head: bytes, body: bytes) -> None:
        self._in_flight -= 1
        report, seconds = self._report, self._loop.time() - ask.at
        report.statuses.setdefault(ask.kind, Counter())[status] += 1
        if status < 300:
            report.seconds.setdefault(ask.kind, []).append(seconds)
            self._note(ask, body)
        elif status in (429, 503):
            report.refusal_seconds.append(seconds)
            report.without_retry_after += _header(head, b"retry-after:") is None
            report.reasons[f"{status} {json.loads(body).get('detail')}"] += 1
        elif len(report.strange) < 20:
            report.strange.append(f"{ask.kind}: {status} {body[:300]!r}")
        if self._flood.rate is None and not self._ending:
            self._waiting.append(self._ask(next(self._numbers)))
        if line.usable:
            if self._waiting:
                self._send_next(line)
            else:
                self._resting.append(line)

    def _send_next(self, line: _Line) -> None:
        ask = self._waiting.popleft()
        if self._flood.rate is None:
            ask.at = self._loop.time()
        self._send(line, ask)

    def _note(self, ask: _Ask, body: bytes) -> None:
        if ask.kind == FILING:
            code = str(json.loads(body)["code"])
            if self._report.filed.setdefault(code, ask.key) != ask.key:
                self._report.doubled.append(code)
        elif ask.kind == UPLOAD:
            self._report.uploaded.append(str(json.loads(body)["file_id"]))

    def lost(self, line: _Line, ask: _Ask | None, *, reused: bool, why: str) -> None:
        self._lines -= 1
        if ask is not None:
            self._in_flight -= 1
            if reused and not ask.again:
                ask.again = True
                self._give(ask)
            else:
                self._report.faults[why] += 1
        elif self._waiting and not self._ending:
            self._give(self._waiting.popleft())

    def _ask(self, number: int) -> _Ask:
        flood, place = self._flood, number % 100
        if place in _FILINGS:
            filing = flood.filings[number % len(flood.filings)]
            key = uuid.uuid4().hex
            self._report.filings.append((filing.actor, key))
            return _Ask(FILING, filing.head + key.encode() + filing.tail, (filing.actor, key))
        if place in _UPLOADS:
            upload, key = flood.uploads[number % len(flood.uploads)], uuid.uuid4().hex
            first = b"%PDF-1.7\n% " + key.encode()
            return _Ask(UPLOAD, upload.head + key.encode() + upload.tail + first + flood.paper[len(first) :])
        return _Ask(READ, flood.reads[number % len(flood.reads)])


def _header(head: bytes, name: bytes) -> bytes | None:
    """The value of a header in a lower-case head."""
    place = head.find(b"\r\n" + name)
    if place < 0:
        return None
    end = head.find(b"\r\n", place + 2)
    return head[place + 2 + len(name) : end if end >= 0 else None].strip()
