"""When a restore compares, and what of the differences it reports. No clock is waited for."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from deploy.operate import agreement, at_rest, restore

CLIENT: Any = object()


class Played:
    """What each look finds on its way and each comparison finds different; the last one stays."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.now = 0.0
        self.events: list[dict[str, int]] = [{}]
        self.work: list[dict[str, int]] = [{}]
        self.differing: list[list[str]] = [[]]
        self.did: list[str] = []
        monkeypatch.setattr(at_rest.time, "sleep", self._sleep)
        monkeypatch.setattr(at_rest.time, "monotonic", lambda: self.now)
        monkeypatch.setattr(at_rest, "events_under_way", lambda *_: self._next("look", self.events))
        monkeypatch.setattr(at_rest, "open_work", lambda *_: self.work.pop(0) if len(self.work) > 1 else self.work[0])
        monkeypatch.setattr(agreement, "disagreements", lambda *_: self._next("compare", self.differing))

    def _sleep(self, seconds: float) -> None:
        self.now += seconds

    def _next(self, what: str, rows: list[Any]) -> Any:
        self.did.append(what)
        return rows.pop(0) if len(rows) > 1 else rows[0]


@pytest.fixture
def played(monkeypatch: pytest.MonkeyPatch) -> Iterator[Played]:
    yield Played(monkeypatch)
    monkeypatch.undo()


def settled() -> list[str]:
    return restore.settle(CLIENT, "amqp://nowhere")


def test_between_two_deliveries_of_a_timer_nothing_is_compared(played):
    played.events = [{"evt.intake": 1}, {}, {"evt.oversight": 1}, {}, {}]
    played.work = [{}, {}, {"notifier.notices": 1}, {"notifier.notices": 1}, {}, {}]
    assert settled() == []
    assert played.did == ["look"] * 6 + ["compare"]


def test_what_only_one_comparison_finds_was_under_way(played):
    played.differing = [["1 events have not reached oversight"], ["intake.dossiers x: counts 5 events, told 4"], []]
    assert settled() == []
    assert played.did.count("compare") == 3


def test_what_two_comparisons_find_is_reported_and_nothing_beside_it(played):
    lost = "2 events have not reached vault"
    played.differing = [[lost, "1 events have not reached oversight"], [lost, "counts 6 events, told 5"]]
    assert settled() == [lost]
    assert played.did.count("compare") == 2


def test_where_no_two_comparisons_are_alike_the_last_one_is_reported(played):
    played.differing = [[f"{number} events have not reached vault"] for number in range(1, 9)]
    assert settled() == [f"{restore.COMPARISONS} events have not reached vault"]


@pytest.mark.parametrize(
    ("events", "work", "within"),
    [({}, {"exchange.deliveries": 3}, at_rest.OUTSIDE_WITHIN), ({"evt.vault": 1}, {}, at_rest.EVENTS_WITHIN)],
)
def test_what_does_not_move_is_not_waited_for(played, events, work, within):
    """An outside may be unreachable for days; an event that nobody takes is the comparison's to report."""
    played.events, played.work = [events], [work]
    assert settled() == []
    assert within < played.now < within + 2


def test_what_moves_is_waited_for_however_long_it_takes(played):
    played.work = [{"notifier.notices": left} for left in range(300, 0, -1)] + [{}]
    assert settled() == []
    assert played.now > 2 * at_rest.EVENTS_WITHIN
    assert played.did.count("compare") == 1
