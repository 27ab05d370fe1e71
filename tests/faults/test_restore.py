"""A backup taken under load, and brought back after everything was lost.

Two clients send dossiers all the way; in the middle of it a backup is taken, and the load goes on. Then every process
is killed, the database's files are removed, and the backup is restored: by a first run that is killed while it writes,
and by a second one. The broker keeps what lay in its queues, and the ledger's heads stay: both know more than the
backup. Held for the end: the rooms agree with each other at the point of the backup, each event had its effect once in
every room that listens, and nothing that was given to somebody is given a second time.
"""

from __future__ import annotations

import itertools
import json
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import bson
import pymongo
import pytest

from deploy.demo.audit import Auditor
from deploy.demo.client import eventually
from deploy.demo.world import World
from deploy.local.broker import listeners
from deploy.local.memory import RESTORE_MARKER
from deploy.local.paths import ROOT
from deploy.local.system import System
from deploy.operate import agreement, archive
from services.common.envelope import name_of
from services.intake import codes
from tests.conftest import NAME, STATES
from tests.faults.clients import PATIENCE, WANTED, Worker, new_worker

BEFORE, AFTER = 12, 8  # dossiers that are accepted before the backup is begun and after it is taken
FATES = ("returned", "withdrawn", "accepted", "refused")
#: Held back while the backup is taken, so that what others told it lies in its queue then, and in the broker only.
HELD = "notifier"


def motcua(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "motcua", *arguments], cwd=ROOT, text=True, capture_output=True, timeout=300)


@dataclass
class Restored:
    """What the clients hold, and what was found on the way."""

    system: System
    folder: Path
    workers: list[Worker]
    token: str  # an access token of before
    lost: set[str] = field(default_factory=set)  # codes that were given after the backup
    queued: int = 0  # events that lay in the broker when everything was killed
    refusals: dict[str, str] = field(default_factory=dict)
    said: str = ""

    def given(self) -> dict[str, str]:
        return {code: fate for worker in self.workers for code, fate in worker.notes.fates.items()}


@pytest.fixture(scope="module")
def restored() -> Iterator[Restored]:
    system = System(STATES / f"{NAME}-restore", rehearsal=True)
    folder = system.state.top.with_name(f"{NAME}-restore-backup")
    _forget(folder)
    try:
        yield _walked(system, folder)
    finally:
        system.stop()
        _forget(folder)


def _forget(folder: Path) -> None:
    for leftover in (folder, folder.with_name(folder.name + ".unfinished")):
        shutil.rmtree(leftover, ignore_errors=True)
    folder.with_name(folder.name + ".key").unlink(missing_ok=True)


def _walked(system: System, folder: Path) -> Restored:
    system.start(fresh=True, env={"MOTCUA_RATE_LIMIT": "1000"})
    world = World(system, patience=PATIENCE)
    workers = [new_worker(world) for _ in range(2)]
    found = Restored(system, folder, workers, str(workers[0].citizen.client.token))
    _load(found, world)
    found.queued = Auditor(system).depths()[f"evt.{HELD}"]
    world.close()
    _lose_everything(system)
    _restore_twice(found)
    system.start(env={"MOTCUA_RATE_LIMIT": "1000"})
    return found


def _load(found: Restored, world: World) -> None:
    """Clients work until the backup is there and AFTER more dossiers are accepted."""
    ended = threading.Event()
    numbers = itertools.count()

    def work(client: Worker) -> None:
        while not ended.is_set():
            client.one(FATES[next(numbers) % len(FATES)])

    with ThreadPoolExecutor(2) as pool:
        jobs = [pool.submit(work, worker) for worker in found.workers]
        try:
            eventually(lambda: len(found.given()) >= BEFORE, within=120, what="dossiers before the backup")
            found.system.hold(HELD)
            some = len(found.given())
            eventually(lambda: len(found.given()) >= some + 2, within=60, what="events for the room that is held")
            known = set(found.given())
            done = motcua("backup", str(found.folder), "--state", str(found.system.state.top))
            assert done.returncode == 0, done.stderr
            found.refusals["taken"] = motcua("backup", str(found.folder), "--state", str(found.system.state.top)).stderr
            found.refusals["running"] = motcua(
                "restore", str(found.folder), "--state", str(found.system.state.top)
            ).stderr
            taken = len(found.given())
            eventually(lambda: len(found.given()) >= taken + AFTER, within=120, what="dossiers after the backup")
        finally:
            ended.set()
        for job in jobs:
            job.result()
    in_backup = {row["_id"] for row in _documents(found.folder, "intake", "dossiers")}
    assert known <= in_backup
    found.lost = set(found.given()) - in_backup
    assert len(found.lost) >= AFTER


def _documents(folder: Path, room: str, collection: str) -> list[dict[str, Any]]:
    return [bson.decode(raw) for raw in archive.documents(folder, room, collection)]


def _lose_everything(system: System) -> None:
    """Every process is killed; the database's files are gone. The broker's and the ledger's heads are still there."""
    pid = system._supervisor_record()["pid"]  # type: ignore[index]
    for name in system.names():
        if name not in ("epmd", "broker"):
            system.hold(name, signal.SIGKILL)
    os.kill(pid, signal.SIGTERM)
    system.stop()
    shutil.rmtree(system.state.data / "database")
    (system.state.data / "database.prepared").unlink()


def _restore_twice(found: Restored) -> None:
    state = str(found.system.state.top)
    first = subprocess.Popen(
        [sys.executable, "motcua", "restore", str(found.folder), "--state", state],
        cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    marker = found.system.state.top / RESTORE_MARKER
    limit = time.monotonic() + 120
    while not marker.exists() and first.poll() is None and time.monotonic() < limit:
        time.sleep(0.002)
    first.kill()  # what it started ends with it
    first.wait()
    assert marker.exists(), "killed too late: the restore was complete"
    eventually(lambda: not found.system.running(), within=60, what="the end of what the killed restore had started")
    up = motcua("up", "--detach", "--rehearsal", "--state", state)
    found.refusals["half"] = up.stderr
    assert up.returncode != 0
    second = motcua("restore", str(found.folder), "--state", state)
    found.said = second.stdout + second.stderr
    assert second.returncode == 0, found.said


@pytest.fixture(scope="module")
def auditor(restored: Restored) -> Iterator[Auditor]:
    looking = Auditor(restored.system)
    looking.rest(within=120)
    yield looking
    looking.close()


def test_a_place_that_is_taken_gets_no_backup(restored):
    assert "is there already" in restored.refusals["taken"]


def test_nothing_is_restored_under_a_running_system(restored):
    assert "A system runs here" in restored.refusals["running"]


def test_rooms_do_not_start_on_a_half_restored_database(restored):
    assert "A restore was begun here and not completed" in restored.refusals["half"]
    assert f"./motcua restore {restored.folder}" in restored.refusals["half"]


def test_what_was_on_its_way_is_told_again(restored):
    held = _documents(restored.folder, HELD, "inbox")
    told = [row["_id"] for room in ("intake", "processing") for row in _documents(restored.folder, room, "told")]
    assert told and held
    assert restored.queued > 0, "the broker held events of the history that is lost"
    again = int(restored.said.split(" events were on their way")[0].rsplit(" ", 1)[-1])
    assert again > 0, restored.said


def test_the_rooms_agree_at_the_point_of_the_backup(restored, auditor):
    assert "The rooms agree; every count equals the events" in restored.said
    assert auditor.faults() == []
    assert agreement.disagreements(auditor.databases, listeners()) == []


def test_dossiers_are_those_of_the_backup_and_each_effect_happened_once(restored, auditor):
    kept = {row["_id"]: row["state"] for row in auditor.databases["intake"]["dossiers"].find({}, {"state": 1})}
    given = restored.given()
    assert set(kept) == set(given) - restored.lost
    told: dict[str, Counter[str]] = {}
    for row in auditor.told():
        told.setdefault(row["subject"], Counter())[name_of(row["type"])] += 1
    ended = 0
    for code, state in kept.items():
        # the outside may be ahead or behind; what our rooms did of it is done once
        found = {name: count for name, count in told[code].items() if name.split(".")[0] not in ("notice", "exchange")}
        assert set(found.values()) == {1}, f"{code} {state} {found}"
        effects = auditor.effects(code)
        assert effects["doubled notices"] == 0
        if state == given[code] and state in WANTED:
            ended += 1
            wanted = set(WANTED[state])
            # the last steps of other rooms may lie behind the point of the backup, and come when they are told
            assert wanted <= set(found), f"{code} {state}: {wanted - set(found)}"
            assert effects["holdings"] == (1 if state == "returned" else 0), code
    assert ended >= BEFORE // 2


def test_the_ledger_says_what_was_lost_and_verifies(restored, auditor):
    done = motcua("ledger", "verify", "--state", str(restored.system.state.top))
    assert done.returncode == 0, done.stdout + done.stderr
    assert "RESTORED to entry" in done.stdout and "were lost" in done.stdout
    assert "The ledger is intact, but for what the restores above lost" in done.stdout
    statement = next(restored.system.state.ledger_heads.glob("restored-*.json"))
    stated = json.loads(statement.read_bytes())
    assert stated["lost_to"] > stated["sequence"] > 0
    # the statement excuses what it names and no more: one that was changed excuses nothing
    genuine = statement.read_bytes()
    statement.write_text(json.dumps({**stated, "sequence": stated["sequence"] - 3}))
    try:
        done = motcua("ledger", "verify", "--state", str(restored.system.state.top))
        assert done.returncode == 1 and "operator did not sign" in done.stdout
    finally:
        statement.write_bytes(genuine)


def test_everybody_signs_in_again_and_sealed_fields_are_read(restored):
    world = World(restored.system, patience=PATIENCE)
    worker = restored.workers[0]
    before = world.client()
    before.token = restored.token
    assert before.once("GET", "/account").status_code == 401
    citizen = type(worker.citizen)(world, worker.citizen.person)
    citizen.sign_in()  # found by the blind index of her phone
    rows = pymongo.MongoClient(restored.system.mongo_url("operator"))["identity"]["accounts"]
    assert rows.count_documents({"holds_phone": True}) >= 2
    assert citizen.home()["account"]["account_id"]
    code = next(code for code in worker.notes.fates if code not in restored.lost)
    for row in citizen.dossier(code)["components"]:
        assert row["verdict"], "what signing said of her papers is still known"
    world.close()


def test_dossiers_go_on_new_ones_go_all_the_way_and_no_code_is_given_twice(restored, auditor):
    world = World(restored.system, patience=PATIENCE)
    newcomer = new_worker(world)
    kept = {row["_id"] for row in auditor.databases["processing"]["cases"].find({}, {"_id": 1})}
    waiting = next(code for code, fate in restored.given().items() if fate == "accepted" and code in kept)
    newcomer._return(waiting)
    for fate in FATES:
        newcomer.one(fate)
    assert newcomer.notes.faults == []
    fresh = set(newcomer.notes.fates)
    assert not fresh & set(restored.given())
    highest = max(codes.parse(code).serial for code in restored.given())
    assert min(codes.parse(code).serial for code in fresh) > highest
    auditor.rest(within=120)
    assert auditor.effects(waiting)["holdings"] == 1
    assert world.ask("national", f"/dossiers/{waiting}")["codes"] == [1, 2, 4, 9, 10]
    assert auditor.faults() == []
    assert agreement.disagreements(auditor.databases, listeners()) == []
    world.close()
