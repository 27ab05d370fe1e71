"""A check ends with a report whatever becomes of its worker, and is made once for all who wait for it."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

import pytest

from services.common import problems
from services.common.problems import Problem
from services.common.workers import WorkerFault, WorkerLost
from services.signing import checker, trust
from services.signing.checker import Checker, Subject

NOW = datetime(2024, 3, 11, 2, 0, tzinfo=UTC)
SUBJECT = Subject("f" * 32, "a" * 64, 1000, NOW)
GOOD = {"report": {"sha256": SUBJECT.sha256, "verdict": "TOTAL_PASSED"}}

Step = Callable[[], Any]


class Pool:
    """Answers jobs by the steps it is given; the last one repeats."""

    steps: list[Step]

    def __init__(self, *_: Any, **__: Any) -> None:
        self.jobs: list[dict[str, Any]] = []

    def run(self, job: dict[str, Any]) -> Any:
        self.jobs.append(job)
        return self.steps[min(len(self.jobs), len(self.steps)) - 1]()

    def close(self) -> None: ...


def lost(why: str) -> Step:
    def step() -> Any:
        raise WorkerLost(why)

    return step


def fault(kind: str) -> Step:
    def step() -> Any:
        raise WorkerFault(kind, "")

    return step


@pytest.fixture
def make(world: Any, monkeypatch: pytest.MonkeyPatch) -> Callable[..., tuple[Checker, Pool, Any]]:
    def build(*steps: Step) -> tuple[Checker, Pool, Any]:
        monkeypatch.setattr(checker, "WorkerPool", Pool)
        monkeypatch.setattr(Pool, "steps", list(steps), raising=False)
        kernel = SimpleNamespace(settings=SimpleNamespace(trust=world.trust_folder), now=lambda: NOW)
        made = Checker(kernel)  # type: ignore[arg-type]
        calls: list[str] = []

        def call(method: str, **_: Any) -> dict[str, str]:
            calls.append(method)
            return {"url": "http://vault/files/f", "ticket": "t"}

        return made, made._pool, SimpleNamespace(kernel=kernel, call=call, calls=calls)  # type: ignore[return-value]

    return build


def test_the_worker_gets_address_ticket_and_both_times(make: Any) -> None:
    made, pool, ctx = make(lambda: GOOD)
    assert made.check(ctx, SUBJECT) == GOOD["report"]
    job = {"url": "http://vault/files/f", "headers": {"Authorization": "Ticket t"}, "received": NOW.isoformat()}
    assert pool.jobs == [{**job, "now": NOW.isoformat()}]


@pytest.mark.req("SG-07")
@pytest.mark.parametrize(
    ("steps", "jobs"),
    [([lost("deadline")], 1), ([lost("died")], 2), ([lost("died"), lost("deadline")], 2), ([fault("MemoryError")], 1)],
)
def test_a_file_that_ends_its_worker_is_undecided(make: Any, steps: list[Step], jobs: int) -> None:
    made, pool, ctx = make(*steps)
    report = made.check(ctx, SUBJECT)
    assert (report["verdict"], report["code"], report["sha256"]) == ("INDETERMINATE", "limit", SUBJECT.sha256)
    assert report["trust_version"] == made.trust_version
    assert len(pool.jobs) == jobs


def test_a_worker_killed_by_others_is_replaced(make: Any) -> None:
    made, _, ctx = make(lost("died"), lambda: GOOD)
    assert made.check(ctx, SUBJECT)["verdict"] == "TOTAL_PASSED"


@pytest.mark.parametrize("step", [fault("download_failed"), lambda: {"report": {"sha256": "b" * 64}}])
def test_a_vault_that_is_away_or_wrong_gives_no_verdict(make: Any, step: Step) -> None:
    made, _, ctx = make(step)
    with pytest.raises(Problem) as caught:
        made.check(ctx, SUBJECT)
    assert caught.value.status == 503


def test_no_verdict_at_stop_or_without_a_trust_store(make: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    made, _, ctx = make(lost("died"))
    with monkeypatch.context() as patch:
        patch.setattr(trust, "load", _unusable)
        with pytest.raises(Problem):
            made.check(ctx, SUBJECT)
    assert made.check(ctx, SUBJECT)["verdict"] == "INDETERMINATE"
    made.close()
    with pytest.raises(Problem):
        made.check(ctx, SUBJECT)


def _unusable(_: Any) -> Any:
    raise trust.TrustError("broken")


def test_a_refused_ticket_reaches_the_caller(make: Any) -> None:
    made, _, ctx = make(lambda: GOOD)

    def refuse(*_: Any, **__: Any) -> Any:
        raise problems.not_found()

    ctx.call = refuse
    with pytest.raises(Problem) as caught:
        made.check(ctx, SUBJECT)
    assert caught.value.status == 404


def test_callers_share_one_check_and_none_waits_longer_than_it_wants(make: Any) -> None:
    go = threading.Event()

    def slow() -> Any:
        assert go.wait(20)
        return GOOD

    made, pool, ctx = make(slow)
    for _ in range(3):
        with pytest.raises(Problem) as caught:
            made.check(ctx, SUBJECT, wait=0.01)
        assert (caught.value.status, caught.value.retry_after) == (503, 3)
    reports: list[Any] = []
    last = threading.Thread(target=lambda: reports.append(made.check(ctx, SUBJECT)))
    last.start()
    go.set()
    last.join(20)
    assert [report["verdict"] for report in reports] == ["TOTAL_PASSED"]
    # The last one may have come after the shared check had ended; the three before it made one.
    assert len(pool.jobs) in (1, 2)
    assert ctx.calls == ["vault.open_download"] * len(pool.jobs)
