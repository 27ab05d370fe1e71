"""The supervisor: starts broker and database beside each other, then all rooms beside each other, and keeps them up.

One loop in one thread. A process that ends by itself comes back after 1, 2, 4 … 30 seconds of real time. A file
`run/hold/<name>` keeps a process stopped until it is removed. When the supervisor is told to stop (or whoever started
it with --die-with is gone) the rooms get SIGTERM first, then database and broker. Run as a program:
  python -m deploy.local.supervise --state DIR [--rehearsal] [--only NAME,NAME] [--die-with PID] [--fresh]
"""

from __future__ import annotations

import argparse
import contextlib
import hashlib
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

from deploy.local import bindings, broker, containers, database, keys, observability, processes
from deploy.local.advice import command
from deploy.local.bootstrap import clean_environment
from deploy.local.children import PAUSE_FIRST, Child, exit_text, probe_of
from deploy.local.memory import clock_offset, refuse_half_restored, refuse_other_kind, remember, wipe
from deploy.local.paths import ROOT, State, locked, read_json, write_json
from deploy.local.rehearsed_trust import RehearsedTrust
from deploy.local.table import DOMAIN_ROOMS, Addresses, Ports, Process, amqp_url, table
from deploy.local.trouble import Trouble, complain, say

_STEADY_SECONDS = 60.0
_ROOM_GRACE, _STORE_GRACE = 15.0, 20.0
# Who asks other rooms, and is asked by none of them, is told to stop first: what it has in hand is still answered then.
_ASKERS = ("gateway", "notifier", "postal", "exchange", "oversight")
_READY_DEADLINE = 120.0
_TRIES_AT_START = 5
_TICK, _STEADY_TICK = 0.05, 0.1


class Supervisor:
    """Runs one system until told to stop."""

    def __init__(
        self,
        state: State,
        rehearsal: bool,
        only: list[str] | None,
        die_with: int | None,
        quiet: bool = False,
        observability: bool = False,
    ) -> None:
        self.state, self.rehearsal, self.only, self.die_with, self.quiet = state, rehearsal, only, die_with, quiet
        self.observability = observability
        self.children: dict[str, Child] = {}
        self.stopping = False
        self.phase = "starting"

    # -- the whole life -------------------------------------------------------------------------------------------

    def run(self, fresh: bool = False, with_containers: bool = False) -> int:
        """Start, keep up, stop. Returns the exit status."""
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            signal.signal(number, self._asked_to_stop)
        processes.more_files()
        self.state.refuse_heads_away()
        self.state.make()
        me = {"name": "supervisor", "pid": os.getpid(), "start": processes.start_time(os.getpid())}
        with locked(self.state.top / "start.lock"):
            other = processes.record_of(self.state, "supervisor")
            if processes.alive(other):
                raise Trouble(
                    f"This system runs already ({self.state.top.name})",
                    f"{command(self.state, 'status')} shows it, {command(self.state, 'down')} ends it",
                )
            swept = processes.sweep(self.state)
            (self.state.run / "failed").unlink(missing_ok=True)
            processes.write_record(self.state, "supervisor", {**me, "phase": self.phase})
        self.me = me
        try:
            if swept:
                self._say(f"ended {swept} processes that an earlier run had left")
            if fresh:
                wipe(self.state)
            self._start(with_containers)
            self._keep_up()
            return 0
        except Trouble as trouble:
            self._mark("failed", str(trouble))
            raise
        finally:
            self._stop()

    def _asked_to_stop(self, number: int, frame: object) -> None:
        self.stopping = True

    def _say(self, text: str) -> None:
        if not self.quiet:
            with contextlib.suppress(OSError):  # a log on a full disk is no reason to end the system
                say(text)

    def _mark(self, phase: str, message: str = "") -> None:
        self.phase = phase
        processes.write_record(self.state, "supervisor", {**self.me, "phase": phase, "message": message})

    # -- starting ---------------------------------------------------------------------------------------------------

    def _start(self, with_containers: bool) -> None:
        refuse_other_kind(self.state, self.rehearsal)
        if self.only != []:  # broker and database alone may run: the restore needs them
            refuse_half_restored(self.state)
        passwords = keys.ensure(self.state)
        shutil.rmtree(self.state.tmp, ignore_errors=True)
        self.state.tmp.mkdir()
        for held in self.state.hold.iterdir():
            held.unlink()
        ports = Ports(self.state)
        if ports.forget_if_taken():
            self._say("another program took one of our ports: new ones were drawn")
        trust = RehearsedTrust(self.state, ports) if self.rehearsal and self.only != [] else None
        addresses = self._start_stores(ports, passwords, with_containers)
        if trust is not None:
            trust.finish()
        remember(self.state, addresses, self.rehearsal)
        offset = str(clock_offset(self.state)) if self.rehearsal else "0"
        rows = self._rows(ports, addresses, passwords)
        for row in rows:
            env = {**row.env, "MOTCUA_CLOCK_OFFSET": offset}
            extra = {"health_port": row.health_port, "http_port": row.http_port}
            self.children[row.name] = Child(row.name, row.argv, env, probe_of(row), extra=extra)
        wanted = list(self.children.values())
        if self.observability:
            self._observe(ports, rows)
        self._say(f"starting {sum(1 for c in self.children.values() if not c.popen)} processes")
        self._until_ready(wanted)
        if not self.stopping:
            self._mark("ready")
            where = f"http://127.0.0.1:{ports['gateway.http']}" if "gateway" in self.children else "without a gateway"
            self._say(f"ready: {where}")

    def _observe(self, ports: Ports, rows: list[Process]) -> None:
        """Prometheus beside the others: nobody waits for it, and a system does without where it cannot be had."""
        try:
            own = observability.Prometheus(self.state, ports, rows)
        except Trouble as trouble:
            self._say(f"going on without Prometheus: {trouble}")
            return
        name, extra = observability.NAME, {"http_port": own.port}
        probe = lambda: observability.is_ready(own.port)  # noqa: E731
        self.children[name] = Child(name, own.argv(), own.env(), probe, extra=extra)
        self._say(f"Prometheus: http://127.0.0.1:{own.port}")

    def _rows(self, ports: Ports, addresses: Addresses, passwords: dict[str, str]) -> list[Process]:
        rows = table(self.state, ports, addresses, passwords, self.rehearsal)
        if self.only is not None:
            unknown = set(self.only) - {row.name for row in rows}
            if unknown:
                raise Trouble(
                    f"No such process: {', '.join(sorted(unknown))}", f"{command(self.state, 'status')} lists them"
                )
            rows = [row for row in rows if row.name in self.only]
        return rows

    def _start_stores(self, ports: Ports, passwords: dict[str, str], with_containers: bool) -> Addresses:
        """Broker and database: given by address, as containers, or our own beside each other."""
        broker_url, database_url = os.environ.get("MOTCUA_BROKER_URL"), os.environ.get("MOTCUA_DATABASE_URL")
        broker_at = f"127.0.0.1:{ports['broker.amqp']}"
        database_at, replica_set = f"127.0.0.1:{ports['database']}", database.REPLICA_SET
        stores: list[Child] = []
        former = bindings.remember(self.state)
        if broker_url:
            broker_at = broker.prepare_external(broker_url, passwords)
        elif with_containers:
            argv = containers.broker_argv(self.state, ports, passwords)
            stores.append(Child("broker", argv, clean_environment(), lambda: broker.accepts(ports["broker.amqp"])))
        else:
            node = broker.Node(self.state, ports, passwords)
            node.configure()
            epmd = Child("epmd", node.epmd_argv(), node.env(), lambda: broker.listens(ports["broker.epmd"]))
            self.children["epmd"] = epmd
            self._spawn(epmd)
            stores.append(Child("broker", node.argv(), node.env(), lambda: broker.accepts(ports["broker.amqp"])))
        if database_url:
            given = database.external_address(database_url)
            database_at, replica_set = given["hosts"], given["replica_set"]
        elif with_containers:
            argv = containers.database_argv(self.state, ports)
            stores.append(Child("database", argv, clean_environment(), self._database_probe(ports)))
        else:
            mongod = database.Mongod(self.state, ports)
            stores.append(Child("database", mongod.argv(), mongod.env(), self._database_probe(ports)))
        self._say("starting broker and database")
        for child in stores:
            self.children[child.name] = child
            self._spawn(child)
        self._prepare_database(ports, passwords, database_url)
        self._until_ready(list(self.children.values()))
        addresses = Addresses(broker_at, database_at, replica_set)
        if not self.stopping:
            bindings.end(self.state, former, amqp_url(addresses, passwords, "operator"))
        return addresses

    @staticmethod
    def _database_probe(ports: Ports) -> Callable[[], bool]:
        return lambda: database.is_primary(ports["database"])

    def _prepare_database(self, ports: Ports, passwords: dict[str, str], url: str | None) -> None:
        """Replica set and users, made while the broker starts; skipped where this data folder has them already."""
        wanted = {
            name.removeprefix("database."): value for name, value in passwords.items() if name.startswith("database.")
        }
        port = ports["database"]
        about = json.dumps([wanted, url or port], sort_keys=True)
        digest = hashlib.sha256(about.encode()).hexdigest()
        stamp = self.state.data / "database.prepared"
        if not url and read_json(stamp) == digest:
            return
        if not url:
            self._poll(lambda: bool(database.hello(port)), "the database does not answer", "database")
        where = ["--url", url] if url else ["--port", str(port)]
        argv = database.prepare_argv([*where, *DOMAIN_ROOMS])
        done = subprocess.run(
            argv, cwd=ROOT, env=clean_environment(), input=json.dumps(wanted), capture_output=True, text=True
        )
        if done.returncode != 0:
            raise Trouble(
                f"The database's users could not be made: {done.stderr.strip()[-800:]}",
                f"read {self.state.logs / 'database.log'}; with MOTCUA_DATABASE_URL its user must be an administrator",
            )
        write_json(stamp, digest)

    def _poll(self, condition: Callable[[], bool], what: str, name: str) -> None:
        deadline = time.monotonic() + _READY_DEADLINE
        while not condition():
            child = self.children.get(name)
            ended = child is not None and child.popen is not None and child.popen.poll() is not None
            if self.stopping:
                return
            if ended or time.monotonic() > deadline:
                raise Trouble(
                    what, f"the reason is at the end of {self.state.logs / (name + '.log')}:\n{self._tail(name)}"
                )
            time.sleep(_TICK)

    def _tail(self, name: str) -> str:
        """The last lines of a program's log that it wrote since this start, not those of one before."""
        child = self.children.get(name)
        lines = processes.written(self.state, name, child.log_from if child else 0)[-15:]
        return "\n".join(f"    | {line[:300]}" for line in lines) or "    | (it wrote nothing)"

    def _until_ready(self, wanted: list[Child]) -> None:
        """Turn the loop until all are ready. One that ends again and again, or is late, is told with its log."""
        deadline = time.monotonic() + _READY_DEADLINE
        while not self.stopping and not all(child.ready for child in wanted):
            self._turn()
            for child in wanted:
                if child.restarts >= _TRIES_AT_START and not child.ready:
                    raise Trouble(f"{child.name} does not start", f"read its log:\n{self._tail(child.name)}")
            if time.monotonic() > deadline:
                late = [child.name for child in wanted if not child.ready]
                raise Trouble(
                    f"Not ready after {_READY_DEADLINE:.0f} s: {', '.join(late)}",
                    f"read the logs in {self.state.logs}; {late[0]} ended with:\n{self._tail(late[0])}",
                )
            time.sleep(_TICK)

    # -- keeping up ---------------------------------------------------------------------------------------------------

    def _keep_up(self) -> None:
        while not self.stopping:
            self._turn()
            time.sleep(_STEADY_TICK)

    def _turn(self) -> None:
        if self.die_with and os.getppid() != self.die_with:
            self.stopping = True
        now = time.monotonic()
        for child in self.children.values():
            try:
                self._look_after(child, now)
            except OSError as fault:  # no disk, no process, no file to be had: of this one now, and it may pass
                self._say(f"{child.name}: {fault.strerror or type(fault).__name__}; again in {child.pause:.0f} s")
                child.put_off(now)

    def _look_after(self, child: Child, now: float) -> None:
        if child.popen is not None and child.popen.poll() is not None:
            self._ended(child, now, self._held(child))
        elif child.popen is None:
            if now >= child.not_before and not self._held(child):
                self._spawn(child)
        elif now < child.next_probe:
            return
        elif child.unwritten:
            self._record(child)
        elif not child.ready:
            # a slow room must not hold up the others: ask again after a pause that suits the cost of asking
            child.ready = child.probe()
            child.next_probe = time.monotonic() + 0.2
            if child.ready:
                self._record(child)

    def _held(self, child: Child) -> bool:
        return (self.state.hold / child.name).exists()

    def _record(self, child: Child) -> None:
        child.unwritten = True
        processes.write_record(self.state, child.name, child.record())
        child.unwritten = False

    def _spawn(self, child: Child) -> None:
        if child.log_from is None:
            child.log_from = processes.log_end(self.state, child.name)
        child.popen = processes.spawn(self.state, child.name, child.argv, child.env)
        child.started, child.ready, child.next_probe = time.monotonic(), False, 0.0
        self._record(child)

    def _ended(self, child: Child, now: float, held: bool) -> None:
        assert child.popen is not None
        code = child.popen.returncode
        if now - child.started > _STEADY_SECONDS:
            child.pause = PAUSE_FIRST
        if held:  # ended on purpose: back at once when it is released, and counted all the same
            child.restarts += 1
            child.not_before = now
        else:
            self._say(f"{child.name} ended ({exit_text(code)}); back in {child.pause:.0f} s")
            child.put_off(now)
        child.popen, child.ready = None, False
        self._record(child)

    # -- stopping -----------------------------------------------------------------------------------------------------

    def _stop(self) -> None:
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            signal.signal(number, signal.SIG_IGN)
        failed = read_json(self.state.run / "supervisor.json") if self.phase == "failed" else None
        self._say("stopping")
        stores = ("database", "broker", "epmd")
        self._end_group([c for c in self.children.values() if c.name in _ASKERS], _ROOM_GRACE)
        self._end_group([c for c in self.children.values() if c.name not in stores], _ROOM_GRACE)
        self._end_group([c for c in self.children.values() if c.name in stores[:2]], _STORE_GRACE)
        self._end_group([c for c in self.children.values() if c.name == "epmd"], 3.0)
        containers.remove(self.state)
        processes.end(processes.marked(self.state), 3.0)
        for file in self.state.run.glob("*.json"):
            file.unlink(missing_ok=True)
        if failed:  # whoever waits for readiness reads the reason here
            write_json(self.state.run / "failed", failed)

    @staticmethod
    def _end_group(group: list[Child], grace: float) -> None:
        """SIGTERM to the program itself (it ends its own workers), SIGKILL to its whole session when it is late."""
        running = [c.popen for c in group if c.popen is not None and c.popen.poll() is None]
        for popen in running:
            popen.terminate()
        deadline = time.monotonic() + grace
        for popen in running:
            try:
                popen.wait(max(0.0, deadline - time.monotonic()))
            except subprocess.TimeoutExpired:
                os.killpg(popen.pid, signal.SIGKILL)
                popen.wait()


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="deploy.local.supervise")
    parser.add_argument("--state", type=Path, required=True)
    parser.add_argument("--rehearsal", action="store_true")
    parser.add_argument("--only")
    parser.add_argument("--die-with", type=int)
    parser.add_argument("--fresh", action="store_true")
    parser.add_argument("--quiet", action="store_true")
    parser.add_argument("--containers", action="store_true")
    parser.add_argument("--observability", action="store_true")
    given = parser.parse_args(arguments)
    only = None if given.only is None else [name for name in given.only.split(",") if name]
    supervisor = Supervisor(
        State(given.state.resolve()), given.rehearsal, only, given.die_with, given.quiet, given.observability
    )
    try:
        return supervisor.run(given.fresh, given.containers)
    except Trouble as trouble:
        complain(str(trouble))
        return 1


if __name__ == "__main__":
    sys.exit(main())
