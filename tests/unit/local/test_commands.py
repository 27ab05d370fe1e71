"""What the command line takes, before anything is set up or started."""

from __future__ import annotations

import pytest

from deploy.local import commands


class _System:
    def env(self, who: str) -> dict[str, str]:
        return {"who": who}


@pytest.fixture
def called(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str | None, list[str]]]:
    """The state and the arguments with which an operator's program would have been started."""
    calls: list[tuple[str | None, list[str]]] = []
    states: list[str | None] = []

    def running(given):
        states.append(given.state)
        return _System()

    monkeypatch.setattr(commands, "set_up", lambda: None)
    monkeypatch.setattr(commands, "_running", running)
    monkeypatch.setattr(commands, "_call", lambda arguments, env: calls.append((states[-1], arguments)) or 0)
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


def test_an_unknown_argument_is_refused(called, capsys):
    with pytest.raises(SystemExit) as ended:
        commands.main(["status", "--no-such"])
    assert ended.value.code == 2
    assert "--no-such" in capsys.readouterr().err
    assert called == []
