"""The second round: the broker is restarted once and every service is killed once, in the middle of a handler.

A kill that happens to fall between two requests proves nothing, so each victim is first held fast in its work: the
neighbour that its handler asks (another room, the database, an outside system) is stopped with SIGSTOP, or an upload
stops halfway. Then evidence is looked for that the handler has begun and not committed, then comes SIGKILL, then the
neighbour goes on. Where no evidence is found the round fails: it never says "killed in the middle" on a guess.
"""

from __future__ import annotations

import contextlib
import os
import signal
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from deploy.demo.audit import Auditor
from deploy.demo.client import eventually
from deploy.demo.world import World
from deploy.local.system import System

Hold = str
#: How a victim is held fast; see the methods of `Faults` of the same names.
COMMAND, EVENT, REACTION, OUTSIDE, UPLOAD, BROKER = "command", "event", "reaction", "outside", "upload", "broker"
_STEADY = 3  # looks in a row that must agree
_LOOK = 0.05  # seconds between looks
_PATIENCE = 20.0  # seconds for evidence


@dataclass(frozen=True)
class Fault:
    """At `point` of the story `victim` is killed while it waits for `held_by`; `source` is the room whose event it
    works on (EVENT)."""

    point: str
    victim: str
    hold: Hold
    held_by: str = ""
    source: str = ""


#: One service each, each at another step.
PLAN: tuple[Fault, ...] = (
    Fault("normalize", "identity", COMMAND, "population-simulator"),
    Fault("upload-form", "gateway", UPLOAD),
    Fault("upload-scan", "vault", UPLOAD),
    Fault("file", "exchange", OUTSIDE, "national-simulator"),
    Fault("slip", "signing", EVENT, "vault", "vault"),
    Fault("answer", "notifier", OUTSIDE, "sms-simulator"),
    Fault("accept", "intake", COMMAND, "identity"),
    Fault("pay", "payment", REACTION, "identity"),
    Fault("steps", "broker", BROKER),
    Fault("attach-unsigned", "processing", COMMAND, "signing"),
    Fault("return", "postal", EVENT, "database", "intake"),
    Fault("decide", "oversight", COMMAND, "signing"),
)


@dataclass
class Killed:
    """What was done, and how the system came back. Seconds; `answered` counts from the kill to the caller's answer."""

    fault: Fault
    evidence: str
    pid: int
    recovered: float | None = None
    answered: float | None = None
    repeats: int = 0

    @property
    def how(self) -> str:
        return "restart" if self.fault.hold == BROKER else "kill -9"

    def headline(self) -> str:
        """What was done, for the step in which it was done."""
        return f"{self.how} {self.fault.victim} (pid {self.pid}): {self.evidence}"

    def told(self) -> str:
        """One line with the recovery, when all is over."""
        back = f"{self.recovered:.1f} s" if self.recovered is not None else "?"
        line = f"{self.fault.point:16} {self.how} {self.fault.victim:11} sống lại sau / back after {back:>6}"
        if self.answered is not None:
            line += f", trả lời sau / answered after {self.answered:.1f} s"
        return line + (f", gửi lại / sent again {self.repeats}×" if self.repeats else "")


class NotInHand(AssertionError):
    """The victim could not be caught in the middle of its work."""


class Faults:
    """Carries the plan out while a story walks; give `during` and `slowly` to the story."""

    def __init__(self, world: World, auditor: Auditor, plan: Iterable[Fault] = PLAN) -> None:
        self.world = world
        self.system: System = world.system
        self._auditor = auditor
        self._plan = {fault.point: fault for fault in plan}
        self._halfway: dict[str, tuple[threading.Event, threading.Event]] = {}
        self._watchers: list[threading.Thread] = []
        self.killed: list[Killed] = []

    def during(self, point: str, call: Callable[[], Any]) -> Any:
        """The call's result; where the plan has this point, something dies meanwhile."""
        fault = self._plan.pop(point, None)
        if fault is None:
            return call()
        repeats = sum(client.repeats for client in self.world.clients)
        ways: dict[Hold, Callable[[Fault, Callable[[], Any]], Any]] = {
            COMMAND: self._command, EVENT: self._event, REACTION: self._reaction, OUTSIDE: self._outside,
            UPLOAD: self._upload, BROKER: self._broker,
        }  # fmt: skip
        result = ways[fault.hold](fault, call)
        self.killed[-1].repeats = sum(client.repeats for client in self.world.clients) - repeats
        return result

    def slowly(self, point: str, data: bytes) -> bytes | Callable[[], Iterator[bytes]]:
        """The bytes of an upload; where the plan wants one that stops halfway, pieces that do so the first time."""
        fault = self._plan.get(point)
        if fault is None or fault.hold != UPLOAD:
            return data
        halfway, go_on = self._halfway.setdefault(point, (threading.Event(), threading.Event()))

        def pieces() -> Iterator[bytes]:
            yield data[: len(data) // 2]
            halfway.set()
            go_on.wait(_PATIENCE)
            yield data[len(data) // 2 :]

        return pieces

    def finish(self, wait: float = 60.0) -> list[Killed]:
        """Waits until every victim is ready again. Raises AssertionError for a plan that was not carried out."""
        for watcher in self._watchers:
            watcher.join(wait)
        assert not self._plan, f"never reached: {sorted(self._plan)}"
        assert all(row.recovered is not None for row in self.killed), "not all processes came back"
        return self.killed

    # -- ways to hold a process in the middle --------------------------------------------------------------------------

    def _command(self, fault: Fault, call: Callable[[], Any]) -> Any:
        """A command whose handler asks the neighbour: its row says that it runs, so nothing of it is committed."""
        with ThreadPoolExecutor(1) as pool, self._frozen(fault.held_by):
            answer = pool.submit(call)
            running = self._auditor.databases[fault.victim]["idempotency"]

            def in_hand() -> bool:
                return running.count_documents({"state": "running"}) > 0 and self._in_hand(fault.victim)

            self._steady(in_hand, fault, answer)
            killed = self._kill(fault, f"lệnh đang chạy, chưa ghi, chờ {fault.held_by} / command running, uncommitted")
            self._thaw(fault.held_by)
            return self._answered(killed, answer)

    def _event(self, fault: Fault, call: Callable[[], Any]) -> Any:
        """An event that finds its handler held: the victim sleeps until it is published, then meets the neighbour."""
        with contextlib.ExitStack() as frozen:
            frozen.enter_context(self._frozen(fault.victim))
            result = call()
            eventually(lambda: self._published(fault.source), within=_PATIENCE, every=_LOOK, what="events published")
            frozen.enter_context(self._frozen(fault.held_by))
            self._thaw(fault.victim)
            self._steady(lambda: self._in_hand(fault.victim), fault)
            self._kill(fault, f"sự kiện chưa xử lý xong, chờ {fault.held_by} / event in hand, unacknowledged")
            return result

    def _reaction(self, fault: Fault, call: Callable[[], Any]) -> Any:
        """What follows from the call, in the victim itself, asks the neighbour."""
        with self._frozen(fault.held_by):
            result = call()
            self._steady(lambda: self._in_hand(fault.victim), fault)
            self._kill(fault, f"sự kiện chưa xử lý xong, chờ {fault.held_by} / event in hand, unacknowledged")
            return result

    def _outside(self, fault: Fault, call: Callable[[], Any]) -> Any:
        """What follows from the call is being sent to an outside system, which took the connection and says nothing."""
        port = self.system.process(fault.held_by).http_port
        assert port is not None
        with self._frozen(fault.held_by):
            result = call()
            self._steady(lambda: connected(self.system.pid(fault.victim), port), fault)
            self._kill(fault, f"đang gửi tới {fault.held_by} / in the middle of sending to it")
            return result

    def _upload(self, fault: Fault, call: Callable[[], Any]) -> Any:
        """An upload that stops halfway: the gateway streams it, the vault holds its first half."""
        halfway, go_on = self._halfway[fault.point]
        with ThreadPoolExecutor(1) as pool:
            answer = pool.submit(call)
            try:
                assert halfway.wait(_PATIENCE), "the upload did not begin"
                self._steady(lambda: (self.world.metric("vault", "motcua_vault_transfers") or 0) > 0, fault, answer)
                killed = self._kill(fault, "một nửa tệp đã đi qua / half of the file has gone through")
            finally:
                go_on.set()
            return self._answered(killed, answer)

    def _broker(self, fault: Fault, call: Callable[[], Any]) -> Any:
        """The broker ends at once; the call is made while it is away."""
        killed = Killed(fault, "mọi kết nối đứt / all connections lost", self.system.pid("broker"))
        self.killed.append(killed)
        with ThreadPoolExecutor(1) as pool:
            started = time.monotonic()
            restart = pool.submit(self.system.restart_broker)
            eventually(lambda: self._pid_gone(killed.pid), within=_PATIENCE, every=0.01, what="the broker's end")
            result = call()
            killed.answered = time.monotonic() - started
            restart.result()
            killed.recovered = time.monotonic() - started
        return result

    # -- holding, looking, killing -------------------------------------------------------------------------------------

    @contextlib.contextmanager
    def _frozen(self, process: str) -> Iterator[None]:
        os.kill(self.system.pid(process), signal.SIGSTOP)
        try:
            yield
        finally:
            self._thaw(process)

    def _thaw(self, process: str) -> None:
        record = self.system.record(process)
        if record is not None:
            with contextlib.suppress(ProcessLookupError):
                os.kill(int(record["pid"]), signal.SIGCONT)

    def _in_hand(self, room: str) -> bool:
        return (self.world.metric(room, "motcua_work_in_hand") or 0) > 0

    def _published(self, room: str) -> bool:
        """Whether every event of a room is with the broker."""
        database = self._auditor.databases[room]
        return not any(
            database[name].count_documents({"outbox_mark": {"$exists": True}}, limit=1)
            for name in database.list_collection_names()
        )

    def _steady(self, look: Callable[[], bool], fault: Fault, answer: Future[Any] | None = None) -> None:
        """Returns when `look` was true several times in a row. Raises NotInHand."""
        limit = time.monotonic() + _PATIENCE
        seen = 0
        while seen < _STEADY:
            if time.monotonic() > limit or (answer is not None and answer.done()):
                raise NotInHand(f"{fault.victim} was not caught in the middle of {fault.point}")
            seen = seen + 1 if look() else 0
            time.sleep(_LOOK)

    def _kill(self, fault: Fault, evidence: str) -> Killed:
        killed = Killed(fault, evidence, self.system.kill(fault.victim))
        self.killed.append(killed)
        died = time.monotonic()

        def watch() -> None:
            limit = died + 60
            while time.monotonic() < limit:
                if self.system.is_ready(fault.victim):
                    killed.recovered = time.monotonic() - died
                    return
                time.sleep(0.1)

        watcher = threading.Thread(target=watch, daemon=True)
        watcher.start()
        self._watchers.append(watcher)
        return killed

    def _answered(self, killed: Killed, answer: Future[Any]) -> Any:
        died = time.monotonic()
        result = answer.result()
        killed.answered = time.monotonic() - died
        return result

    @staticmethod
    def _pid_gone(pid: int) -> bool:
        return not Path(f"/proc/{pid}").exists()


def connected(pid: int, port: int) -> bool:
    """Whether a process has an established connection to a port of this machine."""
    wanted = set()
    for line in Path(f"/proc/{pid}/net/tcp").read_text().splitlines()[1:]:
        columns = line.split()
        if columns[3] == "01" and int(columns[2].rsplit(":", 1)[1], 16) == port:
            wanted.add(f"socket:[{columns[9]}]")
    if not wanted:
        return False
    for entry in Path(f"/proc/{pid}/fd").iterdir():
        with contextlib.suppress(OSError):
            if os.readlink(entry) in wanted:
                return True
    return False
