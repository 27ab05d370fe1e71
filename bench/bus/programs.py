"""Starts and ends the programs that a figure about the bus needs, on a broker and a database without rooms."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

from deploy.local.children import http_ready
from deploy.local.paths import ROOT
from deploy.local.system import System

ROOM = "oversight"  # whose database, keys and queues the bench's room borrows


@contextmanager
def room(system: System, *arguments: str) -> Iterator[int]:
    """The bench's room (bench/bus/room.py); gives its process id once it is ready."""
    # no room may tell `bench.made`: at the broker it is the operator
    env = {**system.env(ROOM), "MOTCUA_AMQP_URL": system.amqp_url("operator")}
    env.pop("MOTCUA_SEED", None)
    with _program([sys.executable, "-W", "ignore", "-m", "bench.bus.room", *arguments], env, system) as process:
        limit = time.monotonic() + 60
        while not http_ready(int(env["MOTCUA_HEALTH_PORT"])):
            if process.poll() is not None or time.monotonic() > limit:
                raise RuntimeError(f"the bench's room did not start: see bench.log in {system.state.logs}")
            time.sleep(0.1)
        yield process.pid


@contextmanager
def bare_service(system: System, queue: str) -> Iterator[int]:
    """The baseline's loop; gives its process id once it consumes."""
    command = [sys.executable, "-m", "bench.bus.bare_service", system.amqp_url("operator"), queue]
    with _program(command, {}, system, pipe=True) as process:
        assert process.stdout is not None
        if process.stdout.readline().strip() != b"ready":
            raise RuntimeError("the bare service did not start")
        yield process.pid


@contextmanager
def _program(
    command: list[str], env: dict[str, str], system: System, pipe: bool = False
) -> Iterator[subprocess.Popen[bytes]]:
    with open(system.state.logs / "bench.log", "ab") as log:
        process = subprocess.Popen(
            command, cwd=ROOT, env={**os.environ, **env}, stdout=subprocess.PIPE if pipe else log, stderr=log
        )
    try:
        yield process
    finally:
        process.terminate()
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        if process.stdout:
            process.stdout.close()
