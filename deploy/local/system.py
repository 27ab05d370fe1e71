"""A whole system as an object, for tests, the demo and the commands. Standard library only.

    system = System(Path(".motcua/state/test"), rehearsal=True)
    system.start(["identity", "intake"], fresh=True)     # None: all; []: broker and database alone
    system.kill("intake"); system.wait_ready("intake")
    system.stop()

The supervisor is a program of its own; this object speaks to it through files in the state directory, so another
process may hold a second `System` of the same directory (`attach`) and use everything but `start`.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from deploy.local import broker, database, keys, observability, ownership, processes
from deploy.local.advice import command
from deploy.local.bootstrap import clean_environment
from deploy.local.children import http_ready
from deploy.local.paths import ROOT, State, read_json
from deploy.local.table import Addresses, Ports, Process, amqp_url, describe, mongo_url, operator_env, table
from deploy.local.trouble import Trouble

STORES = ("broker", "database", "epmd")
_POLL = 0.05


class System:
    """One system in one state directory."""

    def __init__(self, state_dir: str | os.PathLike[str], rehearsal: bool = True) -> None:
        self.state = State(Path(state_dir).resolve())
        self.state.make()
        self.rehearsal = bool(describe(self.state).get("rehearsal", rehearsal)) if self.running() else rehearsal
        self._supervisor: subprocess.Popen[bytes] | None = None

    @classmethod
    def attach(cls, state_dir: str | os.PathLike[str]) -> System:
        """The system that somebody else started there. Raises Trouble where none runs."""
        system = cls(state_dir)
        if not system.running():
            raise Trouble(f"No system runs in {system.state.top.name}", f"start one: {command(system.state, 'up')}")
        return system

    # -- life ---------------------------------------------------------------------------------------------------------

    def start(
        self,
        rooms: list[str] | None = None,
        *,
        fresh: bool = False,
        detached: bool = False,
        wait: float = 180.0,
        containers: bool = False,
        observability: bool = False,
        env: dict[str, str] | None = None,
        by: str = "test",
    ) -> System:
        """Start broker, database and the named processes (None: all there are); return when all are ready.

        fresh: forget all data first. detached: the system outlives this process; otherwise it ends when this one does.
        observability: a Prometheus beside it, where one can be had.
        env: more MOTCUA_* settings for the supervisor, e.g. MOTCUA_LOG_LEVEL. by: who asks; `test` and `demo`
        get a fresh system only in a state directory of their own. Raises Trouble with the reason.
        """
        if fresh and by in ownership.WIPING:
            ownership.claim(self.state, by)
        self.state.refuse_heads_away()
        argv = [sys.executable, "-m", "deploy.local.supervise", "--state", str(self.state.top)]
        argv += ["--rehearsal"] if self.rehearsal else []
        argv += ["--only", ",".join(rooms)] if rooms is not None else []
        argv += ["--fresh"] if fresh else []
        argv += ["--containers"] if containers else []
        argv += ["--observability"] if observability else []
        argv += [] if detached else ["--die-with", str(os.getpid())]
        (self.state.run / "failed").unlink(missing_ok=True)
        log = self.state.top / "supervisor.log"
        processes.rotate(log)
        with open(log, "ab") as out:
            offset = out.tell()
            self._supervisor = subprocess.Popen(
                argv, cwd=ROOT, env={**clean_environment(), **(env or {})}, stdin=subprocess.DEVNULL,
                stdout=out, stderr=subprocess.STDOUT, start_new_session=True,
            )  # fmt: skip
        deadline = time.monotonic() + wait
        while not self._supervisor_ready(log, offset):
            if time.monotonic() > deadline:
                self.stop()
                raise Trouble(f"The system was not ready after {wait:.0f} s", f"read {log} and {self.state.logs}")
            time.sleep(_POLL)
        return self

    def _supervisor_ready(self, log: Path, offset: int) -> bool:
        assert self._supervisor is not None
        if self._supervisor.poll() is not None:
            failed = read_json(self.state.run / "failed")
            with open(log, "rb") as lines:
                lines.seek(offset)
                text = lines.read().decode(errors="replace").strip()
            what, _, advice = (failed["message"] if failed else text[-3000:]).partition("\n  What to do: ")
            raise Trouble(f"The system did not start: {what}", advice or f"read {log}")
        record = self._supervisor_record()
        return bool(record and record["pid"] == self._supervisor.pid and record.get("phase") == "ready")

    def _supervisor_record(self) -> dict[str, Any] | None:
        return processes.record_of(self.state, "supervisor")

    def running(self) -> bool:
        return processes.alive(self._supervisor_record())

    def stop(self, wait: float = 60.0) -> None:
        """End the system: rooms first, then database and broker. Sweeps what is left where no supervisor runs."""
        record = self._supervisor_record()
        if record is not None and processes.alive(record):
            os.kill(record["pid"], signal.SIGTERM)
            deadline = time.monotonic() + wait
            while processes.alive(record) and time.monotonic() < deadline:
                self._reap()
                time.sleep(_POLL)
        self._reap()
        processes.sweep(self.state)

    def _reap(self) -> None:
        if self._supervisor is not None:
            self._supervisor.poll()

    # -- faults -------------------------------------------------------------------------------------------------------

    def record(self, process: str) -> dict[str, Any] | None:
        """pid, start, state (starting, ready, stopped), restarts of one process, as its supervisor wrote it last."""
        return processes.record_of(self.state, process)

    def pid(self, process: str) -> int:
        record = self.record(process)
        if not processes.alive(record):
            raise Trouble(f"{process} does not run", "wait_ready() first")
        assert record is not None
        return int(record["pid"])

    def kill(self, process: str, number: int = signal.SIGKILL, wait: float = 30.0) -> int:
        """Send a signal (SIGKILL: to its workers too) and wait until that process is gone; returns its pid.

        The supervisor brings it back after its pause, unless it is held.
        """
        record = self.record(process)
        pid = self.pid(process)
        if number == signal.SIGKILL:
            processes.send(record, number)
        else:
            os.kill(pid, number)
        deadline = time.monotonic() + wait
        while processes.alive(record):
            if time.monotonic() > deadline:
                raise Trouble(
                    f"{process} did not end on signal {number} within {wait:.0f} s",
                    f"read its log in {self.state.logs}",
                )
            time.sleep(0.01)
        return pid

    def hold(self, process: str, number: int = signal.SIGTERM) -> None:
        """Stop a process and keep it stopped until `release`."""
        (self.state.hold / process).touch()
        if processes.alive(self.record(process)):
            self.kill(process, number)

    def release(self, process: str) -> None:
        (self.state.hold / process).unlink(missing_ok=True)

    def restart_broker(self, number: int = signal.SIGKILL, wait: float = 60.0) -> None:
        """End the broker (SIGKILL, or SIGTERM for an orderly end) and return when it accepts connections again."""
        self._restart("broker", number, wait)

    def restart_database(self, number: int = signal.SIGKILL, wait: float = 60.0) -> None:
        self._restart("database", number, wait)

    def _restart(self, store: str, number: int, wait: float) -> None:
        deadline = time.monotonic() + wait
        (self.state.hold / store).touch()  # ended on purpose: back at once, not after a pause that grows every time
        try:
            old = self.kill(store, number)
            while (self.record(store) or {}).get("pid") == old and time.monotonic() < deadline:
                time.sleep(_POLL)
        finally:
            self.release(store)
        while True:
            record = self.record(store)
            if record and record["pid"] != old and record["state"] == "ready" and processes.alive(record):
                return
            if time.monotonic() > deadline:
                raise Trouble(f"{store} did not come back within {wait:.0f} s", f"read its log in {self.state.logs}")
            time.sleep(_POLL)

    def wait_ready(self, *names: str, wait: float = 60.0) -> None:
        """Return when the named processes (none named: all) are ready now, asked at their own address."""
        deadline = time.monotonic() + wait
        for name in names or tuple(self.names()):
            while not self.is_ready(name):
                if time.monotonic() > deadline:
                    raise Trouble(f"{name} was not ready after {wait:.0f} s", f"read its log in {self.state.logs}")
                time.sleep(_POLL)

    def is_ready(self, name: str) -> bool:
        record = self.record(name)
        if record is None or not processes.alive(record):
            return False
        if name == "broker":
            return broker.accepts(self.ports["broker.amqp"])
        if name == "database":
            return database.is_primary(self.ports["database"])
        if name == "epmd":
            return True
        if name == observability.NAME:
            return observability.is_ready(self.ports[name])
        row = self.process(name)
        if row.simulator and row.http_port and broker.listens(row.http_port):
            return True
        return http_ready(row.health_port)

    def names(self) -> list[str]:
        """Processes that the supervisor looks after, stores included."""
        return sorted(file.stem for file in self.state.run.glob("*.json") if file.stem != "supervisor")

    # -- addresses ----------------------------------------------------------------------------------------------------

    @property
    def ports(self) -> Ports:
        return Ports(self.state)

    @property
    def addresses(self) -> Addresses:
        known = describe(self.state)
        ports = self.ports
        return Addresses(
            str(known.get("broker", f"127.0.0.1:{ports['broker.amqp']}")),
            str(known.get("database", f"127.0.0.1:{ports['database']}")),
            str(known.get("replica_set", database.REPLICA_SET)),
        )

    @property
    def passwords(self) -> dict[str, str]:
        return keys.ensure(self.state)

    @property
    def base_url(self) -> str:
        """The gateway's public address."""
        return f"http://127.0.0.1:{self.ports['gateway.http']}"

    def amqp_url(self, user: str = "operator", vhost: str = "motcua") -> str:
        return amqp_url(self.addresses, self.passwords, user, vhost)

    def mongo_url(self, user: str = "operator") -> str:
        return mongo_url(self.addresses, self.passwords, user)

    def rows(self) -> list[Process]:
        """The process table of this system (also rows whose program is not in this checkout)."""
        return table(self.state, self.ports, self.addresses, self.passwords, self.rehearsal)

    def process(self, name: str) -> Process:
        for row in self.rows():
            if row.name == name:
                return row
        raise KeyError(name)

    def env(self, process: str) -> dict[str, str]:
        """The environment of a process, as the supervisor gives it; `operator` for what commands and tests get."""
        offset = read_json(self.state.top / "clock.json")
        clock = {"MOTCUA_CLOCK_OFFSET": str(offset["offset"])} if self.rehearsal and offset else {}
        if process == "operator":
            env = operator_env(self.state, self.ports, self.addresses, self.passwords, self.rehearsal)
            return {**env, **clock}
        return {**self.process(process).env, **clock}

    def _elsewhere(self) -> set[str]:
        """Stores that this system was given by address and does not run itself."""
        addresses, ports = self.addresses, self.ports
        found = set()
        if addresses.broker != f"127.0.0.1:{ports['broker.amqp']}":
            found |= {"broker", "epmd"}
        if addresses.database != f"127.0.0.1:{ports['database']}":
            found.add("database")
        return found

    def status(self) -> list[dict[str, Any]]:
        """One row per process; state is one of: ready, not ready, stopped, by address."""
        result = []
        known = {row.name: row for row in self.rows()}
        elsewhere = self._elsewhere()
        extras = [name for name in (observability.NAME,) if self.record(name)]
        for name in (*STORES, *known, *extras):
            record, row = self.record(name), known.get(name)
            if name in elsewhere:
                condition = "by address"
            elif not processes.alive(record):
                condition = "stopped"
            else:
                condition = "ready" if self.is_ready(name) else "not ready"
            result.append(
                {
                    "name": name,
                    "state": condition,
                    "pid": record["pid"] if record and condition in ("ready", "not ready") else None,
                    "restarts": record["restarts"] if record else 0,
                    "health": f"http://127.0.0.1:{row.health_port}" if row else None,
                    "http": _http_address(row.http_port if row else (record or {}).get("http_port")),
                }
            )
        return result


def _http_address(port: int | None) -> str | None:
    return f"http://127.0.0.1:{port}" if port else None
