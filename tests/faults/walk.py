"""The walk through faults: clients work while everything is killed, then while everything is told to stop; then rest.

A poison message comes first: a handler meets a fault that does not pass, its event becomes a dead letter, lies there
through all that follows, and is sent again once its cause is mended.
"""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

from deploy.demo.audit import Auditor
from deploy.demo.client import TRAFFIC, eventually
from deploy.demo.world import World
from deploy.local.paths import ROOT
from deploy.local.system import System
from tests.faults.chaos import Chaos, Orderly
from tests.faults.clients import PATIENCE, Notes, Numbers, Plan, Worker, workers

#: Faults that do not pass make a dead letter within seconds; with the schedule of `up` it would take two minutes.
SETTINGS = {"MOTCUA_RETRY_SCHEDULE": "1,1,1"}
POISONED = "vault"


@dataclass(eq=False)
class Walked:
    """What happened. `took`: seconds of load and faults, until nothing was on its way."""

    auditor: Auditor
    world: World
    plan: Plan
    notes: list[Notes]
    chaos: Chaos
    orderly: Orderly
    letters: list[dict[str, Any]]  # dead letters after the faults, before the replay
    letters_after: list[dict[str, Any]]
    poisoned: str  # the code of the dossier whose event was poison
    drawn: int
    took: float

    def close(self) -> None:
        self.auditor.close()
        self.world.close()


def walk(system: System, plan: Plan, script: list[str], *, pause: tuple[float, float], within: float) -> Walked:
    """Everything that happens; tests look at what is left. After `within` seconds nothing more is begun."""
    seed = int(os.environ.get("MOTCUA_SEED_OF_CHAOS") or random.SystemRandom().randrange(10**6))
    print(f"\nMOTCUA_SEED_OF_CHAOS={seed} repeats this order of kills", flush=True)
    rng = random.Random(seed)
    world = World(system, patience=PATIENCE)
    auditor = Auditor(system)
    made = workers(world, plan.clients, plan.people)
    poisoned = _poison(auditor, made[0])
    numbers = Numbers(plan.dossiers)
    rng.shuffle(script)
    chaos = Chaos(system, world, rng, threading.Event(), script, pause)
    started = time.monotonic()
    _work_through(chaos, made, numbers, plan, within)
    walked = time.monotonic() - started
    system.wait_ready(wait=60)
    letters = dead_letters(system)
    motcua("dead-letters", "replay", letters[0]["id"] if letters else "none", "--state", str(system.state.top))
    rested = auditor.rest(within=180)
    took = time.monotonic() - started
    _tell(chaos, numbers.drawn, walked, rested)
    orderly = Orderly(system, world)
    _stop_in_order(orderly, made, plan, rng)
    auditor.rest(within=120)
    print(f"told to stop under load: {', '.join(f'{n} ({orderly.in_hand[n]} in hand)' for n in orderly.stopped)}")
    return Walked(auditor, world, plan, [worker.notes for worker in made], chaos, orderly, letters,
                  dead_letters(system), poisoned, numbers.drawn, took)  # fmt: skip


def _work_through(chaos: Chaos, made: list[Worker], numbers: Numbers, plan: Plan, within: float) -> None:
    """Until the plan's dossiers are answered and the script is carried out; after `within` seconds nothing is begun."""

    def give_up() -> None:
        chaos.ended.set()
        numbers.end(at_once=True)

    clock = threading.Timer(within, give_up)
    clock.start()
    try:
        with ThreadPoolExecutor(len(made)) as pool:
            jobs = [pool.submit(worker.work, iter(numbers), plan) for worker in made]
            try:
                chaos.run()
            finally:
                numbers.end()
            for job in jobs:
                job.result()
    finally:
        clock.cancel()


def _stop_in_order(orderly: Orderly, made: list[Worker], plan: Plan, rng: random.Random) -> None:
    numbers = Numbers()
    with ThreadPoolExecutor(len(made)) as pool:
        jobs = [pool.submit(worker.work, iter(numbers), plan) for worker in made]
        try:
            orderly.run(rng)
        finally:
            numbers.end()
        for job in jobs:
            job.result()
    orderly.system.wait_ready(wait=60)


def _poison(auditor: Auditor, worker: Worker) -> str:
    """A returned dossier whose result the vault's database does not take; mended when the letter lies there."""
    vault = auditor.databases[POISONED]
    vault.command("collMod", "holdings", validator={"never": {"$exists": True}})
    try:
        code = worker.one("returned")
        eventually(lambda: auditor.depths()[f"evt.{POISONED}.dead"] == 1, within=90, what="a dead letter")
    finally:
        vault.command("collMod", "holdings", validator={})
    return code


def _tell(chaos: Chaos, drawn: int, walked: float, rested: float) -> None:
    away = ", ".join(f"{name} {seconds:.1f} s" for name, times in chaos.away.items() for seconds in times)
    print(f"{drawn} dossiers in {walked:.0f} s, at rest after {rested:.0f} s more; {TRAFFIC.repeats} requests sent "
          f"again; killed in the middle: {dict(chaos.caught)}; at rest: {chaos.outright}; away: {away}",
          flush=True)  # fmt: skip


def motcua(*arguments: str) -> subprocess.CompletedProcess[str]:
    """A command of the operator's, as it is typed."""
    return subprocess.run([sys.executable, "motcua", *arguments], cwd=ROOT, text=True, capture_output=True, timeout=300)


def dead_letters(system: System) -> list[dict[str, Any]]:
    done = motcua("dead-letters", "list", "--json", "--state", str(system.state.top))
    assert done.returncode == 0, done.stderr
    rows: list[dict[str, Any]] = json.loads(done.stdout)
    return rows
