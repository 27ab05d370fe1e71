"""Leases of deliveries, by the database's time."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest

from deploy.local.system import System
from services.common.store import Store
from services.notifier import store as claims


@pytest.fixture
def store(stores: System) -> Iterator[Store]:
    found = Store(stores.mongo_url("notifier"), application="test")
    found.prepare(claims.INDEXES, claims.AGGREGATES, 30)
    found.collection("notices").delete_many({})
    yield found
    found.close()


def waiting(store: Store) -> str:
    key = uuid.uuid4().hex
    store.collection("notices").insert_one(
        {"_id": key, "state": "waiting", "version": 1, "next_try_at": datetime(2024, 1, 1, tzinfo=UTC)}
    )
    return key


def test_a_claim_is_renewed_by_its_holder_only(store: Store) -> None:
    key = waiting(store)
    mine = claims.claim_delivery(store)
    assert mine is not None
    assert claims.claim_delivery(store) is None
    earlier = datetime.now(UTC) + timedelta(seconds=2)
    store.collection("notices").update_one({"_id": key}, {"$set": {"next_try_at": earlier}})
    assert claims.renew_claim(store, mine)
    row = store.get("notices", key)
    assert row is not None
    assert row["next_try_at"] > earlier + timedelta(seconds=5)
    store.collection("notices").update_one({"_id": key}, {"$set": {"next_try_at": datetime(2024, 1, 1, tzinfo=UTC)}})
    other = claims.claim_delivery(store)
    assert other is not None
    assert not claims.renew_claim(store, mine), "it ran out and somebody else has it"
    assert claims.renew_claim(store, other)


def test_the_lease_of_a_process_that_died_is_short() -> None:
    assert claims.LEASE <= 15_000
