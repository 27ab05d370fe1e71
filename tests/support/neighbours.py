"""Rooms played for tests of one room alone: each answers its RPC methods with what the test lays down.

A neighbour uses the real room's broker user and queue, so it must not run beside that room.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import orjson
import pika

from deploy.local.system import System
from services.common import problems, wire
from services.common.problems import Problem

Answer = Callable[[dict[str, Any]], Any]


class Neighbour:
    """One played room. `answers` maps a method's short name to a function of its arguments."""

    def __init__(self, system: System, room: str) -> None:
        self.room = room
        self.answers: dict[str, Answer] = {}
        self.asked: list[tuple[str, dict[str, Any]]] = []
        self.away = False
        self._url = system.amqp_url(room) + "?heartbeat=0"
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self.ready = threading.Event()

    def start(self) -> Neighbour:
        self._thread.start()
        if not self.ready.wait(20):
            raise AssertionError(f"the played {self.room} did not open")
        return self

    def stop(self) -> None:
        self._stopping.set()
        self._thread.join(10)

    def _serve(self) -> None:
        connection = pika.BlockingConnection(pika.URLParameters(self._url))
        channel = connection.channel()
        name, arguments = wire.queue_declarations(self.room)[-1]
        assert name == wire.rpc_queue(self.room)
        channel.queue_declare(name, durable=True, auto_delete=False, arguments=arguments)
        channel.queue_bind(name, wire.RPC_EXCHANGE, routing_key=f"{self.room}.*")
        fan = wire.fan_queue(self.room)
        channel.queue_declare(fan, exclusive=True, auto_delete=True)
        channel.queue_bind(fan, wire.CONTROL_EXCHANGE)
        channel.basic_consume(name, self._on_request, auto_ack=True)
        channel.basic_consume(fan, self._on_control, auto_ack=True)
        self.ready.set()
        try:
            while not self._stopping.is_set():
                connection.process_data_events(time_limit=0.05)
            connection.close()
        except pika.exceptions.AMQPError:
            self.away = True  # the broker has ended: so does the played room

    def _on_request(self, channel: Any, method: Any, properties: Any, body: bytes) -> None:
        reply = self._answer(method.routing_key.partition(".")[2], wire.decode_call(body))
        correlation = pika.BasicProperties(correlation_id=properties.correlation_id)
        channel.basic_publish(wire.RPC_EXCHANGE, properties.reply_to, reply, correlation)

    def _on_control(self, channel: Any, _method: Any, properties: Any, _body: bytes) -> None:
        if properties.reply_to:
            channel.basic_publish("", properties.reply_to, orjson.dumps({"room": self.room}))

    def _answer(self, method: str, arguments: dict[str, Any]) -> bytes:
        self.asked.append((method, arguments))
        if self.away:
            return wire.encode_problem(problems.unavailable())
        try:
            if method not in self.answers:
                raise problems.not_found()
            return wire.encode_result(self.answers[method](arguments))
        except Problem as problem:
            return wire.encode_problem(problem)
