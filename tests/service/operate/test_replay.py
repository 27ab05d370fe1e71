"""`motcua replay`: a room tells another again; who forgot everything learns it again."""

from __future__ import annotations

import uuid

import pytest

from deploy.operate import replay
from tests.support.bus import eventually


@pytest.fixture
def run(stores, keeper, monkeypatch, capsys):
    for name, value in stores.env("operator").items():
        monkeypatch.setenv(name, value)

    def command(teller: str, hearer: str) -> tuple[int, str, str]:
        status = replay.main(["--from", teller, "--to", hearer])
        printed = capsys.readouterr()
        return status, printed.out, printed.err

    return command


def test_what_a_room_told_is_told_again(run, line, operator, data):
    thing = f"again-{uuid.uuid4().hex}"
    line.call("oversight.make", operator, key=uuid.uuid4().hex, thing=thing)
    effects = data["oversight"]["effects"]
    eventually(lambda: effects.find_one({"_id": thing}), what="effect")
    eventually(lambda: data["oversight"]["told"].find_one({"subject": thing}), what="told")
    for name in ("effects", "inbox", "inbox_positions", "inbox_parked"):
        data["oversight"][name].delete_many({})
    status, printed, _ = run("oversight", "oversight")
    assert status == 0
    assert "thing.*" in printed
    eventually(lambda: effects.find_one({"_id": thing}), what="effect again")


def test_a_room_that_does_not_run_is_named(run):
    status, _, complaint = run("postal", "oversight")
    assert status == 1
    assert "does not run" in complaint
