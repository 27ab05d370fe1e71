"""Calling rooms over the broker: nameko's RPC protocol, spoken from asyncio.

aiormq and not aio-pika: it is the thinner of the two (220 against 278 µs of CPU a request), and what aio-pika adds, a
connection that mends itself, would keep callers waiting where ours must fail or repeat them. Publisher confirms are
on: aiormq reports an unroutable message only with them, and a full queue (`reject-publish`) is then seen at once.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable
from typing import Any

import aiormq
from aiormq.abc import AbstractChannel, DeliveredMessage
from pamqp import commands as spec
from yarl import URL

from services.common import logs, metrics, problems, wire
from services.common.control_message import control_answer
from services.common.problems import Problem
from services.gateway.admission import Admission

ROOM = "gateway"
HEARTBEAT = 10  # seconds
CONNECT_SECONDS = 5.0
LONGEST_PAUSE = 2.0  # between two attempts to connect
_STILL_RUNNING = "/problems/still-running"
_FAULTS = (aiormq.AMQPError, OSError, TimeoutError, RuntimeError)

#: takes a control message's body and returns its kind, or "" when it was refused
OnControl = Callable[[bytes], str]


class _Lost(Exception):
    """The connection fell while the call was in flight: whether it was done is not known."""


class Bus:
    """One connection, made anew whenever it falls. `on_open` is awaited in a task of its own after each connection,
    `on_lost` called at once when it falls."""

    def __init__(
        self, url: str, on_control: OnControl, on_open: Callable[[], Awaitable[None]], on_lost: Callable[[], None]
    ) -> None:
        self._url = str(URL(url).update_query(heartbeat=str(HEARTBEAT)))
        self._on_control = on_control
        self._on_open = on_open
        self._on_lost = on_lost
        self._waiting: dict[str, asyncio.Future[bytes]] = {}
        self._admission = Admission()
        self._channel: AbstractChannel | None = None
        self._reply_queue = ""
        self._open = asyncio.Event()
        self._runner: asyncio.Task[None] | None = None
        self._after_open: asyncio.Task[None] | None = None

    @property
    def up(self) -> bool:
        return self._open.is_set()

    @property
    def in_flight(self) -> int:
        return self._admission.in_hand

    def start(self) -> None:
        self._runner = asyncio.create_task(self._run())

    async def stop(self) -> None:
        """Closes the connection; what is still in flight fails."""
        for task in (self._after_open, self._runner):
            if task is not None:
                task.cancel()
                await asyncio.gather(task, return_exceptions=True)

    # --- calls -------------------------------------------------------------------------------------------------------

    def check(self, method: str) -> None:
        """Raises Problem 503 where the method would be refused now: nothing else need be done for such a request."""
        self._admission.check(method)

    async def call(
        self, method: str, kwargs: dict[str, Any], headers: dict[str, str], timeout: float, *, repeatable: bool = False
    ) -> Any:
        """Calls `room.method` and returns its answer; `timeout` in seconds counts everything.

        A call in flight when the connection falls fails at once; a repeatable one (a question, or a command with a
        key) is sent once more within the deadline. Raises the Problem that the room raised, or Problem 503.
        """
        loop = asyncio.get_running_loop()
        started = loop.time()
        outcome = "ok"
        self._admission.begin(method)
        metrics.in_hand.labels("call").set(self.in_flight)
        try:
            return await self._call(method, kwargs, headers, started + timeout, repeatable)
        except Problem as problem:
            outcome = "refused" if problem.status < 500 else "unavailable"
            raise
        except Exception:
            outcome = "fault"
            raise
        finally:
            self._admission.end(method, loop.time() - started)
            metrics.in_hand.labels("call").set(self.in_flight)
            metrics.record_call(method, outcome, loop.time() - started)

    async def _call(
        self, method: str, kwargs: dict[str, Any], headers: dict[str, str], limit: float, repeatable: bool
    ) -> Any:
        loop = asyncio.get_running_loop()
        repeated = False
        while True:
            try:
                return wire.decode_reply(await self._once(method, kwargs, headers, limit))
            except _Lost:
                if not repeatable or repeated:
                    raise problems.unavailable(
                        retry_after=2, detail="the connection fell; ask what became of the request before repeating it"
                    ) from None
                repeated = True
            except Problem as problem:
                # the first try is still being worked on: its answer comes under the same key
                pause = float(problem.retry_after or 1)
                if not repeated or problem.type != _STILL_RUNNING or loop.time() + pause >= limit:
                    raise
                await asyncio.sleep(pause)

    async def _once(self, method: str, kwargs: dict[str, Any], headers: dict[str, str], limit: float) -> bytes:
        loop = asyncio.get_running_loop()
        try:
            async with asyncio.timeout_at(limit):
                await self._open.wait()
                channel = self._channel
                assert channel is not None
                correlation = wire.new_id()
                reply: asyncio.Future[bytes] = loop.create_future()
                self._waiting[correlation] = reply
                try:
                    await self._publish(channel, method, kwargs, headers, correlation, limit - loop.time())
                    return await reply
                finally:
                    self._waiting.pop(correlation, None)
                    if reply.done() and not reply.cancelled():
                        reply.exception()  # seen, even where the publish failed first
        except TimeoutError:
            raise problems.unavailable(retry_after=2, detail="no answer in time") from None

    async def _publish(
        self,
        channel: AbstractChannel,
        method: str,
        kwargs: dict[str, Any],
        headers: dict[str, str],
        correlation: str,
        left: float,
    ) -> None:
        milliseconds = max(1, int(left * 1000))
        try:
            await channel.basic_publish(
                wire.encode_call(kwargs),
                exchange=wire.RPC_EXCHANGE,
                routing_key=method,
                mandatory=True,
                properties=spec.Basic.Properties(
                    content_type="application/json",
                    delivery_mode=1,
                    expiration=str(milliseconds),
                    reply_to=self._reply_queue,
                    correlation_id=correlation,
                    message_id=correlation,
                    headers={**headers, wire.H_TIMEOUT: milliseconds},
                ),
            )
        except aiormq.exceptions.PublishError:
            raise problems.unavailable(retry_after=5, detail="the room is not there") from None
        except aiormq.exceptions.DeliveryError:
            raise problems.unavailable(retry_after=1, detail="the room has too much to do") from None
        except TimeoutError:
            raise
        except _FAULTS:
            raise _Lost from None

    # --- the connection ----------------------------------------------------------------------------------------------

    async def _run(self) -> None:
        pause = 0.1
        first = True
        while True:
            connection: Any = None
            try:
                connection = await asyncio.wait_for(
                    aiormq.connect(self._url, client_properties={"connection_name": f"{ROOM}.calls"}), CONNECT_SECONDS
                )
                channel = await asyncio.wait_for(self._prepare(connection), CONNECT_SECONDS)
                self._channel = channel
                self._open.set()
                self._after_open = asyncio.create_task(self._opened())
                if not first:
                    metrics.record_reconnect(f"{ROOM}.calls")
                first, pause = False, 0.1
                await asyncio.wait({connection.closing, channel.closing}, return_when=asyncio.FIRST_COMPLETED)
                logs.warning("broker_connection_lost", link=f"{ROOM}.calls")
            except _FAULTS as exc:
                logs.warning("broker_unreachable", link=f"{ROOM}.calls", fault=type(exc).__name__)
            finally:
                self._fell()
                if connection is not None:
                    await _close(connection)
            await asyncio.sleep(pause * random.uniform(0.5, 1.0))
            pause = min(pause * 2, LONGEST_PAUSE)

    async def _prepare(self, connection: Any) -> AbstractChannel:
        channel: AbstractChannel = await connection.channel(publisher_confirms=True)
        queue = wire.reply_queue(ROOM)
        await channel.queue_declare(queue, exclusive=True, auto_delete=True)
        await channel.queue_bind(queue, wire.RPC_EXCHANGE, routing_key=queue)
        await channel.basic_consume(queue, self._on_reply, no_ack=True)
        self._reply_queue = queue
        fan = wire.fan_queue(ROOM)
        await channel.queue_declare(fan, exclusive=True, auto_delete=True)
        await channel.queue_bind(fan, wire.CONTROL_EXCHANGE)
        await channel.basic_consume(fan, self._on_fan, no_ack=True)
        return channel

    async def _opened(self) -> None:
        try:
            await self._on_open()
        except Exception as exc:
            logs.fault("broker_link_fault", exc, link=f"{ROOM}.calls")
            raise

    def _fell(self) -> None:
        self._open.clear()
        self._channel = None
        if self._after_open is not None:
            self._after_open.cancel()
        waiting, self._waiting = self._waiting, {}
        for reply in waiting.values():
            if not reply.done():
                reply.set_exception(_Lost())
        self._on_lost()

    async def _on_reply(self, message: DeliveredMessage) -> None:
        reply = self._waiting.pop(str(message.header.properties.correlation_id or ""), None)
        if reply is not None and not reply.done():  # else its caller gave up
            reply.set_result(message.body)

    async def _on_fan(self, message: DeliveredMessage) -> None:
        kind = self._on_control(message.body)
        reply_to = message.header.properties.reply_to
        if kind and reply_to and self._channel is not None:
            try:
                await self._channel.basic_publish(
                    control_answer(ROOM, kind),
                    routing_key=str(reply_to),
                    properties=spec.Basic.Properties(content_type="application/json", delivery_mode=1),
                )
            except _FAULTS as exc:  # who asked has gone; that we followed is what counts
                logs.warning("control_unanswered", kind=kind, fault=type(exc).__name__)


async def _close(connection: Any) -> None:
    try:
        await asyncio.wait_for(connection.close(), 2)
    except _FAULTS as exc:
        logs.warning("broker_connection_not_closed", fault=type(exc).__name__)
