"""What proves that a process is ours, and what is remembered between starts."""

import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from deploy.local import database, processes
from deploy.local.paths import State, write_atomically
from deploy.local.table import Ports
from deploy.local.trouble import Trouble


@pytest.fixture
def state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> State:
    monkeypatch.delenv("MOTCUA_PORT_BASE", raising=False)
    made = State(tmp_path / "state")
    made.make()
    return made


def test_a_pid_alone_does_not_prove_a_process() -> None:
    start = processes.start_time(os.getpid())
    assert start is not None
    assert processes.alive({"pid": os.getpid(), "start": start})
    assert not processes.alive({"pid": os.getpid(), "start": start - 1})
    assert not processes.alive({"pid": 0, "start": None})
    assert not processes.alive(None)


def test_a_sweep_ends_what_record_and_mark_name_and_spares_the_rest(state: State) -> None:
    sleeper = [sys.executable, "-c", "import time; time.sleep(60)"]
    ours = processes.spawn(state, "intake", sleeper, dict(os.environ))
    stranger = subprocess.Popen(sleeper)
    try:
        processes.write_record(state, "intake", {"pid": ours.pid, "start": processes.start_time(ours.pid)})
        reused = processes.start_time(stranger.pid)
        assert reused is not None
        processes.write_record(state, "vault", {"pid": stranger.pid, "start": reused - 1})
        assert processes.sweep(state) == 1
        assert ours.wait(5) != 0
        assert stranger.poll() is None
        assert not list(state.run.glob("*.json"))
    finally:
        stranger.kill()
        stranger.wait()


def test_ports_are_remembered(state: State) -> None:
    first = Ports(state)
    chosen = first["gateway.http"], first["database"]
    again = Ports(state)
    assert (again["gateway.http"], again["database"]) == chosen
    assert chosen[0] != chosen[1]


def test_a_port_taken_by_a_stranger_moves_the_block(state: State) -> None:
    ports = Ports(state)
    before = ports["database"]
    with socket.socket() as stranger:
        stranger.bind(("127.0.0.1", before))
        stranger.listen()
        assert ports.forget_if_taken()
        assert ports["database"] != before


def test_a_given_base_is_kept_and_its_conflict_told(state: State, monkeypatch: pytest.MonkeyPatch) -> None:
    base = Ports(state)["gateway.http"]
    monkeypatch.setenv("MOTCUA_PORT_BASE", str(base))
    ports = Ports(state)
    with socket.socket() as stranger:
        stranger.bind(("127.0.0.1", ports["gateway.http"]))
        stranger.listen()
        with pytest.raises(Trouble, match=str(base)):
            ports.forget_if_taken()


def test_a_failed_write_leaves_the_old_content(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "ports.json"
    write_atomically(file, "old")

    def broken(*_: object) -> None:
        raise OSError("disk full")

    monkeypatch.setattr(os, "replace", broken)
    with pytest.raises(OSError, match="disk full"):
        write_atomically(file, "new")
    assert file.read_text() == "old"
    assert [f.name for f in tmp_path.iterdir()] == ["ports.json"]


@pytest.mark.parametrize(
    "url",
    [
        "http://admin:x@db:27017",
        "mongodb://admin:x@db:27017/",
        "mongodb://operator:x@db:27017/?replicaSet=r",
    ],
)
def test_a_database_address_that_cannot_work_is_told(url: str) -> None:
    with pytest.raises(Trouble):
        database.external_address(url)


def test_a_database_address_is_read() -> None:
    url = "mongodb://admin:p%40ss@a:1,b:2/?replicaSet=rs0&authSource=admin"
    assert database.external_address(url) == {"hosts": "a:1,b:2", "replica_set": "rs0"}
