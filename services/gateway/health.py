"""The gateway's own port: /metrics, /healthz/live, /healthz/ready. The same answers as a room's."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

from services.common import metrics
from services.gateway import answers


class Health:
    """`missing` names what keeps the gateway from being ready."""

    def __init__(self, missing: Callable[[], list[str]]) -> None:
        self._missing = missing

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        path = scope["path"]
        if scope["method"] not in ("GET", "HEAD"):
            await answers.send_json(send, 405, {})
        elif path == "/metrics":
            metrics.ready.set(0 if self._missing() else 1)
            await answers.send_bytes(send, 200, generate_latest(), CONTENT_TYPE_LATEST.encode())
        elif path == "/healthz/live":
            await answers.send_json(send, 200, {"live": True})
        elif path == "/healthz/ready":
            missing = self._missing()
            await answers.send_json(send, 503 if missing else 200, {"ready": not missing, "missing": missing})
        else:
            await answers.send_json(send, 404, {})
