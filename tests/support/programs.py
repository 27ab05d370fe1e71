"""Programs of the kernel's test room, run in real rooms' places on a broker and a database without other rooms.

Database, keys and queues are the room's. At the broker they are the operator: no room may tell `thing.made`.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import urllib.error
import urllib.request
from pathlib import Path

from deploy.local.processes import end_with_parent
from deploy.local.system import System
from tests.support.bus import eventually

PROGRAM = "tests.support.kernel_room"
ROOT = Path(__file__).resolve().parents[2]


def borrowed(stores: System, room: str) -> dict[str, str]:
    """The room's environment, with the operator's broker user."""
    return {**stores.env(room), "MOTCUA_AMQP_URL": stores.amqp_url("operator")}


class Program:
    """One process of the test room; `name` is the room whose users and queues it has."""

    def __init__(self, stores: System, name: str, port_of: str | None = None) -> None:
        self.name = name
        self._stores = stores
        self._env = {**borrowed(stores, name), "MOTCUA_RETRY_SCHEDULE": "1,1"}
        if port_of:
            self._env["MOTCUA_HEALTH_PORT"] = stores.env(port_of)["MOTCUA_HEALTH_PORT"]
        self.log = stores.state.logs / f"kernel-{name}-{port_of or name}.log"
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    def start(self, wait: bool = True) -> Program:
        with open(self.log, "ab") as out:
            self._process = subprocess.Popen(
                [sys.executable, "-W", "ignore", "-m", PROGRAM], cwd=ROOT, env={**os.environ, **self._env},
                stdout=out, stderr=out, start_new_session=True, preexec_fn=end_with_parent,
            )  # fmt: skip
        if wait:
            eventually(self.ready, within=30, what=f"{self.name} ready")
        return self

    def ready(self) -> bool:
        return self.http("/healthz/ready")[0] == 200

    def http(self, path: str) -> tuple[int, str]:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self._env['MOTCUA_HEALTH_PORT']}{path}", timeout=5) as got:
                return got.status, got.read().decode()
        except urllib.error.HTTPError as refused:
            return refused.code, refused.read().decode()
        except OSError:
            return 0, ""

    def send(self, number: int) -> None:
        assert self._process is not None
        self._process.send_signal(number)

    def wait(self, timeout: float = 30) -> int:
        assert self._process is not None
        return self._process.wait(timeout)

    def end(self, number: int = signal.SIGTERM) -> int:
        """Sends a signal and waits for the end; returns the exit status."""
        if self._process is None or self._process.poll() is not None:
            return 0
        self.send(number)
        return self.wait()
