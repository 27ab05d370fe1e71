"""Simulator of the SMS gateway, for rehearsals and tests: a program of its own on MOTCUA_HTTP_PORT.

    POST /send {to, text, reference}        -> {reference, repeated}; one message per reference
    GET  /messages?to=0914000123[&after=n]  -> {messages: [{number, to, text, reference}]}, oldest first
    POST /control {"down": true} | {"refuse": "0914000123"} | {}   -> how it behaves from now on; {} heals it
    GET  /healthz/ready

Standard library only. Messages live in memory, the newest LONGEST of them.
"""

from __future__ import annotations

import json
import os
import re
import sys
import threading
from collections import OrderedDict
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

from services.common.simulator_program import serve_until_told

LARGEST_BODY = 16 * 1024
LONGEST = 50_000
_PHONE = re.compile(r"0[0-9]{9,10}")


def national(text: str) -> str:
    """A phone as dialled inside the country. Raises ValueError."""
    bare = re.sub(r"[\s.\-]", "", text).removeprefix("+")
    number = "0" + bare.removeprefix("84") if bare.startswith("84") else bare
    if not _PHONE.fullmatch(number):
        raise ValueError("not a phone")
    return number


class Simulator(ThreadingHTTPServer):
    """The messages it took and its present behaviour."""

    daemon_threads = True

    def __init__(self, port: int) -> None:
        super().__init__((os.environ.get("MOTCUA_HTTP_HOST") or "127.0.0.1", port), _Handler)
        self.messages: OrderedDict[str, dict[str, Any]] = OrderedDict()
        self.taken = 0
        self.down = False
        self.refused = ""
        self.lock = threading.Lock()

    def take(self, to: str, text: str, reference: str) -> bool:
        """Keeps a message; False when its reference was known. Raises ValueError."""
        phone = national(to)
        if not text or not reference or phone == self.refused:
            raise ValueError("refused")
        with self.lock:
            if reference in self.messages:
                return False
            self.taken += 1
            self.messages[reference] = {"number": self.taken, "to": phone, "text": text, "reference": reference}
            if len(self.messages) > LONGEST:
                self.messages.popitem(last=False)
            return True

    def sent_to(self, to: str | None, after: int) -> list[dict[str, Any]]:
        phone = national(to) if to else None
        with self.lock:
            return [m for m in self.messages.values() if m["number"] > after and phone in (None, m["to"])]

    def control(self, order: dict[str, Any]) -> dict[str, Any]:
        """Takes an order: what it does not name goes back to normal. Raises ValueError."""
        down, refuse = order.get("down", False), order.get("refuse", "")
        if not isinstance(down, bool) or not isinstance(refuse, str):
            raise ValueError("an order is {down: bool, refuse: phone}")
        self.down, self.refused = down, national(refuse) if refuse else ""
        return {"down": self.down, "taken": self.taken}

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that hung up is no error of ours."""
        if not isinstance(sys.exc_info()[1], ConnectionError):
            super().handle_error(request, client_address)


class _Handler(BaseHTTPRequestHandler):
    server: Simulator

    def do_GET(self) -> None:
        parts = urlsplit(self.path)
        if parts.path == "/healthz/ready":
            self._answer(200, {"ready": True})
        elif parts.path == "/messages":
            asked = parse_qs(parts.query)
            try:
                found = self.server.sent_to(asked.get("to", [None])[0], int(asked.get("after", ["0"])[0]))
            except ValueError:
                self._answer(400, {"error": "query"})
                return
            self._answer(200, {"messages": found})
        else:
            self._answer(404, {})

    def do_POST(self) -> None:
        length = int(self.headers.get("Content-Length") or 0)
        if not 0 < length <= LARGEST_BODY:
            self._answer(413 if length else 400, {"error": "length"})
            return
        try:
            body = json.loads(self.rfile.read(length))
            if not isinstance(body, dict):
                raise ValueError("not an object")
            if self.path == "/control":
                self._answer(200, self.server.control(body))
            elif self.path == "/send" and self.server.down:
                self._answer(503, {"error": "down"})
            elif self.path == "/send":
                to, text, reference = (str(body[name]) for name in ("to", "text", "reference"))
                self._answer(200, {"reference": reference, "repeated": not self.server.take(to, text, reference)})
            else:
                self._answer(404, {})
        except (ValueError, KeyError):
            self._answer(422, {"error": "body"})

    def _answer(self, status: int, body: dict[str, Any]) -> None:
        data = json.dumps(body, ensure_ascii=False).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json; charset=utf-8")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, format: str, *args: Any) -> None:
        """Requests are not logged: they hold phones and codes."""


def main() -> int:
    """Serves until SIGTERM or SIGINT."""
    server = Simulator(int(os.environ["MOTCUA_HTTP_PORT"]))
    return serve_until_told(server)


if __name__ == "__main__":
    sys.exit(main())
