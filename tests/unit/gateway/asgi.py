"""A client that speaks ASGI to an application, without a socket."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import unquote


@dataclass
class Answer:
    status: int = 0
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""

    @property
    def json(self) -> Any:
        return json.loads(self.body)


def ask(
    app: Any,
    method: str,
    target: str,
    *,
    headers: dict[str, str] | None = None,
    body: bytes | Iterable[bytes] = b"",
    client: str = "192.0.2.1",
) -> Answer:
    """Sends one request and returns the whole answer."""
    return asyncio.run(ask_now(app, method, target, headers=headers, body=body, client=client))


async def ask_now(
    app: Any,
    method: str,
    target: str,
    *,
    headers: dict[str, str] | None = None,
    body: bytes | Iterable[bytes] = b"",
    client: str = "192.0.2.1",
) -> Answer:
    path, _, query = target.partition("?")
    given = {name.lower(): value for name, value in (headers or {}).items()}
    pieces = [body] if isinstance(body, bytes) else list(body)
    if any(pieces) and "transfer-encoding" not in given:
        given.setdefault("content-length", str(sum(map(len, pieces))))
    scope = {
        "type": "http",
        "method": method,
        "path": unquote(path),
        "raw_path": path.encode(),
        "query_string": query.encode(),
        "root_path": "",
        "scheme": "http",
        "client": (client, 1234),
        "headers": [(name.encode(), value.encode()) for name, value in given.items()],
    }
    waiting = [
        {"type": "http.request", "body": piece, "more_body": number + 1 < len(pieces)}
        for number, piece in enumerate(pieces)
    ]
    answer = Answer()

    async def receive() -> Any:
        if waiting:
            return waiting.pop(0)
        await asyncio.sleep(0)
        return {"type": "http.disconnect"}

    async def send(message: Any) -> None:
        if message["type"] == "http.response.start":
            answer.status = message["status"]
            answer.headers = {name.decode(): value.decode() for name, value in message["headers"]}
        else:
            answer.body += message.get("body", b"")

    await app(scope, receive, send)
    return answer
