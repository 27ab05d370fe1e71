"""A connection to the broker that one greenlet reads and many may write on.

amqp's own `basic_publish` may read from the connection (`drain_events(timeout=0)`), which tears frames when another
greenlet reads it. Here only the reader greenlet reads; everybody else sends whole method frames, which amqp's frame
writer serialises under its own lock. A lost connection is made anew with a growing pause.
"""

from __future__ import annotations

import contextlib
import random
import socket
import time
from collections.abc import Callable

import eventlet
from amqp import Channel, Message, spec
from amqp import Connection as AmqpConnection
from amqp.exceptions import AMQPError
from kombu import Connection as KombuConnection

from services.common import logs, metrics
from services.common.bus import frames
from services.common.bus.gathered import gather

frames.tolerate()

HEARTBEAT = 10  # seconds
TICK, LOOK = 1.0, 2.0  # seconds that a reader waits for something, with and without an `on_tick`
_LOST = (AMQPError, OSError, socket.timeout)


def send(
    channel: Channel,
    body: bytes,
    *,
    exchange: str,
    routing_key: str,
    mandatory: bool = False,
    headers: dict[str, object] | None = None,
    properties: dict[str, object] | None = None,
) -> None:
    """Publishes without ever reading from the connection."""
    message = Message(
        body, application_headers=headers or {}, **{"content_type": "application/json", **(properties or {})}
    )
    channel.send_method(spec.Basic.Publish, "Bssbb", (0, exchange, routing_key, mandatory, False), message)


def connect(url: str, name: str, heartbeat: int = HEARTBEAT) -> AmqpConnection:
    """One connection, opened; `heartbeat` in seconds, 0 for a connection that nobody reads between uses.

    Raises OSError or AMQPError.
    """
    connection = KombuConnection(
        url, heartbeat=heartbeat, connect_timeout=3, transport_options={"client_properties": {"connection_name": name}}
    )
    raw = connection.connect()
    assert isinstance(raw, AmqpConnection)
    return raw


class Link:
    """Keeps a connection alive. `on_open(connection)` declares and consumes; `on_lost()` fails what was waiting,
    `on_tick()` runs at least every second in the reader's greenlet."""

    def __init__(
        self,
        url: str,
        name: str,
        on_open: Callable[[AmqpConnection], None],
        on_lost: Callable[[], None] | None = None,
        on_tick: Callable[[], None] | None = None,
    ) -> None:
        self._url = url
        self._name = name
        self._on_open = on_open
        self._on_lost = on_lost
        self._on_tick = on_tick
        self._stopping = False
        self.connection: AmqpConnection | None = None
        self.opened = eventlet.event.Event()
        self._greenlet: eventlet.greenthread.GreenThread | None = None

    @property
    def up(self) -> bool:
        return self.connection is not None

    def start(self) -> None:
        self._greenlet = eventlet.spawn(self._run)

    def stop(self) -> None:
        """Ends the reader, which closes the connection."""
        self._stopping = True
        if self._greenlet is not None:
            self._greenlet.kill()

    def _run(self) -> None:
        pause = 0.1
        first = True
        while not self._stopping:
            try:
                connection = connect(self._url, self._name)
            except _LOST as exc:
                logs.warning("broker_unreachable", link=self._name, fault=type(exc).__name__)
                eventlet.sleep(pause * random.uniform(0.5, 1.0))
                pause = min(pause * 2, 3.0)
                continue
            gather(connection)
            try:
                self._on_open(connection)
                self.connection = connection
                pause = 0.1
                if not first:
                    metrics.record_reconnect(self._name)
                first = False
                if not self.opened.ready():
                    self.opened.send(True)
                self._read(connection)
            except _LOST as exc:
                if not self._stopping:
                    logs.warning("broker_connection_lost", link=self._name, fault=type(exc).__name__)
            except Exception as exc:  # a fault of ours in a callback: the link must live on, on a fresh connection
                logs.fault("broker_link_fault", exc, link=self._name)
            finally:
                self.connection = None
                if self._on_lost is not None:
                    self._on_lost()
                _close(connection)
            if not self._stopping:
                eventlet.sleep(pause)
                pause = min(pause * 2, 3.0)

    def _read(self, connection: AmqpConnection) -> None:
        beat = time.monotonic()
        patience = TICK if self._on_tick is not None else LOOK
        while not self._stopping:
            with contextlib.suppress(TimeoutError):  # nothing to read so far: look around, send a heartbeat
                connection.drain_events(timeout=patience)
            if self._on_tick is not None:
                self._on_tick()
            if time.monotonic() - beat >= HEARTBEAT / 3:
                beat = time.monotonic()
                connection.heartbeat_tick(rate=2)


def _close(connection: AmqpConnection) -> None:
    with eventlet.Timeout(2, False):
        try:
            connection.close()
        except (*_LOST, AttributeError):
            connection.collect()
