"""Timers that go through a list: one bad row is not the others', and a database that is away ends the run."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

import pytest
from pymongo.errors import AutoReconnect, DocumentTooLarge

from services.common.problems import unavailable
from services.common.writes import StaleVersion
from services.identity import challenges
from services.identity import store as identity_store
from services.intake import listening
from services.intake import store as intake_store
from services.oversight import service as oversight
from services.postal import service as postal
from services.signing import service as signing

NOW = datetime(2024, 3, 11, 3, 0, tzinfo=UTC)


class Unit:
    """Takes every write."""

    def __getattr__(self, name: str) -> Callable[..., None]:
        return lambda *_, **__: None


class Rows:
    """Three rows; what is done with one is noted, and ends as `faults` says."""

    def __init__(self, faults: dict[str, BaseException]) -> None:
        self.faults = faults
        self.done: list[str] = []

    def take(self, key: str) -> None:
        self.done.append(key)
        if key in self.faults:
            raise self.faults[key]

    def context(self) -> Any:
        rows = [{"_id": key, "code": key, "grants": [], "attempts": 0} for key in "abc"]
        store = SimpleNamespace(find=lambda *_, **__: rows)
        return SimpleNamespace(
            store=store, now=NOW, unit=Unit, kernel=SimpleNamespace(data_key=None), deadline=float("inf")
        )


Run = Callable[[Rows, pytest.MonkeyPatch], None]


def send_codes(rows: Rows, patch: pytest.MonkeyPatch) -> None:
    ctx = rows.context()
    patch.setattr(identity_store, "codes_to_send", lambda *_: ctx.store.find())
    patch.setattr(challenges.secrecy, "key_of", lambda _: SimpleNamespace(open=lambda value, _: value))
    for row in ctx.store.find():
        row |= {"phone": "", "code": ""}
    patch.setattr(challenges, "send", lambda _, row, *__: rows.take(row["_id"]))
    challenges.send_waiting(ctx)


def finish_granted(rows: Rows, patch: pytest.MonkeyPatch) -> None:
    ctx = rows.context()
    patch.setattr(intake_store, "granted_before", lambda *_: ctx.store.find())
    patch.setattr(listening.Listener, "_finish", lambda _, __, row: rows.take(row["_id"]))
    listening.Listener().finish_granted(ctx)


def flag_late(rows: Rows, patch: pytest.MonkeyPatch) -> None:
    patch.setattr(oversight, "tell_lateness", lambda _, row, __: rows.take(row["_id"]))
    oversight.OversightService().flag_late(rows.context())


def recheck(rows: Rows, patch: pytest.MonkeyPatch) -> None:
    patch.setattr(oversight.Reactions, "recheck", lambda _, __, row: rows.take(row["_id"]))
    patch.setattr(oversight.OversightService, "kernel", None)
    oversight.OversightService().recheck(rows.context())


def check_undecided(rows: Rows, patch: pytest.MonkeyPatch) -> None:
    ctx = rows.context()
    patch.setattr(signing, "count_undecided", lambda *_: {})
    patch.setattr(signing, "undecided", lambda *_: ctx.store.find())
    patch.setattr(signing.SigningService, "checker", SimpleNamespace(trust_version=""), raising=False)
    patch.setattr(signing.SigningService, "_check_again", lambda _, __, row, **___: rows.take(row["_id"]))
    signing.SigningService().check_undecided(ctx)


def send_orders(rows: Rows, patch: pytest.MonkeyPatch) -> None:
    patch.setattr(postal.PostalService, "_send", lambda _, __, row: rows.take(row["_id"]))
    postal.PostalService().send_orders(rows.context())


RUNS = [send_codes, finish_granted, flag_late, recheck, check_undecided, send_orders]


@pytest.mark.parametrize("run", RUNS)
@pytest.mark.parametrize("fault", [KeyError("field"), StaleVersion("rows"), DocumentTooLarge("16 MB"), unavailable()])
def test_one_rows_fault_is_not_the_others(run: Run, fault: BaseException, monkeypatch: pytest.MonkeyPatch) -> None:
    rows = Rows({"a": fault})
    run(rows, monkeypatch)
    assert rows.done == ["a", "b", "c"]


@pytest.mark.parametrize("run", RUNS)
def test_a_database_that_is_away_ends_the_run(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    rows = Rows({"b": AutoReconnect("gone")})
    with pytest.raises(AutoReconnect):
        run(rows, monkeypatch)
    assert rows.done == ["a", "b"]
