"""Whether the process of this container may be given work (the image's health check): python -m deploy.images.healthy

Asks the address that the supervisor asks: /healthz/ready. An outside system that a simulator plays need not know that
address: there its own door being open is enough. Exit status 0: yes.
"""

from __future__ import annotations

import os
import socket
import sys
import urllib.error
import urllib.request

_SECONDS = 3.0


def main() -> int:
    if _ready(os.environ["MOTCUA_HEALTH_PORT"]):
        return 0
    simulator = os.environ["MOTCUA_ROOM"].endswith("-simulator")
    return 0 if simulator and _open(int(os.environ["MOTCUA_HTTP_PORT"])) else 1


def _ready(port: str) -> bool:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/healthz/ready", timeout=_SECONDS) as answer:
            return bool(answer.status == 200)
    except (urllib.error.URLError, OSError, ValueError):
        return False


def _open(port: int) -> bool:
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=_SECONDS):
            return True
    except OSError:
        return False


if __name__ == "__main__":
    sys.exit(main())
