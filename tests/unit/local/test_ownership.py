"""The demo and the tests end and erase only what they made themselves."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from deploy.local import commands, ownership
from deploy.local.paths import SHARED, State, state_of
from deploy.local.trouble import Trouble


def a_system(folder: Path, *, rehearsal: bool, by: str = "") -> State:
    state = State(folder)
    state.make()
    state.system.write_text(json.dumps({"rehearsal": rehearsal}))
    (state.data / "database").mkdir()
    (state.data / "database" / "WiredTiger").write_text("citizens")
    if by:
        ownership.mark(state, by)
    return state


@pytest.mark.parametrize("rehearsal", [True, False])
@pytest.mark.parametrize("made_by", ["", "up", "restore"])
@pytest.mark.parametrize("by", ["demo", "test"])
def test_what_others_made_is_refused_and_stays(tmp_path, rehearsal, made_by, by):
    state = a_system(tmp_path / "main", rehearsal=rehearsal, by=made_by)
    with pytest.raises(Trouble, match="erases only what it made itself"):
        ownership.claim(state, by)
    assert (state.data / "database" / "WiredTiger").read_text() == "citizens"
    assert ownership.maker(state) == made_by


def test_a_demos_own_state_is_its_own_again(tmp_path):
    state = State(tmp_path / "mine")
    ownership.claim(state, "demo")
    state = a_system(tmp_path / "mine", rehearsal=True)
    ownership.claim(state, "demo")
    with pytest.raises(Trouble, match=r"made by `\./motcua demo`"):
        ownership.claim(state, "test")


def test_a_mark_does_not_excuse_a_production_system(tmp_path):
    state = a_system(tmp_path / "x", rehearsal=False, by="demo")
    with pytest.raises(Trouble, match="production"):
        ownership.claim(state, "demo")


def test_a_folder_with_other_peoples_files_is_no_empty_state(tmp_path):
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "thesis.txt").write_text("years of work")
    with pytest.raises(Trouble):
        ownership.claim(State(tmp_path), "demo")
    assert (tmp_path / "data" / "thesis.txt").exists()


def test_a_demo_of_an_earlier_release_is_known_by_its_place(tmp_path, monkeypatch):
    monkeypatch.setattr(ownership, "STATES", tmp_path)
    ownership.claim(a_system(tmp_path / "demo", rehearsal=True), "demo")
    for name, by in (("training", "demo"), ("main", "test")):
        with pytest.raises(Trouble):
            ownership.claim(a_system(tmp_path / name, rehearsal=True), by)
    with pytest.raises(Trouble):
        ownership.claim(State(tmp_path / "demo"), "test")


@pytest.mark.parametrize("how", ["option", "environment"])
def test_the_demo_touches_nothing_before_it_is_sure(tmp_path, monkeypatch, capsys, how):
    state = a_system(tmp_path / "prod", rehearsal=False, by="up")
    for name in ("set_up", "System"):
        monkeypatch.setattr(commands, name, lambda *_, name=name, **__: pytest.fail(f"{name} before the claim"))
    if how == "environment":
        monkeypatch.setenv("MOTCUA_STATE", str(state.top))
    assert commands.main(["demo", *(["--state", str(state.top)] if how == "option" else [])]) == 1
    assert "made by `./motcua up`" in capsys.readouterr().err


def test_the_tests_never_take_the_state_of_the_environment(tmp_path, monkeypatch, capsys):
    claimed: list[Path] = []

    def claim(state: State, by: str) -> None:
        claimed.append(state.top)
        raise Trouble("enough", "stop here")

    monkeypatch.setattr(ownership, "claim", claim)
    monkeypatch.setenv("MOTCUA_STATE", str(tmp_path / "prod"))
    monkeypatch.setenv("MOTCUA_TEST_STATE", "other")
    assert commands.main(["test"]) == 1
    assert claimed == [SHARED / "state" / "other"]
    assert commands.main(["test", "--state", str(tmp_path / "prod")]) == 1
    assert len(claimed) == 1


def test_a_plain_name_is_a_state_under_motcua_and_a_path_is_a_path(monkeypatch):
    monkeypatch.delenv("MOTCUA_STATE", raising=False)
    assert state_of("demo", "main").top == SHARED / "state" / "demo"
    assert state_of("./demo", "main").top == Path("demo").resolve()
    assert state_of("/tmp/x", "main").top == Path("/tmp/x")
    assert state_of(None, "main").top == SHARED / "state" / "main"
    monkeypatch.setenv("MOTCUA_STATE", "training")
    assert state_of(None, "main").top == SHARED / "state" / "training"


@pytest.mark.parametrize("command", ["up", "demo"])
@pytest.mark.parametrize("where", ["/proc/xx", "README.md"])
def test_what_can_be_no_state_directory_is_said_in_words(monkeypatch, capsys, command, where):
    monkeypatch.setattr(commands, "set_up", lambda *_: None)
    assert commands.main([command, "--state", where]) == 1
    said = capsys.readouterr().err
    assert "cannot be a state directory" in said
    assert "Traceback" not in said
    assert "What to do:" in said
