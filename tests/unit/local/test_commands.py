"""What the command line takes, before anything is set up or started."""

from __future__ import annotations

import os
from pathlib import Path
from types import SimpleNamespace

import pytest

from deploy.local import bootstrap, calling, commands, operating, ownership, paths, processes, table
from deploy.local.paths import State, write_json
from deploy.local.system import System
from deploy.local.table import Ports
from deploy.local.trouble import Trouble


class _System:
    def env(self, who: str) -> dict[str, str]:
        return {"who": who}


@pytest.fixture
def called(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str | None, list[str]]]:
    """The state and the arguments with which an operator's program would have been started."""
    calls: list[tuple[str | None, list[str]]] = []
    states: list[str | None] = []

    def running(given, *_):
        states.append(given.state)
        return _System()

    monkeypatch.setattr(operating, "set_up", lambda *_: None)
    monkeypatch.setattr(calling, "running", running)
    monkeypatch.setattr(calling, "call", lambda arguments, *_: calls.append((states[-1], arguments)) or 0)
    return calls


@pytest.mark.parametrize(
    "line",
    [
        ["dead-letters", "--state", "/s", "list", "--room", "intake", "--json"],
        ["dead-letters", "list", "--state", "/s", "--room", "intake", "--json"],
        ["dead-letters", "list", "--room", "intake", "--json", "--state=/s"],
    ],
)
def test_the_state_may_stand_anywhere_in_an_operators_command(called, line):
    assert commands.main(line) == 0
    assert called == [("/s", ["-m", "deploy.operate.dead_letters", "list", "--room", "intake", "--json"])]


def test_a_replay_names_both_rooms(called, capsys):
    assert commands.main(["replay", "--to", "notifier", "--state", "/s", "--from", "intake"]) == 0
    assert called == [("/s", ["-m", "deploy.operate.replay", "--from", "intake", "--to", "notifier"])]
    for wrong in (["replay", "--from", "intake"], ["replay", "--from", "gateway", "--to", "intake"]):
        with pytest.raises(SystemExit):
            commands.main(wrong)


def test_without_a_state_every_argument_reaches_the_program_in_its_order(called):
    assert commands.main(["clock", "set", "2024-03-11T09:00:00+07:00"]) == 0
    assert called == [(None, ["-m", "deploy.operate.clock", "set", "2024-03-11T09:00:00+07:00"])]


def test_files_are_meant_from_where_the_caller_stands(monkeypatch, tmp_path):
    """Not from the checkout, and nothing that lies there is taken for a program of ours."""
    seen: list[Path] = []
    monkeypatch.setattr(operating, "set_up", lambda *_: None)
    system = SimpleNamespace(env=lambda _: {"MOTCUA_REHEARSAL": "1", "MOTCUA_PKI": str(tmp_path)})
    monkeypatch.setattr(calling, "running", lambda *_: system)
    monkeypatch.setattr(commands.restoring, "restore", lambda _, folder, options, **__: seen.append(folder) or 0)
    monkeypatch.setattr(commands.seeding, "seed", lambda _, __, file: seen.append(file) or 0)
    (tmp_path / "services.py").write_text("raise SystemExit('not ours')")
    for line in (["rehearse", "paper", "a.pdf"], ["restore", "monday", "--state", "s"], ["seed", "intake", "x.json"]):
        monkeypatch.chdir(tmp_path)
        assert commands.main(line) == 0
    assert (tmp_path / "a.pdf").read_bytes().startswith(b"%PDF")
    assert not (paths.ROOT / "a.pdf").exists()
    assert seen == [tmp_path / "monday", tmp_path / "x.json"]


def test_an_unknown_argument_is_refused(called, capsys):
    with pytest.raises(SystemExit) as ended:
        commands.main(["status", "--no-such"])
    assert ended.value.code == 2
    assert "--no-such" in capsys.readouterr().err
    assert called == []


def test_half_an_option_is_no_option(called, capsys):
    with pytest.raises(SystemExit) as ended:
        commands.main(["demo", "--kee"])
    assert ended.value.code == 2
    assert "--kee" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("line", "program"),
    [
        (["clock", "--help"], ["-m", "deploy.operate.clock", "--help"]),
        (["dead-letters", "replay", "-h"], ["-m", "deploy.operate.dead_letters", "replay", "--help"]),
        (["ledger", "--help"], ["-m", "deploy.operate.ledger", "--help"]),
        (["migrate", "--help"], ["-m", "deploy.operate.migrate", "--help"]),
        (["backup", "--help"], ["-m", "deploy.operate.backup", "--help"]),
        (["rehearse", "sign", "--help"], ["-m", "deploy.operate.rehearse", "sign", "--help"]),
    ],
)
def test_help_comes_from_the_operators_program_without_a_system(monkeypatch, line, program):
    monkeypatch.setattr(operating, "set_up", lambda *_: None)
    monkeypatch.setattr(calling, "running", lambda *_: pytest.fail("no system is needed"))
    said: list[list[str]] = []
    monkeypatch.setattr(calling, "call", lambda arguments, _: said.append(arguments) or 0)
    assert commands.main(line) == 0
    assert said == [program]


def test_untried_containers_are_called_so(capsys):
    with pytest.raises(SystemExit):
        commands.main(["up", "--help"])
    assert "untried" in capsys.readouterr().out


@pytest.fixture
def two_systems(tmp_path, monkeypatch):
    """The states main and demo, both with processes on record."""
    monkeypatch.delenv("MOTCUA_STATE", raising=False)
    monkeypatch.setattr(paths, "SHARED", tmp_path)
    monkeypatch.setattr(ownership, "STATES", tmp_path / "state")
    me = {"name": "supervisor", "pid": os.getpid(), "start": processes.start_time(os.getpid())}
    for name in ("main", "demo"):
        state = State(tmp_path / "state" / name)
        state.make()
        write_json(state.system, {"rehearsal": name == "demo"})
        processes.write_record(state, "supervisor", me)
    return tmp_path / "state"


def test_down_asks_which_of_two_systems_is_meant(two_systems, monkeypatch, capsys):
    stopped: list[str] = []
    monkeypatch.setattr(System, "stop", lambda self: stopped.append(self.state.top.name))
    assert commands.main(["down"]) == 1
    assert stopped == []
    assert "--state demo" in capsys.readouterr().err
    assert commands.main(["down", "--state", "demo"]) == 0
    assert stopped == ["demo"]


def test_a_command_says_which_system_it_means_and_names_the_others(two_systems, monkeypatch, capsys):
    monkeypatch.setattr(System, "status", lambda self: [])
    assert commands.main(["status", "--json"]) == 0
    said = capsys.readouterr()
    assert "system: main (production); also running: demo" in said.err
    assert said.out == "[]\n"
    assert commands.main(["status", "--json", "--state", "demo"]) == 0
    assert "system: demo (rehearsal); also running: main" in capsys.readouterr().err


def test_down_without_a_name_says_what_runs_where_it_ended_nothing(two_systems, monkeypatch, capsys):
    (two_systems / "demo").rename(two_systems / "prod")
    for file in (two_systems / "main" / "run").glob("*.json"):
        file.unlink()
    monkeypatch.setattr(System, "stop", lambda self: pytest.fail("ended"))
    assert commands.main(["down"]) == 1
    said = capsys.readouterr().err
    assert "these do: prod" in said
    assert "--state" in said
    assert commands.main(["down", "--state", "main"]) == 0
    assert "nothing was running in main; these run: prod" in capsys.readouterr().err


def test_without_a_command_the_way_to_the_commands_is_named(capsys):
    with pytest.raises(SystemExit) as ended:
        commands.main([])
    assert ended.value.code == 2
    assert "./motcua --help" in capsys.readouterr().err


def test_a_name_without_a_system_names_those_that_run(two_systems, capsys):
    assert commands.main(["status", "--state", "demoo"]) == 1
    assert "these do: demo, main" in capsys.readouterr().err


def test_logs_are_those_of_the_system_that_every_command_takes(two_systems, monkeypatch, capsys):
    """Else of one that ran before, which is said; where there is none, nothing is made up."""
    for name in ("main", "demo"):
        (two_systems / name / "logs" / "intake.log").write_text(f"of {name}\n")
    for runs, stopped, printed in (("main", (), "of main\n"), ("demo", ("main",), "of demo\n")):
        for name in stopped:
            (two_systems / name / "run" / "supervisor.json").unlink()
        assert commands.main(["logs", "intake"]) == 0
        said = capsys.readouterr()
        assert (said.out, "does not run" in said.err) == (printed, False)
        assert f"system: {runs}" in said.err
    assert commands.main(["logs", "nosuch", "--state", "main"]) == 1
    complaint = capsys.readouterr().err
    assert "No log of nosuch in main" in complaint and "these are there: intake" in complaint
    (two_systems / "demo" / "run" / "supervisor.json").unlink()
    assert commands.main(["logs"]) == 0
    said = capsys.readouterr()
    assert said.out == "of main\n" and "it does not run, these are its last logs" in said.err
    for name in ("main", "demo"):
        (two_systems / name / "logs" / "intake.log").unlink()
    assert commands.main(["logs", "intake"]) == 1
    said = capsys.readouterr()
    assert "No system runs here or has left logs" in said.err and "./motcua up --detach," in said.err
    assert "system: " not in said.err
    assert commands.main(["logs", "--state", "nosuch"]) == 1
    complaint = capsys.readouterr().err
    assert "No system named nosuch runs here" in complaint and "./motcua up --detach --state nosuch" in complaint
    monkeypatch.setattr(operating, "set_up", lambda *_: None)
    assert commands.main(["rehearse", "people"]) == 1
    assert "./motcua up --rehearsal --detach" in capsys.readouterr().err
    assert not (two_systems / "nosuch").exists()


@pytest.mark.parametrize("base", ["abc", "22", "65530", "-5", "70000"])
def test_a_port_base_that_cannot_be_is_refused_in_words(tmp_path, monkeypatch, base):
    monkeypatch.setenv("MOTCUA_PORT_BASE", base)
    with pytest.raises(Trouble, match="1024 to 65472") as refused:
        Ports(State(tmp_path))
    assert f"MOTCUA_PORT_BASE={base}" in refused.value.what


def test_the_last_port_base_that_can_be_is_taken(tmp_path, monkeypatch):
    monkeypatch.setenv("MOTCUA_PORT_BASE", "65472")
    ports = Ports(State(tmp_path))
    assert max(ports[name] for name in table._names()) <= 65535


def test_what_a_killed_installation_left_is_swept_at_the_next_set_up(tmp_path, monkeypatch):
    for name in ("SHARED", "CACHE", "TMP"):
        monkeypatch.setattr(bootstrap, name, tmp_path / name)
    for name in ("_environment", "fonts", "_test_authority"):
        monkeypatch.setattr(bootstrap, name, lambda: None)
    monkeypatch.setattr(bootstrap, "_dependencies", lambda _: None)
    (tmp_path / "TMP" / "pip-unpack-x").mkdir(parents=True)
    (tmp_path / "TMP" / "pip-unpack-x" / "mongod.whl").write_bytes(b"44 MB")
    (tmp_path / "TMP" / "other").mkdir()
    bootstrap.set_up()
    assert [f.name for f in (tmp_path / "TMP").iterdir()] == ["other"]


def test_a_rehearsal_never_takes_the_place_of_a_production_system_nor_back(two_systems, monkeypatch, capsys):
    monkeypatch.setattr(operating, "set_up", lambda *_: None)
    monkeypatch.setattr(System, "start", lambda *_, **__: pytest.fail("started"))
    monkeypatch.setattr(System, "running", lambda _: False)
    assert commands.main(["up", "--rehearsal", "--fresh", "--detach"]) == 1
    assert "holds a production system" in capsys.readouterr().err
    assert commands.main(["up", "--fresh", "--detach", "--state", "demo"]) == 1
    assert "holds a rehearsal" in capsys.readouterr().err
