"""Delivering statuses to the national portal: one in flight per dossier, in order, again and again until it is taken.

A row of `deliveries` says that a dossier has something to deliver, from when on, and who holds it (a lease by the
database's clock: a sender that died gives it back by itself). After the portal took a status, the dossier's row is
written with its event; a crash in between delivers that status once more, which the portal takes as the same one.
"""

from __future__ import annotations

import threading
import time
from datetime import UTC, datetime, timedelta
from typing import Any

from pymongo import ReturnDocument
from pymongo.errors import PyMongoError

from services.common import logs, wire
from services.common.kernel import Kernel
from services.common.problems import Problem
from services.common.store import Document
from services.common.unit import Origin, UnitOfWork
from services.common.writes import StaleVersion
from services.exchange import metrics, portal, sync
from services.exchange.adapters.national_portal import NationalPortal, PortalError
from services.exchange.status_codes import Code

SENDERS = 4
LEASE = 15  # seconds of database time, renewed before an outside call that might take longer than what is left of it
LOOK = 1.0  # seconds between looks when nothing wakes the senders
CALL_TIMEOUT = 5.0  # seconds for a call to another room; the portal's adapter has the same
_PURPOSE = "national_portal_sync"


_EPOCH = datetime(2000, 1, 1, tzinfo=UTC)
_AT_ONCE: Document = {"next_at": _EPOCH, "lease_until": _EPOCH, "attempts": 0, "last_error": None}


def due(unit: UnitOfWork, code: str) -> None:
    """Notes in a unit of work that a dossier has something to deliver; one that waits after a failure goes on waiting.

    The row is made anew or left as it is: that it is not taken away meanwhile is guarded by the dossier's version.
    """
    unit.change("deliveries", {"_id": code}, {"$setOnInsert": _AT_ONCE}, upsert=True)


class Lost(Exception):
    """The lease ran out and another sender has the dossier now."""


class Delivery:
    """The senders of one process. Threads here are green: the process has patched the standard library."""

    def __init__(self, kernel: Kernel, national: NationalPortal) -> None:
        self._kernel = kernel
        self._national = national
        self._stopping = threading.Event()
        self._wake = threading.Event()
        self._procedures: dict[str, Document] = {}
        # the first looks from time to time, the others when there is something
        self._threads = [
            threading.Thread(target=self._run, args=(LOOK if first else None,), daemon=True)
            for first in (True, *[False] * (SENDERS - 1))
        ]

    def start(self) -> None:
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        """Lets the statuses in hand end."""
        self._stopping.set()
        self._wake.set()
        for thread in self._threads:
            thread.join(timeout=CALL_TIMEOUT)

    def wake(self) -> None:
        """Something may be due now."""
        self._wake.set()

    def _run(self, look: float | None) -> None:
        woken = True
        while not self._stopping.is_set():
            try:
                row = self._claim()
                if row is not None:
                    if not woken:
                        self.wake()
                        woken = True
                    self._deliver(row)
                    continue
            except PyMongoError as exc:
                logs.fault("delivery_database_fault", exc)
            except Exception as exc:
                logs.fault("delivery_fault", exc)  # the lease ends by itself, then it is tried again
            woken = self._wake.wait(look)
            self._wake.clear()

    def _claim(self) -> Document | None:
        ready = {"$and": [{"$lte": ["$next_at", "$$NOW"]}, {"$lte": ["$lease_until", "$$NOW"]}]}
        later = {"$dateAdd": {"startDate": "$$NOW", "unit": "second", "amount": LEASE}}
        asked = time.monotonic()
        row: Document | None = self._kernel.store.collection("deliveries").find_one_and_update(
            {"next_at": {"$lte": datetime.now(UTC) + timedelta(minutes=5)}, "$expr": ready},
            [{"$set": {"lease_until": later, "holder": wire.new_id()}}],
            sort=[("next_at", 1)],
            return_document=ReturnDocument.AFTER,
        )
        if row is not None:
            row["held_since"] = asked  # of this process alone, never stored
        return row

    def _deliver(self, row: Document) -> None:
        found = self._kernel.store.get("syncs", row["_id"])
        status = sync.pending(found) if found is not None else None
        if found is None or status is None:
            self._nothing_left(row, found)
            return
        try:
            self._send(row, found, status)
        except Lost:
            return
        except PortalError as exc:
            self._failed(row, exc.why)
            return
        except Problem as problem:
            self._failed(row, f"facts {problem.status}")
            return
        self._delivered(row, status)

    def _nothing_left(self, row: Document, found: Document | None) -> None:
        """Takes the row away where its dossier has nothing to deliver.

        An event that adds a status leaves a row that it finds as it is; so the removal also moves the dossier's
        version, and whichever of both commits second has to look again.
        """
        unit = self._unit(row["_id"])
        if found is not None:
            unit.change("syncs", {"_id": found["_id"], "version": found["version"]}, {"$inc": {"version": 1}})
        unit.delete("deliveries", {"_id": row["_id"], "holder": row["holder"]})
        try:
            unit.commit()
        except StaleVersion:
            # Something came in between: what is due is due at once, not when our lease ends.
            self._kernel.store.collection("deliveries").update_one(
                {"_id": row["_id"], "holder": row["holder"]}, {"$set": {"lease_until": _EPOCH}}
            )

    def _send(self, row: Document, found: Document, status: Document) -> None:
        def renew() -> None:
            self._renew(row)

        code = Code(status["status"])
        if code in portal.RECORD_CODES:
            self._renew(row)
            owner = self._owner(found["owner"])
            self._renew(row)
            procedure = self._procedure(found["procedure"])
            updating = found["delivered"] > 0 or self._national.knows(found["code"], before_call=renew)
            record = portal.record_of(found, status, owner, procedure)
            self._national.send_record(record, updating=updating, before_call=renew)
        self._national.send_step(portal.step_of(found, status), before_call=renew)

    def _renew(self, row: Document) -> None:
        """Lengthens the lease where what is left of it might end within one outside call. Raises Lost."""
        if time.monotonic() - row["held_since"] < LEASE - 2 * CALL_TIMEOUT:
            return
        later = {"$dateAdd": {"startDate": "$$NOW", "unit": "second", "amount": LEASE}}
        renewed = self._kernel.store.collection("deliveries").update_one(
            {"_id": row["_id"], "holder": row["holder"]}, [{"$set": {"lease_until": later}}]
        )
        if renewed.matched_count != 1:
            raise Lost
        row["held_since"] = time.monotonic()

    def _owner(self, person_id: str) -> Document:
        """Asked for each time and never kept (X-26). A person whom identity does not know has no facts."""
        try:
            return dict(self._call("identity.person", person_id=person_id, purpose=_PURPOSE))
        except Problem as problem:
            if problem.status == 404:
                return {}
            raise

    def _procedure(self, code: str) -> Document:
        if code not in self._procedures:
            try:
                self._procedures[code] = dict(self._call("intake.procedure", code=code))
            except Problem as problem:
                if problem.status != 404:
                    raise
                return {}
        return self._procedures[code]

    def _call(self, method: str, **kwargs: Any) -> Any:
        token = self._kernel.signer.own()
        return self._kernel.rpc.call(method, kwargs, {wire.H_ACTOR: token}, timeout=CALL_TIMEOUT)

    def _delivered(self, row: Document, status: Document) -> None:
        """Writes what was delivered; an event that came in between is read and kept."""
        now = self._kernel.now()
        while True:
            found = self._kernel.store.get("syncs", row["_id"])
            assert found is not None
            if found["delivered"] >= status["number"]:
                return
            found["statuses"][status["number"] - 1]["delivered_at"] = now
            found["delivered"] = status["number"]
            unit = self._unit(status["event_id"])
            unit.tell(
                found,
                "exchange.delivered",
                {
                    "code": found["code"], "unit": found["unit"], "status": status["status"],
                    "number": status["number"], "at": now,
                },
            )  # fmt: skip
            unit.save("syncs", found)
            if sync.pending(found) is None:
                unit.delete("deliveries", {"_id": row["_id"]})
            else:
                unit.change("deliveries", {"_id": row["_id"]}, {"$set": _AT_ONCE}, upsert=True)
            try:
                unit.commit()
            except StaleVersion:
                continue
            metrics.record_delivery("taken")
            return

    def _unit(self, causation: str) -> UnitOfWork:
        origin = Origin(
            room=self._kernel.settings.room, correlation_id=causation, causation_id=causation,
            actor_id=f"service:{self._kernel.settings.room}", now=self._kernel.now(),
        )  # fmt: skip
        return UnitOfWork(self._kernel.store, origin, self._kernel.check_event)

    def _failed(self, row: Document, why: str) -> None:
        attempts = int(row["attempts"]) + 1
        pause = sync.pause_after(attempts)
        logs.warning("status_not_taken", code=row["_id"], why=why, attempts=attempts, pause=pause)
        metrics.record_delivery(why.split(" ")[0])
        later = {"$dateAdd": {"startDate": "$$NOW", "unit": "second", "amount": pause}}
        self._kernel.store.collection("deliveries").update_one(
            {"_id": row["_id"], "holder": row["holder"]},
            [{"$set": {"next_at": later, "lease_until": "$$NOW", "attempts": attempts, "last_error": why}}],
        )
