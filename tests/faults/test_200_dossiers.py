"""200 dossiers by 4 clients while services are killed in the middle of handlers and the broker is restarted once.

Held for the clients: every accepted request is there exactly once, every effect of it exactly once, and nothing lies
in the dead letters. The auditor knows the databases, the queues and the clients' own notes, nothing else.

How a kill is known to fall into a handler: the database is stopped for a moment (SIGSTOP), so that no handler can end;
when the victim says that it has work in hand, it is killed, and the database goes on.
"""

from __future__ import annotations

import os
import random
import signal
import threading
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

import pytest

from deploy.demo.audit import Auditor
from deploy.demo.client import TRAFFIC, Client, eventually, new_key
from deploy.demo.people import BIRTH, Citizen, Officer, World, verdict_of
from deploy.demo.result import forgery
from deploy.local.system import System
from tests.conftest import NAME, STATES
from tests.journeys.scenes import somebody

DOSSIERS = 200
CLIENTS = 4
PATIENCE = 90.0  # seconds for which a client repeats one request
FATES = (
    "returned", "refused", "withdrawn", "refused", "withdrawn", "accepted", "refused", "withdrawn", "refused",
    "withdrawn",
)  # fmt: skip
#: Events that a fate must have told exactly once.
WANTED: dict[str, tuple[str, ...]] = {
    "returned": (
        "dossier.filed", "dossier.accepted", "case.opened", "step.started", "step.finished", "result.attached",
        "result.ready", "result.released", "dossier.returned", "holding.added",
    ),
    "refused": ("dossier.filed", "dossier.refused"),
    "withdrawn": ("dossier.filed", "dossier.withdrawn"),
    "accepted": ("dossier.filed", "dossier.accepted", "case.opened"),
}  # fmt: skip
#: Statuses at the national portal. 4 goes before 9 and 10 whatever overtakes what; each code is there once.
CODES = {"returned": [1, 2, 4, 9, 10], "refused": [1, 3], "withdrawn": [1, 7], "accepted": [1, 2, 4]}


@pytest.fixture(scope="module")
def faulty() -> Iterator[System]:
    system = System(STATES / f"{NAME}-faults", rehearsal=True)
    # The clients share one address; the limits per address are for tests of their own.
    system.start(fresh=True, env={"MOTCUA_RATE_LIMIT": "1000"})
    yield system
    system.stop()


@dataclass
class Notes:
    """What one client was told: code → fate, for requests that were accepted, and what it failed at."""

    fates: dict[str, str] = field(default_factory=dict)
    faults: list[str] = field(default_factory=list)


@dataclass
class Worker:
    """One client: a citizen and, for what follows, officers with sessions of their own."""

    world: World
    citizen: Citizen
    papers: dict[str, str]
    result: str
    desk: Client
    specialist: Client
    notes: Notes = field(default_factory=Notes)

    def work(self, numbers: Iterator[int]) -> Notes:
        for number in numbers:
            try:
                self._one(FATES[number % len(FATES)])
            except Exception as exc:
                self.notes.faults.append(f"{number}: {exc!r}")
        return self.notes

    def _one(self, fate: str) -> None:
        code = self.citizen.file(BIRTH, self.papers, key=new_key())["code"]
        self.notes.fates[code] = "filed"
        if fate == "withdrawn":
            self._send(self.citizen.client, f"/dossiers/{code}", "withdrawal")
        elif fate == "refused":
            self._send(self.desk, f"/dossiers/{code}", "refusal", reason="Không thuộc thẩm quyền")
        else:
            self._send(self.desk, f"/dossiers/{code}", "acceptance")
        if fate == "returned":
            self.notes.fates[code] = "accepted"
            self._return(code)
        self.notes.fates[code] = fate

    def _return(self, code: str) -> None:
        eventually(lambda: self._exists(f"/cases/{code}"), within=PATIENCE, what=f"the case of {code}")
        step = self.specialist.get(f"/cases/{code}")["steps"][0]["step"]
        for what, body in ((f"steps/{step}/start", {}), (f"steps/{step}/finish", {}),
                           ("results", {"file_id": self.result, "name": "Giấy khai sinh"})):  # fmt: skip
            self._send(self.specialist, f"/cases/{code}", what, **body)
        self._send(self.desk, f"/dossiers/{code}", "return")

    def _send(self, client: Client, thing: str, what: str, **body: object) -> None:
        """A command against the present version, under one key however often it is sent."""
        client.post(f"{thing}/{what}", {"version": client.get(thing)["version"], **body}, key=new_key())

    def _exists(self, path: str) -> bool:
        return self.specialist.once("GET", path).status_code == 200


@dataclass
class Chaos:
    """Kills each room once or more in the middle of its handlers, in random order, and the broker once."""

    system: System
    world: World
    rng: random.Random
    ended: threading.Event
    caught: Counter[str] = field(default_factory=Counter)
    missed: list[str] = field(default_factory=list)
    broker: float = 0.0

    def run(self) -> None:
        rooms = ["identity", "intake", "processing", "vault", "signing", "payment", "notifier", "oversight", "postal",
                 "exchange", "gateway"]  # fmt: skip
        self.rng.shuffle(rooms)
        rooms.insert(len(rooms) // 2, "broker")
        # The busiest a second time, and no more: the supervisor lets what ends again and again wait ever longer.
        for name in [*rooms, "intake", "processing", "oversight"]:
            if self.ended.wait(self.rng.uniform(0.5, 2.0)):
                return
            if name == "broker":
                started = time.monotonic()
                self.system.restart_broker()
                self.broker = time.monotonic() - started
            elif self.system.is_ready(name):
                (self._gateway if name == "gateway" else self._room)(name)

    def _room(self, name: str) -> None:
        """Looks again and again until the room has work in hand that it cannot end."""
        limit = time.monotonic() + 6.0
        database = self.system.pid("database")
        while time.monotonic() < limit and not self.ended.is_set():
            os.kill(database, signal.SIGSTOP)
            try:
                for _ in range(4):
                    if (self.world.metric(name, "motcua_work_in_hand") or 0) > 0:
                        self.system.kill(name)
                        self.caught[name] += 1
                        return
                    time.sleep(0.02)
            finally:
                os.kill(database, signal.SIGCONT)
            time.sleep(self.rng.uniform(0.05, 0.3))
        self.missed.append(name)

    def _gateway(self, name: str) -> None:
        """Four clients send one request after the other: with the database away theirs are in the gateway's hands."""
        database = self.system.pid("database")
        before = TRAFFIC.requests
        eventually(lambda: TRAFFIC.requests > before, within=10, every=0.005, what="a request")
        os.kill(database, signal.SIGSTOP)
        try:
            time.sleep(0.1)
            self.system.kill(name)
            self.caught[name] += 1
        finally:
            os.kill(database, signal.SIGCONT)


@pytest.fixture(scope="module")
def walked(faulty: System) -> Iterator[tuple[Auditor, list[Notes], Chaos]]:
    """Everything that happens; the tests look at what is left."""
    seed = int(os.environ.get("MOTCUA_SEED_OF_CHAOS") or random.SystemRandom().randrange(10**6))
    print(f"\nMOTCUA_SEED_OF_CHAOS={seed} repeats this order of kills")
    world = World(faulty, patience=PATIENCE)
    auditor = Auditor(faulty)
    workers = [_worker(world) for _ in range(CLIENTS)]
    ended = threading.Event()
    chaos = Chaos(faulty, world, random.Random(seed), ended)
    numbers = iter(range(DOSSIERS))
    lock = threading.Lock()

    def shared() -> Iterator[int]:
        while True:
            with lock:
                number = next(numbers, None)
            if number is None:
                return
            yield number

    started = time.monotonic()
    with ThreadPoolExecutor(CLIENTS + 1) as pool:
        disturbing = pool.submit(chaos.run)
        try:
            notes = [job.result() for job in [pool.submit(worker.work, shared()) for worker in workers]]
        finally:
            ended.set()
        disturbing.result()
    walked = time.monotonic() - started
    faulty.wait_ready(wait=60)
    rested = auditor.rest(within=120)
    print(f"{DOSSIERS} dossiers in {walked:.0f} s, at rest after {rested:.0f} s more; {TRAFFIC.repeats} requests sent "
          f"again; killed in the middle: {dict(chaos.caught)}; not caught: {chaos.missed}; "
          f"broker away {chaos.broker:.1f} s")  # fmt: skip
    yield auditor, notes, chaos
    auditor.close()
    world.close()


def _worker(world: World) -> Worker:
    """A citizen with papers that were checked before, officers signed in, a result that the agency signed."""
    citizen = Citizen(world, somebody()).enter()
    now = world.now()
    form = world.signed(world.paper("Tờ khai", citizen.phone.number), "citizen-chi", now)
    papers = {
        "to-khai": citizen.upload(form, "to-khai.pdf")["file_id"],
        "giay-chung-sinh": citizen.upload(world.paper("Giấy chứng sinh", citizen.phone.number), "gcs.pdf")["file_id"],
    }
    desk, specialist = Officer(world, "officer-desk").enter(), Officer(world, "officer-specialist").enter()
    result = specialist.upload(forgery(world, "right", citizen.phone.number), "giay-khai-sinh.pdf", "result")
    first = citizen.file(BIRTH, papers)["code"]
    for component in papers:
        verdict_of(citizen.client, first, component)
    citizen.client.post(f"/dossiers/{first}/withdrawal", {"version": citizen.dossier(first)["version"]})
    return Worker(world, citizen, papers, result["file_id"], desk.client, specialist.client,
                  Notes(fates={first: "withdrawn"}))  # fmt: skip


def test_every_client_was_answered_to_the_end(walked):
    _, notes, _ = walked
    assert [fault for note in notes for fault in note.faults] == []
    assert sum(len(note.fates) for note in notes) == DOSSIERS + CLIENTS
    assert {fate for note in notes for fate in note.fates.values()} == set(FATES)


def test_services_were_killed_in_the_middle_and_the_broker_restarted(walked):
    _, _, chaos = walked
    assert chaos.broker > 0
    assert len(chaos.caught) >= 8, f"caught {dict(chaos.caught)}, not {chaos.missed}"


def test_every_accepted_request_is_there_exactly_once(walked):
    auditor, notes, _ = walked
    noted = {code: fate for note in notes for code, fate in note.fates.items()}
    rows = {row["_id"]: row["state"] for row in auditor.databases["intake"]["dossiers"].find({}, {"state": 1})}
    assert rows == noted
    assert auditor.databases["processing"]["cases"].count_documents({}) == sum(
        fate in ("returned", "accepted") for fate in noted.values()
    )


def test_every_effect_happened_exactly_once(walked):
    auditor, notes, _ = walked
    told: dict[str, Counter[str]] = {}
    for row in auditor.told():
        told.setdefault(row["subject"], Counter())[row["type"].removeprefix("vn.motcua.").rsplit(".", 1)[0]] += 1
    for code, fate in ((code, fate) for note in notes for code, fate in note.fates.items()):
        others = ("notice", "exchange")  # deliveries, counted where they arrived
        found = {name: number for name, number in told[code].items() if name.split(".")[0] not in others}
        assert found == dict.fromkeys(WANTED[fate], 1), f"{code} {fate}"
        effects = auditor.effects(code)
        assert effects["doubled notices"] == 0
        assert effects["holdings"] == (1 if fate == "returned" else 0), code


def test_the_outside_heard_everything_once_and_in_order(walked, faulty):
    _, notes, _ = walked
    world = World(faulty)
    for code, fate in ((code, fate) for note in notes for code, fate in note.fates.items()):
        assert world.ask("national", f"/dossiers/{code}")["codes"] == CODES[fate], f"{code} {fate}"
    messages = world.ask("sms", "/messages")["messages"]
    assert len({m["reference"] for m in messages}) == len(messages)
    world.close()


def test_ledger_queues_and_dead_letters_are_in_order(walked):
    auditor, _, _ = walked
    assert auditor.faults() == []
