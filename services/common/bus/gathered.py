"""Gathers what greenlets write on one connection in one turn of the hub into one send.

Every send is a system call here and a packet that the broker reads by itself: a reply and its acknowledgement, and the
replies of greenlets that end in the same turn, go out together. The order stays. What waits is bounded by what may be
in hand: nothing more is delivered to us, and no caller has its answer, before it is sent.
"""

from __future__ import annotations

import contextlib
import socket
from typing import Any

import eventlet
from amqp import Connection as AmqpConnection
from amqp.method_framing import frame_writer

from services.common import logs


class _Gathered:
    """In place of a connection's transport, as amqp's frame writer uses it."""

    def __init__(self, transport: Any) -> None:
        self._transport = transport
        self._waiting: list[bytes] = []
        self._sending = self._lost = False

    def write(self, frames: Any) -> None:
        if self._lost:
            raise ConnectionResetError("a send failed before")
        self._waiting.append(bytes(frames))  # amqp writes its next frame into the same buffer
        if not self._sending:
            self._sending = True
            eventlet.spawn_n(self._send)

    def _send(self) -> None:
        try:
            while self._waiting:
                frames, self._waiting = b"".join(self._waiting), []
                self._transport.write(frames)
        except OSError as exc:
            # A part may be sent: nothing may follow it. The reader sees the end, and makes a new connection.
            self._lost = True
            logs.warning("broker_send_failed", fault=type(exc).__name__)
            with contextlib.suppress(OSError):
                self._transport.sock.shutdown(socket.SHUT_RDWR)
        finally:
            self._sending = False


def gather(connection: AmqpConnection) -> None:
    """From now on, for everything that is written on this connection."""
    connection.frame_writer = frame_writer(connection, _Gathered(connection.transport))
