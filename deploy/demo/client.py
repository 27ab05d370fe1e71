"""The gateway's client as an honest outsider would write it: one person, one channel, one connection pool.

A command keeps its Idempotency-Key however often it must be sent: a broken connection, 429, 502, 503, 504 and "the
first one is still running" are answered by sending the same command again, for as long as the client is patient.
Every other refusal is raised as `Refused` with its problem document. Thread-safe as far as httpx is.
"""

from __future__ import annotations

import contextlib
import threading
import time
import uuid
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import httpx

API = "/api/v1"
PROBLEM = "application/problem+json"
#: Statuses that say nothing about the request itself.
PASSING = frozenset({429, 502, 503, 504})
STILL_RUNNING = "/problems/still-running"
_LONGEST_PAUSE = 2.0  # seconds; a rehearsal does not wait longer, whatever Retry-After says
_SHORTEST_PAUSE = 0.1
#: Addresses that do not lie under the API.
_WHOLE = (API, "http:", "/openapi", "/docs")


@dataclass
class Traffic:
    """What went to the system from this process: requests to the gateway, messages on the partner's queues."""

    requests: int = 0
    messages: int = 0
    repeats: int = 0
    _lock: threading.Lock = field(default_factory=threading.Lock, repr=False)

    def count(self, *, requests: int = 0, messages: int = 0, repeats: int = 0) -> None:
        with self._lock:
            self.requests += requests
            self.messages += messages
            self.repeats += repeats

    @property
    def total(self) -> int:
        return self.requests + self.messages


#: Of the whole process; the journeys ask it whether a test has spoken to the system at all.
TRAFFIC = Traffic()
#: Called with every whole answer; the journeys hold them against the contract here.
LOOKERS: list[Callable[[httpx.Response], None]] = []


class Refused(Exception):
    """The gateway refused; `problem` is its document, `headers` what came with it."""

    def __init__(self, method: str, path: str, response: httpx.Response) -> None:
        self.status = response.status_code
        self.headers = response.headers
        self.media_type = response.headers.get("content-type", "").partition(";")[0]
        try:
            document = response.json()
        except ValueError:
            document = {}
        self.problem: dict[str, Any] = document if isinstance(document, dict) else {}
        self.rule: str | None = self.problem.get("rule")
        super().__init__(
            f"{method} {path}: {self.status} {self.problem.get('title', '')}"
            f" [{self.rule or '–'}] {self.problem.get('errors', '')} {self.problem.get('detail', '')}".rstrip()
        )

    @property
    def passing(self) -> bool:
        """Whether the same request may succeed by itself a little later."""
        return self.status in PASSING or self.problem.get("type", "").endswith(STILL_RUNNING)

    @property
    def pause(self) -> float:
        """Seconds to wait before the next try."""
        asked = self.headers.get("retry-after", "")
        seconds = float(asked) if asked.isdigit() else 0.25
        return min(max(seconds, _SHORTEST_PAUSE), _LONGEST_PAUSE)


class NoAnswer(Exception):
    """The system did not answer within the client's patience."""


def new_key() -> str:
    """An Idempotency-Key."""
    return uuid.uuid4().hex


class Client:
    """Speaks to the gateway as one person (or as nobody, without a token).

    `patience`: seconds for which a command is repeated; 0: one try, and the first answer counts. `renew`: called once
    when the token is refused; it leaves a new one in `token`. `local_address`: where its connections come from.
    """

    def __init__(
        self,
        base_url: str,
        *,
        channel: str = "portal",
        patience: float = 60.0,
        timeout: float = 15.0,
        renew: Callable[[], Any] | None = None,
        local_address: str | None = None,
    ) -> None:
        self.base_url = base_url.rstrip("/")
        self.channel = channel
        self.patience = patience
        self.token: str | None = None
        self.renew = renew
        self.repeats = 0
        # The machine's proxy settings are about the world outside, not about a port of this machine.
        self._http = httpx.Client(
            base_url=self.base_url, timeout=timeout, trust_env=False,
            transport=httpx.HTTPTransport(
                local_address=local_address,
                limits=httpx.Limits(max_connections=40, max_keepalive_connections=20),
            ),
        )  # fmt: skip

    def close(self) -> None:
        self._http.close()

    # -- verbs --------------------------------------------------------------------------------------------------------

    def get(self, path: str, **query: Any) -> Any:
        """The JSON answer. Raises Refused or NoAnswer."""
        return self.send("GET", path, params=_given(query)).json()

    def post(self, path: str, body: Any = None, *, key: str | None = None, **query: Any) -> Any:
        """A command under a key of its own (or `key`); its JSON answer, None for an empty one."""
        response = self.send("POST", path, json={} if body is None else body, key=key or new_key(),
                             params=_given(query))  # fmt: skip
        return response.json() if response.content else None

    def send_bytes(
        self, path: str, data: bytes | Callable[[], Iterable[bytes]], *, key: str | None = None, **query: Any
    ) -> Any:
        """Uploads a file; `data` may be a function that gives the pieces anew for each try."""
        headers = {"Content-Type": "application/octet-stream"}
        response = self.send("POST", path, content=data, key=key or new_key(), params=_given(query), headers=headers)
        return response.json()

    def fetch(self, path: str, **query: Any) -> bytes:
        """The bytes of a file."""
        return self.send("GET", path, params=_given(query)).content

    def send(
        self,
        method: str,
        path: str,
        *,
        key: str | None = None,
        json: Any = None,
        content: bytes | Callable[[], Iterable[bytes]] | None = None,
        params: Mapping[str, Any] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> httpx.Response:
        """One request, repeated as long as the answer says nothing about it. Raises Refused or NoAnswer."""
        limit = time.monotonic() + self.patience
        renewed = False
        while True:
            fault: Exception
            try:
                response = self.once(method, path, key=key, json=json, content=content, params=params, headers=headers)
                if response.status_code < 400:
                    return response
                fault = Refused(method, path, response)
            except httpx.TransportError as exc:
                fault = exc
            if isinstance(fault, Refused) and fault.status == 401 and self.renew is not None and not renewed:
                renewed = True
                self.renew()
                continue
            if isinstance(fault, Refused) and not fault.passing:
                raise fault
            pause = fault.pause if isinstance(fault, Refused) else 0.25
            if time.monotonic() + pause > limit:
                if isinstance(fault, Refused):
                    raise fault
                raise NoAnswer(f"{method} {path}: no answer within {self.patience:.0f} s ({fault!r})") from fault
            self.repeats += 1
            TRAFFIC.count(repeats=1)
            time.sleep(pause)

    def once(
        self,
        method: str,
        path: str,
        *,
        key: str | None = None,
        json: Any = None,
        content: bytes | Callable[[], Iterable[bytes]] | None = None,
        params: Mapping[str, Any] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> httpx.Response:
        """Exactly one request, whatever comes of it. Raises httpx.TransportError."""
        named = {"X-Channel": self.channel, **(headers or {})}
        if self.token:
            named.setdefault("Authorization", f"Bearer {self.token}")
        if key:
            named["Idempotency-Key"] = key
        TRAFFIC.count(requests=1)
        address = path if path.startswith(_WHOLE) else API + path
        response = self._http.request(
            method, address, json=json, content=content() if callable(content) else content, params=params,
            headers=named,
        )  # fmt: skip
        for look in LOOKERS:
            look(response)
        return response

    def stream(
        self, method: str, path: str, *, headers: Mapping[str, str]
    ) -> contextlib.AbstractContextManager[httpx.Response]:
        """One request whose answer is read piece by piece."""
        TRAFFIC.count(requests=1)
        return self._http.stream(method, path, headers=headers)

    def refused(self, method: str, path: str, body: Any = None, *, key: str | None = None, **query: Any) -> Refused:
        """The refusal of a request that must be refused. Raises AssertionError when it is not."""
        try:
            if method == "GET":
                answer = self.get(path, **query)
            else:
                answer = self.post(path, body, key=key, **query)
        except Refused as refusal:
            return refusal
        raise AssertionError(f"{method} {path} was not refused: {str(answer)[:300]}")


def _given(query: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in query.items() if value is not None}


def eventually(look: Callable[[], Any], *, within: float = 30.0, every: float = 0.1, what: str = "") -> Any:
    """Polls `look` until it answers something true and returns that. Raises AssertionError after `within` seconds."""
    limit = time.monotonic() + within
    while True:
        last = look()
        if last:
            return last
        if time.monotonic() > limit:
            raise AssertionError(f"not within {within:.0f} s: {what or look} (last seen: {str(last)[:300]})")
        time.sleep(every)
