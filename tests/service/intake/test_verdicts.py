"""Verdicts of one file that come at the same moment: the newest check stays, whichever is written last."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest

from services.common.store import Index, Store
from services.common.unit import Origin, UnitOfWork
from services.common.writes import StaleVersion
from services.intake import store
from services.intake.listening import Listener

FIRST = datetime(2024, 3, 11, 2, 0, tzinfo=UTC)


@pytest.fixture(scope="module")
def kept(stores: Any) -> Iterator[Store]:
    own = Store(stores.mongo_url("intake"), application="verdicts")
    own.collection(store.VERDICTS).create_index(Index(store.VERDICTS, [("_id", 1)]).keys)
    yield own
    own.collection(store.VERDICTS).drop()
    own.close()


class Context:
    """A handler's context; `meanwhile` happens between its look and its commit."""

    def __init__(self, kept: Store, meanwhile: Any = None) -> None:
        self.store, self._meanwhile = kept, meanwhile

    def unit(self) -> UnitOfWork:
        return UnitOfWork(self.store, Origin("intake", "corr", "cause", "acc-1", FIRST), lambda name, data: data)

    def commit(self, unit: UnitOfWork) -> None:
        if self._meanwhile is not None:
            self._meanwhile()
        unit.commit()


def checked(kept: Store, file_id: str, verdict: str, minutes: int, meanwhile: Any = None) -> None:
    event: Any = SimpleNamespace(recorded=FIRST + timedelta(minutes=minutes))
    data = {"file_id": file_id, "sha256": "0" * 64, "verdict": verdict, "report_id": f"r{minutes}"}
    ctx: Any = Context(kept, meanwhile)
    Listener().on_checked(ctx, event, data)


@pytest.mark.req("X-22")
@pytest.mark.parametrize("known", [False, True])
def test_an_older_verdict_does_not_overwrite_a_newer_one(kept: Store, known: bool) -> None:
    file_id = uuid.uuid4().hex
    if known:
        checked(kept, file_id, "INDETERMINATE", 0)

    def newer() -> None:
        checked(kept, file_id, "TOTAL_PASSED", 2)

    with pytest.raises(StaleVersion):  # the kernel runs the handler again
        checked(kept, file_id, "INDETERMINATE", 1, meanwhile=newer)
    checked(kept, file_id, "INDETERMINATE", 1)
    row = kept.get(store.VERDICTS, file_id)
    assert row and (row["verdict"], row["report_id"]) == ("TOTAL_PASSED", "r2")


@pytest.mark.req("X-22")
def test_a_newer_verdict_takes_the_place_of_an_older_one(kept: Store) -> None:
    file_id = uuid.uuid4().hex
    checked(kept, file_id, "INDETERMINATE", 0)
    checked(kept, file_id, "TOTAL_PASSED", 1)
    row = kept.get(store.VERDICTS, file_id)
    assert row and row["verdict"] == "TOTAL_PASSED"
