"""Prometheus beside a system: where it comes from, what it asks, and that a system does without it."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from deploy.local import observability, supervise
from deploy.local.paths import State
from deploy.local.table import JOBS, ROOMS, Addresses, Ports, Process, table
from deploy.local.trouble import Trouble


@pytest.fixture
def state(tmp_path: Path) -> State:
    made = State(tmp_path / "system")
    made.make()
    return made


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with programs that say their version, named by MOTCUA_PROMETHEUS."""
    where = tmp_path / "bin"
    where.mkdir()
    for name in ("prometheus", "promtool"):
        (where / name).write_text("#!/bin/sh\necho version 2\n")
        (where / name).chmod(0o755)
    monkeypatch.setenv("MOTCUA_PROMETHEUS", str(where))
    return where


def rows(state: State, ports: Ports) -> list[Process]:
    passwords = {f"{kind}.{user}": "x" for kind in ("broker", "database") for user in (*ROOMS, "partner", "operator")}
    return table(state, ports, Addresses("127.0.0.1:1", "127.0.0.1:2"), passwords, True)


def test_it_asks_every_room_on_this_machine_and_no_simulator(state: State, folder: Path) -> None:
    ports = Ports(state)
    own = observability.Prometheus(state, ports, rows(state, ports))
    written = yaml.safe_load((state.home / "prometheus.yml").read_text())
    [job] = written["scrape_configs"]
    found = {row["labels"]["room"]: row["targets"] for row in job["static_configs"]}
    assert found == {room: [f"127.0.0.1:{ports[f'{room}.health']}"] for room in (*ROOMS, *JOBS)}
    assert list(Path("/").glob(written["rule_files"][0].removeprefix("/")))
    assert own.argv()[0] == str(folder / "prometheus")
    assert f"--web.listen-address=127.0.0.1:{ports['prometheus']}" in own.argv()
    assert f"--storage.tsdb.path={state.data / 'prometheus'}" in own.argv()


def test_no_password_of_the_system_reaches_it(state: State, folder: Path) -> None:
    ports = Ports(state)
    own = observability.Prometheus(state, ports, rows(state, ports))
    assert not [name for name in own.env() if name.startswith("MOTCUA_")]


def test_an_installed_one_is_used_before_any_is_fetched(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("MOTCUA_PROMETHEUS")
    monkeypatch.setenv("PATH", f"{folder}:/usr/bin:/bin")
    monkeypatch.setattr(observability, "unpacked", lambda *_: pytest.fail("nothing needs to be fetched"))
    assert observability.program("promtool") == folder / "promtool"


@pytest.mark.parametrize("how", ["missing", "broken"])
def test_one_that_does_not_run_is_told(folder: Path, how: str) -> None:
    if how == "missing":
        (folder / "prometheus").unlink()
    else:
        (folder / "prometheus").write_text("#!/bin/sh\necho 'no such library' >&2; exit 1\n")
    with pytest.raises(Trouble, match="prometheus does not run"):
        observability.program()


def test_a_system_goes_on_without_it_and_says_so(
    state: State, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def away(*_: object) -> Path:
        raise Trouble("This machine has no apt-get and dpkg", "use Debian 12")

    monkeypatch.delenv("MOTCUA_PROMETHEUS", raising=False)
    monkeypatch.setattr(observability.shutil, "which", lambda _: None)
    monkeypatch.setattr(observability, "unpacked", away)
    supervisor = supervise.Supervisor(state, True, None, None, observability=True)
    ports = Ports(state)
    supervisor._observe(ports, rows(state, ports))
    assert supervisor.children == {}
    assert "going on without Prometheus: This machine has no apt-get" in capsys.readouterr().err


def test_it_runs_beside_the_others_where_it_can(state: State, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    supervisor = supervise.Supervisor(state, True, None, None, observability=True)
    ports = Ports(state)
    supervisor._observe(ports, rows(state, ports))
    assert list(supervisor.children) == ["prometheus"]
    assert f"http://127.0.0.1:{ports['prometheus']}" in capsys.readouterr().err
