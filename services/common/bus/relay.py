"""The relay: publishes what the aggregates' outboxes hold, keeps what was told, one active per room.

The unsent documents are the truth. What wakes the relay is the process's own commit, or, where replicas of the room
write too, a change stream (every stream makes the database look at every write of all rooms, so there is none without
need); a slow look beside them catches what both missed. Per batch: keep the events in `told` (append-only), publish
with confirms, then take them out of the documents. A crash in between publishes some again; the consumers' inboxes
make that harmless.
"""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta
from typing import Any

import eventlet
import orjson
from bson import ObjectId
from pymongo import ReturnDocument, UpdateOne
from pymongo.errors import BulkWriteError, DuplicateKeyError, PyMongoError
from pymongo.write_concern import WriteConcern

from services.common import envelope, logs, metrics, wire
from services.common.bus.publisher import Outgoing, Publisher, PublishFailed
from services.common.store import Document, Store

LEASE = 8  # seconds of database time
RENEW = 3.0  # seconds
SLOW_LOOK = 5.0  # seconds
LOOK_FOR_OTHERS = RENEW
STREAM_WAIT = 5_000  # milliseconds until the database answers a quiet change stream with nothing
MEASURE_AGAIN = 1.0  # seconds between counts of a backlog: each goes through all of it
BATCH = 200  # documents
MOST_PAUSE = 5.0  # seconds between tries while the broker refuses
REPLAY_DEPTH = wire.EVENT_QUEUE_LIMIT // 4  # messages in a queue above which a replay waits: a full one refuses all
REPLAY_PATIENCE = 300.0  # seconds that a replay waits for one batch to be taken, or for the queue to grow shorter
HOLD_REFUSED = 5.0  # seconds at least that documents with an event that a queue refuses stand back behind the others
SHOWN_STILL = 1.0  # seconds for which a majority read may show what was taken out; the journal is flushed far oftener


NEVER = datetime.fromtimestamp(0, UTC)


class Relay:
    """One per process; publishes only while it holds the room's lease."""

    def __init__(self, store: Store, publisher: Publisher, aggregates: list[str], holder: str) -> None:
        self._store = store
        self._publisher = publisher
        self._aggregates = aggregates
        self._holder = holder
        self._leader = False
        self._shared = False  # whether other processes of this room write, whose commits do not wake us
        self._faulty = False
        self._past: dict[str, ObjectId] = {}  # by collection: up to this mark all was tried, and some was refused
        self._pass_began = 0.0
        self._pass_again = float("inf")  # when the oldest are tried again
        self._measured = float("-inf")
        self._sent: dict[str, float] = {}  # events that were taken out, and until when they may still be seen
        self._stopping = False
        self._wake = eventlet.event.Event()
        self._greenlets: list[Any] = []

    @property
    def leader(self) -> bool:
        return self._leader

    @property
    def well(self) -> bool:
        """False while documents cannot be published for a fault of ours."""
        return not self._faulty and not any(greenlet.dead for greenlet in self._greenlets)

    def start(self) -> None:
        self._greenlets = [eventlet.spawn(run) for run in (self._hold_lease, self._watch, self._publish)]

    def stop(self) -> None:
        """Publishes what was committed until now, as far as the broker takes it in time, gives the lease back, ends."""
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
            except Exception as exc:
                self._leader = False
                logs.fault("relay_lease_fault", exc)
            metrics.relay_leader.set(1 if self._leader else 0)
            eventlet.sleep(RENEW)

    def _take_lease(self) -> bool:
        # Database time decides, so replicas with differing clocks cannot both believe that they lead.
        # Whoever does not lead leaves a trace there, so that the leader knows of it.
        kernel = self._store.collection("kernel")
        lease = kernel.find_one_and_update(
            {"_id": "relay", "$or": [{"holder": self._holder}, {"$expr": {"$lt": ["$expires", "$$NOW"]}}]},
            [
                {
                    "$set": {
                        "holder": self._holder,
                        "expires": {"$dateAdd": {"startDate": "$$NOW", "unit": "second", "amount": LEASE}},
                    }
                }
            ],
            return_document=ReturnDocument.AFTER,
        )
        if lease is not None:
            self._shared = lease.get("others_until", NEVER) > lease["expires"] - timedelta(seconds=LEASE)
            return True
        other = {"$dateAdd": {"startDate": "$$NOW", "unit": "second", "amount": LEASE}}
        if kernel.update_one({"_id": "relay"}, [{"$set": {"others_until": other}}]).matched_count:
            return False
        try:  # nobody ever led here: make the lease, free at once
            kernel.insert_one({"_id": "relay", "holder": "", "expires": NEVER})
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
            if not (self._leader and self._shared):
                eventlet.sleep(LOOK_FOR_OTHERS)
                continue
            try:
                with self._store.db.watch(
                    [told, {"$project": {"_id": 1}}], max_await_time_ms=STREAM_WAIT, resume_after=token
                ) as stream:
                    while stream.alive and self._leader and self._shared:
                        if stream.try_next() is not None:
                            self.wake()
                        token = stream.resume_token  # also after empty answers: a quiet stream would end in error 286
            except Exception as exc:
                token = None  # a new stream; the look at the unsent rows catches what lies between
                logs.fault("relay_stream_fault", exc)
                self.wake()
                eventlet.sleep(1)

    def _publish(self) -> None:
        pause = 0.2
        last = False
        while not last:
            with eventlet.Timeout(SLOW_LOOK, False):
                self._wake.wait()
            last = self._stopping  # what is committed already is still published
            if self._wake.ready():
                self._wake = eventlet.event.Event()
            try:
                if not self._leader:
                    self._measure()  # another process should lead: that nobody does must be seen
                while self._leader and self._drain():
                    pause = 0.2
            except PublishFailed as exc:
                logs.warning("relay_publish_failed", why=str(exc), pause=pause)
                eventlet.sleep(pause)
                pause = min(pause * 2, MOST_PAUSE)
                self.wake()
            except Exception as exc:  # also a document that cannot be read: the relay lives on, and is not "ready"
                logs.fault("relay_fault", exc)
                self._faulty = True
                eventlet.sleep(1)
            else:
                self._faulty = False
                pause = 0.2

    def _drain(self) -> bool:
        """Publishes one batch; True when there may be more. Raises PublishFailed where the broker does not answer.

        What a queue refuses is stepped over, so that the rest goes on; when all was tried, the relay begins again
        with the oldest, after a rest as long as that took.
        """
        began = time.monotonic()
        self._sent = {event: until for event, until in self._sent.items() if until > began}
        if began >= self._pass_again:
            self._past, self._pass_again = {}, float("inf")
        if not self._past:
            self._pass_began = began
        documents: list[tuple[str, Document]] = []
        for name in self._aggregates:
            marked = {"$exists": True} | ({"$gt": self._past[name]} if name in self._past else {})
            rows = self._store.collection(name).find({"outbox_mark": marked}, {"outbox": 1, "outbox_mark": 1})
            rows = rows.sort("outbox_mark", 1).limit(BATCH + len(self._sent))
            documents += [(name, row) for row in rows if not self._was_sent(row)][:BATCH]
        more = len(documents) >= BATCH
        if self._past or more:
            self._measure()  # there is more than what was read
        else:
            self._show(len(documents), [row["outbox_mark"] for _, row in documents])
        if documents:
            self._tell(documents)
        if self._past and not more:
            ended = time.monotonic()
            self._pass_again = min(self._pass_again, ended + max(HOLD_REFUSED, ended - self._pass_began))
        return more

    def _was_sent(self, row: Document) -> bool:
        # The database shows what a majority has on disk, and taking out is not waited for.
        events: list[Document] = row.get("outbox", [])
        return bool(events) and all(event["id"] in self._sent for event in events)

    def _tell(self, documents: list[tuple[str, Document]]) -> None:
        """Keeps and publishes the events of some documents, and takes out what the broker has."""
        told: list[Document] = [event for _, row in documents for event in row.get("outbox", [])]
        events = [event for event in told if event["id"] not in self._sent]
        self._keep(events)
        try:
            self._publisher.publish([outgoing_of(event) for event in events])
        except PublishFailed as failed:
            self._settle(documents, {events[place]["id"] for place in failed.confirmed})
            if not failed.refused:
                raise
            if not self._past:
                logs.warning("relay_publish_failed", why=str(failed), pause=HOLD_REFUSED)
            self._past |= {name: row["outbox_mark"] for name, row in documents}
        else:
            self._settle(documents, {event["id"] for event in events})

    def _settle(self, documents: list[tuple[str, Document]], confirmed: set[str]) -> None:
        """Takes out the documents whose events are all published."""
        published: dict[str, list[Document]] = {}
        out: list[Document] = []
        for name, row in documents:
            events = row.get("outbox", [])
            if all(event["id"] in confirmed or event["id"] in self._sent for event in events):
                published.setdefault(name, []).append(row)
                out += [event for event in events if event["id"] in confirmed]
        for event in out:
            metrics.record_published(str(event["type"]))
        for name, rows in published.items():
            self._take_out(name, rows)
        until = time.monotonic() + SHOWN_STILL
        self._sent |= {event["id"]: until for event in out}

    def _keep(self, events: list[Document]) -> None:
        if not events:
            return
        now = datetime.now(UTC)
        try:
            self._store.collection("told").insert_many(
                [{"_id": event["id"], "told_at": now, **event} for event in events], ordered=False
            )
        except BulkWriteError as exc:
            if any(error["code"] != 11000 for error in exc.details["writeErrors"]):
                raise

    def _take_out(self, name: str, rows: list[Document]) -> None:
        # Not waited for until it is on disk: what a crash brings back is published again, and known to the inboxes.
        collection = self._store.collection(name).with_options(write_concern=WriteConcern(1))
        pulls = [{"outbox": {"id": {"$in": [event["id"] for event in row.get("outbox", [])]}}} for row in rows]
        emptied = collection.bulk_write(
            [
                UpdateOne(
                    {"_id": row["_id"], "outbox_mark": row["outbox_mark"]},
                    {"$pull": pull, "$unset": {"outbox_mark": ""}},
                )
                for row, pull in zip(rows, pulls, strict=True)
            ],
            ordered=False,
        )
        if emptied.matched_count != len(rows):  # of some more was told meanwhile; their marks stay
            collection.bulk_write(
                [UpdateOne({"_id": row["_id"]}, {"$pull": pull}) for row, pull in zip(rows, pulls, strict=True)],
                ordered=False,
            )

    def _measure(self) -> None:
        if time.monotonic() - self._measured < MEASURE_AGAIN:
            return
        self._measured = time.monotonic()
        marked = {"outbox_mark": {"$exists": True}}
        unsent, marks = 0, []
        for name in self._aggregates:
            collection = self._store.collection(name)
            unsent += collection.count_documents(marked)
            first = collection.find_one(marked, {"outbox_mark": 1}, sort=[("outbox_mark", 1)])
            if first is not None:
                marks.append(first["outbox_mark"])
        self._show(unsent, marks)

    def _show(self, unsent: int, marks: list[ObjectId]) -> None:
        metrics.outbox_unsent.set(unsent)
        metrics.outbox_lag.set(time.time() - min(marks).generation_time.timestamp() if marks else 0.0)


def replay(store: Store, publisher: Publisher, consumer: str, bindings: list[str]) -> int:
    """Puts what this room ever told, and `consumer` listens to, into its queue again; returns how many events.

    `bindings`: routing keys with the wildcards of a topic exchange. For a consumer that is rebuilt from nothing: one
    that knows the events drops them by its inbox, which remembers longer than this room keeps what it told.
    Waits while more than REPLAY_DEPTH messages lie there. Raises PublishFailed where they do not become fewer, or the
    broker takes nothing, for longer than REPLAY_PATIENCE.
    """
    queue = wire.event_queue(consumer)
    count = 0
    batch: list[Outgoing] = []
    # by the one indexed key alone: with a second one the database would sort all of it before the first comes;
    # read by no more than is published at once: the database forgets a cursor that rests for ten minutes
    for event in store.collection("told").find({}, batch_size=BATCH).sort("told_at", 1):
        event.pop("_id")
        event.pop("told_at")
        if not envelope.passes(bindings, envelope.name_of(event["type"])):
            continue
        batch.append(outgoing_of(event, queue=queue))
        if len(batch) >= BATCH:
            _insist(publisher, queue, batch)
            count += len(batch)
            batch = []
    _insist(publisher, queue, batch)
    return count + len(batch)


def _insist(publisher: Publisher, queue: str, batch: list[Outgoing]) -> None:
    """Publishes until all of it is taken, and not while the queue is long: what is new must find room there."""
    shortest = float("inf")
    limit = time.monotonic() + REPLAY_PATIENCE
    pause = 0.2
    while batch:
        try:
            lying, _ = publisher.depths([queue])[queue]
            if lying > REPLAY_DEPTH:
                if lying < shortest:
                    shortest, limit = lying, time.monotonic() + REPLAY_PATIENCE
                raise PublishFailed("the queue is long")
            publisher.publish(batch)
            return
        except PublishFailed as failed:
            batch = [message for place, message in enumerate(batch) if place not in failed.confirmed]
            if time.monotonic() > limit:
                raise
            logs.warning("replay_waits", why=str(failed), pause=pause)
            eventlet.sleep(pause)
            pause = min(pause * 2, MOST_PAUSE)


def outgoing_of(event: Document, queue: str | None = None) -> Outgoing:
    """The message of an event as it is kept: to everybody who listens, or into one queue, which must exist."""
    return Outgoing(
        body=orjson.dumps(event),
        exchange="" if queue else wire.EVENTS_EXCHANGE,
        routing_key=queue or envelope.name_of(event["type"]),
        properties={
            "message_id": str(event["id"]),
            "type": str(event["type"]),
            "content_type": "application/cloudevents+json",
        },
        mandatory=queue is not None,
    )
