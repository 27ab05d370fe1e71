"""Ten times what the system can do: it refuses what is too much, keeps what it took, and comes back by itself.

First the rate that eight clients reach, each with one request in flight; then ten times that rate, which waits for no
answer, from many addresses and many people, so that what answers is not a limit per address or actor. Reads, filings
and uploads are mixed. Ten seconds here, sixty in the long form.
"""

from __future__ import annotations

import multiprocessing
import statistics
import threading
import time
import uuid
from collections.abc import Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from dataclasses import dataclass, field

import orjson
import pytest

from bench.cpu import cpu_of, family, pss_of
from bench.journey.house import Tokens, authorized
from deploy.demo.audit import Auditor
from deploy.demo.people import BIRTH, Citizen
from deploy.demo.world import World
from deploy.local.system import System
from deploy.local.table import ROOMS
from services.common.idempotency import key_of
from tests.faults.clients import new_worker
from tests.faults.flood import FILING, READ, UPLOAD, Filing, Flood, Report, run
from tests.faults.reckoning import Reckoning

MIB = 1024**2
CLIENTS, ACTORS, FILERS = 8, 400, 24
TIMES = 10
MOST_LINES = 1800
GROWTH = 64 * MIB  # of one process
PAPER = 20_000  # bytes of an upload
PROBES = 40  # single requests whose 95th percentile counts
NORMAL = 3.0  # times what it was before
INSTANT = 0.1  # seconds: nobody waits for less, however quick it was before
BACK_WITHIN = 30.0  # seconds


@dataclass
class Flooded:
    """What was measured. Seconds; `back`: from the last request of the flood until single requests are as before."""

    system: System
    auditor: Auditor
    rate: float
    closed: Report
    report: Report
    before: float
    back: float
    rested: float
    grown: dict[str, float] = field(default_factory=dict)
    alarms: list[str] = field(default_factory=list)
    actors: list[str] = field(default_factory=list)


def floods(system: System, world: World) -> tuple[Flood, Citizen]:
    """What is sent, without its rate. The actors are many; those who file have sent the same papers, checked before."""
    one = new_worker(world)
    tokens = Tokens(system)
    person = one.citizen.home()["account"]["person_id"]
    code = next(iter(one.notes.fates))
    papers = {name: one.citizen.client.fetch(f"/files/{file_id}/content") for name, file_id in one.papers.items()}
    tag = uuid.uuid4().hex[:8]
    reads, filings, uploads = [], [], []
    for number in range(ACTORS):
        actor = f"acc-{tag}-{number}"
        token = tokens.citizen(person, actor)
        reads.append(authorized("GET", f"/dossiers/{code}" if number % 8 else "/procedures", token))
        address = "/uploads?purpose=component&filename=giay.pdf"
        uploads.append(_keyed(actor, token, address, b"", PAPER, "application/octet-stream"))
        if number < FILERS:
            sender = Citizen(world, one.citizen.person, client=world.client(local_address=f"127.5.0.{number + 1}"))
            sender.client.token, sender.client.renew = token, None
            sent = {name: sender.upload(data, f"{name}.pdf")["file_id"] for name, data in papers.items()}
            body = orjson.dumps(sender.dossier_body(BIRTH, sent))
            filings.append(_keyed(actor, token, "/dossiers", body, len(body), "application/json"))
    paper = b" " * (PAPER - 7) + b"\n%%EOF\n"
    return Flood(system.ports["gateway.http"], 0, 0, None, reads, filings, uploads, paper), one.citizen


def _keyed(actor: str, token: str, path: str, body: bytes, length: int, kind: str) -> Filing:
    whole = authorized("POST", path, token, b"?" * length, **{"Content-Type": kind, "Idempotency-Key": "#"})
    head, _, rest = whole.partition(b"#")
    return Filing(actor, head, rest[: len(rest) - length] + body)


def in_another_process(flood: Flood) -> Future[Report]:
    """Begins at once; the process ends with its answer."""
    pool = ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn"))
    job = pool.submit(run, flood)
    pool.shutdown(wait=False)
    return job


class Watch:
    """Memory (proportional set size) and CPU seconds of processes, workers apart, while something happens."""

    def __init__(self, system: System) -> None:
        self._groups = family({name: system.pid(name) for name in (*ROOMS, "broker", "database")})
        self._before = {name: pss_of(pids) for name, pids in self._groups.items()}
        self._most = dict(self._before)
        self._used = {name: cpu_of(pids) for name, pids in self._groups.items()}

    def look(self) -> None:
        for name, pids in self._groups.items():
            self._most[name] = max(self._most[name], pss_of(pids))

    def grown(self) -> dict[str, float]:
        """Bytes by which our processes were larger at most than before."""
        return {name: self._most[name] - size for name, size in self._before.items() if name.split()[0] in ROOMS}

    def used(self) -> str:
        """CPU seconds since the start, the dearest first."""
        used = {name: cpu_of(pids) - self._used[name] for name, pids in self._groups.items()}
        return ", ".join(f"{name} {used[name]:.1f}" for name in sorted(used, key=lambda name: -used[name])[:8])


def p95(citizen: Citizen, code: str) -> float:
    """Seconds of single requests, one after the other, as one citizen meets them."""
    taken = []
    for _ in range(PROBES):
        started = time.monotonic()
        citizen.client.once("GET", f"/dossiers/{code}").raise_for_status()
        taken.append(time.monotonic() - started)
    return statistics.quantiles(taken, n=20)[-1]


@pytest.fixture(scope="module", params=[10, pytest.param(60, marks=pytest.mark.full)], ids=lambda s: f"{s}s")
def flooded(request: pytest.FixtureRequest, faulty: System) -> Iterator[Flooded]:
    faulty.wait_ready(wait=90)
    world, auditor = World(faulty), Auditor(faulty)
    flood, citizen = floods(faulty, world)
    code = citizen.client.get("/dossiers")["items"][0]["code"]
    auditor.rest()
    p95(citizen, code)
    before = p95(citizen, code)
    closed = in_another_process(_with(flood, seconds=6, lines=CLIENTS)).result()
    rate = closed.total(2) / closed.lasted
    auditor.rest()
    watch = Watch(faulty)
    log = faulty.state.logs / "broker.log"
    offset = log.stat().st_size
    job = in_another_process(
        _with(flood, seconds=request.param, lines=MOST_LINES, rate=TIMES * rate, first_address=CLIENTS)
    )
    ended = threading.Event()
    job.add_done_callback(lambda _: ended.set())
    while not ended.wait(1.0):
        watch.look()
    report = job.result()
    used = watch.used()
    normal, limit = max(NORMAL * before, INSTANT), report.ended + 4 * BACK_WITHIN
    while (now := _probe(citizen, code)) > normal and time.monotonic() < limit:
        watch.look()
    back = time.monotonic() - report.ended
    rested = auditor.rest(within=180)
    watch.look()
    with open(log, "rb") as lines:
        lines.seek(offset)
        alarms = [line.decode(errors="replace") for line in lines if b"alarm" in line]
    found = Flooded(faulty, auditor, rate, closed, report, before, back, rested, watch.grown(), alarms,
                    [filing.actor for filing in flood.filings])  # fmt: skip
    _tell(found, now, request.param, used)
    yield found
    auditor.close()
    world.close()


def _with(flood: Flood, *, seconds: float, lines: int, rate: float | None = None, first_address: int = 0) -> Flood:
    return Flood(flood.port, seconds, lines, rate, flood.reads, flood.filings, flood.uploads, flood.paper,
                 first_address)  # fmt: skip


def _probe(citizen: Citizen, code: str) -> float:
    """The 95th percentile; without end while a request is still refused."""
    try:
        return p95(citizen, code)
    except Exception as exc:
        if getattr(getattr(exc, "response", None), "status_code", 503) not in (429, 503):
            raise
        time.sleep(0.2)
        return float("inf")


def _tell(found: Flooded, now: float, seconds: int, used: str) -> None:
    report = found.report
    grown = sorted(found.grown.items(), key=lambda pair: -pair[1])[:4]
    print(
        f"\n{found.rate:.0f} requests/s by {CLIENTS} clients; then {seconds} s at {TIMES * found.rate:.0f}/s: "
        f"{report.sent / seconds:.0f}/s sent, {report.kept_back} kept back, answers "
        f"{ {kind: dict(counts) for kind, counts in report.statuses.items()} }, faults {dict(report.faults)}, "
        f"reasons {dict(report.reasons)}; accepted within {_worst(report)}, refused within "
        f"{max(report.refusal_seconds, default=0):.1f} s; p95 of single requests {found.before * 1000:.0f} ms before, "
        f"{now * 1000:.0f} ms {found.back:.1f} s after the end; at rest {found.rested:.0f} s later; "
        f"memory {', '.join(f'{name} +{size / MIB:.0f} MiB' for name, size in grown)}; CPU seconds {used}",
        flush=True,
    )


def _worst(report: Report) -> str:
    return ", ".join(
        f"{kind} {statistics.median(taken):.2f}/{max(taken):.1f} s" for kind, taken in report.seconds.items() if taken
    )


def test_the_flood_was_ten_times_what_the_system_can_do(flooded):
    assert set(flooded.closed.statuses) == {READ, FILING, UPLOAD}
    assert flooded.closed.total(3, 4, 5) == 0, flooded.closed.statuses
    report = flooded.report
    assert report.total(4, 5) > report.total(2) > 0
    assert report.total(2, 4, 5) / report.lasted > 0.9 * TIMES * flooded.rate


def test_nothing_but_answers_and_refusals_with_a_time_to_come_back(flooded):
    report = flooded.report
    assert {status for counts in report.statuses.values() for status in counts} <= {200, 201, 429, 503}, report.strange
    assert report.without_retry_after == 0
    assert +report.faults == {}, "connections were broken"


def test_the_broker_gave_no_alarm_and_memory_stayed_bounded(flooded):
    assert flooded.alarms == []
    too_much = {name: f"+{size / MIB:.0f} MiB" for name, size in flooded.grown.items() if size > GROWTH}
    assert too_much == {}


def test_it_came_back_to_normal_by_itself(flooded):
    assert flooded.back <= BACK_WITHIN
    flooded.system.wait_ready(wait=5)


def test_what_was_accepted_is_there_exactly_once(flooded):
    """A request that was refused for want of time may have been done all the same: once, under its key."""
    report, databases = flooded.report, flooded.auditor.databases
    asked = {key_of(actor, "intake.file", key): (actor, key) for actor, key in report.filings}
    rows = databases["intake"]["idempotency"].find({"_id": {"$in": list(asked)}, "state": "done"}, {"answer.code": 1})
    done = {row["answer"]["code"]: asked[row["_id"]] for row in rows}
    assert report.doubled == [] and report.filed
    assert {code: key for code, key in done.items() if code in report.filed} == report.filed
    of_flood = {"versions.0.by": {"$in": flooded.actors}}
    kept = {row["_id"] for row in databases["intake"]["dossiers"].find(of_flood, {"_id": 1})}
    assert kept == set(done) | set(flooded.closed.filed)
    uploaded = databases["vault"]["files"].count_documents({"_id": {"$in": report.uploaded}})
    assert uploaded == len(report.uploaded) == len(set(report.uploaded)) > 0


def test_what_was_accepted_had_every_effect_exactly_once(flooded):
    filed = dict.fromkeys((*flooded.report.filed, *flooded.closed.filed), "registered")
    reckoning = Reckoning(flooded.auditor, filed)
    assert reckoning.effects() == []
    assert reckoning.hearing() == []
    assert reckoning.order() == []
    assert reckoning.reactions() == []
    assert reckoning.doubled_notices() == []
    assert flooded.auditor.faults() == []
