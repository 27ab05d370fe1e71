"""Handling one event: read it, know it, put it in its aggregate's order, take its effect once, settle it.

The effect and the inbox mark are one transaction. What fails is sent to a retry queue with confirm and then
acknowledged; what cannot succeed goes to the dead letters with its reason. A fault that passes by itself
(database, broker or another room away) never makes a dead letter.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import eventlet
from bson.errors import BSONError
from eventlet.event import Event as Waiter
from marshmallow import ValidationError
from pymongo.errors import DuplicateKeyError, PyMongoError

from services.common import envelope, logs, metrics, schemas, wire
from services.common.batched import Batched
from services.common.bus.client import DEFAULT_TIMEOUT
from services.common.bus.origin import Origin, objection
from services.common.bus.publisher import Outgoing, PublishFailed
from services.common.context import Context
from services.common.envelope import EnvelopeError, Event
from services.common.faults import database_passes
from services.common.problems import Problem
from services.common.queues import teller_of
from services.common.unit import UnitOfWork
from services.common.writes import Duplicate, Kind, StaleVersion, Write

if TYPE_CHECKING:
    from services.common.kernel import Kernel

HANDLER_TIMEOUT = 60.0  # seconds that a handler may use for calls to other rooms
RERUNS = 8
LONGEST_PAUSE = 5.0  # seconds between tries where an event is held until its database is back
MOST_ATTEMPTS = 1_000_000  # a message that waits for a neighbour at the longest delay comes that often in a year
NEWEST_VERSION = 1
ANY = "*"  # the name under which a room listens to everything


class Dead(Exception):
    """The event can never be handled; `reason` is a fixed word for the metric, `detail` for the operator."""

    def __init__(self, reason: str, detail: str) -> None:
        super().__init__(detail)
        self.reason = reason
        self.detail = detail


class Unsettled(Exception):
    """The room stops before the event had its effect: the broker keeps it."""


class EventDesk:
    """Handles the events of one room. `handlers` maps the event's name to its entrypoint."""

    def __init__(self, kernel: Kernel, instance: Any, handlers: dict[str, Any]) -> None:
        self._kernel = kernel
        self._handlers = {name: (entry, getattr(instance, entry.method_name)) for name, entry in handlers.items()}
        self._any = self._handlers.pop(ANY, None)
        self.stopping = False
        self._last: dict[str, Waiter] = {}
        # asked for by every event: what comes at the same time is asked for in one query
        self._known = Batched(self._known_of)
        self._position = Batched(self._positions_of)
        self._waiting = Batched(self._parked_of)
        self._ordered = {name.split(".")[0] for name, (entry, _) in self._handlers.items() if entry.ordered}

    def bindings(self) -> list[str]:
        """Routing keys: whole streams where order counts, single types elsewhere."""
        if self._any is not None:
            return ["#"]
        single = {name for name in self._handlers if name.split(".")[0] not in self._ordered}
        return sorted({f"{stream}.*" for stream in self._ordered} | single)

    def settle(self, body: bytes, headers: dict[str, Any], origin: Origin) -> bool:
        """Handles a delivery. True when it may be acknowledged, False when the broker must keep it."""
        started = time.monotonic()
        name = "unreadable"
        try:
            event = self._read(body, origin)
            name = event.name if event.name in self._handlers else "other"
            with self._after_those_before(event.subject):
                outcome = self._handle_in_turn(event)
            metrics.record_event(name, outcome, time.monotonic() - started)
            return True
        except Unsettled:
            return False
        except Exception as exc:
            outcome = "dead" if isinstance(exc, Dead) else "retried"
            metrics.record_event(name, outcome, time.monotonic() - started)
            return self._failed(body, headers, name, exc)

    def _handle_in_turn(self, event: Event) -> str:
        """As `_handle`. Where those after it must wait, a database that is away is waited for here: from a retry queue
        the event would come back behind them. Raises Unsettled when we are to stop meanwhile."""
        pause = 0.2
        while True:
            try:
                return self._handle(event)
            except PyMongoError as exc:
                if not self._kernel.spec.by_subject or not passing(exc):
                    raise
                if self.stopping:
                    raise Unsettled from exc
                logs.fault("event_waits", exc, type=event.name, delay=pause)
            eventlet.sleep(pause)
            pause = min(pause * 2, LONGEST_PAUSE)

    @contextlib.contextmanager
    def _after_those_before(self, subject: str) -> Iterator[None]:
        """Where the room wants so: not before what came earlier about the same subject is settled."""
        if not self._kernel.spec.by_subject:
            yield
            return
        before, mine = self._last.get(subject), Waiter()
        self._last[subject] = mine
        try:
            if before is not None:
                before.wait()
            yield
        finally:
            mine.send(None)
            if self._last.get(subject) is mine:
                del self._last[subject]

    def _failed(self, body: bytes, headers: dict[str, Any], name: str, exc: Exception) -> bool:
        if isinstance(exc, Dead):
            return self._bury(body, headers, exc.reason, exc.detail)
        if isinstance(exc, (BSONError, OverflowError)):  # what no document can hold today it cannot hold tomorrow
            return self._bury(body, headers, "unstorable", type(exc).__name__)
        return self._retry(body, headers, name, exc)

    def _read(self, body: bytes, origin: Origin) -> Event:
        try:
            event = envelope.decode(body)
        except EnvelopeError as exc:
            raise Dead("unreadable", str(exc)) from None
        stream = event.name.split(".")[0]
        if self._any is None and event.name not in self._handlers and stream not in self._ordered:
            raise Dead("unknown", f"no handler of {event.name}")
        doubt = objection(event, origin, self._kernel.settings.room)
        if doubt is not None:
            raise Dead("forged", doubt)
        if self._any is not None and teller_of(event.name) is None:
            raise Dead("unknown", f"no room tells {event.name}")
        if event.version > NEWEST_VERSION:
            raise Dead("unknown", f"version {event.version} of {event.name} is newer than this room")
        return event

    def _handle(self, event: Event) -> str:
        if event.name.split(".")[0] not in self._ordered:
            return self._take_effect(event, None)
        stream = f"{event.source}/{event.aggregate_id}"
        outcome = self._in_order(event, stream)
        self._unpark(stream)
        return outcome

    def _in_order(self, event: Event, stream: str) -> str:
        position = self._position.get(stream)
        if event.sequence <= position:
            metrics.record_repeated(event.name)
            return "repeated"
        if event.sequence > position + 1:
            self._park(event, stream)
            return "parked"
        return self._take_effect(event, stream)

    def _known_of(self, ids: list[str]) -> list[bool]:
        found = self._kernel.store.find("inbox", {"_id": {"$in": ids}}, projection={"_id": 1})
        known = {row["_id"] for row in found}
        return [id in known for id in ids]

    def _positions_of(self, streams: list[str]) -> list[int]:
        found = self._kernel.store.find("inbox_positions", {"_id": {"$in": streams}}, projection={"sequence": 1})
        positions = {row["_id"]: int(row["sequence"]) for row in found}
        return [positions.get(stream, 0) for stream in streams]

    def _parked_of(self, streams: list[str]) -> list[bool]:
        found = self._kernel.store.find(
            "inbox_parked", {"stream": {"$in": streams}}, projection={"stream": 1, "_id": 0}
        )
        waiting = {row["stream"] for row in found}
        return [stream in waiting for stream in streams]

    def _park(self, event: Event, stream: str) -> None:
        try:
            self._kernel.store.collection("inbox_parked").insert_one(
                {
                    "_id": event.id,
                    "stream": stream,
                    "sequence": event.sequence,
                    "event": event.to_dict(),
                    "parked_at": datetime.now(UTC),
                }
            )
            metrics.record_parked(event.name)
        except DuplicateKeyError:
            metrics.record_repeated(event.name)

    def _unpark(self, stream: str) -> None:
        # Also after a park or a repeat: the predecessor may have been handled between our look and our park.
        parked = self._kernel.store.collection("inbox_parked")
        while self._waiting.get(stream):
            position = self._position.get(stream)
            row = parked.find_one({"stream": stream, "sequence": {"$lte": position + 1}}, sort=[("sequence", 1)])
            if row is None:
                return
            if row["sequence"] <= position:  # a copy that was parked after the first one had its effect
                parked.delete_one({"_id": row["_id"]})
                continue
            event = envelope.from_dict(row["event"])
            try:
                self._take_effect(event, stream, parked=True)
            except Exception as exc:
                # It is the parked event that failed, not the delivery in hand: it goes its own way.
                if self._failed(event.encode(), {}, event.name, exc):
                    parked.delete_one({"_id": event.id})
                return

    def _take_effect(self, event: Event, stream: str | None, *, parked: bool = False) -> str:
        for attempt in range(RERUNS):
            if self._known.get(event.id):
                metrics.record_repeated(event.name)
                return "repeated"
            try:
                self._run(event, stream, parked)
                return "ok"
            except StaleVersion:
                eventlet.sleep(0.01 * attempt)
            except Duplicate as duplicate:
                if duplicate.collection not in ("inbox", "inbox_positions"):
                    raise
        raise StaleVersion(event.name)

    def _run(self, event: Event, stream: str | None, parked: bool) -> None:
        kernel = self._kernel
        context = Context(
            kernel=kernel,
            actor=kernel.own_actor(),
            now=kernel.clock.now(),
            correlation_id=event.correlation_id,
            causation_id=event.id,
            command_id=event.id,
            deadline=time.monotonic() + HANDLER_TIMEOUT,
            longest_call=DEFAULT_TIMEOUT,
        )
        context.on_commit.append(lambda unit, _answer: self._mark(unit, event, stream, parked))
        found = self._handlers.get(event.name, self._any)
        if found is not None:
            entry, handler = found
            try:
                data = schemas.instance(entry.schema).load(event.data)
            except ValidationError as err:
                raise Dead("schema", f"{event.name}: {sorted(err.normalized_messages())}") from None
            handler(context, event, data)
        if not context.committed:
            context.commit(context.unit())

    def _mark(self, unit: UnitOfWork, event: Event, stream: str | None, parked: bool) -> None:
        row = {"_id": event.id, "name": event.name, "handled_at": datetime.now(UTC)}
        unit.add(Write("inbox", Kind.INSERT, {}, lambda: row))
        if stream is None:
            return
        if event.sequence == 1:
            unit.insert("inbox_positions", {"_id": stream, "sequence": 1})
        else:
            unit.change(
                "inbox_positions",
                {"_id": stream, "sequence": event.sequence - 1},
                {"$set": {"sequence": event.sequence}},
            )
        if parked:
            unit.delete("inbox_parked", {"_id": event.id})

    def _retry(self, body: bytes, headers: dict[str, Any], name: str, exc: Exception) -> bool:
        attempt = count_of(headers, wire.H_ATTEMPT) + 1
        faults = count_of(headers, wire.H_FAULTS) + (0 if passing(exc) else 1)
        schedule = self._kernel.settings.retry_schedule
        if faults > len(schedule):
            logs.fault("event_dead", exc, type=name)
            return self._bury(body, headers, "handler", f"{type(exc).__name__} after {attempt - 1} attempts")
        delay = schedule[min(attempt, len(schedule)) - 1]
        logs.fault("event_retried", exc, type=name, attempt=attempt, delay=delay)
        metrics.record_retry(name)
        room = self._kernel.settings.room
        kept = {wire.H_ATTEMPT: attempt, wire.H_FAULTS: faults}
        return self._forward(Outgoing(body, "", wire.retry_queue(room, delay), kept, mandatory=True))

    def _bury(self, body: bytes, headers: dict[str, Any], reason: str, detail: str) -> bool:
        room = self._kernel.settings.room
        metrics.record_dead(wire.event_queue(room), reason)
        logs.error("event_buried", reason=reason, detail=detail)
        kept = _counts(headers) | {
            wire.H_REASON: f"{reason}: {detail}"[:500],
            wire.H_FIRST_FAILED: datetime.now(UTC).isoformat(timespec="seconds"),
        }
        return self._forward(Outgoing(body, "", wire.dead_queue(room), kept, mandatory=True))

    def _forward(self, message: Outgoing) -> bool:
        # The delivery is held until the broker has the message: given back, it would count towards the delivery limit.
        pause = 0.2
        while True:
            try:
                self._kernel.publisher.publish([message])
                return True
            except PublishFailed as exc:
                logs.warning("forward_failed", queue=message.routing_key, why=str(exc))
                if self.stopping:
                    return False
                eventlet.sleep(pause)
                pause = min(pause * 2, 5.0)


def passing(exc: Exception) -> bool:
    """Whether a fault passes by itself: the database, the broker or another room is away, or a race was lost.

    A room that answers 500 has a fault of its own, and so has a write that the database refuses: those are counted.
    """
    if isinstance(exc, Problem):
        return exc.status in (429, 502, 503, 504) or exc.type.endswith("still-running")
    if isinstance(exc, PyMongoError):
        return database_passes(exc)
    return isinstance(exc, (PublishFailed, StaleVersion, OSError))


def count_of(headers: Mapping[str, Any], name: str) -> int:
    """A count in a header of ours; 0 for what no room of ours has written there."""
    given = headers.get(name)
    return given if isinstance(given, int) and 0 <= given <= MOST_ATTEMPTS else 0


def _counts(headers: Mapping[str, Any]) -> dict[str, Any]:
    """All that is kept of a message's headers: whatever else stands there was not written by us."""
    names = (wire.H_ATTEMPT, wire.H_FAULTS)
    return {name: count_of(headers, name) for name in names if count_of(headers, name)}
