"""Sending files to the vault and fetching them, as a client of its byte door with a ticket from RPC."""

from __future__ import annotations

import http.client
import os
from typing import Any
from urllib.parse import urlsplit

import httpx

from tests.support.bus import Bus


def pdf(size: int = 2_000) -> bytes:
    """Bytes that look like a PDF from outside and are new each time."""
    return b"%PDF-1.7\n" + os.urandom(max(0, size - 9))


class Files:
    """The byte door as one actor's client sees it."""

    def __init__(self, bus: Bus) -> None:
        self._bus = bus

    def open(
        self, token: str, filename: str = "a.pdf", purpose: str = "component", *, key: str | None = None, **more: Any
    ) -> dict[str, Any]:
        return self._bus.call("vault.open_upload", token, key=key, purpose=purpose, filename=filename, **more)

    def send(self, opened: dict[str, Any], content: Any, **headers: str) -> httpx.Response:
        authorization = {"Authorization": f"Ticket {opened['ticket']}"}
        return httpx.put(opened["url"], content=content, headers=authorization | headers, timeout=30)

    def put(self, token: str, data: bytes, filename: str = "a.pdf", purpose: str = "component") -> str:
        """Stores a file and returns its id."""
        opened = self.open(token, filename, purpose)
        response = self.send(opened, data)
        assert response.status_code == 201, response.text
        return str(response.json()["file_id"])

    def get(self, opened: dict[str, Any], **headers: str) -> httpx.Response:
        return httpx.get(opened["url"], headers={"Authorization": f"Ticket {opened['ticket']}"} | headers, timeout=30)

    def begin(self, opened: dict[str, Any], length: int) -> http.client.HTTPConnection:
        """An upload of which only the head is sent; the caller sends the body piece by piece."""
        address = urlsplit(opened["url"])
        connection = http.client.HTTPConnection(address.hostname or "", address.port, timeout=30)
        connection.putrequest("PUT", address.path)
        connection.putheader("Authorization", f"Ticket {opened['ticket']}")
        connection.putheader("Content-Length", str(length))
        connection.endheaders()
        return connection
