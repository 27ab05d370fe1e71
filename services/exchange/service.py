"""Entrypoints of exchange: events become ordered status codes, senders bring them to the national portal."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

from services.common import logs, problems
from services.common.bus.entrypoints import every, on_event, query
from services.common.context import Context
from services.common.envelope import Event
from services.common.kernel import Kernel, RoomSpec
from services.common.rules import rule
from services.common.run import KernelProvider
from services.common.store import Index
from services.common.writes import Duplicate, StaleVersion
from services.exchange import delivery, metrics, schemas, sync
from services.exchange.adapters.national_portal import Account, NationalPortal
from services.exchange.status_codes import NAMES, Code

Document = dict[str, Any]
_RELINKED_PER_EVENT = 10_000

INDEXES = [
    Index("deliveries", [("next_at", 1)], {"name": "due"}),
    Index("syncs", [("waits_since", 1)], {"name": "waiting"}),
    Index("syncs", [("owner", 1)], {"name": "by_owner"}),
    Index("portal_accounts", [("agency", 1)], {"name": "by_agency"}),
]


class ExchangeService:
    """Streams of dossiers, cases and orders are taken in each one's order; across rooms `sync` finds the order."""

    name = "exchange"
    kernel = KernelProvider()

    @on_event("dossier.filed", schemas.FiledSeen, ordered=True)
    @on_event("dossier.accepted", schemas.AcceptedSeen, ordered=True)
    @on_event("dossier.amended", schemas.AmendedSeen, ordered=True)
    @on_event("dossier.guided", schemas.OfDossierSeen, ordered=True)
    @on_event("dossier.refused", schemas.OfDossierSeen, ordered=True)
    @on_event("dossier.withdrawn", schemas.OfDossierSeen, ordered=True)
    @on_event("dossier.returned", schemas.OfDossierSeen, ordered=True)
    @on_event("case.opened", schemas.AppointmentSeen, ordered=True)
    @on_event("case.stopped", schemas.OfDossierSeen, ordered=True)
    @on_event("step.finished", schemas.OfDossierSeen, ordered=True)
    @on_event("supplement.requested", schemas.SupplementSeen, ordered=True)
    @on_event("result.ready", schemas.OfDossierSeen, ordered=True)
    @on_event("payment.ordered", schemas.OfDossierSeen, ordered=True)
    @on_event("payment.settled", schemas.OfDossierSeen, ordered=True)
    @rule("SY-02", title="Mỗi thay đổi trạng thái được đồng bộ kịp thời", cites="QĐ 08/2025/QĐ-UBND Đ28.2")
    def on_change(self, ctx: Context, event: Event, data: Document) -> None:
        """Grows the dossier's list of statuses by what the event means, and wakes the senders."""
        found = ctx.store.get("syncs", data["code"])
        row = found or sync.new_sync(data["code"])
        sync.note_facts(row, event.name, data, event.time)
        entry = sync.waiting_entry(
            event.name, data, event_id=event.id, stream=f"{event.source}/{event.aggregate_id}",
            sequence=event.sequence, at=event.time, now=datetime.now(UTC),
        )  # fmt: skip
        added = sync.take(row, entry)
        unit = ctx.unit()
        if found is None:
            unit.insert("syncs", row)
        else:
            unit.save("syncs", row)
        if added:
            delivery.due(unit, row["code"])
        try:
            ctx.commit(unit)
        except Duplicate as duplicate:
            if duplicate.collection not in ("syncs", "deliveries"):
                raise
            raise StaleVersion("syncs") from None  # another room's event made the row: run again on what it made
        if added:
            _senders(self.kernel).wake()

    @on_event("case.resumed", schemas.AppointmentSeen, ordered=True)
    @on_event("case.rescheduled", schemas.AppointmentSeen, ordered=True)
    def on_appointment(self, ctx: Context, event: Event, data: Document) -> None:
        """A new appointment goes out with the next record."""
        row = ctx.store.get("syncs", data["code"])
        if row is None:
            raise problems.unavailable(detail="nothing is known of this dossier yet")
        sync.note_facts(row, event.name, data, event.time)
        unit = ctx.unit()
        unit.save("syncs", row)
        ctx.commit(unit)

    @on_event("receipt.issued", schemas.OfDossierSeen, ordered=True)
    def on_receipt(self, ctx: Context, event: Event, data: Document) -> None:
        """Says nothing to the portal; taken so that the order's stream has no gap."""

    @on_event("account.normalized", schemas.NormalizedSeen)
    def on_normalized(self, ctx: Context, event: Event, data: Document) -> None:
        """The owner's dossiers follow the person to the id that identity keeps."""
        former = data["former_person_id"]
        if not former or former == data["person_id"]:
            return
        unit = ctx.unit()
        for row in ctx.store.find("syncs", {"owner": former}, limit=_RELINKED_PER_EVENT):
            row["owner"] = data["person_id"]
            unit.save("syncs", row)
        ctx.commit(unit)

    @query(schemas.OfDossier, schemas.StateAnswer)
    def state(self, ctx: Context, data: Document) -> Document:
        """What the portal was told of a dossier, what is under way and what waits."""
        row = ctx.store.get("syncs", data["code"])
        if row is None:
            raise problems.not_found()
        if "ioc" not in ctx.actor.roles and not any(
            ctx.actor.holds("desk_officer", unit) for unit in (row["unit"], row["desk"]) if unit
        ):
            raise problems.forbidden("không phải đơn vị của bạn / not your unit")
        under_way = ctx.store.get("deliveries", data["code"]) or {}
        statuses = [
            {**status, "name_vi": NAMES[Code(status["status"])][0], "name_en": NAMES[Code(status["status"])][1]}
            for status in row["statuses"]
        ]
        return {
            "code": row["code"],
            "unit": row["unit"],
            "statuses": statuses,
            "waiting": row["waiting"],
            "overdue": row["reported_at"] is not None,
            "attempts": under_way.get("attempts", 0),
            "last_error": under_way.get("last_error"),
            "next_try_at": under_way.get("next_at"),
        }

    @every(30)
    def report_waiting(self, ctx: Context) -> None:
        """Reports events whose predecessor does not come; they go on waiting."""
        now = datetime.now(UTC)
        overdue = {"waits_since": {"$lt": now - sync.PATIENCE}}
        for row in ctx.store.find("syncs", {**overdue, "reported_at": None}, limit=200):
            unit = ctx.unit()
            row["reported_at"] = now
            unit.save("syncs", row)
            try:
                unit.commit()
            except StaleVersion:
                continue  # something came; the next run looks again
            events = sorted({waiting["event"] for waiting in row["waiting"]})
            logs.error("status_waits_for_predecessor", code=row["code"], events=events)
        metrics.overdue.set(ctx.store.collection("syncs").count_documents(overdue))
        metrics.undelivered.set(ctx.store.collection("deliveries").count_documents({}))


_started: dict[int, delivery.Delivery] = {}


def _senders(kernel: Kernel) -> delivery.Delivery:
    return _started[id(kernel)]


def start(kernel: Kernel) -> None:
    """Seeds our account at the portal (its password sealed) and starts the senders."""
    settings = kernel.settings
    seed = json.loads(settings.seed_path.read_text(encoding="utf-8")) if settings.seed_path else {}
    accounts = kernel.store.collection("portal_accounts")
    if "national_portal" in seed:
        given = seed["national_portal"]
        sealed = kernel.data_key.seal(given["password"], "portal_accounts.password")
        accounts.update_one(
            {"_id": "national"},
            {"$setOnInsert": {"agency": given["agency"], "username": given["username"], "password": sealed}},
            upsert=True,
        )
    kept = accounts.find_one({"_id": "national"})
    if kept is None or not settings.national_url:
        logs.warning("national_portal_not_set_up")
        kept = kept or {"agency": "", "username": "", "password": None}
    password = kernel.data_key.open(kept["password"], "portal_accounts.password") if kept["password"] else ""
    account = Account(kept["agency"], kept["username"], password)
    senders = delivery.Delivery(kernel, NationalPortal(settings.national_url, account))
    _started[id(kernel)] = senders
    senders.start()


def stop(kernel: Kernel) -> None:
    """Lets what is being sent end."""
    _senders(kernel).stop()


SPEC = RoomSpec(
    name="exchange",
    aggregates=["syncs"],
    indexes=INDEXES,
    events=schemas.EVENTS,
    on_start=start,
    on_stop=stop,
)
