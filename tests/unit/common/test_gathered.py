"""What greenlets write in one turn goes out in one send, whole and in order; a lost connection ends nobody."""

from __future__ import annotations

import eventlet
import pytest

from services.common.bus.gathered import _Gathered


class Sock:
    ended = False

    def shutdown(self, _how: int) -> None:
        self.ended = True


class Line:
    """A transport that notes what is sent."""

    def __init__(self) -> None:
        self.sent: list[bytes] = []
        self.broken = False
        self.sock = Sock()

    def write(self, frames: bytes) -> None:
        if self.broken:
            raise OSError("gone")
        self.sent.append(frames)
        eventlet.sleep(0)  # as a socket that is full


def settled() -> None:
    for _ in range(5):
        eventlet.sleep(0)


def test_what_one_turn_writes_is_one_send_in_order():
    line = Line()
    gathered = _Gathered(line)
    for each in (b"reply", b"ack", b"reply"):
        eventlet.spawn_n(gathered.write, each)
    settled()
    assert b"".join(line.sent) == b"replyackreply"
    assert len(line.sent) < 3


def test_the_writers_buffer_may_be_used_again_at_once():
    line = Line()
    gathered = _Gathered(line)
    buffer = bytearray(b"first.")
    gathered.write(memoryview(buffer)[:5])
    buffer[:] = b"second"
    gathered.write(memoryview(buffer)[:6])
    settled()
    assert line.sent == [b"firstsecond"]


def test_what_comes_while_a_send_is_under_way_follows_it():
    line = Line()
    gathered = _Gathered(line)
    gathered.write(b"one")
    eventlet.sleep(0)  # now it is being sent
    gathered.write(b"two")
    gathered.write(b"three")
    settled()
    assert line.sent == [b"one", b"twothree"]


def test_after_a_send_that_failed_nothing_follows_and_the_reader_sees_the_end():
    line = Line()
    gathered = _Gathered(line)
    line.broken = True
    gathered.write(b"lost")
    settled()
    assert line.sock.ended
    line.broken = False
    with pytest.raises(ConnectionResetError):
        gathered.write(b"later")
    settled()
    assert line.sent == []
