"""The nameko service of payment: thin; states are in order, the provider's protocol in vnpay and adapters."""

from __future__ import annotations

from typing import Any

from services.common import logs, problems, wire
from services.common.actors import Actor
from services.common.bus.entrypoints import command, every, query
from services.common.context import Context
from services.common.filed_as import Right, filer_may
from services.common.kernel import Kernel, RoomSpec
from services.common.run import KernelProvider
from services.common.unit import UnitOfWork
from services.common.writes import StaleVersion
from services.payment import metrics, restored, schemas, store, vietqr, vnpay
from services.payment import order as orders
from services.payment.adapters.provider import NoTransaction, Provider, ProviderUnavailable, UnreadableAnswer
from services.payment.listening import Listener, pool
from services.payment.migrations import MIGRATIONS
from services.payment.order import Attempt, Order, State

RETURN_PATH = "/api/v1/payments/vnpay/return"
MOST_QUESTIONS = 50  # to the provider, in one run of the timer


class PaymentService(Listener):
    """Orders fees, hands out payment pages, takes the provider's word for what was paid."""

    name = "payment"
    kernel: Kernel = KernelProvider()

    # --- the citizen and the desk ------------------------------------------------------------------------------------

    @query(schemas.OfDossier, schemas.OrdersAnswer)
    def orders(self, ctx: Context, data: dict[str, Any]) -> Any:
        """A dossier's orders. Where there are none, intake says whether the actor may know of the dossier."""
        actor = store.LINKS.actor(ctx.store, ctx.actor)
        found = [store.with_filer_of_today(ctx.store, order) for order in store.of_code(ctx.store, data["code"])]
        if not found:
            ctx.call("intake.dossier", code=data["code"])
        return {"items": [_shown(_known(actor, order)) for order in found]}

    @command(schemas.Pay, schemas.PayAnswer, idempotent=True)
    def pay(self, ctx: Context, data: dict[str, Any]) -> Any:
        """A payment page for the owner; the one that is open already is given again."""
        order = _owned(store.LINKS.actor(ctx.store, ctx.actor), store.order_of(ctx.store, data["order_id"]))
        orders.refuse_unless_payable(order)
        unit = ctx.unit()
        attempt = orders.live_attempt(order, ctx.now)
        if attempt is None:
            attempt = self._attempt(ctx, order, data)
            unit.save(store.ORDERS, order)
        return ctx.commit(unit, {**attempt, "order_id": order["order_id"], "amount": order["amount"]})

    def _attempt(self, ctx: Context, order: Order, data: dict[str, Any]) -> Attempt:
        merchant = self._merchant(ctx, order["unit"])
        provider = self._provider(merchant)
        txn_ref = orders.next_reference(order)
        request = vnpay.PayRequest(
            txn_ref=txn_ref,
            amount_vnd=order["amount"],
            order_info=f"Nop phi le phi ho so {order['code']}",
            return_url=self.kernel.settings.public_url.rstrip("/") + RETURN_PATH,
            client_ip=vnpay.NO_ADDRESS,
            locale=data["locale"],
            minutes_to_pay=orders.MINUTES_TO_PAY,
        )
        params = vnpay.pay_parameters(request, tmn_code=provider.tmn_code, secret=provider.secret, now=ctx.now)
        account = merchant.get("account")
        qr = vietqr.text(vietqr.Account(**account), order["amount"], txn_ref) if account else None
        return orders.begin_attempt(order, txn_ref=txn_ref, url=vnpay.pay_url(provider.page, params), qr=qr, at=ctx.now)

    @command(schemas.Cash, schemas.OrderAnswer, idempotent=True)
    def cash(self, ctx: Context, data: dict[str, Any]) -> Any:
        """Cash taken at the dossier's desk."""
        order = _known(ctx.actor, store.order_of(ctx.store, data["order_id"]))
        if not _is_desk(ctx.actor, order):
            raise problems.forbidden("không phải một cửa của bạn / not your desk: only the desk of the dossier")
        unit = ctx.unit()
        row = orders.pay_cash(order, data["amount"], by=ctx.actor.subject, at=ctx.now)
        self._keep(ctx, unit, order, row)
        return ctx.commit(unit, _shown(order))

    @query(schemas.OfOrder, schemas.Ticket)
    def receipt(self, ctx: Context, data: dict[str, Any]) -> Any:
        """A ticket to fetch the receipt, for the owner and the desk."""
        order = _known(store.LINKS.actor(ctx.store, ctx.actor), store.order_of(ctx.store, data["order_id"]))
        if order["receipt"] is None:
            raise problems.not_found("chưa có biên lai: chưa nộp tiền / no receipt before payment")
        if order["receipt"]["file_id"] is None:
            raise problems.unavailable(retry_after=2, detail="the receipt is being made")
        return ctx.call(
            "vault.open_download", as_service=True, file_id=order["receipt"]["file_id"],
            reason=f"receipt of dossier {order['code']}", on_behalf=ctx.actor.subject,
        )  # fmt: skip

    # --- the provider and other rooms --------------------------------------------------------------------------------

    @command(schemas.ProviderMessage, schemas.ProviderAnswer)
    def provider_message(self, ctx: Context, data: dict[str, Any]) -> Any:
        """A provider message (IPN): answers 97, 99, 01, 04, 02 and 00, asked in this order."""
        try:
            notice = vnpay.read_message(data["params"], self._secret())
        except vnpay.BadSignature:
            logs.warning("provider_message_unsigned")
            metrics.record_message(vnpay.INVALID_SIGNATURE.code)
            return vnpay.INVALID_SIGNATURE.to_dict()
        except vnpay.NotOfTheProvider:
            logs.warning("provider_message_refused")
            metrics.record_message(vnpay.NOT_A_MESSAGE.code)
            return vnpay.NOT_A_MESSAGE.to_dict()
        order = store.by_reference(ctx.store, notice.txn_ref) if notice.txn_ref else None
        answer = vnpay.answer(notice, orders.view(order, notice) if order else None)
        metrics.record_message(answer.code)
        logs.info("provider_message", answer=answer.code, txn_ref=notice.txn_ref[:32], outcome=notice.outcome.value)
        if not answer.record or order is None:
            return answer.to_dict()
        unit = ctx.unit()
        self._confirm(ctx, unit, order, notice, "ipn")
        return ctx.commit(unit, answer.to_dict())

    @query(schemas.OfDossier, schemas.DueAnswer)
    def due(self, ctx: Context, data: dict[str, Any]) -> Any:
        """Whether something of a dossier is still to be paid, for rooms that hold a result back until it is."""
        found = store.of_code(ctx.store, data["code"])
        owed, amount = orders.due(found)
        return {"due": owed, "amount": amount, "ordered": bool(found)}

    def _confirm(self, ctx: Context, unit: UnitOfWork, order: Order, notice: vnpay.Notice, source: str) -> bool:
        """The one way in for what the provider says (X-25). False when it was no news."""
        row = orders.confirm(order, notice, source=source, at=ctx.now)
        if row is None:
            return False
        unit.insert(
            store.MESSAGES,
            {
                "_id": wire.new_id(),
                "order_id": order["order_id"],
                "txn_ref": notice.txn_ref,
                "at": ctx.now,
                "source": source,
                "outcome": notice.outcome.value,
                "response_code": notice.response_code,
                "transaction_status": notice.transaction_status,
                "transaction_no": notice.transaction_no,
                "bank_code": notice.bank_code,
                "amount": notice.amount_vnd,
            },
        )
        self._keep(ctx, unit, order, row, response_code=notice.response_code or "99")
        return True

    @every(60)
    def ask_provider(self, ctx: Context) -> None:
        """Asks about attempts that told nothing: a lost message must not leave a paid order unpaid here."""
        metrics.open_orders.set(store.count_open(ctx.store))
        for order in store.to_ask(ctx.store, ctx.now, MOST_QUESTIONS):
            try:
                self._ask(ctx, order)
            except ProviderUnavailable as exc:
                metrics.record_question("unavailable")
                logs.warning("provider_unavailable", why=str(exc))
                self._ask_later(ctx, order)  # so that no order stands before the others for ever
                return  # the others at the next run
            except StaleVersion:
                logs.info("order_changed_meanwhile", order=order["order_id"])
            except Exception as exc:
                # One order's fault is not the others': what went wrong is seen here, and asked about again later.
                metrics.record_question("fault")
                logs.fault("provider_not_asked", exc, order=order["order_id"])
                self._ask_later(ctx, order)

    def _ask(self, ctx: Context, order: Order) -> None:
        provider = self._provider(self._merchant(ctx, order["unit"]))
        unit = ctx.unit()
        confirmed = False
        # One outcome a run: an order is saved once in a unit.
        for attempt in orders.to_ask(order):
            try:
                notice = provider.query(
                    attempt["txn_ref"], begun=attempt["created_at"], request_id=wire.new_id(), now=ctx.now
                )
            except UnreadableAnswer as exc:
                metrics.record_question("refused")
                logs.warning("provider_answer_refused", why=str(exc), txn_ref=attempt["txn_ref"])
                continue
            except NoTransaction:
                notice = orders.word_of_nothing(order, attempt, ctx.now)
            if notice is None:
                metrics.record_question("unknown")
                continue
            if notice.amount_vnd != order["amount"]:
                metrics.record_question("differs")
                logs.error("provider_amount_differs", order=order["order_id"], txn_ref=attempt["txn_ref"])
                continue
            metrics.record_question("answered")
            confirmed = self._confirm(ctx, unit, order, notice, "query")
            if confirmed:
                break
        orders.ask_later(order, ctx.now)
        if not confirmed:
            unit.save(store.ORDERS, order)
        unit.commit()

    def _ask_later(self, ctx: Context, order: Order) -> None:
        """Moves the next question on, and nothing else: what was done to the order in hand is forgotten."""
        unit = ctx.unit()
        asked = ctx.store.get(store.ORDERS, order["order_id"])
        orders.ask_later(asked, ctx.now)
        unit.save(store.ORDERS, asked)
        try:
            unit.commit()
        except StaleVersion:
            logs.info("order_changed_meanwhile", order=order["order_id"])

    # --- helpers -----------------------------------------------------------------------------------------------------

    def _merchant(self, ctx: Context, unit: str) -> dict[str, Any]:
        merchant = store.of_unit(ctx.store, store.MERCHANTS, unit)
        if merchant is None:
            raise problems.unavailable(retry_after=60, detail="no payment terminal is registered for this unit")
        return merchant

    def _provider(self, merchant: dict[str, Any]) -> Provider:
        return Provider(self.kernel.settings.provider_url, merchant["tmn_code"], self._secret())

    def _secret(self) -> bytes:
        path = self.kernel.settings.provider_secret_path
        if path is None:
            raise problems.unavailable(retry_after=60, detail="no payment provider is configured")
        return path.read_bytes().strip()


def _is_desk(actor: Actor, order: Order) -> bool:
    return actor.holds("desk_officer", order["desk"]) or actor.holds("desk_officer", order["unit"])


def _owned(actor: Actor, order: Order | None) -> Order:
    """The order for its owner, and for who filed the dossier for her. Raises Problem 404 for anybody else."""
    if order is None or "citizen" not in actor.roles or not actor.person_id:
        raise problems.not_found()
    mine = actor.person_id == order["owner"]
    if not (mine or (actor.person_id == order["filer"] and filer_may(order["filed_as"], Right.PAY))):
        raise problems.not_found()
    return order


def _known(actor: Actor, order: Order | None) -> Order:
    """The order, for its owner and its desk. Raises Problem 404 for citizens, 403 for officers of other desks."""
    if order is None:
        raise problems.not_found()
    if _is_desk(actor, order):
        return order
    if "desk_officer" in actor.roles:
        raise problems.forbidden("không phải một cửa của bạn / not your desk")
    return _owned(actor, order)


def _shown(order: Order) -> dict[str, Any]:
    state = State(order["state"])
    vi, en = orders.STATE_TEXT[state]
    settled, paper = order["settled"] or {}, order["receipt"] or {}
    told = [attempt["response_code"] for attempt in order["attempts"] if attempt["response_code"]]
    said = vnpay.response_text(told[-1]) if told else (None, None)
    return {
        **order,
        "state_vi": vi,
        "state_en": en,
        "method": settled.get("method"),
        "settled_at": settled.get("at"),
        "settled_late": settled.get("late"),
        "receipt_no": paper.get("receipt_no"),
        "receipt_ready": paper.get("file_id") is not None,
        "last_response": told[-1] if told else None,
        "last_response_vi": said[0],
        "last_response_en": said[1],
    }


def _prepare(kernel: Kernel) -> None:
    if kernel.settings.rehearsal:
        store.seed(kernel.store, kernel.settings.seed_path)


SPEC = RoomSpec(
    name="payment",
    aggregates=[store.ORDERS],
    indexes=store.INDEXES,
    events=schemas.EVENTS,
    migrations=MIGRATIONS,
    on_start=_prepare,
    on_stop=lambda kernel: pool.close(),
    after_restore=restored.after_restore,
)
