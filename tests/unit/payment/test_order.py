"""Orders: the table, row by row; attempts; the one way in for what the provider says."""

from datetime import UTC, datetime, timedelta
from itertools import permutations, product
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.common.problems import Problem
from services.payment import order as orders
from services.payment.order import OPEN, TRANSITIONS, Command, Moment, Order, Row, State
from services.payment.schemas import EVENTS
from services.payment.vnpay import Notice, Outcome

NOW = datetime(2024, 3, 11, 2, 0, tzinfo=UTC)
CODE = "000.05.07.H57-240311-0001"
FEE = {"mode": "thu_sau", "amount": 20_000, "items": [{"item": "phi-ban-sao", "amount": 20_000}]}


def order(state: State = State.DUE, attempts: int = 1) -> Order:
    made = orders.make(
        code=CODE, moment=Moment.AFTER, owner="person-an", unit="000.05.07.H57", desk="000.05.07.H57",
        procedure="9.000001", fee=FEE, at=NOW,
    )  # fmt: skip
    for _ in range(attempts):
        orders.begin_attempt(made, txn_ref=orders.next_reference(made), url="https://x", qr=None, at=NOW)
    made["state"] = state.value
    return made


def notice(made: Order, outcome: Outcome = Outcome.PAID, attempt: int = 0, **changes: Any) -> Notice:
    values: dict[str, Any] = {
        "txn_ref": made["attempts"][attempt]["txn_ref"],
        "amount_vnd": 20_000,
        "outcome": outcome,
        "response_code": {Outcome.PAID: "00", Outcome.FAILED: "24", Outcome.HELD: "07"}[outcome],
        "transaction_status": "00",
        "transaction_no": "14000001",
        "bank_code": "NCB",
        **changes,
    }
    return Notice(**values)


_OUTCOMES = {Command.PAID: Outcome.PAID, Command.FAIL: Outcome.FAILED, Command.HOLD: Outcome.HELD}


def take(made: Order, command: Command) -> Row | None:
    if command is Command.CASH:
        return orders.pay_cash(made, made["amount"], by="account-desk", at=NOW)
    if command is Command.CLOSE:
        return orders.close(made, "withdrawn", NOW)
    return orders.confirm(made, notice(made, _OUTCOMES[command]), source="ipn", at=NOW)


@pytest.mark.parametrize("row", [r for r in TRANSITIONS if r.source], ids=lambda r: f"{r.source}-{r.command}")
def test_each_row_is_taken_as_written(row: Row) -> None:
    assert row.source is not None
    made = order(row.source)
    assert take(made, row.command) is row
    assert made["state"] == row.target
    assert row.event in EVENTS


def test_the_table_has_one_row_a_state_and_command() -> None:
    pairs = [(row.source, row.command) for row in TRANSITIONS]
    assert len(set(pairs)) == len(pairs)


@pytest.mark.req("PY-11")
@pytest.mark.parametrize("state", [s for s in State if s not in (State.DUE, State.FAILED)])
def test_cash_is_taken_only_for_what_is_to_be_paid(state: State) -> None:
    with pytest.raises(Problem) as refused:
        take(order(state), Command.CASH)
    assert (refused.value.status, refused.value.rule) == (409, "PY-11")
    with pytest.raises(Problem):
        orders.refuse_unless_payable(order(state))


@pytest.mark.req("PY-11")
@pytest.mark.parametrize("amount", [19_999, 20_001, 40_000])
def test_cash_is_the_exact_amount(amount: int) -> None:
    made = order()
    with pytest.raises(Problem) as refused:
        orders.pay_cash(made, amount, by="account-desk", at=NOW)
    assert (refused.value.status, made["state"], made["settled"]) == (422, "DUE", None)
    assert "20000 đồng" in refused.value.errors[0]["message_vi"]


@pytest.mark.req("PY-11", "X-25")
@pytest.mark.parametrize("outcome", list(Outcome))
def test_an_identical_message_is_no_news(outcome: Outcome) -> None:
    made = order()
    assert not orders.view(made, notice(made, outcome)).confirmed
    assert orders.confirm(made, notice(made, outcome), source="ipn", at=NOW) is not None
    before = repr(made)
    assert orders.view(made, notice(made, outcome)).confirmed
    assert orders.confirm(made, notice(made, outcome), source="query", at=NOW) is None
    assert repr(made) == before


@pytest.mark.req("X-25")
@pytest.mark.parametrize("first", [Outcome.FAILED, Outcome.HELD])
def test_a_late_success_after_a_failure_settles_and_is_noted(first: Outcome) -> None:
    made = order()
    orders.confirm(made, notice(made, first), source="ipn", at=NOW)
    row = orders.confirm(made, notice(made), source="query", at=NOW + timedelta(days=1))
    assert row is not None
    assert (row.event, made["state"], made["settled"]["late"]) == ("payment.settled", "SETTLED", True)


def test_a_success_after_the_page_expired_settles_and_is_noted() -> None:
    made = order()
    at = made["attempts"][0]["expires_at"]
    orders.confirm(made, notice(made), source="ipn", at=at)
    assert (made["state"], made["settled"]["late"]) == ("SETTLED", True)
    in_time = order()
    orders.confirm(in_time, notice(in_time), source="ipn", at=at - timedelta(seconds=1))
    assert in_time["settled"]["late"] is False


def test_what_was_paid_is_never_unpaid() -> None:
    made = order()
    orders.confirm(made, notice(made), source="ipn", at=NOW)
    for outcome in (Outcome.FAILED, Outcome.HELD):
        assert orders.confirm(made, notice(made, outcome), source="ipn", at=NOW) is None
    assert made["state"] == "SETTLED"


@pytest.mark.req("PY-11")
def test_a_second_attempt_that_is_also_paid_is_an_overpayment() -> None:
    made = order(attempts=2)
    orders.confirm(made, notice(made, attempt=1), source="ipn", at=NOW)
    row = orders.confirm(made, notice(made, attempt=0), source="ipn", at=NOW)
    assert row is not None
    assert (row.event, made["state"]) == ("payment.overpaid", "SETTLED")
    assert made["settled"]["txn_ref"] == made["attempts"][1]["txn_ref"]
    assert [extra["txn_ref"] for extra in made["overpaid"]] == [made["attempts"][0]["txn_ref"]]


def test_refusal_or_withdrawal_cancels_what_is_open_and_refunds_what_was_paid() -> None:
    unpaid, paid = order(), order(State.SETTLED)
    assert orders.close(unpaid, "refused", NOW).event == "payment.cancelled"  # type: ignore[union-attr]
    assert orders.close(paid, "withdrawn", NOW).event == "payment.refunded"  # type: ignore[union-attr]
    assert orders.close(unpaid, "refused", NOW) is None
    # money that comes after all goes back too
    row = orders.confirm(unpaid, notice(unpaid), source="ipn", at=NOW)
    assert row is not None
    assert (row.event, unpaid["state"]) == ("payment.refunded", "REFUND")


@pytest.mark.req("PY-11")
@given(st.lists(st.tuples(st.integers(0, 2), st.sampled_from(list(Outcome))), max_size=20))
def test_any_stream_of_messages_settles_at_most_once(messages: list[tuple[int, Outcome]]) -> None:
    made = order(attempts=3)
    settled = overpaid = 0
    for attempt, outcome in messages:
        row = orders.confirm(made, notice(made, outcome, attempt), source="ipn", at=NOW)
        settled += row is not None and row.event == "payment.settled"
        overpaid += row is not None and row.event == "payment.overpaid"
    paid = {attempt for attempt, outcome in messages if outcome is Outcome.PAID}
    assert settled == (1 if paid else 0)
    assert overpaid == max(len(paid) - 1, 0) == len(made["overpaid"])
    assert (made["state"] == "SETTLED") == bool(paid)


def test_the_order_of_messages_does_not_change_what_is_paid() -> None:
    for order_of in permutations([(0, Outcome.FAILED), (0, Outcome.PAID), (1, Outcome.HELD)]):
        made = order(attempts=2)
        for attempt, outcome in order_of:
            orders.confirm(made, notice(made, outcome, attempt), source="ipn", at=NOW)
        assert made["state"] == "SETTLED"


# --- attempts and questions ------------------------------------------------------------------------------------------


def test_an_open_page_is_given_again_and_an_expired_one_is_not() -> None:
    made = order()
    attempt = made["attempts"][0]
    assert orders.live_attempt(made, NOW) is attempt
    assert orders.live_attempt(made, attempt["expires_at"]) is None
    orders.confirm(made, notice(made, Outcome.FAILED), source="ipn", at=NOW)
    assert orders.live_attempt(made, NOW) is None
    assert orders.live_attempt(order(attempts=0), NOW) is None


def test_references_are_unique_and_fit_a_qr_purpose() -> None:
    made = order(attempts=30)
    references = {attempt["txn_ref"] for attempt in made["attempts"]}
    assert len(references) == 30
    assert all(ref.isascii() and ref.isalnum() and len(ref) <= 25 for ref in references)


def test_the_provider_is_asked_until_everything_is_final() -> None:
    made = order(attempts=2)
    assert made["ask_at"] == NOW + orders.ASK_AFTER
    assert len(orders.to_ask(made)) == 2
    orders.confirm(made, notice(made, Outcome.FAILED, 0), source="ipn", at=NOW)
    assert [a["txn_ref"] for a in orders.to_ask(made)] == [made["attempts"][1]["txn_ref"]]
    orders.ask_later(made, NOW)
    assert made["ask_at"] == NOW + orders.ASK_AGAIN
    orders.ask_later(made, NOW + orders.ASK_UNTIL + timedelta(seconds=1))
    assert made["ask_at"] is None
    orders.confirm(made, notice(made, Outcome.PAID, 1), source="query", at=NOW)
    assert (made["ask_at"], orders.to_ask(made)) == (None, [])


@pytest.mark.req("X-25")
def test_a_payment_in_doubt_is_asked_about_until_it_is_decided_and_freed_by_the_provider_alone() -> None:
    made = order()
    [attempt] = made["attempts"]
    orders.confirm(made, notice(made, Outcome.HELD, 0), source="ipn", at=NOW)
    late = NOW + timedelta(days=40)
    orders.ask_later(made, late)
    assert made["ask_at"] == late + orders.ASK_HELD
    assert orders.word_of_nothing(made, attempt, attempt["expires_at"] - timedelta(seconds=1)) is None, "page is open"
    word = orders.word_of_nothing(made, attempt, late)
    assert word is not None
    row = orders.confirm(made, word, source="query", at=late)
    assert row is not None
    assert (row.event, made["state"], made["ask_at"]) == ("payment.failed", "FAILED", None)
    orders.refuse_unless_payable(made)
    assert orders.confirm(made, notice(made, Outcome.PAID, 0), source="ipn", at=late).event == "payment.settled"  # type: ignore[union-attr]


def test_an_attempt_that_is_in_no_doubt_is_left_alone_when_the_provider_knows_it_not() -> None:
    made = order()
    assert orders.word_of_nothing(made, made["attempts"][0], NOW + timedelta(days=1)) is None


@pytest.mark.req("RT-10")
@pytest.mark.parametrize("states", list(product(State, repeat=2)))
def test_due_is_what_is_open(states: tuple[State, State]) -> None:
    owed, amount = orders.due([order(state) for state in states])
    expected = 20_000 * sum(state in OPEN for state in states)
    assert (owed, amount) == (expected > 0, expected)


@pytest.mark.parametrize(
    ("fee", "moment", "charged"),
    [
        (FEE, Moment.AFTER, True),
        (FEE, Moment.BEFORE, False),
        ({"mode": "thu_truoc", "amount": 5_000}, Moment.BEFORE, True),
        ({"mode": "thu_sau", "amount": 0}, Moment.AFTER, False),
        ({"mode": "khong_thu", "amount": 0}, Moment.AFTER, False),
        (None, Moment.AFTER, False),
    ],
)
def test_a_fee_is_ordered_at_its_own_moment(fee: dict[str, Any] | None, moment: Moment, charged: bool) -> None:
    assert orders.is_charged(fee, moment) is charged


@pytest.mark.req("PY-11")
def test_an_order_of_a_dossier_and_moment_has_one_id() -> None:
    assert orders.order_id(CODE, Moment.AFTER) == order()["_id"]
    assert orders.order_id(CODE, Moment.AFTER) != orders.order_id(CODE, Moment.BEFORE)


def test_the_readme_shows_the_table() -> None:
    readme = Path(orders.__file__).with_name("README.md").read_text(encoding="utf-8")
    assert orders.diagram() in readme
