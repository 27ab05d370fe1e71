"""Hostile files: each gets an answer that is not "valid", or its worker is ended by the limits and nothing else.

The worker's CPU limit is made small, so that the limit and not patience ends what would run for minutes.
"""

from __future__ import annotations

import re
import signal
from pathlib import Path

import pytest

from services.signing import worker
from tests.corpus import hostile
from tests.corpus.case import RECEIVED
from tests.corpus.conftest import Corpus
from tests.corpus.workers import Worker

pytestmark = [pytest.mark.req("SG-07"), pytest.mark.req("SE-04")]

_SMALL_LIMITS = ("--cpu-seconds", "1", "--wall-seconds", "120")
#: What a limit ends by: CPU time (SIGPROF), or the wall clock of the worker's own limits.
_BY_CPU = signal.SIGPROF


#: Files that carry no signature: "not signed" is a true answer.
_UNSIGNED = frozenset({
    "arrays", "arrays-500000", "bomb-double", "bomb-double-1g", "bomb-object-stream", "bomb-table", "bomb-table-1g",
    "dictionaries", "huge-section", "huge-size", "ranges", "table-ring",
})  # fmt: skip


def _answered(corpus: Corpus, path: Path, limits: tuple[str, ...], *, signed: bool = True) -> str:
    """What became of the file; the next job of a new worker is an honest file, and it passes."""
    own = Worker(corpus.trust, limits=limits)
    try:
        report = own.check(path, RECEIVED, RECEIVED)
        honest = own.check(corpus.folder / "honest/b-b.pdf", RECEIVED, RECEIVED)
    finally:
        own.end()
    assert honest.get("verdict") == "TOTAL_PASSED", honest
    if "killed" in report:
        assert report["killed"] in (_BY_CPU, signal.SIGALRM), report
        return f"killed by {signal.Signals(report['killed']).name}"
    allowed = ("TOTAL_FAILED", "INDETERMINATE") if signed else ("TOTAL_FAILED", "INDETERMINATE", "NO_SIGNATURE")
    assert report.get("verdict") in allowed, report
    return str(report["verdict"])


@pytest.mark.parametrize("name", sorted(hostile.SMALL))
def test_hostile_file_is_answered(corpus: Corpus, tmp_path: Path, name: str) -> None:
    path = tmp_path / "hostile.pdf"
    path.write_bytes(hostile.SMALL[name](corpus.kit))
    _answered(corpus, path, _SMALL_LIMITS, signed=name not in _UNSIGNED)


@pytest.mark.parametrize("name", ["field-tree", "field-chain"])
def test_cpu_limit_ends_what_would_run_for_minutes(corpus: Corpus, tmp_path: Path, name: str) -> None:
    path = tmp_path / "hostile.pdf"
    path.write_bytes(hostile.SMALL[name](corpus.kit))
    assert _answered(corpus, path, _SMALL_LIMITS) == "killed by SIGPROF"


def test_limits_of_the_room_are_those_of_the_issue() -> None:
    """25 s and 1 GiB."""
    assert worker.WALL_LIMIT_SECONDS <= 25 and worker.CPU_LIMIT_SECONDS <= 25
    assert worker.MEMORY_LIMIT <= 1024 * 1024 * 1024


@pytest.mark.full
@pytest.mark.parametrize("name", sorted(hostile.LARGE | hostile.SMALL))
def test_hostile_file_is_answered_within_the_limits_of_the_room(corpus: Corpus, tmp_path: Path, name: str) -> None:
    path = tmp_path / "hostile.pdf"
    path.write_bytes((hostile.LARGE | hostile.SMALL)[name](corpus.kit))
    _answered(corpus, path, (), signed=name not in _UNSIGNED)


@pytest.mark.full
def test_large_honest_file_passes(corpus: Corpus, tmp_path: Path) -> None:
    """The control: 200,000 objects and one signature are an honest file."""
    path = tmp_path / "large.pdf"
    path.write_bytes(hostile.many_objects(corpus.kit, 200_000))
    # the room's limit of CPU time; the wall clock is the machine's load
    own = Worker(corpus.trust, limits=("--wall-seconds", "600"))
    try:
        report = own.check(path, RECEIVED, RECEIVED)
    finally:
        own.end()
    assert report.get("verdict") == "TOTAL_PASSED", report
    assert re.fullmatch("[0-9a-f]{64}", report["sha256"])
