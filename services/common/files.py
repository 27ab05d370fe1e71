"""Putting a room's own files into the vault and fetching files from it.

The ticket is asked for by RPC as the room itself, the bytes go by HTTP to the vault's internal port; they never
travel through the broker. Works in a patched process (the standard library's sockets are green there) and in any other.
"""

from __future__ import annotations

import hashlib
import http.client
import json
import time
from typing import Any
from urllib.parse import urlsplit

from services.common import problems
from services.common.context import Context
from services.common.problems import Problem

LIMIT_BYTES = 20 * 1024 * 1024
LONGEST = 30.0  # seconds for one transfer, within the deadline of the work in hand


def put_bytes(
    ctx: Context, data: bytes, filename: str, purpose: str, *, person_id: str | None = None
) -> dict[str, Any]:
    """Stores `data`; returns {file_id, sha256, size, media_type}. `person_id`: whose data the file is.

    A handler that runs again (same command or event) gets the file that its first run stored, even where the bytes
    came out differently: take times from the document, not from the clock, where they are printed. Raises Problem.
    """
    owner: dict[str, Any] = {"person_id": person_id} if person_id else {}
    opened = ctx.call("vault.open_upload", as_service=True, purpose=purpose, filename=filename, **owner)
    if opened.get("stored"):
        stored: dict[str, Any] = opened["stored"]
        return stored
    answer = _exchange(ctx, "PUT", opened, data, most=65_536)
    meta: dict[str, Any] = json.loads(answer)
    if meta["sha256"] != hashlib.sha256(data).hexdigest():
        raise problems.unavailable(retry_after=2, detail="the vault stored something else")
    return meta


def get_bytes(ctx: Context, file_id: str, reason: str, *, on_behalf: str | None = None) -> bytes:
    """The bytes of a file (at most 20 MB, held in memory). `reason` goes into the access log of the file's owner, and
    `on_behalf`, the account for whom the room reads it. Raises Problem."""
    account: dict[str, Any] = {"on_behalf": on_behalf} if on_behalf else {}
    opened = ctx.call("vault.open_download", as_service=True, file_id=file_id, reason=reason, **account)
    data = _exchange(ctx, "GET", opened, None, most=LIMIT_BYTES)
    if hashlib.sha256(data).hexdigest() != opened["sha256"]:
        raise problems.unavailable(retry_after=2, detail="the file arrived damaged")
    return data


def _exchange(ctx: Context, method: str, opened: dict[str, Any], body: bytes | None, *, most: int) -> bytes:
    left = min(LONGEST, ctx.deadline - time.monotonic())
    if left <= 0:
        raise problems.unavailable(retry_after=1)
    address = urlsplit(opened["url"])
    connection = http.client.HTTPConnection(address.hostname or "", address.port, timeout=left)
    try:
        connection.request(method, address.path, body, {"Authorization": f"Ticket {opened['ticket']}"})
        response = connection.getresponse()
        answer = response.read(most + 1)
        if response.status >= 400:
            raise _problem(answer)
        if len(answer) > most:
            raise problems.unavailable(detail="the vault's answer is too long")
        return answer
    except (OSError, http.client.HTTPException):
        raise problems.unavailable(retry_after=2) from None
    finally:
        connection.close()


def _problem(answer: bytes) -> Problem:
    try:
        return Problem.from_dict(json.loads(answer))
    except (ValueError, KeyError, TypeError):
        return problems.unavailable(retry_after=2)
