"""Each process's own port: /metrics, /healthz/live, /healthz/ready. Served from a green thread after patching."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import eventlet
import eventlet.wsgi
import orjson
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest


class HealthServer:
    """`ready` returns what is missing by name; an empty answer means ready."""

    def __init__(self, host: str, port: int, ready: Callable[[], list[str]]) -> None:
        self._ready = ready
        self._socket = eventlet.listen((host, port), reuse_port=False)
        self._greenlet: Any = None

    def start(self) -> None:
        self._greenlet = eventlet.spawn(
            eventlet.wsgi.server, self._socket, self._answer, log_output=False, keepalive=False, debug=False
        )

    def stop(self) -> None:
        if self._greenlet is not None:
            self._greenlet.kill()
        self._socket.close()

    def _answer(self, environ: dict[str, Any], start: Callable[..., Any]) -> Iterable[bytes]:
        path = environ.get("PATH_INFO", "")
        if path == "/metrics":
            start("200 OK", [("Content-Type", CONTENT_TYPE_LATEST)])
            return [generate_latest()]
        if path == "/healthz/live":
            start("200 OK", [("Content-Type", "application/json")])
            return [b'{"live":true}']
        if path == "/healthz/ready":
            missing = self._ready()
            start("503 Service Unavailable" if missing else "200 OK", [("Content-Type", "application/json")])
            return [orjson.dumps({"ready": not missing, "missing": missing})]
        start("404 Not Found", [("Content-Type", "application/json")])
        return [b"{}"]
