"""Publishing with confirms: returns only when the broker has the messages, and never waits for ever."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any
from urllib.parse import unquote, urlsplit

import eventlet
from amqp import Channel
from amqp import Connection as AmqpConnection
from amqp.exceptions import AMQPError
from eventlet.semaphore import Semaphore

from services.common import metrics
from services.common.bus.link import connect, send

CONFIRM_TIMEOUT = 10.0  # seconds; a broker that accepts and does not answer is treated as lost


class PublishFailed(Exception):
    """Some messages were not confirmed; whoever keeps them publishes them again.

    `confirmed` holds the places in the batch of those that the broker has all the same, `refused` of those that it
    said it does not take, because a queue is full.
    """

    def __init__(
        self, why: str, confirmed: frozenset[int] = frozenset(), refused: frozenset[int] = frozenset()
    ) -> None:
        super().__init__(why)
        self.confirmed = confirmed
        self.refused = refused


def _limited() -> eventlet.Timeout:
    # Opening a channel and declaring wait without a limit of their own: a broker that accepts and does not answer
    # would hold the turn, and everybody behind it, for ever. TimeoutError is an OSError: the connection is dropped.
    return eventlet.Timeout(CONFIRM_TIMEOUT, TimeoutError("the broker does not answer"))


@dataclass
class Outgoing:
    """One message for the broker. `mandatory` makes an unroutable one fail."""

    body: bytes
    exchange: str
    routing_key: str
    headers: dict[str, Any] = field(default_factory=dict)
    properties: dict[str, Any] = field(default_factory=dict)
    mandatory: bool = False


class Publisher:
    """A connection of its own in confirm mode. One batch at a time; callers wait their turn."""

    def __init__(self, url: str, name: str) -> None:
        self._url = url
        self._name = name
        user = unquote(urlsplit(url).username or "")
        self._signed = {"user_id": user} if user else {}  # the broker refuses it from anybody else
        self._turn = Semaphore(1)
        self._connection: AmqpConnection | None = None
        self._channel: Channel | None = None
        self._settled: set[int] = set()
        self._refused: set[int] = set()
        self._returned = 0
        self._next_tag = 0
        self._lowest = 0

    def publish(self, messages: list[Outgoing]) -> None:
        """Publishes a batch and waits once for all confirms. Raises PublishFailed; the batch may then be partly out."""
        if not messages:
            return
        with self._turn:
            try:
                with _limited():
                    self._publish(messages)
            except (AMQPError, OSError) as exc:
                self._drop()
                for message in messages:
                    metrics.record_publish_failure(message.exchange or message.routing_key)
                raise PublishFailed(type(exc).__name__) from exc

    def depths(self, queues: list[str]) -> dict[str, tuple[int, int]]:
        """Messages ready and consumers of each queue. Raises PublishFailed when the broker does not answer."""
        with self._turn:
            try:
                with _limited():
                    channel = self._open()
                    found = {}
                    for queue in queues:
                        ok = channel.queue_declare(queue, passive=True)
                        found[queue] = (ok.message_count, ok.consumer_count)
                    return found
            except (AMQPError, OSError) as exc:
                self._drop()
                raise PublishFailed(type(exc).__name__) from exc

    def _publish(self, messages: list[Outgoing]) -> None:
        channel = self._open()
        self._lowest = self._next_tag + 1
        self._settled.clear()
        self._refused.clear()
        self._returned = 0
        first = self._next_tag + 1
        for message in messages:
            properties = {"delivery_mode": 2, **self._signed, **message.properties}
            send(
                channel,
                message.body,
                exchange=message.exchange,
                routing_key=message.routing_key,
                headers=message.headers,
                properties=properties,
                mandatory=message.mandatory,
            )
            self._next_tag += 1
        wanted = set(range(first, self._next_tag + 1))
        assert self._connection is not None
        while not wanted <= (self._settled | self._refused):
            self._connection.drain_events(timeout=CONFIRM_TIMEOUT)
        if self._refused or self._returned:
            for place, message in enumerate(messages):
                if first + place in self._refused:
                    metrics.record_publish_failure(message.exchange or message.routing_key)
            refused = frozenset(tag - first for tag in wanted & self._refused)
            kept = frozenset() if self._returned else frozenset(range(len(messages))) - refused
            raise PublishFailed("refused" if self._refused else "unroutable", kept, refused)

    def _open(self) -> Channel:
        if self._channel is not None and self._connection is not None and self._channel.is_open:
            return self._channel
        self._connection = connect(self._url, self._name, heartbeat=0)
        channel = self._connection.channel()
        channel.confirm_select()
        channel.events["basic_ack"].add(self._on_ack)
        channel.events["basic_nack"].add(self._on_nack)
        channel.events["basic_return"].add(self._on_return)
        self._next_tag = 0
        self._channel = channel
        return channel

    def _on_ack(self, delivery_tag: int, multiple: bool) -> None:
        self._settled |= self._meant(delivery_tag, multiple)

    def _on_nack(self, delivery_tag: int, multiple: bool) -> None:
        self._refused |= self._meant(delivery_tag, multiple)

    def _meant(self, delivery_tag: int, multiple: bool) -> set[int]:
        # "multiple": all up to this one of which nothing was said yet
        return set(range(self._lowest if multiple else delivery_tag, delivery_tag + 1)) - self._settled - self._refused

    def _on_return(self, *_: Any) -> None:
        self._returned += 1

    def _drop(self) -> None:
        connection, self._connection, self._channel = self._connection, None, None
        if connection is not None:
            connection.collect()

    def close(self) -> None:
        """Closes the connection when no batch is under way."""
        with self._turn:
            connection, self._connection, self._channel = self._connection, None, None
            if connection is not None:
                try:
                    connection.close()
                except (AMQPError, OSError):
                    connection.collect()
