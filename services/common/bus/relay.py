"""The relay: publishes what the aggregates' outboxes hold, keeps what was told, one active per room.

The unsent documents are the truth; the change stream only wakes the relay, and a slow look beside it catches what
the stream missed. Per batch: keep the events in `told` (append-only), publish with confirms, then take them out of
the documents. A crash in between publishes some again; the consumers' inboxes make that harmless.
"""

from __future__ import annotations

import time
from datetime import UTC, datetime
from typing import Any

import eventlet
import orjson
from pymongo.errors import BulkWriteError, DuplicateKeyError, PyMongoError

from services.common import envelope, logs, metrics, wire
from services.common.bus.publisher import Outgoing, Publisher, PublishFailed
from services.common.store import Document, Store

LEASE = 6  # seconds of database time
RENEW = 2.0  # seconds
SLOW_LOOK = 2.0  # seconds
BATCH = 200  # documents
MOST_PAUSE = 5.0  # seconds between tries while the broker refuses


class Relay:
    """One per process; publishes only while it holds the room's lease."""

    def __init__(self, store: Store, publisher: Publisher, aggregates: list[str], holder: str) -> None:
        self._store = store
        self._publisher = publisher
        self._aggregates = aggregates
        self._holder = holder
        self._leader = False
        self._stopping = False
        self._wake = eventlet.event.Event()
        self._greenlets: list[Any] = []

    @property
    def leader(self) -> bool:
        return self._leader

    def start(self) -> None:
        self._greenlets = [eventlet.spawn(run) for run in (self._hold_lease, self._watch, self._publish)]

    def stop(self) -> None:
        """Publishes what is there, gives the lease back and ends."""
        self._stopping = True
        self.wake()
        with eventlet.Timeout(5, False):
            self._greenlets[2].wait()
        for greenlet in self._greenlets:
            greenlet.kill()
        if self._leader:
            try:
                self._store.collection("kernel").delete_one({"_id": "relay", "holder": self._holder})
            except PyMongoError as exc:
                logs.fault("relay_lease_kept", exc)

    def wake(self) -> None:
        if not self._wake.ready():
            self._wake.send(True)

    def _hold_lease(self) -> None:
        while True:
            try:
                leader = self._take_lease()
                if leader and not self._leader:
                    logs.info("relay_leads")
                    self._leader = True
                    self.wake()
                self._leader = leader
            except PyMongoError as exc:
                self._leader = False
                logs.fault("relay_lease_fault", exc)
            metrics.relay_leader.set(1 if self._leader else 0)
            eventlet.sleep(RENEW)

    def _take_lease(self) -> bool:
        # Database time decides, so replicas with differing clocks cannot both believe that they lead.
        kernel = self._store.collection("kernel")
        result = kernel.update_one(
            {"_id": "relay", "$or": [{"holder": self._holder}, {"$expr": {"$lt": ["$expires", "$$NOW"]}}]},
            [
                {
                    "$set": {
                        "holder": self._holder,
                        "expires": {"$dateAdd": {"startDate": "$$NOW", "unit": "second", "amount": LEASE}},
                    }
                }
            ],
        )
        if result.matched_count == 1:
            return True
        try:  # nobody ever led here: make the lease, free at once
            kernel.insert_one({"_id": "relay", "holder": "", "expires": datetime.fromtimestamp(0, UTC)})
            return self._take_lease()
        except DuplicateKeyError:
            return False

    def _watch(self) -> None:
        told: Document = {
            "$match": {
                "$or": [
                    {"operationType": "insert", "fullDocument.outbox_mark": {"$exists": True}},
                    {"updateDescription.updatedFields.outbox_mark": {"$exists": True}},
                ]
            }
        }
        token = None
        while True:
            try:
                with self._store.db.watch(
                    [told, {"$project": {"_id": 1}}], max_await_time_ms=2000, resume_after=token
                ) as stream:
                    while stream.alive:
                        if stream.try_next() is not None:
                            self.wake()
                        token = stream.resume_token  # also after empty answers: a quiet stream would end in error 286
            except PyMongoError as exc:
                token = None  # a new stream; the look at the unsent rows catches what lies between
                logs.fault("relay_stream_fault", exc)
                self.wake()
                eventlet.sleep(1)

    def _publish(self) -> None:
        pause = 0.2
        while not self._stopping:
            with eventlet.Timeout(SLOW_LOOK, False):
                self._wake.wait()
            if self._wake.ready():
                self._wake = eventlet.event.Event()
            if not self._leader:
                continue
            try:
                while self._drain():
                    pause = 0.2
            except PublishFailed as exc:
                logs.warning("relay_publish_failed", why=str(exc), pause=pause)
                eventlet.sleep(pause)
                pause = min(pause * 2, MOST_PAUSE)
                self.wake()
            except PyMongoError as exc:
                logs.fault("relay_database_fault", exc)
                eventlet.sleep(1)

    def _drain(self) -> bool:
        """Publishes one batch; True when there may be more."""
        documents: list[tuple[str, Document]] = []
        for name in self._aggregates:
            rows = (
                self._store.collection(name)
                .find({"outbox_mark": {"$exists": True}}, {"outbox": 1, "outbox_mark": 1})
                .sort("outbox_mark", 1)
                .limit(BATCH)
            )
            documents += [(name, row) for row in rows]
        self._measure(documents)
        if not documents:
            return False
        events = [event for _, row in documents for event in row.get("outbox", [])]
        self._keep(events)
        self._publisher.publish([_outgoing(event) for event in events])
        for event in events:
            metrics.record_published(str(event["type"]))
        for name, row in documents:
            self._take_out(name, row)
        metrics.outbox_unsent.set(0)
        return len(documents) >= BATCH

    def _keep(self, events: list[Document]) -> None:
        now = datetime.now(UTC)
        try:
            self._store.collection("told").insert_many(
                [{"_id": event["id"], "told_at": now, **event} for event in events], ordered=False
            )
        except BulkWriteError as exc:
            if any(error["code"] != 11000 for error in exc.details["writeErrors"]):
                raise

    def _take_out(self, name: str, row: Document) -> None:
        collection = self._store.collection(name)
        pull = {"outbox": {"id": {"$in": [event["id"] for event in row.get("outbox", [])]}}}
        emptied = collection.update_one(
            {"_id": row["_id"], "outbox_mark": row["outbox_mark"]}, {"$pull": pull, "$unset": {"outbox_mark": ""}}
        )
        if emptied.matched_count != 1:  # more was told meanwhile; its mark stays
            collection.update_one({"_id": row["_id"]}, {"$pull": pull})

    def _measure(self, documents: list[tuple[str, Document]]) -> None:
        metrics.outbox_unsent.set(len(documents))
        oldest = min((row["outbox_mark"].generation_time.timestamp() for _, row in documents), default=time.time())
        metrics.outbox_lag.set(max(0.0, time.time() - oldest))


def replay(store: Store, publisher: Publisher, consumer: str) -> int:
    """Puts everything this room ever told into one consumer's queue again; returns how many events.

    For a consumer that is rebuilt from nothing; one that knows the events already drops them by its inbox.
    """
    count = 0
    batch: list[Outgoing] = []
    for event in store.collection("told").find({}).sort([("told_at", 1), ("_id", 1)]):
        event.pop("_id")
        event.pop("told_at")
        batch.append(_outgoing(event, queue=wire.event_queue(consumer)))
        if len(batch) >= BATCH:
            publisher.publish(batch)
            count += len(batch)
            batch = []
    publisher.publish(batch)
    return count + len(batch)


def _outgoing(event: Document, queue: str | None = None) -> Outgoing:
    kind = envelope.TYPE.match(str(event["type"]))
    name = kind.group(1) if kind else str(event["type"])
    return Outgoing(
        body=orjson.dumps(event),
        exchange="" if queue else wire.EVENTS_EXCHANGE,
        routing_key=queue or name,
        properties={
            "message_id": str(event["id"]),
            "type": str(event["type"]),
            "content_type": "application/cloudevents+json",
        },
    )
