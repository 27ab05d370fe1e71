"""A check ends with a report whatever becomes of its worker, and is made once for all who wait for it."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

import pytest

from services.common import problems
from services.common.problems import Problem
from services.common.workers import WorkerFault, WorkerLost
from services.signing import lanes, trust
from services.signing.checker import QUICK_BYTES, Checker, Subject

NOW = datetime(2024, 3, 11, 2, 0, tzinfo=UTC)
SUBJECT = Subject("f" * 32, "a" * 64, 1000, NOW)
GOOD = {"report": {"sha256": SUBJECT.sha256, "verdict": "TOTAL_PASSED"}}

Step = Callable[[], Any]


class Pool:
    """Both lanes' workers: answers jobs by the steps it is given; the last one repeats."""

    def __init__(self, *steps: Step) -> None:
        self.steps = steps
        self.jobs: list[dict[str, Any]] = []
        self.lanes: list[str] = []

    def of(self, name: str, *_: Any, **__: Any) -> Any:
        def run(job: dict[str, Any]) -> Any:
            self.lanes.append(name)
            return self.run(job)

        return SimpleNamespace(run=run, close=self.close)

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
        pool = Pool(*steps)
        monkeypatch.setattr(lanes, "WorkerPool", pool.of)
        settings = SimpleNamespace(trust=world.trust_folder, trust_keys="", rehearsal=True)
        kernel = SimpleNamespace(settings=settings, now=lambda: NOW, store=None)
        made = Checker(kernel)  # type: ignore[arg-type]
        calls: list[str] = []

        def call(method: str, **_: Any) -> dict[str, str]:
            calls.append(method)
            return {"url": "http://vault/files/f", "ticket": "t"}

        return made, pool, SimpleNamespace(kernel=kernel, call=call, calls=calls)  # type: ignore[return-value]

    return build


def test_the_worker_gets_address_ticket_and_both_times(make: Any) -> None:
    made, pool, ctx = make(lambda: GOOD)
    assert made.check(ctx, SUBJECT) == GOOD["report"]
    job = {"url": "http://vault/files/f", "headers": {"Authorization": "Ticket t"}, "received": NOW.isoformat()}
    assert pool.jobs == [{**job, "now": NOW.isoformat()}]


@pytest.mark.req("SG-07")
@pytest.mark.parametrize(
    ("steps", "tried"),
    [
        ([lost("deadline")], ["signing", "signing_patient"]),
        ([lost("died")], ["signing", "signing_patient"]),
        ([lost("died"), lost("deadline")], ["signing", "signing_patient"]),
        ([fault("MemoryError")], ["signing"]),
    ],
)
def test_a_file_that_ends_its_workers_is_undecided(make: Any, steps: list[Step], tried: list[str]) -> None:
    made, pool, ctx = make(*steps)
    report = made.check(ctx, SUBJECT)
    assert (report["verdict"], report["code"], report["sha256"]) == ("INDETERMINATE", "limit", SUBJECT.sha256)
    assert report["trust_version"] == made.trust_version
    assert pool.lanes == tried


@pytest.mark.parametrize(
    ("steps", "verdict"),
    [([lost("died"), lambda: GOOD], "TOTAL_PASSED"), ([lost("died")], "INDETERMINATE")],
)
def test_a_large_file_is_tried_in_the_patient_lane_only_and_again_after_an_early_death(
    make: Any, steps: list[Step], verdict: str
) -> None:
    made, pool, ctx = make(*steps)
    large = replace(SUBJECT, size=QUICK_BYTES + 1)
    assert made.check(ctx, large)["verdict"] == verdict
    assert pool.lanes == ["signing_patient"] * 2


def test_what_takes_long_waits_in_a_line_of_its_own_and_is_sent_away_when_it_is_full(make: Any) -> None:
    go = threading.Event()
    large = replace(SUBJECT, size=QUICK_BYTES + 1)

    def slow() -> Any:
        assert go.wait(20)
        return GOOD

    made, pool, ctx = make(slow)
    inside = lanes._PATIENT_WORKERS + lanes._PATIENT_LINE
    for number in range(inside):
        with pytest.raises(Problem):
            made.check(ctx, replace(large, file_id=f"{number:032x}"), wait=0.01)
    while made._patient._inside < inside:
        time.sleep(0.001)
    with pytest.raises(Problem) as caught:
        made.check(ctx, large)  # no limit to its patience: it is refused, and at once
    assert (caught.value.status, caught.value.retry_after) == (503, 10)
    go.set()
    assert made.check(ctx, SUBJECT)["verdict"] == "TOTAL_PASSED"  # the quick lane never waited for them
    assert len(pool.jobs) <= inside + 1


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


def _unusable(*_: Any) -> Any:
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
