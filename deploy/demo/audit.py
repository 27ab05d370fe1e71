"""The auditor: reads databases and queues as the operator may, and says what was lost, doubled or left behind.

It writes nothing. What it compares: what each room told (`told`, append-only), what every listening room handled
(`inbox`), the ledger, the queues, and what the rooms hold about single dossiers.
"""

from __future__ import annotations

import hashlib
import os
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Any

import pymongo

from deploy.local.broker import PARTNER_VHOST
from deploy.local.system import System
from deploy.operate import agreement, at_rest
from deploy.operate.calls import Operator
from services.common import wire
from services.common.envelope import name_of
from services.common.problems import Problem
from services.common.queues import PARTNER_DEAD

#: What each room's state is, where something is kept about dossiers and people.
_AGGREGATES = {
    "identity": "persons", "intake": "dossiers", "processing": "cases", "vault": "files", "payment": "orders",
    "notifier": "notices", "oversight": "reviews", "postal": "shipments", "exchange": "syncs",
}  # fmt: skip


class Auditor:
    """Looks at a running system from behind."""

    def __init__(self, system: System) -> None:
        self.system = system
        self.databases: pymongo.MongoClient[dict[str, Any]] = pymongo.MongoClient(
            system.mongo_url("operator"), tz_aware=True, serverSelectionTimeoutMS=10_000
        )
        self._listeners: dict[str, list[str]] = {}

    def close(self) -> None:
        self.databases.close()

    # -- coming to rest -----------------------------------------------------------------------------------------------

    def rest(self, within: float = 90.0) -> float:
        """Waits until nothing is on its way; returns the seconds. Raises AssertionError with what still is."""
        started = time.monotonic()
        quiet = 0
        while True:
            moving = self.moving()
            quiet = 0 if moving else quiet + 1
            if quiet == 2:
                return time.monotonic() - started
            if time.monotonic() - started > within:
                raise AssertionError(f"not at rest after {within:.0f} s: {'; '.join(moving)}")
            time.sleep(0.3)

    def moving(self) -> list[str]:
        """What is still on its way, in words."""
        found = []
        for room in wire.ROOMS:
            for name in self._collections(room):
                count = self.databases[room][name].count_documents({"outbox_mark": {"$exists": True}}, limit=5)
                if count:
                    found.append(f"{room}.{name}: events not yet published")
        found += [f"{place}: work not yet done" for place in at_rest.open_work(self.databases)]
        for room, missing in self.unhandled().items():
            names = ", ".join(sorted({name for _, name in missing})[:4])
            found.append(f"{room} has not handled {len(missing)} events ({names})")
        return found

    def unhandled(self) -> dict[str, list[tuple[str, str]]]:
        """Events (id, name) that a room listens to and has not taken, by room."""
        missing: dict[str, list[tuple[str, str]]] = {}
        for teller in wire.ROOMS:
            for event, name, room in agreement.unhandled(self.databases, teller, self.listeners()):
                missing.setdefault(room, []).append((event, name))
        return missing

    def listeners(self) -> dict[str, list[str]]:
        """Which events each room handles, as the rooms themselves say; `#`: all."""
        if not self._listeners:
            with as_operator(self.system) as operator:
                for room in wire.ROOMS:
                    names = _patiently(operator.call, f"{room}.describe")["events"]
                    self._listeners[room] = ["#"] if "*" in names else sorted(names)
        return self._listeners

    # -- what must hold -----------------------------------------------------------------------------------------------

    def faults(self) -> list[str]:
        """Everything that is lost, doubled or dead; empty where all is in order. Call it at rest."""
        return [*self._ledger_faults(), *self._order_faults(), *self._letter_faults(), *self._left_faults()]

    def _ledger_faults(self) -> Iterator[str]:
        told = Counter(row["_id"] for row in self.told())
        entered = Counter(row["body"]["id"] for row in self.databases["oversight"]["ledger"].find({}, {"body.id": 1}))
        yield from (f"told twice: {event}" for event, count in told.items() if count > 1)
        yield from (f"in the ledger {count} times: {event}" for event, count in entered.items() if count > 1)
        yield from (f"told, not in the ledger: {event}" for event in told.keys() - entered.keys())
        yield from (f"in the ledger, told by nobody: {event}" for event in entered.keys() - told.keys())

    def _order_faults(self) -> Iterator[str]:
        for room in wire.ROOMS:
            told = agreement.spans(self.databases, room)
            yield from agreement.streams(self.databases, room, told)
            for aggregate, span in told.items():
                if span.low != 1:
                    yield f"{room} {aggregate}: the first event has number {span.low}"

    def _letter_faults(self) -> Iterator[str]:
        for queue, depth in self.depths().items():
            if depth and (queue.endswith(".dead") or ".retry." in queue):
                yield f"{queue} holds {depth} messages"

    def _left_faults(self) -> Iterator[str]:
        for room in wire.ROOMS:
            parked = self.databases[room]["inbox_parked"].count_documents({})
            if parked:
                yield f"{room} parks {parked} events whose predecessor never came"

    def depths(self) -> dict[str, int]:
        """Messages ready in every durable queue, the partner's too."""
        rooms = [name for room in wire.ROOMS for name, _ in wire.queue_declarations(room)]
        return at_rest.depths(self.system.amqp_url("operator"), rooms) | at_rest.depths(
            self.system.amqp_url("operator", PARTNER_VHOST), [PARTNER_DEAD]
        )

    def fingerprint(self) -> dict[str, str]:
        """A digest of what each room keeps: ids and versions of its aggregates. Equal digests: nothing was changed."""
        found = {}
        for room, collection in _AGGREGATES.items():
            rows = self.databases[room][collection].find({}, {"version": 1, "seq": 1}, sort=[("_id", 1)])
            text = "\n".join(f"{row['_id']} {row.get('version')} {row.get('seq')}" for row in rows)
            found[room] = hashlib.sha256(text.encode()).hexdigest()
        return found

    # -- one dossier --------------------------------------------------------------------------------------------------

    def told(self) -> Iterator[dict[str, Any]]:
        """Every event that any room has told: id, type, source, aggregate, sequence, subject."""
        wanted = {"type": 1, "source": 1, "aggregateid": 1, "sequence": 1, "subject": 1}
        for room in wire.ROOMS:
            yield from self.databases[room]["told"].find({}, wanted)

    def effects(self, code: str) -> dict[str, int]:
        """How often each thing exists that must exist once for a returned dossier, and doubled notices (none)."""
        count = self._count
        notices = Counter(
            (row["event_id"], row["person_id"], row["unit"], row["channel"])
            for row in self.databases["notifier"]["notices"].find({"dossier": code})
        )
        return {
            "dossiers": count("intake", "dossiers", {"_id": code}),
            "cases": count("processing", "cases", {"_id": code}),
            "orders": count("payment", "orders", {"code": code}),
            "receipts": count("payment", "orders", {"code": code, "receipt.file_id": {"$ne": None}}),
            "holdings": count("vault", "holdings", {"code": code}),
            "shipments": count("postal", "shipments", {"code": code}),
            "syncs": count("exchange", "syncs", {"_id": code}),
            "doubled notices": sum(number - 1 for number in notices.values()),
        }

    def events_of(self, code: str) -> Counter[str]:
        """How often each event about a dossier was told, by name."""
        return Counter(name_of(row["type"]) for row in self.told() if row["subject"] == code)

    def _count(self, room: str, collection: str, query: dict[str, Any]) -> int:
        return int(self.databases[room][collection].count_documents(query))

    def _collections(self, room: str) -> Iterable[str]:
        return [name for name in self.databases[room].list_collection_names() if name not in ("told", "inbox")]


@contextmanager
def as_operator(system: System) -> Iterator[Operator]:
    """The operator's line to the rooms; its settings stand in the environment meanwhile."""
    wanted = {name: value for name, value in system.env("operator").items() if name.startswith("MOTCUA_")}
    before = {name: os.environ.get(name) for name in wanted}
    os.environ.update(wanted)
    try:
        with Operator() as operator:
            yield operator
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value


def _patiently(call: Callable[[str], Any], method: str, within: float = 30.0) -> Any:
    """The answer of a room that may be coming back just now. Raises its last problem."""
    limit = time.monotonic() + within
    while True:
        try:
            return call(method)
        except Problem:
            if time.monotonic() > limit:
                raise
            time.sleep(0.3)
