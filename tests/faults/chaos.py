"""What kills rooms, broker and database while clients work, and how it knows that it hit.

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
from collections.abc import Callable
from dataclasses import dataclass, field

from deploy.demo.client import TRAFFIC, eventually
from deploy.demo.world import World
from deploy.local.system import System

ROOMS = (
    "identity", "intake", "processing", "vault", "signing", "payment", "notifier", "oversight", "postal", "exchange",
    "gateway",
)  # fmt: skip
BROKER, DATABASE = "broker", "database"


@dataclass
class Chaos:
    """`script` is carried out in its order, one after the other, with pauses of `pause` seconds between; a room that
    was not found at work is looked for once more at the end, and then killed as it is."""

    system: System
    world: World
    rng: random.Random
    ended: threading.Event
    script: list[str]
    pause: tuple[float, float] = (0.5, 2.0)
    #: Rooms killed in the middle of a handler; those not found at work; those of them that were killed at rest.
    caught: Counter[str] = field(default_factory=Counter)
    missed: list[str] = field(default_factory=list)
    outright: list[str] = field(default_factory=list)
    #: Seconds for which a store was away, by its name.
    away: dict[str, list[float]] = field(default_factory=dict)

    def run(self) -> None:
        self._carry_out(self.script)
        missed, self.missed = [name for name in self.missed if name not in self.caught], []
        self._carry_out(missed)
        for name in ROOMS:
            if name in self.script and name not in self.caught:
                self.system.wait_ready(name, wait=60)
                self.system.kill(name)
                self.outright.append(name)

    def _carry_out(self, script: list[str]) -> None:
        for name in script:
            if self.ended.wait(self.rng.uniform(*self.pause)):
                return
            if name == BROKER:
                self._store(name, self.system.restart_broker)
            elif name == DATABASE:
                self._store(name, self.system.restart_database)
            elif not self.system.is_ready(name):
                self.missed.append(name)
            else:
                (self._gateway if name == "gateway" else self._room)(name)

    def _store(self, name: str, restart: Callable[[], None]) -> None:
        started = time.monotonic()
        restart()
        self.away.setdefault(name, []).append(time.monotonic() - started)

    def _room(self, name: str) -> None:
        """Looks again and again until the room has work in hand that it cannot end."""
        limit = time.monotonic() + 6.0
        database = self.system.pid(DATABASE)
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
        """Clients send one request after the other: with the database away theirs are in the gateway's hands."""
        database = self.system.pid(DATABASE)
        before = TRAFFIC.requests
        eventually(lambda: TRAFFIC.requests > before, within=10, every=0.005, what="a request")
        os.kill(database, signal.SIGSTOP)
        try:
            time.sleep(0.1)
            self.system.kill(name)
            self.caught[name] += 1
        finally:
            os.kill(database, signal.SIGCONT)


@dataclass
class Orderly:
    """Every room is told to stop (SIGTERM) while the clients work, one after the other."""

    system: System
    world: World
    #: Room → what was wrong with its end.
    faults: dict[str, str] = field(default_factory=dict)
    stopped: list[str] = field(default_factory=list)
    #: Room → requests and events in hand when it was told.
    in_hand: Counter[str] = field(default_factory=Counter)

    def run(self, rng: random.Random) -> None:
        rooms = list(ROOMS)
        rng.shuffle(rooms)
        for name in rooms:
            self.system.wait_ready(name, wait=90)
            before = TRAFFIC.requests
            eventually(lambda seen=before: TRAFFIC.requests >= seen + 4, within=60, every=0.005, what="load")
            log = self.system.state.logs / f"{name}.log"
            offset = log.stat().st_size
            self.in_hand[name] = int(self.world.metric(name, "motcua_work_in_hand") or 0)
            self.system.kill(name, signal.SIGTERM)
            self.stopped.append(name)
            with open(log, "rb") as lines:
                lines.seek(offset)
                said = lines.read()
            if b'"event":"stopped_with_work_in_hand"' in said:
                self.faults[name] = "stopped with work in hand"
            elif b'"event":"stopped"' not in said:
                self.faults[name] = "did not say that it stopped"
