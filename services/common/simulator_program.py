"""How a simulator of an outside system runs as a program of its own: until it is told to end."""

from __future__ import annotations

import signal
from socketserver import BaseServer
from typing import Any


def serve_until_told(server: BaseServer) -> int:
    """Serves until SIGTERM or SIGINT, then closes the server's door; the program's status."""

    def leave(*_: Any) -> None:
        raise SystemExit(0)

    signal.signal(signal.SIGTERM, leave)
    signal.signal(signal.SIGINT, leave)
    try:
        server.serve_forever()
    finally:
        server.server_close()
    return 0
