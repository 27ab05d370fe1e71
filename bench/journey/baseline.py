"""What figures about the whole system are compared with: a bare round trip on the bus, a bare hello over HTTP."""

from __future__ import annotations

import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

from bench.bus.load import Caller
from bench.bus.programs import bare_service
from bench.cpu import cpu_of
from bench.figures import IN_FLIGHT
from bench.http_load import drive, request
from deploy.local.paths import ROOT
from deploy.local.system import System
from services.common import wire

CALLS = 3000
UPLOADS = 60
QUEUE = "bench.bare"


class Baseline:
    """Microseconds of CPU: `round_trip` over client, broker and service; `hello` over client and server."""

    def __init__(self, system: System, bare: int, caller: Caller, server: int, port: int) -> None:
        self._on_bus = [bare, system.pid("broker")]
        self._caller, self._server, self._port = caller, server, port

    def round_trip(self) -> float:
        before, own = cpu_of(self._on_bus), time.process_time()
        self._caller.run(CALLS, IN_FLIGHT)
        return (cpu_of(self._on_bus) - before + time.process_time() - own) / CALLS * 1e6

    def hello(self) -> float:
        message = request("GET", "/", {"Accept": "application/json"})
        return self._http(message, CALLS, 200)

    def both(self) -> float:
        return self.round_trip() + self.hello()

    def upload(self, body: bytes) -> float:
        """One upload to a synced file: client and server."""
        message = request("POST", "/", {"Content-Type": "application/octet-stream"}, body)
        return self._http(message, UPLOADS, 201)

    def _http(self, message: bytes, count: int, status: int) -> float:
        before, own = cpu_of([self._server]), time.process_time()
        drive(self._port, lambda _: message, count, IN_FLIGHT).require(status)
        return (cpu_of([self._server]) - before + time.process_time() - own) / count * 1e6


@contextmanager
def baseline(system: System) -> Iterator[Baseline]:
    """Starts the bare programs beside a running system, on its broker."""
    port = _free_port()
    directory = system.state.tmp / "bench"
    directory.mkdir(exist_ok=True)
    server = subprocess.Popen([sys.executable, "-m", "bench.journey.hello", str(port), str(directory)], cwd=ROOT)
    caller = None
    try:
        _wait(port)
        with bare_service(system, QUEUE) as bare:
            caller = Caller(system.amqp_url("operator"), "", QUEUE, wire.encode_call({"text": "xin chào"}), {})
            yield Baseline(system, bare, caller, server.pid, port)
    finally:
        if caller is not None:
            caller.close()
        server.terminate()
        server.wait(20)
        for file in directory.iterdir():
            file.unlink()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _wait(port: int) -> None:
    limit = time.monotonic() + 20
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
            return
        except OSError:
            if time.monotonic() > limit:
                raise RuntimeError("the bare HTTP server did not start") from None
            time.sleep(0.05)
