"""Fetches revocation lists and answers until told to end: python -m services.signing.fetcher

Settings: MOTCUA_TRUST, MOTCUA_TRUST_KEYS, MOTCUA_HEALTH_HOST, MOTCUA_HEALTH_PORT, MOTCUA_REHEARSAL,
MOTCUA_CLOCK_OFFSET, MOTCUA_LOG_LEVEL. SIGHUP: everything is asked for at once. The health port serves /metrics and
/healthz/ready. Standard threads, no eventlet: nothing here speaks to broker or database.
"""

from __future__ import annotations

import os
import signal
import sys
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

from services.common import logs
from services.signing.fetcher.rounds import Fetcher
from services.signing.trust_configuration import read_keys

_LOOK = 2.0  # seconds between two looks whether something is due or the configuration has changed


def _door(host: str, port: int, ready: Callable[[], bool]) -> ThreadingHTTPServer:
    class Door(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            if self.path == "/metrics":
                self._answer(200, CONTENT_TYPE_LATEST, generate_latest())
            elif self.path in ("/healthz/ready", "/healthz/live"):
                good = ready() or self.path == "/healthz/live"
                self._answer(
                    200 if good else 503, "application/json", b'{"ready":%s}' % (b"true" if good else b"false")
                )
            else:
                self._answer(404, "application/json", b"{}")

        def _answer(self, status: int, kind: str, body: bytes) -> None:
            self.send_response(status)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: Any) -> None:
            """Questions about health are not logged."""

    server = ThreadingHTTPServer((host, port), Door)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return server


def main() -> int:
    """Works until SIGTERM or SIGINT; 2 where a setting is missing or wrong."""
    env = os.environ
    logs.configure("fetcher", env.get("MOTCUA_LOG_LEVEL") or "INFO")
    rehearsal = env.get("MOTCUA_REHEARSAL") == "1"
    try:
        folder, port = Path(env["MOTCUA_TRUST"]), int(env["MOTCUA_HEALTH_PORT"])
        keys = read_keys(env.get("MOTCUA_TRUST_KEYS", ""))
        offset = timedelta(seconds=float(env.get("MOTCUA_CLOCK_OFFSET") or 0))
        if not keys and not rehearsal:
            raise ValueError("MOTCUA_TRUST_KEYS is not set")
    except (KeyError, ValueError) as fault:
        print(f"fetcher: {fault}", file=sys.stderr)
        return 2
    fetcher = Fetcher(folder, keys or None, lambda: datetime.now(UTC) + offset, time.monotonic)
    stop, at_once = threading.Event(), threading.Event()
    wake = threading.Event()

    def told(number: int, _frame: Any) -> None:
        (at_once if number == signal.SIGHUP else stop).set()
        wake.set()

    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, told)
    door = _door(env.get("MOTCUA_HEALTH_HOST") or "127.0.0.1", port, lambda: fetcher.ready)
    logs.info("started", port=port)
    while not stop.is_set():
        everything = at_once.is_set()
        at_once.clear()
        try:
            fetcher.work(at_once=everything)
        except OSError as fault:  # a full disk, a folder that is away: the next look may find it well
            logs.fault("fetch_failed", fault)
        wake.wait(_LOOK)
        wake.clear()
    door.shutdown()
    logs.info("stopped")
    return 0


if __name__ == "__main__":
    sys.exit(main())
