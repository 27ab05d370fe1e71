"""What payment listens to: dossiers that owe a fee or end, its own settlements, accounts."""

from __future__ import annotations

import base64
from typing import Any

from services.common import files
from services.common.bus.entrypoints import on_event
from services.common.context import Context
from services.common.envelope import Event
from services.common.kernel import Kernel
from services.common.problems import Problem
from services.common.unit import UnitOfWork
from services.common.workers import WorkerPool
from services.payment import order as orders
from services.payment import receipt, schemas, store
from services.payment.order import Moment, Order, Row

DRAW_DEADLINE = 20.0  # seconds

pool = WorkerPool("fee_receipts", "services.payment.worker", size=1, deadline=DRAW_DEADLINE)


class Listener:
    """The event handlers of the room, and what they share with its commands, which are in `service`."""

    kernel: Kernel

    @on_event("dossier.filed", schemas.ChargedSeen, ordered=True)
    def on_filed(self, ctx: Context, event: Event, data: dict[str, Any]) -> None:
        self._order(ctx, data, Moment.BEFORE)

    @on_event("dossier.accepted", schemas.ChargedSeen, ordered=True)
    def on_accepted(self, ctx: Context, event: Event, data: dict[str, Any]) -> None:
        self._order(ctx, data, Moment.AFTER)

    def _order(self, ctx: Context, data: dict[str, Any], moment: Moment) -> None:
        if not orders.is_charged(data["fee"], moment):
            return
        if ctx.store.get(store.ORDERS, orders.order_id(data["code"], moment)) is not None:
            return
        owner = store.LINKS.current(ctx.store, data["owner"])
        order = orders.make(
            code=data["code"], moment=moment, owner=owner, unit=data["unit"], desk=data["desk"],
            procedure=data["procedure"], fee=data["fee"], at=ctx.now, filer=data["filer"], filed_as=data["filed_as"],
        )  # fmt: skip
        unit = ctx.unit()
        store.LINKS.hold(unit, owner)
        unit.insert(store.ORDERS, order)
        self._tell(unit, order, "payment.ordered", amount=order["amount"], items=order["items"])
        ctx.commit(unit)

    @on_event("dossier.refused", schemas.EndedSeen, ordered=True)
    def on_refused(self, ctx: Context, event: Event, data: dict[str, Any]) -> None:
        self._close(ctx, data["code"], "refused")

    @on_event("dossier.withdrawn", schemas.EndedSeen, ordered=True)
    def on_withdrawn(self, ctx: Context, event: Event, data: dict[str, Any]) -> None:
        self._close(ctx, data["code"], "withdrawn")

    def _close(self, ctx: Context, code: str, why: str) -> None:
        unit = ctx.unit()
        for order in ctx.store.find(store.ORDERS, {"code": code}):
            row = orders.close(order, why, ctx.now)
            if row is not None:
                self._keep(ctx, unit, order, row)
        ctx.commit(unit)

    @on_event("payment.settled", schemas.SettledSeen)
    def on_settled(self, ctx: Context, event: Event, data: dict[str, Any]) -> None:
        """Our own event: makes the receipt, with the retries of the bus behind it."""
        order = ctx.store.get(store.ORDERS, data["order_id"])
        if order is None or order["receipt"] is None or order["receipt"]["file_id"] is not None:
            return
        registered = store.of_unit(ctx.store, store.SERIES, order["unit"])
        said = receipt.content(
            order, registered, payer=self._payer(ctx, order), kinds=store.kinds(ctx.store, order["items"])
        )
        drawn = pool.run({"receipt": said, "fonts": str(self.kernel.settings.fonts or "")})
        stored = files.put_bytes(
            ctx, base64.b64decode(drawn["pdf"]), receipt.file_name(order), "form", person_id=order["owner"]
        )
        order["receipt"] |= {"file_id": stored["file_id"], "sha256": stored["sha256"], "issued_at": ctx.now}
        unit = ctx.unit()
        unit.save(store.ORDERS, order)
        self._tell(
            unit, order, "receipt.issued", receipt_no=order["receipt"]["receipt_no"], file_id=stored["file_id"],
            sha256=stored["sha256"],
        )  # fmt: skip
        ctx.commit(unit)

    def _payer(self, ctx: Context, order: Order) -> str | None:
        """The applicant's name for the paper; kept nowhere here."""
        try:
            person = ctx.call("identity.person", as_service=True, person_id=order["owner"], purpose="fee receipt")
        except Problem as problem:
            if problem.status in (404, 422):
                return None
            raise
        name: str | None = person.get("full_name")
        return name

    @on_event("account.normalized", schemas.AccountNormalizedSeen)
    def on_normalized(self, ctx: Context, event: Event, data: dict[str, Any]) -> None:
        unit = ctx.unit()
        store.LINKS.move_owned(ctx.store, unit, store.ORDERS, data, ctx.now)
        ctx.commit(unit)

    # --- shared with the commands ------------------------------------------------------------------------------------

    def _keep(self, ctx: Context, unit: UnitOfWork, order: Order, row: Row, *, response_code: str = "") -> None:
        """Saves an order after a transition and tells its event; a settlement gets its receipt number here."""
        unit.save(store.ORDERS, order)
        if row.event == "payment.settled":
            self._number_receipt(ctx, order)
            settled = order["settled"]
            self._tell(
                unit, order, row.event, amount=order["amount"], method=settled["method"], late=settled["late"],
                receipt_no=order["receipt"]["receipt_no"],
            )  # fmt: skip
        elif row.event in ("payment.failed", "payment.held", "payment.attempt_ended"):
            self._tell(unit, order, row.event, response_code=response_code)
        else:
            self._tell(unit, order, row.event, amount=order["amount"])

    def _number_receipt(self, ctx: Context, order: Order) -> None:
        template, series = receipt.series_of(store.of_unit(ctx.store, store.SERIES, order["unit"]), ctx.now)
        number = store.receipt_number(ctx.store, order["order_id"], series)
        order["receipt"] = {
            "template": template,
            "series": series,
            "number": number,
            "receipt_no": receipt.number_text(series, number),
            "file_id": None,
            "sha256": None,
            "issued_at": None,
        }

    def _tell(self, unit: UnitOfWork, order: Order, event: str, **data: Any) -> None:
        about = {name: order[name] for name in ("order_id", "code", "owner", "unit", "desk", "moment")}
        unit.tell(order, event, {**about, **data})
