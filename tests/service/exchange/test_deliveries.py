"""Rows of what is due, against a real database: none is taken away over a status that came in between."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

import pytest

from deploy.local.system import System
from services.common.store import Document, Store
from services.common.unit import Origin, UnitOfWork
from services.exchange import sync
from services.exchange.delivery import Delivery, due
from services.exchange.service import INDEXES

NOW = datetime(2024, 3, 11, 2, 0, tzinfo=UTC)


class Portal:
    """A portal that is never asked here."""


@pytest.fixture
def store(stores: System) -> Iterator[Store]:
    found = Store(stores.mongo_url("exchange"), application="test")
    found.prepare(INDEXES, ["syncs"], 30)
    yield found
    found.close()


@pytest.fixture
def senders(store: Store) -> Delivery:
    kernel: Any = SimpleNamespace(
        store=store, settings=SimpleNamespace(room="exchange"), now=lambda: NOW, check_event=lambda name, data: data
    )
    return Delivery(kernel, Portal())  # type: ignore[arg-type]


def unit_of(store: Store) -> UnitOfWork:
    origin = Origin(room="exchange", correlation_id="c", causation_id="c", actor_id="service:exchange", now=NOW)
    return UnitOfWork(store, origin, lambda name, data: data)


def status(number: int) -> Document:
    return {"number": number, "status": number, "at": NOW, "event": "test", "event_id": f"e{number}",
            "delivered_at": None}  # fmt: skip


@pytest.fixture
def code(store: Store) -> str:
    """A dossier with everything delivered, whose row of deliveries is still there."""
    code = f"code-{uuid.uuid4().hex}"
    row = sync.new_sync(code) | {"statuses": [status(1)], "delivered": 1}
    unit = unit_of(store)
    unit.insert("syncs", row)
    due(unit, code)
    unit.commit()
    return code


def an_event(store: Store, code: str) -> None:
    """What the room does when an event adds a status."""
    row = store.get("syncs", code)
    assert row is not None
    row["statuses"] = [*row["statuses"], status(len(row["statuses"]) + 1)]
    unit = unit_of(store)
    unit.save("syncs", row)
    due(unit, code)
    unit.commit()


def claim(senders: Delivery, code: str) -> Document | None:
    """The dossier's row, leased to us, as soon as it is free; other rows are left alone by their leases."""
    while (row := senders._claim()) is not None:
        if row["_id"] == code:
            return row
    return None


@pytest.mark.req("SY-02")
def test_a_row_with_nothing_left_is_taken_away(senders: Delivery, store: Store, code: str) -> None:
    row = claim(senders, code)
    assert row is not None
    senders._deliver(row)
    assert store.get("deliveries", code) is None
    an_event(store, code)
    assert claim(senders, code) is not None, "the next status is due again"


@pytest.mark.req("SY-02")
def test_a_status_that_comes_between_look_and_removal_stays_due(
    senders: Delivery, store: Store, code: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    row = claim(senders, code)
    assert row is not None
    found = store.get("syncs", code)
    an_event(store, code)
    monkeypatch.setattr(store, "get", lambda collection, key: found)
    senders._deliver(row)
    monkeypatch.undo()
    assert store.get("deliveries", code) is not None
    assert claim(senders, code) is not None, "at once, not when the lease of the first look ends"
