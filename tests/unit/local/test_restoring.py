"""`./motcua restore` around its parts: what is refused, and that whatever was started is ended."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from deploy.local import ownership, restoring
from deploy.local.memory import RESTORE_MARKER, refuse_half_restored, wipe
from deploy.local.paths import State
from deploy.local.system import System
from deploy.local.trouble import Trouble
from tests.support.trust import signed_folder


class Played:
    """A system that starts nothing, and the parts of a restore that it is asked for."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, **found: Any) -> None:
        self.said: list[str] = []
        self.occupied = found.pop("occupied", [])
        self.found = {"rehearsal": True, "unfinished": False, "documents": 1, "taken_at": "now", **found}
        self.live = False
        self.rehearsal = True
        self.fails = ""
        monkeypatch.setattr(restoring, "System", self._made)
        monkeypatch.setattr(restoring, "_run", self._run)

    def _made(self, top: Path) -> Played:
        self.state = State(top)
        return self

    def running(self) -> bool:
        return self.live

    def start(self, rooms: list[str], **_: Any) -> None:
        self.said.append("stores" if not rooms else "rooms without gateway" if "gateway" not in rooms else "all")

    def stop(self) -> None:
        self.said.append("stop")

    def env(self, who: str) -> dict[str, str]:
        return {}

    def _run(self, env: dict[str, str], arguments: list[str], *, capture: bool) -> Any:
        what = arguments[2]
        self.said.append(what)

        class Done:
            returncode = 1 if what == self.fails else 0
            stdout = json.dumps({"inspect": self.found, "occupied": self.occupied}.get(what))

        return Done()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    place = tmp_path / "taken"
    place.mkdir()
    return place


@pytest.fixture
def state(tmp_path: Path) -> State:
    made = State(tmp_path / "state")
    made.make()
    return made


def test_the_parts_come_in_order_and_everything_is_ended(monkeypatch, state, folder):
    played = Played(monkeypatch)
    assert restoring.restore(state, folder, [], replace=False) == 0
    assert played.said == [
        "inspect", "stores", "occupied", "load", "stop", "rooms without gateway", "settle", "verify", "stop",
    ]  # fmt: skip


def test_data_that_are_there_are_lost_only_on_demand(monkeypatch, state, folder):
    played = Played(monkeypatch, occupied=["intake", "vault"])
    with pytest.raises(Trouble, match=r"There is data already: intake, vault(?s:.*)--replace"):
        restoring.restore(state, folder, [], replace=False)
    assert played.said == ["inspect", "stores", "occupied", "stop"]
    assert restoring.restore(state, folder, [], replace=True) == 0


def test_what_a_restore_loads_is_no_demos_to_erase(monkeypatch, state, folder):
    Played(monkeypatch, occupied=["intake"])
    ownership.mark(state, "demo")
    with pytest.raises(Trouble):
        restoring.restore(state, folder, [], replace=False)
    assert ownership.maker(state) == "demo"  # nothing was loaded yet
    assert restoring.restore(state, folder, [], replace=True) == 0
    with pytest.raises(Trouble, match="erases only what it made itself"):
        ownership.claim(state, "demo")


def test_a_production_backup_needs_trust_anchors_before_anything_starts(monkeypatch, state, folder):
    monkeypatch.delenv("MOTCUA_TRUST", raising=False)
    played = Played(monkeypatch, rehearsal=False)
    with pytest.raises(Trouble, match="anchors holds none"):
        restoring.restore(state, folder, [], replace=False)
    assert played.said == ["inspect"]
    monkeypatch.setenv("MOTCUA_TRUST_KEYS", signed_folder(state.top / "trust"))
    assert restoring.restore(state, folder, [], replace=False) == 0


def test_a_restore_that_was_cut_short_is_taken_up_again(monkeypatch, state, folder):
    Played(monkeypatch, occupied=["intake"], unfinished=True)
    assert restoring.restore(state, folder, [], replace=False) == 0


def test_what_comes_next_is_said_of_this_very_system(monkeypatch, state, folder, capsys):
    Played(monkeypatch)
    state.system.write_text(json.dumps({"rehearsal": True}))
    assert restoring.restore(state, folder, [], replace=False) == 0
    assert f"restored; ./motcua up --rehearsal --state {state.top} starts the system" in capsys.readouterr().err


def test_a_folder_that_is_not_there_makes_no_system(tmp_path):
    with pytest.raises(Trouble, match="nosuch is no backup"):
        restoring.restore(State(tmp_path / "new"), tmp_path / "nosuch", [], replace=False)
    assert not (tmp_path / "new").exists()


def test_a_running_system_is_left_alone(monkeypatch, state, folder):
    played = Played(monkeypatch)
    played.live = True
    with pytest.raises(Trouble, match="A system runs here"):
        restoring.restore(state, folder, [], replace=True)
    assert played.said == []


@pytest.mark.parametrize(
    ("part", "says"),
    [
        ("occupied", "nothing was changed"),
        ("load", "run the same command again; no room starts before"),
        ("settle", "not everything agrees"),
        ("verify", "not everything agrees"),
    ],
)
def test_a_part_that_fails_ends_it_with_what_to_do(monkeypatch, state, folder, part, says):
    played = Played(monkeypatch)
    played.fails = part
    with pytest.raises(Trouble) as trouble:
        restoring.restore(state, folder, [], replace=False)
    assert says in str(trouble.value)
    assert played.said[-1] == "stop"


def test_nothing_is_started_for_a_backup_that_is_none(monkeypatch, state, folder, capfd):
    """A start makes keys and users of the kind that the manifest names: its signature is looked at before."""
    monkeypatch.setattr(System, "start", lambda *_, **__: pytest.fail("started"))
    before = {file for file in state.top.rglob("*") if file.is_file()}
    for manifest in (None, json.dumps({"rehearsal": True})):
        if manifest is not None:
            (folder / "manifest.json").write_text(manifest)
        with pytest.raises(Trouble, match=r"stopped at: inspect(?s:.*)nothing was changed"):
            restoring.restore(state, folder, [], replace=False)
        assert "manifest.json" in capfd.readouterr().err
    assert {file for file in state.top.rglob("*") if file.is_file()} == before


def test_half_a_restore_is_started_for_no_other_command(monkeypatch, state):
    """`backup` would copy, and `migrate` change, databases of which a part is missing."""
    (state.data / "database").mkdir()
    state.system.write_text("{}")
    (state.top / RESTORE_MARKER).write_text("{}")
    monkeypatch.setattr(System, "start", lambda *_, **__: pytest.fail("started"))
    with pytest.raises(Trouble, match="A restore was begun here and not completed"):
        restoring.alone(state)


@pytest.mark.parametrize("content", ['{"backup": "x", "folder": "/there"}', "", "{"])
def test_half_a_restore_keeps_rooms_from_starting_even_where_its_note_is_torn(state, content):
    refuse_half_restored(state)
    (state.top / RESTORE_MARKER).write_text(content)
    with pytest.raises(Trouble, match="A restore was begun here and not completed"):
        refuse_half_restored(state)
    wipe(state)
    refuse_half_restored(state)
