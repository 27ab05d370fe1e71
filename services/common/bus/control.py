"""Fan-out to every process: moves of the business clock, sessions that ended.

Each process has an exclusive queue of its own on the control exchange. A message is signed by its sender like an
assertion, and each kind is believed from its owner only. Processes answer when asked to, so that `clock set`
can say when everybody has followed.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from amqp import Channel, Message
from amqp import Connection as AmqpConnection

from services.common import logs, wire
from services.common.actors import Signer, Verifier
from services.common.bus.link import Link, send
from services.common.bus.publisher import Outgoing
from services.common.control_message import control_answer, control_body, read_control
from services.common.problems import Problem


def control_message(signer: Signer, kind: str, data: dict[str, Any], reply_to: str = "") -> Outgoing:
    """A signed control message, ready to be published. Lives one minute."""
    properties: dict[str, Any] = {"delivery_mode": 1}
    if reply_to:
        properties["reply_to"] = reply_to
    return Outgoing(control_body(signer, kind, data), wire.CONTROL_EXCHANGE, "", properties=properties)


class ControlLink:
    """Listens on the process's own fan-out queue. `on_open` runs after each connection, to ask for what was missed."""

    def __init__(self, url: str, room: str, verifier: Verifier, on_open: Callable[[], None]) -> None:
        self._room = room
        self._verifier = verifier
        self._after_open = on_open
        self._handlers: dict[str, Callable[[dict[str, Any]], None]] = {}
        self._link = Link(url, f"{room}.control", self._on_open)

    def on(self, kind: str, handler: Callable[[dict[str, Any]], None]) -> None:
        self._handlers[kind] = handler

    def start(self) -> None:
        self._link.start()

    def stop(self) -> None:
        self._link.stop()

    @property
    def up(self) -> bool:
        return self._link.up

    def _on_open(self, connection: AmqpConnection) -> None:
        channel = connection.channel()
        queue = wire.fan_queue(self._room)
        channel.queue_declare(queue, exclusive=True, auto_delete=True, durable=False)
        channel.queue_bind(queue, wire.CONTROL_EXCHANGE)
        channel.basic_consume(queue, no_ack=True, callback=lambda message: self._take(channel, message))
        self._after_open()

    def _take(self, channel: Channel, message: Message) -> None:
        body = message.body if isinstance(message.body, bytes) else message.body.encode()
        try:
            kind, data = read_control(self._verifier, body)
        except (Problem, ValueError, KeyError, TypeError) as exc:
            logs.warning("control_refused", fault=type(exc).__name__)
            return
        handler = self._handlers.get(kind)
        if handler is not None:
            handler(data)
        reply_to = message.properties.get("reply_to")
        if reply_to:
            send(channel, control_answer(self._room, kind), exchange="", routing_key=reply_to)
