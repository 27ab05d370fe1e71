"""First data of a system without a rehearsal's seeds: what is missing is put, what is there stays."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path
from typing import Any

import pymongo
import pytest

from deploy.local.paths import ROOT, VENV_PYTHON
from deploy.local.system import System

FIRST = {
    "account_id": "acc-seed-first", "person_id": "per-seed-first", "username": "seed.first", "birth_date": "1988-03-09",
    "password": "a long first password", "full_name": "Trần Thị Đầu", "phone": "0913000777",
    "grants": [["desk_officer", "000.05.07.H57"]],
}  # fmt: skip


def seed(
    system: System, file: Path, content: dict[str, Any], room: str = "identity"
) -> subprocess.CompletedProcess[str]:
    file.write_text(json.dumps(content), encoding="utf-8")
    command = [str(VENV_PYTHON), "motcua", "seed", room, str(file), "--state", str(system.state.top)]
    env = {k: v for k, v in os.environ.items() if not k.startswith("MOTCUA_")}
    return subprocess.run(command, cwd=ROOT, env=env, capture_output=True, text=True, timeout=120)


def test_a_first_officer_is_put_and_nobody_is_overwritten(
    system: System, database: pymongo.MongoClient, tmp_path: Path, rpc: Any
) -> None:
    accounts = database["identity"]["accounts"]
    before = accounts.find_one({"_id": "acc-officer-desk"})
    there = {**FIRST, "account_id": "acc-officer-desk", "person_id": "per-officer-desk", "username": "desk.duc"}
    done = seed(system, tmp_path / "officers.json", {"officers": [there, FIRST], "citizens": []})
    assert done.returncode == 0, done.stderr
    assert rpc("identity.officer_sign_in", username="seed.first", password=FIRST["password"])["challenge_id"]
    after = accounts.find_one({"_id": "acc-officer-desk"})
    assert (before["password_hash"], before["grants"]) == (after["password_hash"], after["grants"])
    assert system.is_ready("identity")


@pytest.mark.full
def test_what_a_room_refuses_is_said_with_its_own_words(system: System, tmp_path: Path) -> None:
    wrong = json.loads((ROOT / "deploy/rehearsal/seeds/intake.json").read_text())
    wrong["procedures"] = [{**wrong["procedures"][0], "_id": "9.000077@1", "code": "9.000078"}]
    done = seed(system, tmp_path / "catalogue.json", wrong, "intake")
    assert done.returncode == 1
    assert "the id is code@version" in done.stderr
    assert "What to do:" in done.stderr
