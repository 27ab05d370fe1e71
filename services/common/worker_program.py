"""A worker program: jobs come in as JSON lines on stdin, one answer each goes out on stdout.

For work that costs CPU or touches hostile input: the worker is a program of its own (never forked from a patched
process), bounded by the kernel, and its parent may kill it at any time. Standard library only.

    {"id": "1", …}                                        a job
    {"id": "1", …what handle returned…}                   its answer
    {"id": "1", "error": {"type": …, "detail": …}}        handle raised: kind and place of the error, never its text

Memory is bounded for the process, CPU and wall time per job (signals that end the process: a job cannot catch them).
The worker ends on the end of its input, so it dies with its parent; busy, it ends with its limits at the latest.
"""

from __future__ import annotations

import json
import os
import resource
import signal
import sys
import traceback
from collections.abc import Callable
from pathlib import PurePath
from typing import Any

Handle = Callable[[dict[str, Any]], dict[str, Any]]

# A job is a few addresses and times; more is a mistake or an attack.
MAX_LINE = 256 * 1024


class Refused(Exception):
    """A handler's own "no": `type` goes to the parent as it is, so it must be a constant of the program."""

    def __init__(self, type: str) -> None:
        super().__init__(type)
        self.type = type


def serve(
    handle: Handle,
    *,
    memory_limit_bytes: int,
    cpu_limit_seconds: float | None = None,
    wall_limit_seconds: float | None = None,
) -> None:
    """Answer jobs until the input ends.

    `handle` gets the job and returns the answer's members. Exceptions become error answers; MemoryError too. What a
    handler prints goes to stderr: stdout belongs to the answers.
    """
    resource.setrlimit(resource.RLIMIT_AS, (memory_limit_bytes, memory_limit_bytes))
    # A crash must not write the file under check, which is somebody's paper, to the disk.
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    answers = os.fdopen(os.dup(sys.stdout.fileno()), "w", encoding="utf-8", newline="\n")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    jobs = sys.stdin.buffer
    with answers:
        while True:
            line = jobs.readline(MAX_LINE + 1)
            if not line:
                return
            if len(line) > MAX_LINE:
                # What follows would be taken for jobs.
                _write(answers, {"id": None, "error": {"type": "line_too_long", "detail": ""}})
                return
            _limit(cpu_limit_seconds, wall_limit_seconds)
            answer = _answer(handle, line)
            _limit(0, 0)
            _write(answers, answer)


def _answer(handle: Handle, line: bytes) -> dict[str, Any]:
    identity: Any = None
    try:
        job = json.loads(line)
        if not isinstance(job, dict):
            raise Refused("not_a_job")
        identity = job.get("id")
        return {"id": identity, **handle(job)}
    except Refused as refused:
        return {"id": identity, "error": {"type": refused.type, "detail": ""}}
    except json.JSONDecodeError:
        return {"id": None, "error": {"type": "not_json", "detail": ""}}
    except Exception as error:  # the parent decides what an error means; the worker lives on
        return {"id": identity, "error": {"type": type(error).__name__, "detail": _place(error)}}


def _place(error: BaseException) -> str:
    """Where it was raised; the message itself may hold names or numbers of people."""
    frames = traceback.extract_tb(error.__traceback__)
    return f"{PurePath(frames[-1].filename).name}:{frames[-1].lineno}" if frames else ""


def _write(answers: Any, answer: dict[str, Any]) -> None:
    answers.write(json.dumps(answer, ensure_ascii=False) + "\n")
    answers.flush()


def _limit(cpu_seconds: float | None, wall_seconds: float | None) -> None:
    # The default action of both signals ends the process, even inside C code that never returns to Python.
    if cpu_seconds is not None:
        signal.setitimer(signal.ITIMER_PROF, cpu_seconds)
    if wall_seconds is not None:
        signal.setitimer(signal.ITIMER_REAL, wall_seconds)
