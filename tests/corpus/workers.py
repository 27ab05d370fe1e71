"""The corpus through the room's own worker program, as many processes as wanted, one job at a time each."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from pathlib import Path
from typing import Any


class Worker:
    """One process of `services.signing.worker`; started anew when a file ended it."""

    def __init__(self, trust: Path, *, hash_seed: int | None = None, limits: Iterable[str] = ()) -> None:
        self._command = [sys.executable, "-m", "services.signing.worker", "--trust", str(trust), *limits]
        self._environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])}
        if hash_seed is not None:
            self._environment["PYTHONHASHSEED"] = str(hash_seed)
        self._process: subprocess.Popen[str] | None = None

    def check(self, path: Path, received: datetime, now: datetime) -> dict[str, Any]:
        """The report, or {"killed": signal} where the file ended the worker, or {"error": …}."""
        if self._process is None:
            self._process = subprocess.Popen(
                self._command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
                env=self._environment,
            )  # fmt: skip
        process = self._process
        assert process.stdin is not None and process.stdout is not None
        job = {"id": "1", "path": str(path), "received": received.isoformat(), "now": now.isoformat()}
        process.stdin.write(json.dumps(job) + "\n")
        process.stdin.flush()
        line = process.stdout.readline()
        if not line:
            self._process = None
            return {"killed": -process.wait()}
        answer = json.loads(line)
        return dict(answer.get("report") or {"error": answer.get("error")})

    def end(self) -> None:
        if self._process is not None and self._process.stdin is not None:
            self._process.stdin.close()
            self._process.wait()
            self._process = None


Job = tuple[str, Path, datetime, datetime]


def check_all(jobs: Iterable[Job], trust: Path, *, count: int = 2, **options: Any) -> dict[str, dict[str, Any]]:
    """Answers by the jobs' names."""
    own = threading.local()
    started: list[Worker] = []

    def check(job: Job) -> tuple[str, dict[str, Any]]:
        if not hasattr(own, "worker"):
            own.worker = Worker(trust, **options)
            started.append(own.worker)
        return job[0], own.worker.check(*job[1:])

    try:
        with ThreadPoolExecutor(count) as pool:
            return dict(pool.map(check, jobs))
    finally:
        for worker in started:
            worker.end()
