"""What a failed demo says, and that its logs outlive the next one."""

from __future__ import annotations

from pathlib import Path

import pytest

from deploy.demo.failure import paragraph
from deploy.demo.story import Step, StepFailed
from deploy.local import calling, commands, ownership
from deploy.local.paths import State
from deploy.local.system import System

STEP = Step("accept", "Tiếp nhận", "He accepts", lambda _: "")


def failed(call) -> StepFailed:
    try:
        try:
            call()
        except Exception as exc:
            raise StepFailed(13, STEP) from exc
    except StepFailed as step:
        return step
    raise AssertionError("it did not fail")


def wrong_amount() -> None:
    due, taken = 20_000, 15_000
    assert due == taken


def test_a_condition_is_told_with_what_came():
    told = paragraph(failed(wrong_amount))
    assert "step 13, accept" in told
    assert "He accepts" in told
    assert "expected: due == taken" in told
    assert "due = 20000; taken = 15000" in told
    assert "Traceback" not in told


def test_another_failure_is_told_in_its_own_words():
    def away() -> None:
        raise ConnectionError("the gateway does not answer")

    told = paragraph(failed(away))
    assert "what came: ConnectionError: the gateway does not answer" in told
    assert "Traceback" not in told


def test_looking_at_a_failure_acts_nothing_a_second_time():
    calls: list[int] = []

    def asked() -> bool:
        calls.append(1)
        return False

    def check() -> None:
        assert asked(), "no"

    paragraph(failed(check))
    assert calls == [1]


@pytest.fixture
def demo(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> State:
    """A demo whose walk fails, with a log of that run."""
    state = State(tmp_path / "state" / "demo")
    monkeypatch.setattr(commands, "SHARED", tmp_path)
    monkeypatch.setattr(commands, "set_up", lambda *_: None)
    monkeypatch.setattr(commands.broker, "fetched", lambda: None)
    monkeypatch.setattr(calling, "call", lambda *_: 1)

    def start(self: System, **_: object) -> None:
        (self.state.logs / "intake.log").write_text("what happened\n")
        (self.state.top / "supervisor.log").write_text("started\n")

    monkeypatch.setattr(System, "start", start)
    monkeypatch.setattr(System, "stop", lambda *_: None)
    monkeypatch.setattr(System, "env", lambda *_: {})
    return state


def test_the_logs_of_a_failed_demo_are_kept_aside(demo, tmp_path, capsys):
    assert commands.main(["demo", "--state", str(demo.top)]) == 1
    [kept] = (tmp_path / "failed").iterdir()
    assert (kept / "intake.log").read_text() == "what happened\n"
    assert (kept / "supervisor.log").exists()
    assert str(kept) in capsys.readouterr().err


def test_no_more_than_three_are_kept(tmp_path):
    state = State(tmp_path / "state")
    state.make()
    for number in range(5):
        ownership.failed_logs(state, tmp_path / "failed" / f"demo-{number}")
    assert sorted(f.name for f in (tmp_path / "failed").iterdir()) == ["demo-2", "demo-3", "demo-4"]
