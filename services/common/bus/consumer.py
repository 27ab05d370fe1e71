"""Consuming: RPC requests and events of one room, over one connection, settled only after their effect.

A delivery is worked on in a greenlet of its own, its reply and acknowledgement go out on the consuming channel. At
stop the consumers are cancelled first, what was delivered is finished and acknowledged, then the connection closes.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import eventlet
from amqp import Channel, Message
from amqp import Connection as AmqpConnection
from amqp.exceptions import AMQPError
from eventlet.greenpool import GreenPool
from nameko.extensions import SharedExtension

from services.common import logs, metrics, wire
from services.common.bus.events import EventDesk
from services.common.bus.link import Link, send
from services.common.bus.origin import Origin
from services.common.bus.requests import RequestDesk
from services.common.timers import TimerLoop

if TYPE_CHECKING:
    from services.common.kernel import Kernel

STOP_GRACE = 11.0  # seconds for all of an orderly stop of the work; the supervisor waits longer


class RoomConsumer(SharedExtension):
    """Shared by all entrypoints of a room's service."""

    def __init__(self) -> None:
        self.commands: dict[str, Any] = {}
        self.events: dict[str, Any] = {}
        self.timers: list[Any] = []
        self.in_hand = 0
        self._cancel = False
        self._cancelled = eventlet.event.Event()
        super().__init__()

    @property
    def kernel(self) -> Kernel:
        kernel: Kernel = self.container.config["kernel"]
        return kernel

    def add_command(self, entrypoint: Any) -> None:
        self.commands[entrypoint.method] = entrypoint

    def add_event(self, entrypoint: Any) -> None:
        if entrypoint.name in self.events:
            raise ValueError(f"two handlers of {entrypoint.name} in one room")
        self.events[entrypoint.name] = entrypoint

    def add_timer(self, entrypoint: Any) -> None:
        self.timers.append(entrypoint)

    def start(self) -> None:
        """Begins to consume; called by nameko after every entrypoint has registered."""
        if getattr(self, "_link", None) is not None:
            return
        kernel = self.kernel
        instance = self.container.service_cls()
        for dependency in self.container.dependencies:
            setattr(instance, dependency.attr_name, dependency.get_dependency(None))
        self.instance = instance
        metrics.in_hand.labels("all").set_function(lambda: self.in_hand)
        self.requests = RequestDesk(kernel, instance, self.commands)
        self.event_desk = EventDesk(kernel, instance, self.events)
        self._prefetch = kernel.settings.event_prefetch
        self._pool = GreenPool(kernel.settings.max_workers + self._prefetch)
        self._link = Link(
            kernel.settings.amqp_url, f"{kernel.settings.room}.consume", self._on_open, on_tick=self._on_tick
        )
        self._link.start()
        self._timer_loop = TimerLoop(kernel, instance, self.timers)
        self._timer_loop.start()
        kernel.describe = self.describe
        kernel.consuming = lambda: self._link.up

    def describe(self) -> dict[str, list[str]]:
        """What the room answers and listens to, by name."""
        return {
            "commands": sorted(self.commands),
            "events": sorted(self.events),
            "bindings": self.event_desk.bindings(),
        }

    def stop(self) -> None:
        """Stops consuming, finishes what is in hand and the timer that runs, acknowledges, then closes."""
        limit = time.monotonic() + STOP_GRACE
        self._cancel = True
        self.event_desk.stopping = True
        with eventlet.Timeout(3, False):
            if self._link.up:
                self._cancelled.wait()
        self._timer_loop.stop(limit - time.monotonic())
        while self.in_hand and time.monotonic() < limit:
            eventlet.sleep(0.02)
        if self.in_hand:
            logs.warning("stopped_with_work_in_hand", count=self.in_hand)
        self._link.stop()

    @property
    def up(self) -> bool:
        return self._link.up

    def _on_open(self, connection: AmqpConnection) -> None:
        kernel = self.kernel
        room = kernel.settings.room
        channel = connection.channel()
        for name, arguments in wire.queue_declarations(room):
            channel.queue_declare(name, durable=True, auto_delete=False, arguments=arguments)
        channel.queue_bind(wire.rpc_queue(room), wire.RPC_EXCHANGE, routing_key=f"{room}.*")
        for key in self.event_desk.bindings():
            channel.queue_bind(wire.event_queue(room), wire.EVENTS_EXCHANGE, routing_key=key)
        events = connection.channel()
        channel.basic_qos(0, kernel.settings.max_workers, False)
        events.basic_qos(0, self._prefetch, False)
        self._tags = []
        if self._cancel:
            return
        tag = channel.basic_consume(wire.rpc_queue(room), callback=lambda m: self._take(self._work_request, channel, m))
        self._tags.append((channel, tag))
        if self.events:
            tag = events.basic_consume(
                wire.event_queue(room), callback=lambda m: self._take(self._work_event, events, m)
            )
            self._tags.append((events, tag))

    def _on_tick(self) -> None:
        # Runs in the reader's greenlet, the only one that may wait for the broker's answer on this connection.
        if self._cancel and not self._cancelled.ready():
            for channel, tag in self._tags:
                channel.basic_cancel(tag)
            self._cancelled.send(True)

    def _take(self, work: Any, channel: Channel, message: Message) -> None:
        self.in_hand += 1
        self._pool.spawn_n(self._guard, work, channel, message)

    def _guard(self, work: Any, channel: Channel, message: Message) -> None:
        try:
            work(channel, message)
        except (AMQPError, OSError) as exc:
            # The connection fell while we worked: the broker gives the message to somebody again, and the
            # idempotency row or inbox mark makes the second time harmless.
            logs.warning("settle_failed", fault=type(exc).__name__)
        except Exception as exc:
            logs.fault("work_fault", exc)
        finally:
            self.in_hand -= 1

    def _work_request(self, channel: Channel, message: Message) -> None:
        info = message.delivery_info
        body = self.requests.answer(
            info["routing_key"], _bytes(message), message.headers or {}, redelivered=bool(info.get("redelivered"))
        )
        reply_to = message.properties.get("reply_to")
        if reply_to:
            send(
                channel,
                body,
                exchange=wire.RPC_EXCHANGE,
                routing_key=reply_to,
                properties={"correlation_id": message.properties.get("correlation_id", ""), "delivery_mode": 1},
            )
        channel.basic_ack(message.delivery_tag)

    def _work_event(self, channel: Channel, message: Message) -> None:
        info = message.delivery_info
        origin = Origin(info["exchange"], info["routing_key"], str(message.properties.get("user_id") or ""))
        if self.event_desk.settle(_bytes(message), message.headers or {}, origin):
            channel.basic_ack(message.delivery_tag)
        else:  # we stop, and the broker did not take the retry: the message is still its own
            channel.basic_reject(message.delivery_tag, requeue=True)


def _bytes(message: Message) -> bytes:
    return message.body if isinstance(message.body, bytes) else message.body.encode()
