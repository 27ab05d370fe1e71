"""The kernel of one room's process: everything that its handlers stand on, made at start, closed at stop."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import eventlet
import pymongo
from marshmallow import Schema, ValidationError
from pymongo.errors import PyMongoError

from services.common import logs, metrics, wire
from services.common.actors import Actor, Signer, Verifier
from services.common.bus.client import RpcClient
from services.common.bus.control import ControlLink, control_message
from services.common.bus.publisher import Publisher, PublishFailed
from services.common.bus.relay import Relay
from services.common.bus.retell import retell
from services.common.clock import BusinessClock
from services.common.commits import GroupCommit
from services.common.crypto import DataKey
from services.common.migrations import Migration, refuse_other
from services.common.problems import Problem
from services.common.restored import Restored
from services.common.settings import Settings
from services.common.store import Index, Store

CLOCK_OWNER = "oversight"
LOOK_AT_QUEUES = 10.0  # seconds
LOOK_AT_ITSELF = 5.0  # seconds


class EventError(Exception):
    """A room tried to tell an event that its own contract does not have, or with data that it refuses."""


@dataclass(frozen=True)
class RoomSpec:
    """What a room declares about itself: aggregates with outboxes, indexes, events it tells, migrations.

    `by_subject`: events about one subject are handled one after the other, in the order in which they came.
    `after_restore`: what must change in the room's restored database before it starts; runs without a room, may run
    twice, returns what the operator should know.
    """

    name: str
    aggregates: list[str]
    indexes: list[Index]
    events: dict[str, type[Schema]]
    migrations: list[Migration] = field(default_factory=list)
    by_subject: bool = False
    on_start: Callable[[Kernel], None] | None = None
    on_stop: Callable[[Kernel], None] | None = None
    after_restore: Callable[[Store, Restored], list[str]] | None = None


class Kernel:
    """Made once per process before the service starts."""

    def __init__(self, settings: Settings, spec: RoomSpec) -> None:
        if not settings.mongo_url or not settings.data_key_path:
            raise ValueError("a room has a database and a data key")
        self.settings = settings
        self.spec = spec
        self.clock = BusinessClock(settings.clock_offset, rehearsal=settings.rehearsal)
        self.store = Store(settings.mongo_url, application=spec.name)
        self.store.group = GroupCommit(self.store)
        self.signer = Signer.load(spec.name, settings.kid, settings.key_path)
        self.verifier = Verifier.load(settings.public_keys)
        self.data_key = DataKey.load(settings.data_key_path, spec.name)
        self.rpc = RpcClient(settings.amqp_url, spec.name)
        self.publisher = Publisher(settings.amqp_url, f"{spec.name}.publish")
        self.looker = Publisher(settings.amqp_url, f"{spec.name}.look")  # apart: a slow look holds up no publish
        self.relay = Relay(
            self.store, Publisher(settings.amqp_url, f"{spec.name}.relay"), spec.aggregates, wire.new_id()
        )
        self.store.told = self.relay.wake
        self.control = ControlLink(settings.amqp_url, spec.name, self.verifier, self._on_control_open)
        self.describe: Callable[[], dict[str, list[str]]] = lambda: {"commands": [], "events": []}
        self.consuming: Callable[[], bool] = lambda: False
        self.timers: list[str] = []
        self._schemas = {name: schema() for name, schema in spec.events.items()}
        self._clock_known = not settings.rehearsal or spec.name == CLOCK_OWNER
        self._greenlets: list[Any] = []

    def open(self) -> None:
        """Database, indexes, clock and calls; waits for the database and the broker as long as it takes."""
        while True:
            try:
                refuse_other(self.store, self.spec.migrations)
                self.store.prepare(self.spec.indexes, self.spec.aggregates, self.settings.events_days)
                break
            except PyMongoError as exc:
                logs.fault("database_unreachable", exc)
                eventlet.sleep(1)
        kept = self.store.get("kernel", "clock")
        if kept is not None:
            self.clock.adopt(float(kept["offset"]))
        metrics.clock_offset.set(self.clock.offset)
        self.control.on("clock.moved", self._on_clock)
        self.control.on("session.revoked", lambda data: self.verifier.revoke_session(data["session"], data["until"]))
        self.rpc.start()
        self.rpc.wait_open()
        self.control.start()
        if self.spec.on_start is not None:
            self.spec.on_start(self)

    def run(self) -> None:
        """Begins what works in the background; called when the service consumes."""
        self.relay.start()
        self._greenlets = [
            eventlet.spawn(self._ask_clock),
            eventlet.spawn(self._look_at_queues),
            eventlet.spawn(self._look_at_itself),
            eventlet.spawn(retell, self.store, self.publisher),
        ]

    def close(self) -> None:
        """Ends in the order in which nothing is lost: background work, relay, connections."""
        for greenlet in self._greenlets:
            greenlet.kill()
        if self.spec.on_stop is not None:
            self.spec.on_stop(self)
        self.relay.stop()
        self.control.stop()
        self.rpc.stop()
        self.publisher.close()
        self.looker.close()
        self.store.close()

    def missing(self) -> list[str]:
        """What keeps this room from being ready, by name."""
        found = []
        try:
            with pymongo.timeout(1):
                self.store.client.admin.command("ping")
        except PyMongoError:
            found.append("database")
        if not (self.rpc.up and self.control.up and self.consuming()):
            found.append("broker")
        if not self.relay.well:
            found.append("relay")
        if not self._clock_known:
            found.append("clock")
        return found

    def now(self) -> datetime:
        return self.clock.now()

    def own_actor(self) -> Actor:
        """The actor of this room itself, for timers and events."""
        return self.verifier.verify(self.signer.own())

    def check_event(self, name: str, data: dict[str, Any]) -> dict[str, Any]:
        """The event's data as its schema dumps it. Raises EventError for an undeclared event or refused data."""
        schema = self._schemas.get(name)
        if schema is None:
            raise EventError(f"{self.spec.name} declares no event {name}")
        dumped: dict[str, Any] = schema.dump(data)
        extra = set(data) - set(schema.fields)
        if extra:
            raise EventError(f"{name}: undeclared fields {sorted(extra)}")
        try:
            schema.load(dumped)
        except ValidationError as err:
            raise EventError(f"{name}: {sorted(err.normalized_messages())}") from None
        return dumped

    def broadcast(self, kind: str, data: dict[str, Any], reply_to: str = "") -> None:
        """Tells every process; a broker that is away is not waited for (processes ask again when they reconnect)."""
        try:
            self.publisher.publish([control_message(self.signer, kind, data, reply_to)])
        except PublishFailed as exc:
            logs.warning("broadcast_failed", kind=kind, why=str(exc))

    def _on_control_open(self) -> None:
        if self.spec.name != CLOCK_OWNER and self.settings.rehearsal and self._greenlets:
            eventlet.spawn(self._ask_clock)

    def _on_clock(self, data: dict[str, Any]) -> None:
        offset = float(data["offset"])
        if self.clock.adopt(offset):
            metrics.clock_offset.set(offset)
            eventlet.spawn(self._keep_clock, offset)

    def _keep_clock(self, offset: float) -> None:
        try:
            self.store.collection("kernel").update_one({"_id": "clock"}, {"$max": {"offset": offset}}, upsert=True)
        except PyMongoError as exc:
            logs.fault("clock_not_kept", exc)  # asked for again at the next start

    def _ask_clock(self) -> None:
        while self.settings.rehearsal and self.spec.name != CLOCK_OWNER:
            try:
                answer = self.rpc.call(f"{CLOCK_OWNER}.clock", {}, {wire.H_ACTOR: self.signer.own()}, timeout=3)
            except Problem:
                eventlet.sleep(0.5)
                continue
            self._on_clock(answer)
            self._clock_known = True
            return

    def _look_at_itself(self) -> None:
        # apart from the scrape: figures must come also while the database gives no answer
        while True:
            metrics.ready.set(0 if self.missing() else 1)
            eventlet.sleep(LOOK_AT_ITSELF)

    def _look_at_queues(self) -> None:
        names = [name for name, _ in wire.queue_declarations(self.spec.name)]
        while True:
            eventlet.sleep(LOOK_AT_QUEUES)
            try:
                self._look_at_parked()
                self._look_at_timers()
                for name, (messages, consumers) in self.looker.depths(names).items():
                    metrics.queue_messages.labels(name).set(messages)
                    metrics.queue_consumers.labels(name).set(consumers)
            except (PublishFailed, PyMongoError) as exc:
                logs.warning("queues_unmeasured", why=type(exc).__name__)

    def _look_at_parked(self) -> None:
        parked = self.store.collection("inbox_parked")
        oldest = parked.find_one({}, {"parked_at": 1}, sort=[("parked_at", 1)])
        metrics.parked_now.set(parked.count_documents({}) if oldest else 0)
        metrics.parked_age.set((datetime.now(UTC) - oldest["parked_at"]).total_seconds() if oldest else 0.0)

    def _look_at_timers(self) -> None:
        now = self.clock.now()
        # by name: the row of a timer that an earlier release had stays where it was
        for row in self.store.find("timers", {"_id": {"$in": self.timers}}):
            metrics.timer_lag.labels(row["_id"]).set(max(0.0, (now - row["next_at"]).total_seconds()))
