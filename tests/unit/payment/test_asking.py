"""The timer that asks the provider: one order's trouble is not the others'."""

from __future__ import annotations

import re
from datetime import timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from prometheus_client import generate_latest

from services.payment import service as module
from services.payment import store
from services.payment.adapters.provider import ProviderUnavailable, UnreadableAnswer
from services.payment.order import ASK_AGAIN, Order
from services.payment.service import PaymentService
from tests.unit.payment.test_order import NOW, order

LATER = NOW + timedelta(minutes=25)


class Unit:
    """Keeps what is saved when it is committed."""

    def __init__(self, kept: dict[str, Order]) -> None:
        self.kept, self.saved = kept, []  # type: ignore[var-annotated]

    def save(self, collection: str, document: Order) -> None:
        self.saved.append(document)

    def commit(self) -> None:
        self.kept.update({document["_id"]: document for document in self.saved})


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> Any:
    """`asked(*outcomes)`: runs the timer over one order for each; an exception is what its question ends with."""

    def run(*outcomes: Any) -> list[bool]:
        kept = {}
        for number in range(len(outcomes)):
            made = order() | {"_id": f"o{number}", "order_id": f"o{number}", "ask_at": NOW}
            made["attempts"][0]["txn_ref"] = f"TX{number}"
            kept[made["_id"]] = made

        class Provider:
            def query(self, txn_ref: str, **_: Any) -> None:
                outcome = outcomes[int(txn_ref.removeprefix("TX"))]
                if outcome is not None:
                    raise outcome

        service = PaymentService()
        monkeypatch.setattr(service, "_merchant", lambda ctx, unit: {}, raising=False)
        monkeypatch.setattr(service, "_provider", lambda merchant: Provider(), raising=False)
        monkeypatch.setattr(module.store, "to_ask", lambda *_: [dict(kept[key]) for key in sorted(kept)])
        monkeypatch.setattr(module.store, "count_open", lambda _: len(kept))
        rows = SimpleNamespace(get=lambda collection, key: dict(kept[key]))
        ctx: Any = SimpleNamespace(now=LATER, store=rows, unit=lambda: Unit(kept))
        service.ask_provider(ctx)
        return [kept[key]["ask_at"] == LATER + ASK_AGAIN for key in sorted(kept)]

    return run


@pytest.mark.req("X-25")
def test_an_unreadable_answer_or_a_fault_stops_only_its_own_order(asked: Any) -> None:
    assert asked(UnreadableAnswer("unsigned"), None, KeyError("fault"), None) == [True] * 4


@pytest.mark.req("X-25")
def test_a_provider_that_is_away_ends_the_run_and_the_next_begins_with_another_order(asked: Any) -> None:
    assert asked(None, ProviderUnavailable("away"), None) == [True, True, False]


def test_the_store_gives_the_longest_waiting_first() -> None:
    said: list[Any] = []
    rows: Any = SimpleNamespace(find=lambda *args, **options: said.append((args, options)) or [])
    store.to_ask(rows, NOW, 5)
    assert said == [((store.ORDERS, {"ask_at": {"$lte": NOW}}), {"sort": [("ask_at", 1)], "limit": 5})]


def questions() -> dict[str, float]:
    text = generate_latest().decode()
    return {
        o: float(n) for o, n in re.findall(r'^motcua_payment_questions_total\{outcome="(\w+)"\} (\S+)$', text, re.M)
    }


def test_each_question_is_counted_by_its_outcome(asked) -> None:
    before = questions()
    asked(UnreadableAnswer("unsigned"), None, KeyError("fault"), ProviderUnavailable("away"))
    grown = {outcome: count - before[outcome] for outcome, count in questions().items() if count != before[outcome]}
    assert grown == {"refused": 1, "unknown": 1, "fault": 1, "unavailable": 1}
