"""A pool of worker processes for CPU work: started as programs of their own, one job at a time each, killable.

A worker reads one JSON job a line and answers one JSON line (services/common/worker_program.py). A job has a
deadline; a worker that misses it, or dies, is replaced and its job answered with WorkerLost.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Mapping, Sequence
from typing import Any

import eventlet
import orjson
from eventlet.green import subprocess
from eventlet.queue import Empty, LightQueue

from services.common import logs, metrics, wire

#: What a worker may see of our environment: it reads hostile files, so no address, password or key of the room.
_PASSED = ("PATH", "HOME", "LANG", "LC_ALL", "TMPDIR", "PYTHONPATH", "VIRTUAL_ENV", "MOTCUA_TRUST", "MOTCUA_FONTS")

_BLOCK = 64 * 1024  # bytes


class WorkerLost(Exception):
    """The worker was killed at its deadline (`why` is "deadline"), died ("died"), every
    worker is busy for too long ("busy"), or the pool is closing ("closed")."""

    def __init__(self, why: str) -> None:
        super().__init__(why)
        self.why = why


class WorkerFault(Exception):
    """The worker's program raised; `kind` is the exception's type."""

    def __init__(self, kind: str, detail: str) -> None:
        super().__init__(f"{kind}: {detail}")
        self.kind = kind


class WorkerPool:
    """Workers of one program, `python -m module arguments`. Started at their first job, renewed after `most_jobs`."""

    def __init__(
        self,
        name: str,
        module: str,
        *,
        size: int,
        deadline: float,
        arguments: Sequence[str] = (),
        most_jobs: int = 200,
        env: Mapping[str, str] | None = None,
        restart: bool = False,
    ) -> None:
        """`env` goes before what the workers get of our environment. `restart`: the place of a worker that was lost is
        taken at once, and not when its turn comes."""
        self._env = dict(env or {})
        self._name = name
        self._restart = restart
        self._program = (module, *arguments)
        self._deadline = deadline
        self._most_jobs = most_jobs
        self._idle: LightQueue[_Worker | None] = LightQueue()
        self._all: set[_Worker] = set()
        self._closed = False
        for _ in range(size):
            self._idle.put(None)

    def run(self, job: dict[str, Any], *, deadline: float | None = None) -> Any:
        """The answer of one job; waits for an idle worker as long as for a job. Raises WorkerLost or WorkerFault."""
        try:
            worker = self._idle.get(timeout=deadline or self._deadline)
        except Empty:
            metrics.worker_jobs.labels(self._name, "busy").inc()
            raise WorkerLost("busy") from None
        keep: _Worker | None = None
        started = time.monotonic()
        outcome = "ok"
        try:
            if self._closed:
                raise WorkerLost("closed")
            if worker is not None and not worker.alive:  # it died while nobody asked
                self._drop(worker)
                worker = None
            if worker is None:
                worker = self._start()
            answer = worker.ask(job, deadline or self._deadline)
            keep = worker if worker.jobs < self._most_jobs else None
            return answer
        except WorkerLost as lost:
            outcome = lost.why
            logs.warning("worker_lost", pool=self._name, why=lost.why)
            raise
        except WorkerFault:
            outcome = "fault"
            keep = worker
            raise
        finally:
            if keep is None and worker is not None:
                self._drop(worker)
                if self._restart and not self._closed:
                    keep = self._start()
            self._idle.put(keep)
            metrics.worker_jobs.labels(self._name, outcome).inc()
            metrics.worker_seconds.labels(self._name).observe(time.monotonic() - started)

    def _start(self) -> _Worker:
        worker = _Worker(self._program, self._env)
        self._all.add(worker)
        return worker

    def _drop(self, worker: _Worker) -> None:
        worker.end()
        self._all.discard(worker)

    def close(self) -> None:
        """Ends all workers; a job that still comes is answered with WorkerLost."""
        self._closed = True
        for worker in list(self._all):
            worker.end()
        self._all.clear()


class _Worker:
    def __init__(self, program: Sequence[str], env: Mapping[str, str]) -> None:
        self.jobs = 0
        self._process = subprocess.Popen(
            [sys.executable, "-m", *program],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            bufsize=0,
            env={**{name: os.environ[name] for name in _PASSED if name in os.environ}, **env},
        )

    @property
    def alive(self) -> bool:
        return self._process.poll() is None

    def ask(self, job: dict[str, Any], deadline: float) -> Any:
        self.jobs += 1
        job_id = wire.new_id()
        line = b""
        try:
            with eventlet.Timeout(deadline, False):
                self._process.stdin.write(orjson.dumps({"id": job_id, **job}) + b"\n")
                self._process.stdin.flush()
                line = self._read_line()
        except OSError:
            raise WorkerLost("died") from None
        if not line:
            raise WorkerLost("deadline")
        answer = orjson.loads(line)
        if answer.get("error"):
            raise WorkerFault(str(answer["error"].get("type")), str(answer["error"].get("detail", "")))
        if answer.get("id") != job_id:
            raise WorkerLost("died")
        return answer

    def _read_line(self) -> bytes:
        # In blocks: readline of a pipe without a buffer asks the system for every byte, and a receipt has 60,000. A
        # buffered pipe would refuse `end` while another greenlet reads.
        answer = bytearray()
        while not answer.endswith(b"\n"):
            block = self._process.stdout.read(_BLOCK)
            if not block:
                raise WorkerLost("died")
            answer += block
        if answer.count(b"\n") != 1:  # it answers one job with one line
            raise WorkerLost("died")
        return bytes(answer)

    def end(self) -> None:
        if self._process.poll() is None:
            self._process.kill()
        self._process.wait()
        for pipe in (self._process.stdin, self._process.stdout):
            pipe.close()
