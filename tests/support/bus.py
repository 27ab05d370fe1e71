"""What a test needs to speak to rooms from outside: RPC calls, events, queues. Blocking pika, no eventlet."""

from __future__ import annotations

import time
import uuid
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import orjson
import pika

from services.common import wire
from services.common.actors import Signer
from services.common.envelope import Event
from services.common.problems import Problem


class Bus:
    """One connection as the operator. Calls are answered on an exclusive queue."""

    def __init__(self, amqp_url: str) -> None:
        self._url = amqp_url
        self._open()

    def _open(self) -> None:
        self.connection = pika.BlockingConnection(pika.URLParameters(self._url + "?heartbeat=0"))
        self.channel = self.connection.channel()
        self._replies = wire.reply_queue("operator")
        self.channel.queue_declare(self._replies, exclusive=True, auto_delete=True)
        self.channel.queue_bind(self._replies, wire.RPC_EXCHANGE, self._replies)
        self._answers: dict[str, bytes] = {}
        self.channel.basic_consume(self._replies, self._on_reply, auto_ack=True)

    def _on_reply(self, _channel: Any, _method: Any, properties: Any, body: bytes) -> None:
        self._answers[properties.correlation_id] = body

    def call(
        self,
        method: str,
        token: str | None = None,
        *,
        key: str | None = None,
        channel: str = "portal",
        near: str = "",
        timeout: float = 10.0,
        **kwargs: Any,
    ) -> Any:
        """Calls `room.method`; `key` is the command key, `near` the neighbourhood that a gateway names.

        Raises the room's Problem, or TimeoutError.
        """
        correlation = uuid.uuid4().hex
        headers: dict[str, Any] = {wire.H_TIMEOUT: int(timeout * 1000), wire.H_CHANNEL: channel}
        if token:
            headers[wire.H_ACTOR] = token
        if key:
            headers[wire.H_COMMAND] = key
        if near:
            headers[wire.H_NEAR] = near
        self.channel.basic_publish(
            wire.RPC_EXCHANGE,
            method,
            wire.encode_call(kwargs),
            pika.BasicProperties(
                reply_to=self._replies,
                correlation_id=correlation,
                expiration=str(int(timeout * 1000)),
                content_type="application/json",
                headers=headers,
            ),
        )
        limit = time.monotonic() + timeout
        while correlation not in self._answers:
            if time.monotonic() > limit:
                raise TimeoutError(method)
            self.connection.process_data_events(time_limit=0.05)
        return wire.decode_reply(self._answers.pop(correlation))

    def refused(self, method: str, token: str | None = None, **kwargs: Any) -> Problem:
        """Calls and returns the problem; fails when the call succeeds."""
        try:
            answer = self.call(method, token, **kwargs)
        except Problem as problem:
            return problem
        raise AssertionError(f"{method} was not refused: {answer}")

    def publish(self, exchange: str, key: str, body: bytes, headers: dict[str, Any] | None = None) -> None:
        self.channel.basic_publish(
            exchange,
            key,
            body,
            pika.BasicProperties(delivery_mode=2, headers=headers or {}, user_id="operator"),
            mandatory=False,
        )

    def tell(
        self,
        name: str,
        data: dict[str, Any],
        *,
        subject: str,
        source: str,
        sequence: int = 1,
        time: datetime | None = None,
        recorded: datetime | None = None,
        event_id: str | None = None,
        queue: str | None = None,
    ) -> str:
        """Publishes an event as a room would (`queue`: straight into one room's queue); returns its id."""
        now = datetime.now(UTC)
        event = Event(
            id=event_id or uuid.uuid4().hex,
            source=f"/motcua/{source}",
            name=name,
            version=1,
            time=time or now,
            recorded=recorded or now,
            subject=subject,
            aggregate_id=subject,
            sequence=sequence,
            correlation_id=uuid.uuid4().hex,
            causation_id="test",
            actor_id="service:test",
            data=data,
        )
        self.publish("" if queue else wire.EVENTS_EXCHANGE, queue or name, event.encode())
        return event.id

    def get(self, queue: str) -> tuple[dict[str, Any], Any, dict[str, Any]] | None:
        """Takes one message off a queue: headers, body as JSON (or None), properties."""
        method, properties, body = self.channel.basic_get(queue, auto_ack=True)
        if method is None:
            return None
        try:
            content = orjson.loads(body)
        except orjson.JSONDecodeError:
            content = None
        return dict(properties.headers or {}), content, {"type": properties.type}

    def depth(self, queue: str) -> int:
        return int(self.channel.queue_declare(queue, passive=True).method.message_count)

    def close(self) -> None:
        if self.connection.is_open:
            self.connection.close()


class Tokens:
    """Makes assertions as the system's own keys would, for tests of one room without identity."""

    def __init__(self, keys: Path) -> None:
        self._keys = keys

    def person(
        self,
        role: str,
        unit: str = "*",
        *,
        subject: str | None = None,
        person_id: str | None = None,
        session: str = "",
        normalized: bool = True,
        channel: str = "portal",
        lifetime: float = 600,
    ) -> str:
        """A token as identity signs it."""
        who = subject or f"acc-{uuid.uuid4().hex[:12]}"
        signer = Signer.load("identity", "identity-1", self._keys / "identity-1.pem")
        claims = {
            "sub": who,
            "pid": person_id or f"per-{who}",
            "grants": [[role, unit]],
            "nrm": normalized,
            "chn": channel,
        }
        return signer.sign(claims | ({"sid": session} if session else {}), lifetime)

    def service(self, room: str) -> str:
        return Signer.load(room, f"{room}-1", self._keys / f"{room}-1.pem").own()

    def operator(self) -> str:
        return Signer.load("operator", "operator-1", self._keys / "operator-1.pem").own()


def eventually(look: Any, *, within: float = 20.0, every: float = 0.05, what: str = "") -> Any:
    """Polls `look` until it answers something true and returns that; fails after `within` seconds."""
    limit = time.monotonic() + within
    last: Any = None
    while time.monotonic() < limit:
        last = look()
        if last:
            return last
        time.sleep(every)
    raise AssertionError(f"not within {within} s: {what or look} (last: {last!r})")
