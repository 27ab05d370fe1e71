"""Calls to rooms as the operator: blocking, over nameko's RPC protocol, with the operator's own signed assertion."""

from __future__ import annotations

import os
import time
import uuid
from pathlib import Path
from types import TracebackType
from typing import Any

import pika

from services.common import wire
from services.common.actors import Signer
from services.common.problems import Problem, unavailable


class Operator:
    """One connection to the broker. Settings: MOTCUA_AMQP_URL, MOTCUA_KEY."""

    def __init__(self) -> None:
        key = Path(os.environ["MOTCUA_KEY"])
        self._signer = Signer.load("operator", key.stem, key)
        self.connection = pika.BlockingConnection(pika.URLParameters(os.environ["MOTCUA_AMQP_URL"]))
        self.channel = self.connection.channel()
        self._replies = wire.reply_queue("operator")
        self.channel.queue_declare(self._replies, exclusive=True, auto_delete=True)
        self.channel.queue_bind(self._replies, wire.RPC_EXCHANGE, routing_key=self._replies)
        self.channel.basic_consume(self._replies, self._on_reply, auto_ack=True)
        self.channel.add_on_return_callback(self._on_return)
        self._answers: dict[str, bytes] = {}

    def call(self, method: str, *, timeout: float = 10.0, **kwargs: Any) -> Any:
        """Calls `room.method`; `timeout` in seconds. Raises the room's Problem, or Problem 503 when nobody answers."""
        correlation = uuid.uuid4().hex
        milliseconds = int(timeout * 1000)
        headers = {wire.H_ACTOR: self._signer.own(), wire.H_TIMEOUT: milliseconds, wire.H_COMMAND: correlation}
        properties = pika.BasicProperties(
            reply_to=self._replies, correlation_id=correlation, expiration=str(milliseconds), headers=headers,
            content_type="application/json",
        )  # fmt: skip
        self.channel.basic_publish(wire.RPC_EXCHANGE, method, wire.encode_call(kwargs), properties, mandatory=True)
        limit = time.monotonic() + timeout
        while correlation not in self._answers and time.monotonic() < limit:
            self.connection.process_data_events(time_limit=0.05)
        if correlation not in self._answers:
            raise unavailable(detail=f"{method} did not answer within {timeout:.0f} s")
        return wire.decode_reply(self._answers.pop(correlation))

    def replicas(self, room: str) -> int:
        """How many processes of a room consume its requests now; 0 where its queue does not exist."""
        channel = self.connection.channel()
        try:
            return int(channel.queue_declare(wire.rpc_queue(room), passive=True).method.consumer_count)
        except pika.exceptions.ChannelClosedByBroker:
            return 0
        finally:
            if channel.is_open:
                channel.close()

    def _on_reply(self, _channel: Any, _method: Any, properties: Any, body: bytes) -> None:
        self._answers[properties.correlation_id] = body

    def _on_return(self, _channel: Any, _method: Any, properties: Any, _body: bytes) -> None:
        self._answers[properties.correlation_id] = wire.encode_problem(unavailable(detail="that room does not run"))

    def __enter__(self) -> Operator:
        return self

    def __exit__(self, kind: type[BaseException] | None, value: BaseException | None, at: TracebackType | None) -> None:
        if self.connection.is_open:
            self.connection.close()


def explain(problem: Problem) -> str:
    """A problem as one line for a terminal."""
    detail = f" ({problem.detail})" if problem.detail else ""
    named = f" [{problem.rule}]" if problem.rule else ""
    return f"{problem.title_vi} / {problem.title_en}{named}{detail}"
