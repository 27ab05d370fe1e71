"""A data set that the first landed release wrote: `motcua migrate` brings it to this one, and its dossiers go on.

The data lie in tests/data/first-release. They are put into an empty database as they are, nothing of a restore is done
to them; business time goes on where it stood.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import sys
import tarfile
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pymongo
import pytest

from deploy.demo.audit import Auditor
from deploy.demo.client import eventually
from deploy.demo.people import Citizen, Officer, pay
from deploy.demo.result import forgery
from deploy.demo.world import World
from deploy.local.broker import listeners
from deploy.local.paths import ROOT
from deploy.local.system import System
from deploy.operate import agreement, archive, migrate, restore, restored_secrets
from deploy.operate.backup import Client
from deploy.rehearsal.cast import PEOPLE
from services.common import wire
from services.common.migrations import OtherDatabase, refuse_other
from services.common.store import Store
from tests.conftest import NAME, STATES

DATA = ROOT / "tests/data/first-release/data.tar.xz"
#: State of each dossier as its release left it, by its name in codes.json.
STATES_LEFT = {
    "returned": "returned", "filed": "registered", "guided": "guided", "refused": "refused", "withdrawn": "withdrawn",
    "accepted": "accepted", "working": "accepted",
}  # fmt: skip


@pytest.fixture(scope="module")
def given(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("first-release")
    with tarfile.open(DATA) as packed:
        packed.extractall(folder, **({"filter": "data"} if hasattr(tarfile, "data_filter") else {}))
    return folder


@pytest.fixture(scope="module")
def codes(given) -> dict[str, str]:
    return json.loads((given / "codes.json").read_text())


@pytest.fixture(scope="module")
def upgraded(given) -> Iterator[System]:
    """The present release on those data, after `motcua migrate`."""
    system = System(STATES / f"{NAME}-first", rehearsal=True)
    try:
        system.start([], fresh=True)
        manifest = archive.read(given / "backup")
        client: Client = pymongo.MongoClient(system.mongo_url("operator"), tz_aware=True)
        restored_secrets.place(system.state, given / "backup", manifest, given / "backup.key")
        for room in wire.ROOMS:
            restore.load_room(client, given / "backup", manifest, room)
            offset = (datetime.fromisoformat(manifest.business_at) - datetime.now(UTC)).total_seconds()
            client[room]["kernel"].update_one({"_id": "clock"}, {"$set": {"offset": offset}})
        client.close()
        shutil.copytree(given / "backup" / archive.HEADS, system.state.ledger_heads, dirs_exist_ok=True)
        shutil.copytree(given / "outside", system.state.data / "simulators", dirs_exist_ok=True)
        behind = Store(system.mongo_url("processing"), application="test")
        with pytest.raises(OtherDatabase, match="run ./motcua migrate first, with the --state"):
            refuse_other(behind, migrate.migrations_of("processing"))
        behind.close()
        system.stop()
        done = subprocess.run(
            [sys.executable, "motcua", "migrate", "--state", str(system.state.top)],
            cwd=ROOT, text=True, capture_output=True, timeout=120,
        )  # fmt: skip
        assert done.returncode == 0, done.stdout + done.stderr
        assert {line.split()[0] for line in done.stdout.splitlines()} == set(wire.ROOMS)
        assert "processing  done 1 " in done.stdout
        assert not system.running(), "the stores that migrate started end with it"
        system.start()
        # The vault hears of checks since data of one's own are taken in: signing tells it what it told before.
        told = subprocess.run(
            [sys.executable, "motcua", "replay", "--from", "signing", "--to", "vault", "--state", system.state.top],
            cwd=ROOT, text=True, capture_output=True, timeout=60,
        )  # fmt: skip
        assert told.returncode == 0, told.stdout + told.stderr
        yield system
    finally:
        system.stop()


@pytest.fixture(scope="module")
def world(upgraded) -> Iterator[World]:
    made = World(upgraded)
    yield made
    made.close()


@pytest.fixture(scope="module")
def people(world) -> dict[str, Citizen]:
    found = {name: Citizen(world, PEOPLE[f"citizen-{name}"]) for name in ("an", "binh")}
    for citizen in found.values():
        citizen.sign_in()  # found by the blind index of the phone, under the data key of then
    return found


@pytest.fixture(scope="module")
def auditor(upgraded) -> Iterator[Auditor]:
    looking = Auditor(upgraded)
    yield looking
    looking.close()


def test_every_room_is_at_the_schema_of_this_release(upgraded, auditor):
    for room in wire.ROOMS:
        newest = max((step.number for step in migrate.migrations_of(room)), default=0)
        assert auditor.databases[room]["kernel"].find_one({"_id": "schema"})["number"] == newest


def test_what_this_release_keeps_beside_was_made_from_what_that_one_kept(codes, auditor):
    """Each paper that was attached belongs to its dossier now, without anybody having touched it since."""
    processing = auditor.databases["processing"]
    attached = {row["sha256"] for row in processing["cases"].find_one({"_id": codes["returned"]})["results"]}
    papers = {row["_id"]: row["code"] for row in processing["papers"].find({"at": {"$exists": True}})}
    assert len(attached) > 1
    assert {sha256: papers.get(sha256) for sha256 in attached} == dict.fromkeys(attached, codes["returned"])


def test_the_rooms_agree_and_the_ledger_verifies(upgraded, auditor):
    auditor.rest()
    assert auditor.faults() == []
    assert agreement.disagreements(auditor.databases, listeners()) == []
    entries = auditor.databases["oversight"]["ledger"].count_documents({})
    done = subprocess.run(
        [sys.executable, "motcua", "ledger", "verify", "--state", str(upgraded.state.top)],
        cwd=ROOT, text=True, capture_output=True, timeout=120, env={**os.environ},
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    assert entries >= 180 and "The ledger is intact" in done.stdout


def test_every_dossier_is_read_in_the_state_in_which_it_was_left(codes, people, auditor):
    rows = {row["_id"]: row for row in auditor.databases["intake"]["dossiers"].find({})}
    for name, state in STATES_LEFT.items():
        assert rows[codes[name]]["state"] == state, name
        owner = people["an"] if name == "returned" else people["binh"]
        shown = owner.dossier(codes[name])
        assert shown["code"] == codes[name] and shown["owner_is_me"] is True
        for component in shown["components"]:
            assert component["verdict"] in ("TOTAL_PASSED", "NO_SIGNATURE"), (name, component)


def test_holdings_and_receipts_are_there_byte_for_byte(codes, people, auditor, world):
    an = people["an"]
    (holding,) = an.client.get("/holdings")["items"]
    assert holding["code"] == codes["returned"]
    content = an.client.once("GET", f"/holdings/{holding['holding_id']}/content")
    assert content.status_code == 200
    assert hashlib.sha256(content.content).hexdigest() == holding["sha256"]
    (order,) = an.orders(codes["returned"])
    assert order["receipt_no"] and order["receipt_ready"] is True
    paper = an.client.once("GET", f"/orders/{order['order_id']}/receipt")
    assert paper.status_code == 200 and paper.content.startswith(b"%PDF")
    receipt = an.client.once("GET", f"/dossiers/{codes['returned']}/receipt")
    assert receipt.status_code == 200 and receipt.content.startswith(b"%PDF")
    assert len(an.notices()) >= 13


def test_sealed_names_are_read(people, world):
    """Her name comes out of identity's sealed fields; the phone reached her by its blind index."""
    home = people["an"].home()
    assert home["account"]["normalized"] is True
    assert home["account"]["full_name"] == PEOPLE["citizen-an"].full_name


def test_a_dossier_in_the_middle_is_carried_to_its_end(codes, people, world, auditor):
    binh, code = people["binh"], codes["working"]
    desk, specialist = Officer(world, "officer-desk").enter(), Officer(world, "officer-specialist").enter()
    (order,) = binh.orders(code)
    assert order["state"] == "DUE"
    pay(world, binh, order["order_id"])
    specialist.work(code)
    stored = specialist.upload(forgery(world, "right", code), "ket-qua.pdf", "result")
    specialist.on_case(code, "results", file_id=stored["file_id"], name="Bản sao")
    eventually(lambda: binh.orders(code)[0]["receipt_ready"], what="the receipt")
    desk.on_dossier(code, "return")
    eventually(lambda: binh.client.get("/holdings")["items"], what="the result in his store")
    auditor.rest()
    assert world.ask("national", f"/dossiers/{code}")["codes"][-2:] == [9, 10]
    assert world.ask("national", f"/dossiers/{code}")["record"]["MaHoSo"] == code
    assert auditor.faults() == []
    assert agreement.disagreements(auditor.databases, listeners()) == []
    assert binh.dossier(code)["status_code"] == 10
