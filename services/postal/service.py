"""Entrypoints of postal: a returned result that goes by post becomes an order; shipments, to who may see them."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

from services.common import logs, problems
from services.common.bus.entrypoints import every, on_event, query
from services.common.bus.publisher import PublishFailed
from services.common.context import Context
from services.common.envelope import Event
from services.common.faults import DatabaseAway
from services.common.kernel import Kernel, RoomSpec
from services.common.links import Links
from services.common.rules import rule
from services.common.run import KernelProvider
from services.common.store import Index
from services.postal import restored, schemas
from services.postal.orders import order_message
from services.postal.partner import Partner
from services.postal.shipments import TEXT, State, new_shipment

Document = dict[str, Any]
_ORDERS_PER_RUN = 200
_LONGEST_PAUSE = 60  # seconds between tries of one order

LINKS = Links("links")

INDEXES = [
    Index("shipments", [("code", 1), ("kind", 1)], {"name": "by_dossier", "unique": True}),
    Index("shipments", [("sent_at", 1), ("next_try_at", 1)], {"name": "unsent"}),
    Index("shipments", [("post_office", 1), ("_id", 1)], {"name": "by_post_office"}),
    Index("shipments", [("owner", 1)], {"name": "by_owner"}),
    LINKS.index,
    Index("partner_inbox", [("handled_at", 1)], {"name": "kept_180_days", "expireAfterSeconds": 180 * 86_400}),
    Index("senders", [("post_office", 1)], {"name": "by_post_office"}),
]


class PostalService:
    """The partner's messages come in through services.postal.partner, not through entrypoints here."""

    name = "postal"
    kernel = KernelProvider()

    @on_event("dossier.returned", schemas.ReturnedSeen)
    @rule("PO-02", title="Yêu cầu phát kết quả qua BCCI", cites="CV 2658/UBND-CNTT §6; QĐ 45/2016/QĐ-TTg")
    def on_returned(self, ctx: Context, event: Event, data: Document) -> None:
        """Keeps the order; the timer sends it. The receiver's address is asked for then and never kept."""
        if data["pickup"] != "post":
            return
        owner = LINKS.current(ctx.store, data["owner"])
        shipment = new_shipment(
            code=data["code"], owner=owner, unit=data["unit"], desk=data["desk"], procedure=data["procedure"],
            post_office=str(self._sender(data["unit"])["post_office"]), ordered_at=event.time,
        )  # fmt: skip
        if ctx.store.get("shipments", shipment["_id"]) is not None:
            return
        unit = ctx.unit()
        unit.insert("shipments", shipment)
        LINKS.hold(unit, owner)
        ctx.commit(unit)

    @on_event("account.normalized", schemas.NormalizedSeen)
    def on_normalized(self, ctx: Context, event: Event, data: Document) -> None:
        """The owner's shipments follow the person to the id that identity keeps, also those still to be made."""
        unit = ctx.unit()
        LINKS.move_owned(ctx.store, unit, "shipments", data, ctx.now)
        ctx.commit(unit)

    @every(1)
    def send_orders(self, ctx: Context) -> None:
        """Sends what was not sent: an order waits as long as the partner's broker or intake is away."""
        now = datetime.now(UTC)
        where = {"sent_at": None, "$or": [{"next_try_at": None}, {"next_try_at": {"$lte": now}}]}
        for row in ctx.store.find("shipments", where, sort=[("_id", 1)], limit=_ORDERS_PER_RUN):
            change: Document
            try:
                self._send(ctx, row)
                change = {"sent_at": ctx.now}
            except DatabaseAway:  # the database is away: the others would wait for it as long
                raise
            except Exception as exc:  # also a fault of ours: one order's is not the others'
                attempts = row["attempts"] + 1
                pause = min(2 ** min(attempts, 6), _LONGEST_PAUSE)
                change = {"attempts": attempts, "next_try_at": now + timedelta(seconds=pause)}
                logs.fault("order_not_sent", exc, code=row["code"], attempts=attempts)
            # Not a save of the whole row: the partner's first message may have changed it already.
            unit = ctx.unit()
            unit.change(
                "shipments", {"_id": row["_id"], "sent_at": None}, {"$set": change, "$inc": {"version": 1}},
                must_match=False,
            )  # fmt: skip
            unit.commit()

    def _send(self, ctx: Context, row: Document) -> None:
        delivery = ctx.call("intake.delivery", as_service=True, timeout=5, code=row["code"])
        sender = self._sender(row["unit"])
        message = order_message(row, delivery, sender, str(sender["customer_code"]), row["ordered_at"])
        _partner(self.kernel).order(row["_id"], message)

    def _sender(self, unit: str) -> Document:
        """The agency as the partner's customer, else the province's own."""
        found = self.kernel.store.get("senders", unit) or self.kernel.store.get("senders", "*")
        if found is None:
            raise problems.unavailable(detail="no postal customer is set up")
        return found

    @query(schemas.OfDossier, schemas.Shipments)
    def shipments(self, ctx: Context, data: Document) -> Document:
        """Shipments of a dossier, for its owner and its desk."""
        person = LINKS.current(ctx.store, ctx.actor.person_id)
        rows = list(ctx.store.find("shipments", {"code": data["code"]}, sort=[("_id", 1)]))
        mine = [row for row in rows if row["owner"] == person]
        if not mine:
            if "desk_officer" not in ctx.actor.roles or not rows:
                raise problems.not_found("chưa có bưu gửi / no shipment: one is made when a result goes out by post")
            mine = [row for row in rows if any(
                ctx.actor.holds("desk_officer", unit) for unit in (row["unit"], row["desk"]) if unit)]  # fmt: skip
            if not mine:
                raise problems.forbidden("không phải đơn vị của bạn / not your unit")
        return {"items": [self._shown(row) for row in mine]}

    def _shown(self, row: Document) -> Document:
        key = self.kernel.data_key
        steps = [
            {**step, "note": key.open(step["note"], "shipments.note") if step["note"] else None}
            for step in sorted(row["steps"], key=lambda step: step["at"])
        ]
        return _named(row) | {"steps": steps}

    @query(schemas.Orders, schemas.OrderPage)
    def orders(self, ctx: Context, data: Document) -> Document:
        """Orders of the actor's own post office (PO-08)."""
        offices = ctx.actor.units("postal_officer")
        where: Document = {} if "*" in offices else {"post_office": {"$in": sorted(offices)}}
        if data["cursor"]:
            where["_id"] = {"$gt": data["cursor"]}
        rows = list(ctx.store.find("shipments", where, sort=[("_id", 1)], limit=data["limit"] + 1))
        shown = rows[: data["limit"]]
        following = shown[-1]["_id"] if len(rows) > data["limit"] else None
        return {"items": [_named(row) for row in shown], "next_cursor": following}

    @every(15)
    def measure(self, ctx: Context) -> None:
        """Metrics of the partner's queues."""
        try:
            _partner(self.kernel).measure()
        except PublishFailed as exc:
            logs.warning("partner_queues_unmeasured", why=str(exc))


def _named(row: Document) -> Document:
    vi, en = TEXT[State(row["state"])]
    return {**row, "shipment_id": row["_id"], "state_vi": vi, "state_en": en}


_partners: dict[int, Partner] = {}


def _partner(kernel: Kernel) -> Partner:
    return _partners[id(kernel)]


def start(kernel: Kernel) -> None:
    """Seeds the agencies as customers of the post and opens the partner's virtual host."""
    settings = kernel.settings
    if not settings.partner_amqp_url:
        raise ValueError("MOTCUA_PARTNER_AMQP_URL is not set: postal speaks to its partner over a virtual host")
    seed = json.loads(settings.seed_path.read_text(encoding="utf-8")) if settings.seed_path else {}
    for unit, sender in seed.get("senders", {}).items():
        kernel.store.collection("senders").update_one({"_id": unit}, {"$setOnInsert": sender}, upsert=True)
    partner = Partner(kernel, settings.partner_amqp_url)
    _partners[id(kernel)] = partner
    partner.start()


def stop(kernel: Kernel) -> None:
    """Settles the partner's messages in hand and closes."""
    _partner(kernel).stop()


SPEC = RoomSpec(
    name="postal",
    aggregates=["shipments"],
    indexes=INDEXES,
    events=schemas.EVENTS,
    on_start=start,
    on_stop=stop,
    after_restore=restored.after_restore,
)
