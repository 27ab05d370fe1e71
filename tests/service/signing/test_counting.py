"""What is counted as open, against a real database: what an operator can end, apart from what may stay for good."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest

from deploy.local.system import System
from services.common.store import Store
from services.signing.store import AGGREGATES, INDEXES, count_undecided

NOW = datetime(2024, 3, 11, 2, 0, tzinfo=UTC)


@pytest.fixture
def store(stores: System) -> Iterator[Store]:
    found = Store(stores.mongo_url("signing"), application="test")
    found.prepare(INDEXES, AGGREGATES, 30)
    found.collection("files").delete_many({})
    yield found
    found.collection("files").delete_many({})
    found.close()


@pytest.mark.req("SG-07")
def test_only_what_fresh_revocation_data_would_decide_is_counted_as_waiting(store: Store) -> None:
    assert count_undecided(store, NOW) == {"revocation_data": 0, "other": 0}
    kinds = [
        ("INDETERMINATE", "no_revocation_data", 0),
        ("INDETERMINATE", "no_revocation_data", 6),
        ("INDETERMINATE", "no_revocation_data", 8),  # its authority gives none out any more
        ("INDETERMINATE", "no_chain", 0),
        ("INDETERMINATE", "limit", 0),
        ("TOTAL_PASSED", "passed", 0),
        ("TOTAL_FAILED", "revoked", 0),
    ]
    store.collection("files").insert_many(
        {"_id": str(n), "verdict": verdict, "code": code, "received_at": NOW - timedelta(days=days)}
        for n, (verdict, code, days) in enumerate(kinds)
    )
    assert count_undecided(store, NOW) == {"revocation_data": 2, "other": 3}
    assert count_undecided(store, NOW + timedelta(days=7)) == {"revocation_data": 0, "other": 5}
