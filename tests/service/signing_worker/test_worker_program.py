"""The generic worker program: one answer per line, errors without their text, limits that end the process."""

from __future__ import annotations

import json
import signal
import textwrap
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.req("SG-07")

PROGRAM = """
    import os
    import sys
    from services.common.worker_program import Refused, serve

    def handle(job):
        what = job["do"]
        if what == "refuse":
            raise Refused("not_today")
        if what == "raise":
            raise RuntimeError("Nguyễn Thị An 046190000123")
        if what == "fill":
            return {"size": len(bytearray(1 << 40))}
        if what == "burn":
            while True:
                pass
        if what == "sleep":
            import time
            time.sleep(3600)
        if what == "print":
            print("not an answer")
        return {"did": what}

    serve(handle, memory_limit_bytes=1 << 30, cpu_limit_seconds=0.5, wall_limit_seconds=float(os.environ["WALL"]))
"""


@pytest.fixture
def program(tmp_path: Path) -> str:
    written = tmp_path / "program.py"
    written.write_text(textwrap.dedent(PROGRAM), encoding="utf-8")
    return str(written)


@pytest.fixture
def worker(start: Callable[..., Any], program: str) -> Any:
    return start(program, WALL="2")


def test_answers_in_order_and_ends_with_its_input(worker: Any) -> None:
    for number in range(5):
        assert worker.ask(id=number, do="work") == {"id": number, "did": "work"}
    assert worker.finish()[0] == 0


def test_errors_are_answers_without_their_text(worker: Any) -> None:
    assert worker.ask(id="a", do="refuse") == {"id": "a", "error": {"type": "not_today", "detail": ""}}
    failed = worker.ask(id="b", do="raise")
    assert failed["error"]["type"] == "RuntimeError"
    assert failed["error"]["detail"].startswith("program.py:")
    assert worker.ask(id="c", do="fill")["error"]["type"] == "MemoryError"
    assert worker.ask(id="d") == {"id": "d", "error": {"type": "KeyError", "detail": "program.py:7"}}
    assert worker.ask(id="e", do="work")["did"] == "work"
    assert "046190000123" not in worker.finish()[1]


@pytest.mark.parametrize("line", [b"", b"not json", b"[1]", b"\xff\xfe", b'{"id": 1', b"null"])
def test_nonsense_is_answered_and_survived(worker: Any, line: bytes) -> None:
    worker.send(line)
    assert worker.answer()["error"]["type"] in {"not_json", "not_a_job", "UnicodeDecodeError"}
    assert worker.ask(id=1, do="work")["did"] == "work"


def test_endless_line_ends_the_worker(worker: Any) -> None:
    worker.send(json.dumps({"id": 1, "do": "x" * 300_000}).encode())
    assert worker.answer()["error"]["type"] == "line_too_long"
    assert worker.process.wait(10) == 0


def test_printing_does_not_disturb_the_answers(worker: Any) -> None:
    assert worker.ask(id=1, do="print") == {"id": 1, "did": "print"}
    assert "not an answer" in worker.finish()[1]


# On a busy machine half a second of CPU may take long: the other limit must not come first.
@pytest.mark.parametrize(("what", "wall", "ended_by"), [("burn", "15", signal.SIGPROF), ("sleep", "1", signal.SIGALRM)])
def test_limits_end_the_process(
    start: Callable[..., Any], program: str, what: str, wall: str, ended_by: signal.Signals
) -> None:
    worker = start(program, WALL=wall)
    worker.send(json.dumps({"id": 1, "do": what}).encode())
    assert worker.process.wait(20) == -ended_by


def test_limit_is_per_job(worker: Any) -> None:
    """Many short jobs may use more in sum than one may."""
    import time

    until = time.monotonic() + 2.5
    while time.monotonic() < until:
        assert worker.ask(id=1, do="work")["did"] == "work"
