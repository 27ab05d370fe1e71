"""The partner's virtual host: its queues, our orders with confirm, its messages taken once.

A message's effect and its id in the inbox are one transaction, the acknowledgement comes after. The connection's
reader only takes messages over; one worker handles them in the order in which they came. What fails for a
while goes to a retry queue (published with confirm, then acknowledged) and is counted in our own header; what cannot
succeed goes to the dead letters, of which only ids are kept.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import eventlet
import orjson
from amqp import Channel, Message
from amqp import Connection as AmqpConnection
from amqp.exceptions import AMQPError
from eventlet.queue import LightQueue
from marshmallow import ValidationError
from pymongo.errors import PyMongoError

from services.common import logs, metrics, schemas, wire
from services.common.bus.events import count_of
from services.common.bus.link import Link
from services.common.bus.publisher import Outgoing, Publisher, PublishFailed
from services.common.kernel import Kernel
from services.common.metrics import record_dead, record_retry
from services.common.queues import PARTNER_DEAD
from services.common.unit import Origin, UnitOfWork
from services.common.writes import Duplicate, StaleVersion
from services.postal.orders import ids_of
from services.postal.schemas import PartnerMessage
from services.postal.shipments import Contradiction, status_of, take

ORDERS = "partner.orders"
EVENTS = "partner.events"
DEAD = PARTNER_DEAD
#: After which pause each further attempt comes, in seconds; a fault that passes by itself stays at the last one.
SCHEDULE = (1, 5, 30)
_PREFETCH = 16
STOP_GRACE = 3.0  # seconds to finish what is in hand: the room's own work has had its time before
_RERUNS = 8
_LIMIT = 100_000
_EVENT_OF = "postal.{}"


def retry_queue(delay: int) -> str:
    return f"{EVENTS}.retry.{delay}s"


def queue_declarations() -> list[tuple[str, dict[str, Any]]]:
    """Every queue of the partner's virtual host with its arguments: durable quorum, bounded, dead letters by us."""
    plain = {"x-queue-type": "quorum", "x-max-length": _LIMIT, "x-overflow": "reject-publish"}
    relayed = plain | {
        "x-delivery-limit": 50, "x-dead-letter-exchange": "", "x-dead-letter-strategy": "at-least-once",
    }  # fmt: skip
    rows = [(DEAD, plain), (ORDERS, plain), (EVENTS, relayed | {"x-dead-letter-routing-key": DEAD})]
    for delay in SCHEDULE:
        arguments = relayed | {"x-message-ttl": delay * 1000, "x-dead-letter-routing-key": EVENTS}
        rows.append((retry_queue(delay), arguments))
    return rows


class Dead(Exception):
    """The message can never be taken; `reason` is a fixed word."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class Partner:
    """Our side of the partner's virtual host, for one process."""

    def __init__(self, kernel: Kernel, url: str) -> None:
        self._kernel = kernel
        self.publisher = Publisher(url, "postal.partner.publish")
        self.in_hand = 0
        self._taken: LightQueue = LightQueue()
        self._worker: Any = None
        self._consumer: tuple[Channel, str] | None = None
        self._cancel = False
        self._cancelled = eventlet.event.Event()
        self._link = Link(url, "postal.partner.consume", self._on_open, on_tick=self._on_tick)

    def start(self) -> None:
        self._worker = eventlet.spawn(self._work)
        self._link.start()

    def stop(self) -> None:
        """Takes nothing more, settles and acknowledges what is in hand, then closes."""
        self._cancel = True
        limit = time.monotonic() + STOP_GRACE
        with eventlet.Timeout(STOP_GRACE / 2, False):
            if self._link.up:
                self._cancelled.wait()
        while self.in_hand and time.monotonic() < limit:
            eventlet.sleep(0.02)
        if self.in_hand:
            logs.warning("partner_stopped_with_work_in_hand", count=self.in_hand)
        if self._worker is not None:
            self._worker.kill()
        self._link.stop()
        self.publisher.close()

    @property
    def up(self) -> bool:
        return self._link.up

    def order(self, shipment_id: str, message: Mapping[str, Any]) -> None:
        """Puts an order into the partner's queue. Raises PublishFailed; sent again, it has the same message id."""
        properties = {"message_id": shipment_id, "type": "delivery.order"}
        self.publisher.publish([Outgoing(orjson.dumps(message), "", ORDERS, properties=properties, mandatory=True)])

    def measure(self) -> None:
        """Depth and consumers of the partner's queues. Raises PublishFailed."""
        names = [name for name, _ in queue_declarations()]
        for name, (messages, consumers) in self.publisher.depths(names).items():
            metrics.queue_messages.labels(name).set(messages)
            metrics.queue_consumers.labels(name).set(consumers)

    def _on_open(self, connection: AmqpConnection) -> None:
        self._consumer = None
        channel = connection.channel()
        channel.exchange_declare(EVENTS, "topic", durable=True, auto_delete=False)
        for name, arguments in queue_declarations():
            channel.queue_declare(name, durable=True, auto_delete=False, arguments=arguments)
        channel.queue_bind(EVENTS, EVENTS, routing_key="#")
        channel.basic_qos(0, _PREFETCH, False)
        if not self._cancel:
            tag = channel.basic_consume(EVENTS, callback=lambda message: self._take(channel, message))
            self._consumer = (channel, tag)

    def _on_tick(self) -> None:
        # In the reader's greenlet, the only one that may wait for the broker's answer on this connection.
        if self._cancel and not self._cancelled.ready():
            if self._consumer is not None:
                channel, tag = self._consumer
                channel.basic_cancel(tag)
            self._cancelled.send(True)

    def _take(self, channel: Channel, message: Message) -> None:
        self.in_hand += 1
        self._taken.put((channel, message))

    def _work(self) -> None:
        while True:
            channel, message = self._taken.get()
            try:
                self._settle_on(channel, message)
            except (AMQPError, OSError, AttributeError) as exc:
                # The connection fell while we worked: the message comes again, and the inbox knows it.
                logs.warning("partner_settle_failed", fault=type(exc).__name__)
            except Exception as exc:
                logs.fault("partner_work_fault", exc)  # the message stays with the broker until we connect again
            finally:
                self.in_hand -= 1

    def _settle_on(self, channel: Channel, message: Message) -> None:
        body = message.body if isinstance(message.body, bytes) else message.body.encode()
        if self.settle(body, message.headers or {}):
            channel.basic_ack(message.delivery_tag)
        else:
            eventlet.sleep(0.5)
            channel.basic_reject(message.delivery_tag, requeue=True)

    def settle(self, body: bytes, headers: Mapping[str, Any]) -> bool:
        """Takes a message. True when it may be acknowledged, False when the broker must keep it."""
        started = time.monotonic()
        outcome = "ok"
        try:
            outcome = self._effect(body)
            return True
        except Dead as dead:
            outcome = "dead"
            return self._bury(body, dead.reason)
        except (PyMongoError, StaleVersion, OSError) as exc:
            outcome = "retried"
            return self._retry(body, headers, exc, passing=True)
        except Exception as exc:
            outcome = "retried"
            return self._retry(body, headers, exc, passing=False)
        finally:
            metrics.record_event(EVENTS, outcome, time.monotonic() - started)

    def _effect(self, body: bytes) -> str:
        data = _read(body)
        status = status_of(data["status"])
        if status is None:
            raise Dead("status")
        for _ in range(_RERUNS):
            store = self._kernel.store
            if store.get("partner_inbox", data["message_id"]) is not None:
                return "repeated"
            shipment = store.find_one("shipments", {"code": data["order_number"], "kind": "result"})
            if shipment is None:
                raise Dead("unknown order")
            unit = self._unit(data["message_id"])
            step = {"message_id": data["message_id"], "at": data["at"], "post_office": data["post_office"],
                    "waybill": data["item_code"], "note": self._sealed(data["note"])}  # fmt: skip
            try:
                told = take(shipment, status, step)
            except Contradiction:
                raise Dead("contradiction") from None
            unit.insert("partner_inbox", {"_id": data["message_id"], "handled_at": datetime.now(UTC)})
            if told:
                about = {name: shipment[name] for name in ("code", "owner", "unit", "waybill")}
                extra = {"at": data["at"], "post_office": data["post_office"]}
                unit.tell(shipment, _EVENT_OF.format(status.value), about | extra)
                unit.save("shipments", shipment)
            try:
                unit.commit()
            except StaleVersion:
                continue
            except Duplicate:
                return "repeated"
            return "ok"
        raise StaleVersion("shipments")

    def _sealed(self, note: str | None) -> str | None:
        return self._kernel.data_key.seal(note, "shipments.note") if note else None

    def _unit(self, message_id: str) -> UnitOfWork:
        kernel = self._kernel
        origin = Origin(
            room="postal", correlation_id=wire.new_id(), causation_id=message_id, actor_id="service:postal",
            now=kernel.now(),
        )  # fmt: skip
        return UnitOfWork(kernel.store, origin, kernel.check_event)

    def _retry(self, body: bytes, headers: Mapping[str, Any], exc: Exception, *, passing: bool) -> bool:
        attempt = count_of(headers, wire.H_ATTEMPT) + 1
        if attempt > len(SCHEDULE) and not passing:
            logs.fault("partner_message_dead", exc)
            return self._bury(body, "handler")
        delay = SCHEDULE[min(attempt, len(SCHEDULE)) - 1]
        logs.fault("partner_message_retried", exc, attempt=attempt, delay=delay)
        record_retry(EVENTS)
        return self._forward(Outgoing(body, "", retry_queue(delay), {wire.H_ATTEMPT: attempt}, mandatory=True))

    def _bury(self, body: bytes, reason: str) -> bool:
        kept = ids_of(body)
        record_dead(EVENTS, reason)
        logs.error("partner_message_buried", reason=reason, **kept)
        headers = {wire.H_REASON: reason, wire.H_FIRST_FAILED: datetime.now(UTC).isoformat(timespec="seconds")}
        return self._forward(Outgoing(orjson.dumps(kept), "", DEAD, headers, mandatory=True))

    def _forward(self, message: Outgoing) -> bool:
        try:
            self.publisher.publish([message])
            return True
        except PublishFailed:
            return False


def _read(body: bytes) -> dict[str, Any]:
    try:
        document = orjson.loads(body)
    except orjson.JSONDecodeError:
        raise Dead("unreadable") from None
    if not isinstance(document, dict):
        raise Dead("unreadable")
    try:
        data: dict[str, Any] = schemas.instance(PartnerMessage).load(document)
    except ValidationError:
        raise Dead("schema") from None
    return data
