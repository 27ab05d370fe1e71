"""A pool of worker processes: one that died while idle is replaced, and leaves nothing of itself behind."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from services.common.workers import WorkerLost, WorkerPool
from tests.support.bus import eventually


@pytest.fixture
def pool() -> Iterator[WorkerPool]:
    own = WorkerPool("test", "tests.support.pid_worker", size=1, deadline=20.0)
    yield own
    own.close()


def pipes() -> int:
    """Open pipes of this process."""
    links = [Path(f"/proc/self/fd/{number}") for number in os.listdir("/proc/self/fd")]
    return sum(1 for link in links if link.is_symlink() and os.readlink(link).startswith("pipe:"))


def died(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except FileNotFoundError:
        return True


def test_workers_that_die_while_nobody_asks_are_replaced_and_let_go(pool):
    pid = pool.run({})["pid"]
    open_pipes = pipes()
    for _ in range(3):
        os.kill(pid, signal.SIGKILL)
        eventually(lambda gone=pid: died(gone), what="the worker is dead")
        following = pool.run({})["pid"]
        assert following != pid
        assert not Path(f"/proc/{pid}").exists()
        pid = following
    assert pipes() == open_pipes


def test_a_lost_workers_place_is_taken_at_once_where_that_is_wanted():
    own = WorkerPool("test", "tests.support.pid_worker", size=2, deadline=20.0, restart=True)
    try:
        first, second = own.run({})["pid"], own.run({})["pid"]
        os.kill(first, signal.SIGSTOP)
        with pytest.raises(WorkerLost):
            own.run({}, deadline=0.5)
        assert own.run({})["pid"] == second  # nobody waits for a program to start
        assert own.run({})["pid"] not in (first, second)
    finally:
        own.close()
