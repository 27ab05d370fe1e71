"""The partner's messages between the connection's reader and the one worker: order, and an orderly stop."""

from __future__ import annotations

from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import eventlet
import pytest

from services.postal.partner import Partner

PAUSE = 0.02  # seconds that a message takes here


class Channel:
    def __init__(self, done: list[Any]) -> None:
        self.done = done

    def basic_ack(self, tag: int) -> None:
        self.done.append(("ack", tag))

    def basic_reject(self, tag: int, requeue: bool) -> None:
        self.done.append(("back", tag))

    def basic_cancel(self, tag: str) -> None:
        self.done.append(("cancel", tag))


class Link:
    """A link whose reader ticks."""

    up = True

    def __init__(self, partner: Partner, done: list[Any]) -> None:
        self._partner = partner
        self._done = done
        self._reader: Any = None

    def start(self) -> None:
        self._reader = eventlet.spawn(self._run)

    def _run(self) -> None:
        while True:
            self._partner._on_tick()
            eventlet.sleep(PAUSE)

    def stop(self) -> None:
        self._reader.kill()
        self._done.append("closed")


@pytest.fixture
def done() -> list[Any]:
    return []


@pytest.fixture
def partner(done: list[Any], monkeypatch: pytest.MonkeyPatch) -> Iterator[Partner]:
    found = Partner(None, "amqp://nowhere")  # type: ignore[arg-type]
    found._link = Link(found, done)  # type: ignore[assignment]
    found._consumer = (Channel(done), "tag")  # type: ignore[assignment]

    def settle(body: bytes, headers: Any) -> bool:
        eventlet.sleep(PAUSE)
        if body == b"fault":
            raise RuntimeError("a fault of ours")
        done.append(body)
        return body != b"back"

    monkeypatch.setattr(found, "settle", settle)
    found.start()
    yield found
    found._worker.kill()
    found._link.stop()


def message(body: bytes, tag: int) -> Any:
    return SimpleNamespace(body=body, headers={}, delivery_tag=tag)


def test_a_stop_takes_nothing_more_and_settles_what_is_in_hand(partner: Partner, done: list[Any]) -> None:
    channel: Any = Channel(done)
    for number in range(3):
        partner._take(channel, message(b"%d" % number, number))
    assert done == [], "the reader does not wait for the work"
    assert partner.in_hand == 3
    partner.stop()
    assert [item for item in done if item != ("cancel", "tag")] == [
        b"0", ("ack", 0), b"1", ("ack", 1), b"2", ("ack", 2), "closed",
    ]  # fmt: skip
    assert done.index(("cancel", "tag")) < done.index(("ack", 2))
    assert partner.in_hand == 0


def test_a_fault_ends_neither_the_worker_nor_the_count(partner: Partner, done: list[Any]) -> None:
    channel: Any = Channel(done)
    for number, body in enumerate((b"fault", b"back", b"good")):
        partner._take(channel, message(body, number))
    partner.stop()
    assert ("ack", 0) not in done, "it stays with the broker"
    assert [item for item in done if item != ("cancel", "tag")] == [
        b"back", ("back", 1), b"good", ("ack", 2), "closed",
    ]  # fmt: skip
