"""Events about one subject keep their order where a room wants so, also while its database is away."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import eventlet
import pytest
from pymongo.errors import AutoReconnect

from services.common.bus import events
from services.common.bus.events import EventDesk
from services.common.bus.origin import Origin

NOBODY = Origin("", "", "")


class Desk(EventDesk):
    """Takes the body for the number of an event about one subject; `faults` says what each try meets."""

    def __init__(self, *, by_subject: bool, faults: dict[bytes, list[Exception]]) -> None:
        kernel: Any = SimpleNamespace(spec=SimpleNamespace(by_subject=by_subject), settings=SimpleNamespace(room="x"))
        super().__init__(kernel, None, {})
        self.faults, self.done, self.retried = faults, [], []  # type: ignore[var-annotated]

    def _read(self, body: bytes, origin: Origin) -> Any:
        return SimpleNamespace(name="dossier.filed", subject="one", body=body)

    def _handle(self, event: Any) -> str:
        eventlet.sleep(0)
        if self.faults.get(event.body):
            raise self.faults[event.body].pop(0)
        self.done.append(event.body)
        return "ok"

    def _failed(self, body: bytes, headers: dict[str, Any], name: str, exc: Exception) -> bool:
        self.retried.append(body)
        return True


@pytest.fixture(autouse=True)
def short_pauses(monkeypatch):
    monkeypatch.setattr(events, "LONGEST_PAUSE", 0.0)
    real = eventlet.sleep
    monkeypatch.setattr(events.eventlet, "sleep", lambda _seconds=0: real(0))


def settled(desk: Desk, *bodies: bytes) -> list[bool]:
    pool = eventlet.GreenPool()
    waiting = [pool.spawn(desk.settle, body, {}, NOBODY) for body in bodies]
    with eventlet.Timeout(5):
        return [each.wait() for each in waiting]


def test_a_follower_waits_while_the_database_is_away():
    desk = Desk(by_subject=True, faults={b"1": [AutoReconnect("away")] * 3})
    assert settled(desk, b"1", b"2") == [True, True]
    assert desk.done == [b"1", b"2"]
    assert desk.retried == []


def test_a_fault_of_its_own_goes_to_the_retry_queue_and_holds_nobody_up():
    desk = Desk(by_subject=True, faults={b"1": [KeyError("ours")]})
    assert settled(desk, b"1", b"2") == [True, True]
    assert (desk.done, desk.retried) == ([b"2"], [b"1"])


def test_a_room_that_parks_what_comes_early_does_not_wait():
    desk = Desk(by_subject=False, faults={b"1": [AutoReconnect("away")]})
    assert settled(desk, b"1") == [True]
    assert desk.retried == [b"1"]


def test_a_room_that_stops_leaves_the_event_to_the_broker():
    desk = Desk(by_subject=True, faults={b"1": [AutoReconnect("away")] * 100_000})
    desk.stopping = True
    assert settled(desk, b"1") == [False]
    assert (desk.done, desk.retried) == ([], [])
