"""One supervised program: what it is, how it is asked whether it is ready, when it may come back."""

from __future__ import annotations

import signal
import subprocess
import urllib.error
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from deploy.local import broker, processes
from deploy.local.table import Process

#: Seconds before one that ended comes back; doubled each time.
PAUSE_FIRST, PAUSE_LONGEST = 1.0, 30.0


@dataclass
class Child:
    """One supervised program: what it is, whether it runs, when it may come back. Times are monotonic seconds."""

    name: str
    argv: list[str]
    env: dict[str, str]
    probe: Callable[[], bool]
    popen: subprocess.Popen[bytes] | None = None
    ready: bool = False
    restarts: int = 0
    pause: float = PAUSE_FIRST
    not_before: float = 0.0
    started: float = 0.0
    next_probe: float = 0.0
    log_from: int | None = None  # where its log began to grow since this start
    unwritten: bool = False  # its record in the state directory is not what it should be
    extra: dict[str, Any] = field(default_factory=dict)

    def put_off(self, now: float) -> None:
        """Counts a failure: it is looked after again after its pause, which grows."""
        self.restarts += 1
        self.not_before = self.next_probe = now + self.pause
        self.pause = min(self.pause * 2, PAUSE_LONGEST)

    def record(self) -> dict[str, Any]:
        pid = self.popen.pid if self.popen else 0
        state = "ready" if self.ready else "starting" if self.popen else "stopped"
        start = processes.start_time(pid) if pid else None
        return {"name": self.name, "pid": pid, "start": start, "state": state, "restarts": self.restarts, **self.extra}


def http_ready(port: int) -> bool:
    """Whether /healthz/ready on a local port answers 200."""
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/healthz/ready", timeout=2) as answer:
            return bool(answer.status == 200)
    except (urllib.error.URLError, OSError, ValueError):
        return False


def probe_of(row: Process) -> Callable[[], bool]:
    # an outside system need not know our health addresses: its own door being open is enough
    if row.simulator and row.http_port:
        port = row.http_port
        return lambda: http_ready(row.health_port) or broker.listens(port)
    return lambda: http_ready(row.health_port)


def exit_text(code: int) -> str:
    """How a program ended, for a person."""
    return f"killed by {signal.Signals(-code).name}" if code < 0 else f"exit status {code}"
