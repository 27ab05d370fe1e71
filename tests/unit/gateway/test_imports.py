"""The gateway is one asyncio program: what the rooms stand on has no place in it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]
FOREIGN = ("eventlet", "greenlet", "nameko", "kombu", "amqp", "pymongo", "bson", "marshmallow")


def test_no_eventlet_and_no_database_in_the_gateways_process():
    script = (
        "import sys, services.gateway.program;"
        f"print([m for m in {FOREIGN!r} if m in sys.modules],"
        "sorted({m.split('.')[1] for m in sys.modules if m.startswith('services.')}))"
    )
    done = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=True)
    foreign, rooms = done.stdout.strip().split("] [")
    assert foreign == "["
    assert rooms == "'common', 'gateway']"
