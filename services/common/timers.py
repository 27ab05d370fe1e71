"""Timers on business time, each run claimed in the database: two replicas fire once.

The loop looks every real second and at once when the clock moves. A run that fails is tried again
5 seconds of business time later; handlers claim the rows they work on by version, so a run that was cut short is
finished by the next.
"""

from __future__ import annotations

import time
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

import eventlet
from pymongo.errors import DuplicateKeyError, PyMongoError

from services.common import logs, metrics, wire
from services.common.context import Context
from services.common.problems import Problem
from services.common.writes import StaleVersion

if TYPE_CHECKING:
    from services.common.kernel import Kernel

LOOK = 1.0  # real seconds between looks at the clock
LOOK_AGAIN = 5.0  # real seconds between looks into the database, where no timer is due
RUN_TIMEOUT = 60.0


class TimerLoop:
    """Runs the timers of one room."""

    def __init__(self, kernel: Kernel, instance: Any, timers: list[Any]) -> None:
        self._kernel = kernel
        self._timers = [(entry.method_name, entry.seconds, getattr(instance, entry.method_name)) for entry in timers]
        kernel.timers = [name for name, _, _ in self._timers]
        self._wake = eventlet.event.Event()
        self._greenlet: Any = None
        self._stopping = False
        self._running: Context | None = None
        self._next: dict[str, datetime] = {}
        self._looked = float("-inf")

    def start(self) -> None:
        if self._timers:
            self._kernel.clock.on_move(self._on_move)
            self._greenlet = eventlet.spawn(self._loop)

    def stop(self, grace: float) -> None:
        """Lets the run in hand end within `grace` seconds, without further calls to other rooms, then stops."""
        self._stopping = True
        if self._running is not None:
            self._running.deadline = time.monotonic()
        self._on_move()
        if self._greenlet is not None:
            with eventlet.Timeout(max(0.0, grace), False):
                self._greenlet.wait()
            self._greenlet.kill()

    def _on_move(self) -> None:
        if not self._wake.ready():
            self._wake.send(True)

    def _loop(self) -> None:
        while not self._stopping:
            for name, seconds, handler in self._timers:
                try:
                    if not self._stopping and self._is_near(name) and self._claim(name, seconds):
                        self._run(name, handler)
                except PyMongoError as exc:
                    logs.fault("timer_claim_fault", exc, timer=name)
            with eventlet.Timeout(LOOK, False):
                self._wake.wait()
            if self._wake.ready():
                self._wake = eventlet.event.Event()

    def _is_near(self, name: str) -> bool:
        # By what stood in the database at the last look: replicas put a run off, only one that failed brings it nearer.
        if time.monotonic() - self._looked >= LOOK_AGAIN:
            names = [name for name, _, _ in self._timers]
            rows = self._kernel.store.find("timers", {"_id": {"$in": names}})
            self._next = {row["_id"]: row["next_at"] for row in rows}
            self._looked = time.monotonic()
        known = self._next.get(name)
        return known is None or known <= self._kernel.clock.now()

    def _claim(self, name: str, seconds: float) -> bool:
        timers = self._kernel.store.collection("timers")
        now = self._kernel.clock.now()
        following = now + timedelta(seconds=seconds)
        self._next[name] = following
        if timers.update_one({"_id": name, "next_at": {"$lte": now}}, {"$set": {"next_at": following}}).matched_count:
            return True
        self._looked = float("-inf")  # another process has it: the next look tells when it is due
        if timers.find_one({"_id": name}) is not None:
            return False
        try:
            timers.insert_one({"_id": name, "next_at": following})
            return True
        except DuplicateKeyError:
            return False

    def _run(self, name: str, handler: Any) -> None:
        kernel = self._kernel
        started = time.monotonic()
        outcome = "ok"
        run = wire.new_id()
        context = Context(
            kernel=kernel,
            actor=kernel.own_actor(),
            now=kernel.clock.now(),
            correlation_id=run,
            causation_id=run,
            command_id=run,
            deadline=started + RUN_TIMEOUT,
        )
        self._running = context
        try:
            handler(context)
        except (Problem, PyMongoError, StaleVersion) as exc:
            outcome = "again"
            logs.fault("timer_again", exc, timer=name)
            self._again(name)
        except Exception as exc:
            outcome = "fault"
            logs.fault("timer_fault", exc, timer=name)
            self._again(name)
        finally:
            self._running = None
            metrics.record_timer(name, outcome, time.monotonic() - started)

    def _again(self, name: str) -> None:
        self._looked = float("-inf")
        soon = self._kernel.clock.now() + timedelta(seconds=5)
        self._kernel.store.collection("timers").update_one({"_id": name}, {"$min": {"next_at": soon}})
