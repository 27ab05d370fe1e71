"""The supervisor's turn: what goes wrong with one program ends neither the others nor the supervisor."""

from __future__ import annotations

import errno
from pathlib import Path
from typing import Any

import pytest

from deploy.local import processes, supervise
from deploy.local.children import Child
from deploy.local.memory import refuse_other_kind, remember
from deploy.local.paths import State, read_json, write_json
from deploy.local.supervise import Supervisor
from deploy.local.table import Addresses
from deploy.local.trouble import Trouble

FULL = OSError(errno.ENOSPC, "No space left on device")


class Running:
    """A program that runs until `returncode` is set."""

    pid = 0
    returncode: int | None = None

    def poll(self) -> int | None:
        return self.returncode


@pytest.fixture
def state(tmp_path: Path) -> State:
    made = State(tmp_path / "state")
    made.make()
    return made


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    now = [1000.0]
    monkeypatch.setattr(supervise.time, "monotonic", lambda: now[0])
    return now


@pytest.fixture
def supervisor(state: State, clock: list[float]) -> Supervisor:
    made = Supervisor(state, True, None, None, quiet=True)
    made.children = {name: Child(name, [], {}, lambda: True) for name in ("intake", "vault")}
    return made


def test_a_program_that_cannot_be_started_is_tried_again_and_the_others_run(
    supervisor: Supervisor, clock: list[float], monkeypatch: pytest.MonkeyPatch
) -> None:
    trouble = [FULL, FULL]

    def spawn(_state: State, name: str, *_: Any) -> Running:
        if name == "intake" and trouble:
            raise trouble.pop()
        return Running()

    monkeypatch.setattr(processes, "spawn", spawn)
    supervisor._turn()
    intake, vault = supervisor.children["intake"], supervisor.children["vault"]
    assert (intake.popen, intake.restarts) == (None, 1)
    assert vault.popen is not None
    supervisor._turn()
    assert intake.restarts == 1  # not before its pause is over
    assert vault.ready
    for _ in range(2):
        clock[0] += intake.pause
        supervisor._turn()
    assert intake.popen is not None
    assert intake.restarts == 2


def test_what_was_ended_on_purpose_and_came_back_is_counted(
    supervisor: Supervisor, state: State, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(processes, "spawn", lambda *_: Running())
    supervisor._turn()
    intake = supervisor.children["intake"]
    (state.hold / "intake").touch()
    assert intake.popen is not None
    intake.popen.returncode = -9
    supervisor._turn()
    assert (intake.popen, intake.restarts) == (None, 1)
    (state.hold / "intake").unlink()
    supervisor._turn()
    assert intake.popen is not None
    assert (read_json(state.run / "intake.json") or {})["restarts"] == 1


def test_a_room_that_ends_on_a_full_disk_does_not_end_the_system(
    supervisor: Supervisor, state: State, clock: list[float], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(processes, "spawn", lambda *_: Running())
    supervisor._turn()
    supervisor._turn()
    vault = supervisor.children["vault"]
    ended: Any = vault.popen
    ended.returncode = 1
    whole = processes.write_record
    full = [True]

    def write_record(state: State, name: str, record: dict[str, Any]) -> None:
        if full[0] and name == "vault":
            raise FULL
        whole(state, name, record)

    monkeypatch.setattr(processes, "write_record", write_record)
    supervisor._turn()
    assert vault.popen is None
    clock[0] += 60
    supervisor._turn()  # it comes back, and its record cannot be written
    assert vault.popen is not None
    full[0] = False
    for _ in range(3):
        clock[0] += 60
        supervisor._turn()
    record = read_json(state.run / "vault.json")
    assert (record["state"], record["restarts"]) == ("ready", vault.restarts)
    assert supervisor.children["intake"].restarts == 0


def test_what_an_earlier_start_wrote_is_no_reason_of_this_one(
    supervisor: Supervisor, state: State, monkeypatch: pytest.MonkeyPatch
) -> None:
    log = state.logs / "intake.log"
    log.write_text("MOTCUA_RETRY_SCHEDULE must list delays\n")
    monkeypatch.setattr(processes, "spawn", lambda *_: Running())
    for line in ("", "MOTCUA_MAX_WORKERS is not a whole number\n"):
        supervisor._spawn(supervisor.children["intake"])  # twice: what the first try wrote counts too
        with open(log, "a") as out:
            out.write(line or "first\n")
    assert supervisor._tail("intake") == "    | first\n    | MOTCUA_MAX_WORKERS is not a whole number"
    log.write_text("rotated\n")
    assert supervisor._tail("intake") == "    | rotated"
    assert "nothing" in supervisor._tail("vault")


def test_a_log_that_cannot_be_written_does_not_end_the_system(
    supervisor: Supervisor, monkeypatch: pytest.MonkeyPatch
) -> None:
    def say(_text: str) -> None:
        raise FULL

    monkeypatch.setattr(supervise, "say", say)
    supervisor.quiet = False
    supervisor._say("intake ended")


@pytest.mark.parametrize("made_with", [True, False])
@pytest.mark.req("X-15")
def test_a_system_with_data_keeps_the_kind_that_it_was_set_up_with(state: State, made_with: bool) -> None:
    for kind in (True, False):
        refuse_other_kind(state, kind)  # nothing is there yet
    remember(state, Addresses("127.0.0.1:1", "127.0.0.1:2", "rs"), made_with)
    refuse_other_kind(state, not made_with)  # no data yet
    write_json(state.data / "database.prepared", "digest")
    refuse_other_kind(state, made_with)
    with pytest.raises(Trouble) as refused:
        refuse_other_kind(state, not made_with)
    assert ("for rehearsal" if made_with else "its data are real") in str(refused.value)


def test_a_start_of_the_other_kind_touches_nothing(supervisor: Supervisor, state: State) -> None:
    remember(state, Addresses("127.0.0.1:1", "127.0.0.1:2", "rs"), False)
    write_json(state.data / "database.prepared", "digest")
    with pytest.raises(Trouble, match="its data are real"):
        supervisor._start(False)
    assert not (state.secrets / "passwords.json").exists()
    assert read_json(state.system)["rehearsal"] is False
