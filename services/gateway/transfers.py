"""Files through the gateway: bytes are handed on as they come, nothing is kept.

Towards the vault we speak HTTP with the ticket that the room gave. Each side is read only as fast as the other one
takes: uvicorn pauses the sender when 64 KiB wait, httpx awaits the socket's buffer.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from typing import Any

import httpx
import orjson

from services.common import logs, problems
from services.common.problems import Problem
from services.gateway import answers, metrics, requests
from services.gateway.config import (
    LEAST_BYTES,
    MOST_TRANSFERS,
    MOST_TRANSFERS_OF_ONE,
    SILENCE_SECONDS,
    TRANSFER_SECONDS,
    UPLOAD_LIMIT,
)

_HANDED_ON = frozenset(
    {
        b"content-type",
        b"content-length",
        b"content-disposition",
        b"content-range",
        b"accept-ranges",
        b"etag",
    }
)
_PRIVATE = b"private, no-store"
_MOST_ANSWER = 64 * 1024


class Transfers:
    """At most MOST_TRANSFERS at once, of one account MOST_TRANSFERS_OF_ONE."""

    def __init__(self, vault_url: str) -> None:
        self._vault = vault_url.rstrip("/") + "/"
        self._in_hand: Counter[str] = Counter()
        self._client = httpx.AsyncClient(
            trust_env=False,
            timeout=httpx.Timeout(SILENCE_SECONDS, connect=3.0),
            # the vault's door ends each connection with its answer
            limits=httpx.Limits(max_connections=MOST_TRANSFERS, max_keepalive_connections=0),
        )

    async def stop(self) -> None:
        await self._client.aclose()

    def _check_room(self, caller: str) -> None:
        if self._in_hand[caller] >= MOST_TRANSFERS_OF_ONE:
            raise problems.too_many(retry_after=2)
        if self._in_hand.total() >= MOST_TRANSFERS:
            metrics.record_refused("vault")
            raise problems.unavailable(retry_after=2, detail="too many transfers")

    @contextlib.contextmanager
    def _place(self, caller: str) -> Iterator[None]:
        self._check_room(caller)
        self._in_hand[caller] += 1
        try:
            yield
        finally:
            self._in_hand[caller] -= 1
            if not self._in_hand[caller]:
                del self._in_hand[caller]

    # --- upload ------------------------------------------------------------------------------------------------------

    def check_upload(self, caller: str, scope: Any) -> None:
        """What can be refused before a byte was sent; `caller` is whose transfer it is. Raises Problem 413, 415, 429 or
        503."""
        length = requests.header(scope, b"content-length")
        if length.isdigit() and int(length) > UPLOAD_LIMIT:
            raise problems.too_large(UPLOAD_LIMIT)
        if length == "0" or (not length and not requests.header(scope, b"transfer-encoding")):
            raise problems.malformed("the body is empty; it is the file")
        if requests.header(scope, b"content-encoding").lower() not in ("", "identity"):
            raise answers.unsupported_media_type("send the file as it is, without Content-Encoding")
        if requests.header(scope, b"content-type").lower().startswith(("multipart/", "application/x-www-form")):
            raise answers.unsupported_media_type(
                "the file itself is the body, not a form: send Content-Type: application/octet-stream"
            )
        self._check_room(caller)

    async def upload(self, caller: str, opened: dict[str, Any], scope: Any, receive: Any, send: Any) -> None:
        """Streams the request's body to the vault and passes on its answer."""
        headers = self._ticket(opened)
        length = requests.header(scope, b"content-length")
        if length.isdigit():
            headers["content-length"] = length
        async with self._answer(caller, "PUT", opened, headers, _body(receive)) as response:
            answer = await _short(response)
        if response.status_code >= 400:
            raise _problem(answer)
        await answers.send_bytes(send, response.status_code, answer, answers.JSON)

    # --- download ----------------------------------------------------------------------------------------------------

    async def download(self, caller: str, opened: dict[str, Any], scope: Any, receive: Any, send: Any) -> None:
        """Streams the file from the vault to the client; a range is passed on."""
        headers = {**self._ticket(opened), "accept-encoding": "identity"}
        for name in ("range", "if-range"):
            given = requests.header(scope, name.encode())
            if given:
                headers[name] = given
        gone = asyncio.ensure_future(_gone(receive))
        try:
            async with self._answer(caller, "GET", opened, headers) as response:
                await self._hand_on(response, gone, send)
        finally:
            gone.cancel()

    async def _hand_on(self, response: httpx.Response, gone: asyncio.Future[None], send: Any) -> None:
        if response.status_code >= 400:
            raise _problem(await _short(response))
        headers = [(name.lower(), value) for name, value in response.headers.raw if name.lower() in _HANDED_ON]
        # whatever the file is, a browser must not let it act in our name
        headers += [(b"content-security-policy", b"default-src 'none'; sandbox"), (b"cache-control", _PRIVATE)]
        await send({"type": "http.response.start", "status": response.status_code, "headers": headers})
        async for piece in response.aiter_raw():
            if gone.done():
                raise requests.ClientGone
            async with asyncio.timeout(SILENCE_SECONDS):
                await send({"type": "http.response.body", "body": piece, "more_body": True})
        await send({"type": "http.response.body", "body": b""})

    # --- shared ------------------------------------------------------------------------------------------------------

    @contextlib.asynccontextmanager
    async def _answer(
        self, caller: str, method: str, opened: dict[str, Any], headers: dict[str, str], content: Any = None
    ) -> AsyncIterator[httpx.Response]:
        """The vault's answer to one transfer, for which a place is held. Raises Problem 408, 429 or 503."""
        with self._place(caller):
            try:
                async with asyncio.timeout(TRANSFER_SECONDS):
                    request = self._client.build_request(method, self._url(opened), headers=headers, content=content)
                    response = await self._client.send(request, stream=True)
                    try:
                        yield response
                    finally:
                        await response.aclose()
            except TimeoutError:
                raise answers.too_slow() from None
            except httpx.HTTPError:
                raise problems.unavailable(retry_after=2, detail="the vault does not answer") from None

    def _url(self, opened: dict[str, Any]) -> str:
        url = str(opened["url"])
        if not url.startswith(self._vault):
            logs.error("foreign_vault_address")
            raise problems.internal()
        return url

    def _ticket(self, opened: dict[str, Any]) -> dict[str, str]:
        return {"authorization": f"Ticket {opened['ticket']}", "content-type": "application/octet-stream"}


async def _body(receive: Any) -> AsyncIterator[bytes]:
    """The request's body, counted. Raises Problem 408 or 413, ClientGone.

    Whoever sends less than LEAST_BYTES while we waited for SILENCE_SECONDS is too slow: the place is somebody else's.
    """
    clock = asyncio.get_running_loop().time
    seen = 0
    waited, came = 0.0, 0
    while True:
        asked = clock()
        try:
            async with asyncio.timeout(SILENCE_SECONDS):
                message = await receive()
        except TimeoutError:
            raise answers.too_slow() from None
        waited += clock() - asked
        came += len(message.get("body", b""))
        if waited >= SILENCE_SECONDS:
            if came < LEAST_BYTES and message.get("more_body", False):
                raise answers.too_slow()
            waited, came = 0.0, 0
        if message["type"] == "http.disconnect":
            raise requests.ClientGone
        piece = message.get("body", b"")
        seen += len(piece)
        if seen > UPLOAD_LIMIT:
            raise problems.too_large(UPLOAD_LIMIT)
        if piece:
            yield piece
        if not message.get("more_body", False):
            return


async def _gone(receive: Any) -> None:
    while (await receive())["type"] != "http.disconnect":
        continue


async def _short(response: httpx.Response) -> bytes:
    body = bytearray()
    async for piece in response.aiter_raw():
        body += piece
        if len(body) > _MOST_ANSWER:
            raise problems.unavailable(detail="the vault's answer is too long")
    return bytes(body)


def _problem(answer: bytes) -> Problem:
    try:
        problem = Problem.from_dict(orjson.loads(answer))
    except (ValueError, KeyError, TypeError):
        return problems.unavailable(retry_after=2, detail="the vault's answer cannot be read")
    # a ticket of ours that the vault does not take is no fault of the caller
    return problems.unavailable(retry_after=1) if problem.status in (401, 403) else problem
