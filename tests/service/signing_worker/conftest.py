"""A worker program under test, driven over its pipes, with its own authority in a temporary folder."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from deploy.rehearsal import authority

PATIENCE_SECONDS = 60
ROOT = Path(__file__).resolve().parents[3]


class Driver:
    """Writes jobs, reads answers. A worker that says nothing for too long is killed, and reading ends."""

    def __init__(self, *command: str, **environment: str) -> None:
        self.process = subprocess.Popen(
            [sys.executable, *command],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            cwd=ROOT,
            env={**os.environ, "PYTHONPATH": str(ROOT), **environment},
        )

    def send(self, line: bytes) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write(line + b"\n")
        self.process.stdin.flush()

    def ask(self, **job: Any) -> dict[str, Any]:
        self.send(json.dumps(job).encode())
        return self.answer()

    def answer(self) -> dict[str, Any]:
        assert self.process.stdout is not None
        patience = threading.Timer(PATIENCE_SECONDS, self.process.kill)
        patience.start()
        line = self.process.stdout.readline()
        patience.cancel()
        assert line, f"the worker ended with {self.process.wait(60)}"
        answer: dict[str, Any] = json.loads(line)
        return answer

    def finish(self) -> tuple[int, str]:
        """Close its input; return exit code and what it wrote to stderr."""
        _, errors = self.process.communicate(timeout=60)
        return self.process.returncode, errors.decode()


@pytest.fixture
def start() -> Iterator[Callable[..., Driver]]:
    running: list[Driver] = []

    def begin(*command: str, **environment: str) -> Driver:
        running.append(Driver(*command, **environment))
        return running[-1]

    yield begin
    for driver in running:
        driver.process.kill()
        driver.process.communicate()


@pytest.fixture(scope="session")
def folders(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """Keys and trust of a rehearsal authority."""
    out, trusted = tmp_path_factory.mktemp("authority"), tmp_path_factory.mktemp("trust")
    authority.build(out, trusted)
    return out, trusted
