"""Calling other rooms: a deadline per call, unknown rooms fail at once, a lost connection fails what waits."""

from __future__ import annotations

import time
from typing import Any

import eventlet
from amqp import Channel, Message
from amqp import Connection as AmqpConnection
from amqp.exceptions import AMQPError
from eventlet.event import Event as Waiter

from services.common import metrics, problems, wire
from services.common.bus.link import Link, send
from services.common.problems import Problem

DEFAULT_TIMEOUT = 8.0  # seconds


class RpcClient:
    """Speaks nameko's RPC protocol; replies come to one exclusive queue per connection."""

    def __init__(self, url: str, room: str) -> None:
        self._room = room
        self._waiting: dict[str, Waiter] = {}
        self._channel: Channel | None = None
        self._queue = ""
        self._link = Link(url, f"{room}.calls", self._on_open, self._on_lost)

    def start(self) -> None:
        self._link.start()

    def stop(self) -> None:
        self._link.stop()

    def wait_open(self) -> None:
        self._link.opened.wait()

    @property
    def up(self) -> bool:
        return self._link.up

    def call(
        self, method: str, kwargs: dict[str, Any], headers: dict[str, str], timeout: float = DEFAULT_TIMEOUT
    ) -> Any:
        """Calls `room.method` and returns its answer; `timeout` in seconds counts everything.

        Raises the Problem that the room raised, or Problem 503 when the room cannot be reached in time.
        """
        started = time.monotonic()
        outcome = "ok"
        try:
            return self._call(method, kwargs, headers, started + timeout)
        except Problem as problem:
            outcome = "refused" if problem.status < 500 else "unavailable"
            raise
        except Exception:
            outcome = "fault"
            raise
        finally:
            metrics.record_call(method, outcome, time.monotonic() - started)

    def _call(self, method: str, kwargs: dict[str, Any], headers: dict[str, str], limit: float) -> Any:
        channel = self._wait_channel(limit)
        correlation = wire.new_id()
        waiter = Waiter()
        self._waiting[correlation] = waiter
        try:
            left = limit - time.monotonic()
            if left <= 0:
                raise problems.unavailable(retry_after=1)
            milliseconds = max(1, int(left * 1000))
            try:
                send(
                    channel,
                    wire.encode_call(kwargs),
                    exchange=wire.RPC_EXCHANGE,
                    routing_key=method,
                    mandatory=True,
                    headers={**headers, wire.H_TIMEOUT: milliseconds},
                    properties={
                        "reply_to": self._queue,
                        "correlation_id": correlation,
                        "expiration": str(milliseconds),
                        "delivery_mode": 1,
                    },
                )
            except (AMQPError, OSError):
                raise problems.unavailable(retry_after=2) from None
            with eventlet.Timeout(left, False):
                reply = waiter.wait()
                if isinstance(reply, Problem):
                    raise reply
                return wire.decode_reply(reply)
            raise problems.unavailable(retry_after=2)
        finally:
            self._waiting.pop(correlation, None)

    def _wait_channel(self, limit: float) -> Channel:
        while True:
            if self._channel is not None and self._link.up:
                return self._channel
            if time.monotonic() >= limit:
                raise problems.unavailable(retry_after=2)
            eventlet.sleep(0.05)

    def _on_open(self, connection: AmqpConnection) -> None:
        channel = connection.channel()
        queue = wire.reply_queue(self._room)
        channel.queue_declare(queue, exclusive=True, auto_delete=True, durable=False)
        channel.queue_bind(queue, wire.RPC_EXCHANGE, routing_key=queue)
        channel.basic_consume(queue, no_ack=True, callback=self._on_reply)
        channel.events["basic_return"].add(self._on_return)
        self._queue = queue
        self._channel = channel

    def _on_lost(self) -> None:
        self._channel = None
        waiting, self._waiting = self._waiting, {}
        for waiter in waiting.values():
            waiter.send(problems.unavailable(retry_after=2))

    def _on_reply(self, message: Message) -> None:
        waiter = self._waiting.pop(message.properties.get("correlation_id", ""), None)
        if waiter is not None:  # else its caller gave up
            waiter.send(message.body if isinstance(message.body, bytes) else message.body.encode())

    def _on_return(self, fault: Exception, exchange: str, routing_key: str, message: Message) -> None:
        waiter = self._waiting.pop(message.properties.get("correlation_id", ""), None)
        if waiter is not None:
            waiter.send(problems.unavailable(retry_after=5))
