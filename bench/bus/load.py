"""RPC calls from one blocking pika connection, a number in flight: the client of every figure about the bus."""

from __future__ import annotations

import itertools
import time

import pika

from services.common import wire


class Caller:
    """Calls one method again and again. `headers` go with each call as they are."""

    def __init__(self, url: str, exchange: str, routing_key: str, body: bytes, headers: dict[str, object]) -> None:
        self._connection = pika.BlockingConnection(pika.URLParameters(url + "?heartbeat=0"))
        self._channel = self._connection.channel()
        self._to = (exchange, routing_key)
        self._body = body
        self._headers = headers
        self._replies = wire.reply_queue("operator")
        self._channel.queue_declare(self._replies, exclusive=True, auto_delete=True)
        self._channel.queue_bind(self._replies, wire.RPC_EXCHANGE, self._replies)
        self._channel.basic_consume(self._replies, self._on_reply, auto_ack=True)
        self._ids = itertools.count()
        self._left_to_send = self._left_to_come = 0
        self.last = b""

    def run(self, calls: int, in_flight: int) -> None:
        """Returns when every call was answered. Raises RuntimeError when answers are missing after two minutes."""
        self._left_to_send = self._left_to_come = calls
        for _ in range(min(in_flight, calls)):
            self._send()
        limit = time.monotonic() + 120
        while self._left_to_come:
            self._connection.process_data_events(time_limit=1)
            if time.monotonic() > limit:
                raise RuntimeError(f"{self._to[1]} does not answer: {self._left_to_come} answers are missing")

    def _send(self) -> None:
        self._left_to_send -= 1
        properties = pika.BasicProperties(
            reply_to=self._replies,
            correlation_id=str(next(self._ids)),
            content_type="application/json",
            headers=self._headers,
            expiration="10000",
        )
        self._channel.basic_publish(*self._to, self._body, properties, mandatory=True)

    def _on_reply(self, _channel: object, _method: object, _properties: object, body: bytes) -> None:
        self.last = body
        self._left_to_come -= 1
        if self._left_to_send:
            self._send()

    def close(self) -> None:
        self._connection.close()
