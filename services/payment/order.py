"""A payment order: one fee of one dossier, ordered once, and everything that was tried to pay it.

The state machine is TRANSITIONS. Every way in (the provider's message, its signed answer to our question, cash at the
desk) ends in `confirm` or `pay_cash`; nothing else changes a state (X-25). A failure is never final: a later success of
the same attempt, or of another, is accepted and noted; one that comes twice is kept as an overpayment, and no second
receipt is made (PY-11). Pure; orders are plain dicts as they are stored, `at` is an argument.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from services.common.filed_as import FiledAs
from services.common.problems import conflict, field_error, invalid
from services.common.rules import rule
from services.payment.vnpay import Notice, OrderView, Outcome

Order = dict[str, Any]
Attempt = dict[str, Any]

_S4 = "QĐ 08/2025/QĐ-UBND"
MINUTES_TO_PAY = 15
#: The provider is asked about an attempt that told nothing: first after it expired, then again for three days; a
#: payment in doubt is asked about until it is decided.
ASK_AFTER = timedelta(minutes=20)
ASK_AGAIN = timedelta(minutes=30)
ASK_UNTIL = timedelta(days=3)
ASK_HELD = timedelta(days=1)
NO_TRANSACTION = "91"  # the provider's code for a reference that it does not know


class State(StrEnum):
    """Where an order stands. HELD: money may have been taken, a person or a later message decides."""

    DUE = "DUE"
    FAILED = "FAILED"
    HELD = "HELD"
    SETTLED = "SETTLED"
    CANCELLED = "CANCELLED"
    REFUND = "REFUND"


#: Still to be paid: a result is held back by these (RT-10).
OPEN = frozenset({State.DUE, State.FAILED, State.HELD})

STATE_TEXT: dict[State, tuple[str, str]] = {
    State.DUE: ("Chờ nộp", "To be paid"),
    State.FAILED: ("Lần nộp gần nhất không thành công", "The last attempt failed"),
    State.HELD: ("Đang chờ xác minh giao dịch", "The transaction is being verified"),
    State.SETTLED: ("Đã nộp", "Paid"),
    State.CANCELLED: ("Đã hủy", "Cancelled"),
    State.REFUND: ("Hoàn phí", "To be refunded"),
}


class Moment(StrEnum):
    """When a procedure's fee is charged; an order is made once for each."""

    BEFORE = "thu_truoc"
    AFTER = "thu_sau"


class Command(StrEnum):
    """What may happen to an order."""

    ORDER = "order"
    PAID = "paid"
    FAIL = "fail"
    HOLD = "hold"
    CASH = "cash"
    CLOSE = "close"


@dataclass(frozen=True, slots=True)
class Row:
    """One transition: from, command, to, event."""

    source: State | None
    command: Command
    target: State
    event: str


_S, _C = State, Command

TRANSITIONS: tuple[Row, ...] = (
    Row(None, _C.ORDER, _S.DUE, "payment.ordered"),
    *(Row(s, _C.PAID, _S.SETTLED, "payment.settled") for s in (_S.DUE, _S.FAILED, _S.HELD)),
    *(Row(s, _C.FAIL, _S.FAILED, "payment.failed") for s in (_S.DUE, _S.FAILED, _S.HELD)),
    *(Row(s, _C.HOLD, _S.HELD, "payment.held") for s in (_S.DUE, _S.FAILED, _S.HELD)),
    # Not while HELD: the same fee would perhaps be taken twice.
    *(Row(s, _C.CASH, _S.SETTLED, "payment.settled") for s in (_S.DUE, _S.FAILED)),
    *(Row(s, _C.CLOSE, _S.CANCELLED, "payment.cancelled") for s in (_S.DUE, _S.FAILED, _S.HELD)),
    Row(_S.SETTLED, _C.CLOSE, _S.REFUND, "payment.refunded"),
    # Another attempt's money for an order that is paid, or that nobody owes any more.
    Row(_S.SETTLED, _C.PAID, _S.SETTLED, "payment.overpaid"),
    Row(_S.REFUND, _C.PAID, _S.REFUND, "payment.overpaid"),
    Row(_S.CANCELLED, _C.PAID, _S.REFUND, "payment.refunded"),
    *(
        Row(s, command, s, "payment.attempt_ended")
        for s in (_S.SETTLED, _S.CANCELLED, _S.REFUND)
        for command in (_C.FAIL, _C.HOLD)
    ),
)
_ROWS = {(row.source, row.command): row for row in TRANSITIONS}
_OF_OUTCOME = {Outcome.PAID: _C.PAID, Outcome.FAILED: _C.FAIL, Outcome.HELD: _C.HOLD}


def transition(order: Order, command: Command) -> Row:
    """The row that a command takes. Raises Problem 409."""
    state = State(order["state"])
    row = _ROWS.get((state, command))
    if row is None:
        vi, en = STATE_TEXT[state]
        raise conflict(
            f"Không thực hiện được: {vi.lower()}", f"Not possible: {en.lower()}", rule="PY-11", citation=f"{_S4} Đ4.3",
            extra={"state": state.value},
        )  # fmt: skip
    return row


def order_id(code: str, moment: Moment) -> str:
    """The one id of a dossier's order for that moment."""
    return hashlib.sha256(f"{code}\x00{moment.value}".encode()).hexdigest()[:24]


@rule("PY-11", title="Mỗi khoản thu của hồ sơ chỉ lập một lần", cites=f"{_S4} Đ4.3")
def make(
    *, code: str, moment: Moment, owner: str, unit: str, desk: str, procedure: str, fee: Mapping[str, Any],
    at: datetime, filer: str | None = None, filed_as: str = FiledAs.SELF,
) -> Order:  # fmt: skip
    """A new order for a fee as the event told it; amounts in whole đồng. `filer`: where it is not the owner."""
    identity = order_id(code, moment)
    return {
        "_id": identity,
        "order_id": identity,
        "code": code,
        "moment": moment.value,
        "owner": owner,
        "filer": filer or owner,
        "filed_as": str(filed_as),
        "unit": unit,
        "desk": desk,
        "procedure": procedure,
        "amount": int(fee["amount"]),
        "items": [dict(item) for item in fee.get("items") or ()],
        "state": State.DUE.value,
        "ordered_at": at,
        "attempts": [],
        "settled": None,
        "receipt": None,
        "closed": None,
        "overpaid": [],
        "ask_at": None,
        "log": [{"at": at, "what": Command.ORDER.value}],
    }


def is_charged(fee: Mapping[str, Any] | None, moment: Moment) -> bool:
    """Whether a fee is to be ordered at that moment."""
    return fee is not None and fee.get("mode") == moment.value and int(fee.get("amount") or 0) > 0


# --- attempts --------------------------------------------------------------------------------------------------------


def live_attempt(order: Order, at: datetime) -> Attempt | None:
    """The attempt whose payment page is still open: it is given again instead of a second one."""
    newest: Attempt | None = order["attempts"][-1] if order["attempts"] else None
    return newest if newest and newest["outcome"] is None and at < newest["expires_at"] else None


def refuse_unless_payable(order: Order) -> None:
    """Raises Problem 409 when the order is not to be paid now."""
    if State(order["state"]) not in (State.DUE, State.FAILED):
        transition(order, Command.CASH)


def next_reference(order: Order) -> str:
    """A reference that no other attempt of any order has: ASCII, 18 characters."""
    return f"{order['order_id'][:16].upper()}{len(order['attempts']) + 1:02d}"


def begin_attempt(order: Order, *, txn_ref: str, url: str, qr: str | None, at: datetime) -> Attempt:
    """Remember a payment page that is handed out."""
    attempt: Attempt = {
        "txn_ref": txn_ref,
        "created_at": at,
        "expires_at": at + timedelta(minutes=MINUTES_TO_PAY),
        "url": url,
        "qr": qr,
        "outcome": None,
        "response_code": None,
        "transaction_no": None,
        "bank_code": None,
        "confirmed_at": None,
        "source": None,
    }
    order["attempts"].append(attempt)
    order["ask_at"] = at + ASK_AFTER
    return attempt


def attempt_of(order: Order, txn_ref: str) -> Attempt:
    """The attempt with this reference. Raises KeyError."""
    for attempt in order["attempts"]:
        if attempt["txn_ref"] == txn_ref:
            found: Attempt = attempt
            return found
    raise KeyError(txn_ref)


def view(order: Order, notice: Notice) -> OrderView:
    """What the answer to a notice needs to know.

    Confirmed is an attempt that was paid, or that has this outcome already: a success after a failure or a doubt is
    news, whatever the failure said.
    """
    attempt = attempt_of(order, notice.txn_ref)
    known = attempt["outcome"]
    return OrderView(order["amount"], known == Outcome.PAID or known == notice.outcome)


@rule("X-25", title="Mọi đường vào qua một bước xác nhận duy nhất", cites=f"{_S4} Đ12.2")
@rule("PY-11", title="Thông báo lặp không tạo biên lai thứ hai", cites=f"{_S4} Đ4.3")
def confirm(order: Order, notice: Notice, *, source: str, at: datetime) -> Row | None:
    """Take a signed outcome of one attempt; None when it is no news. `source`: ipn or query.

    The caller has compared the amount. Raises KeyError for an unknown reference.
    """
    if view(order, notice).confirmed:
        return None
    attempt = attempt_of(order, notice.txn_ref)
    row = transition(order, _OF_OUTCOME[notice.outcome])
    late = attempt["outcome"] is not None or at >= attempt["expires_at"]
    attempt.update(
        outcome=notice.outcome.value,
        response_code=notice.response_code,
        transaction_no=notice.transaction_no,
        bank_code=notice.bank_code,
        confirmed_at=at,
        source=source,
    )
    taken = {"txn_ref": notice.txn_ref, "transaction_no": notice.transaction_no}
    if row.event == "payment.settled":
        _settle(order, method="vnpay", late=late, at=at, **taken)
    elif row.event == "payment.overpaid":
        order["overpaid"].append({"at": at, "amount": order["amount"], **taken})
    elif row.event == "payment.refunded":
        _settle(order, method="vnpay", late=True, at=at, **taken)
    order["state"] = row.target.value
    order["log"].append(
        {"at": at, "what": row.command.value, "txn_ref": notice.txn_ref, "source": source, "late": late}
    )
    if all(a["outcome"] in (Outcome.PAID, Outcome.FAILED) for a in order["attempts"]):
        order["ask_at"] = None
    return row


def _settle(order: Order, *, method: str, late: bool, at: datetime, **more: Any) -> None:
    order["settled"] = {"at": at, "method": method, "late": late, **more}


def pay_cash(order: Order, amount: int, *, by: str, at: datetime) -> Row:
    """Money handed over at the desk. Raises Problem 422 unless it is exact, 409 when nothing is to be paid."""
    row = transition(order, Command.CASH)
    if amount != order["amount"]:
        raise invalid(
            field_error(
                "amount", f"Khoản phải nộp là {order['amount']} đồng", f"What is due is {order['amount']} đồng", "PY-11"
            ),
            citation=f"{_S4} Đ4.3",
        )
    _settle(order, method="cash", late=False, at=at, officer=by)
    order["state"] = row.target.value
    order["log"].append({"at": at, "what": Command.CASH.value, "officer": by})
    return row


def close(order: Order, why: str, at: datetime) -> Row | None:
    """The dossier was refused or withdrawn: nothing more is owed, what was paid is to be refunded. None if it was."""
    if State(order["state"]) in (State.CANCELLED, State.REFUND):
        return None
    row = transition(order, Command.CLOSE)
    order["closed"] = {"why": why, "at": at}
    order["state"] = row.target.value
    order["log"].append({"at": at, "what": Command.CLOSE.value, "why": why})
    return row


# --- questions to the provider ---------------------------------------------------------------------------------------


def to_ask(order: Order) -> list[Attempt]:
    """Attempts without a final outcome, whose state at the provider is worth a question."""
    return [attempt for attempt in order["attempts"] if attempt["outcome"] in (None, Outcome.HELD)]


def ask_later(order: Order, at: datetime) -> None:
    """When to ask again: never, once everything is final or nothing was heard for three days; daily while one is held,
    because until the provider decides nobody can pay the order in another way."""
    open_attempts = to_ask(order)
    newest = max((attempt["created_at"] for attempt in open_attempts), default=None)
    if newest is None:
        order["ask_at"] = None
    elif at - newest <= ASK_UNTIL:
        order["ask_at"] = at + ASK_AGAIN
    else:
        order["ask_at"] = at + ASK_HELD if order["state"] == State.HELD else None


def word_of_nothing(order: Order, attempt: Attempt, at: datetime) -> Notice | None:
    """What it means that the provider knows no transaction of an attempt. Nothing, unless we hold it and its page has
    closed: then no money is in doubt, and the order may be paid again. A success that comes after all is taken (late).
    """
    if attempt["outcome"] != Outcome.HELD or at < attempt["expires_at"]:
        return None
    return Notice(attempt["txn_ref"], order["amount"], Outcome.FAILED, NO_TRANSACTION, "", "", "")


@rule("RT-10", title="Khoản đến hạn chưa nộp", cites=f"{_S4} Đ10.4")
def due(orders: Sequence[Order]) -> tuple[bool, int]:
    """Whether something of a dossier is still to be paid, and how much, in đồng."""
    amount = sum(order["amount"] for order in orders if State(order["state"]) in OPEN)
    return amount > 0, amount


def diagram() -> str:
    """The table as a Mermaid state diagram, for the README."""
    lines = ["stateDiagram-v2"]
    for row in TRANSITIONS:
        source = row.source.value if row.source else "[*]"
        lines.append(f"    {source} --> {row.target.value}: {row.command.value} / {row.event}")
    return "\n".join(lines)
