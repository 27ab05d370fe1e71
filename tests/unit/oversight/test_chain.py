"""The end of the ledger: an event that is there already, and one whose place another has."""

from __future__ import annotations

import json
import uuid
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

import pytest
from prometheus_client import REGISTRY

from services.common.envelope import Event
from services.oversight.chain import Chain
from services.oversight.record import body_of

NOW = datetime(2024, 3, 11, 2, 0, tzinfo=UTC)


def event(**changes: Any) -> Event:
    told: dict[str, Any] = {
        "id": uuid.uuid4().hex, "source": "/motcua/intake", "name": "dossier.filed", "version": 1, "time": NOW,
        "recorded": NOW, "subject": "code", "aggregate_id": "code", "sequence": 1, "correlation_id": "c",
        "causation_id": "c", "actor_id": "a", **changes,
    }  # fmt: skip
    return Event(**told)


def remarks() -> float:
    return REGISTRY.get_sample_value("motcua_ledger_contested_total") or 0.0


@pytest.mark.req("PR-06")
def test_an_event_at_a_place_that_another_has_is_remarked(capfd: pytest.CaptureFixture[str]) -> None:
    entered = event()
    rows = [{"_id": 1, "body": body_of(entered, NOW)}]
    store: Any = SimpleNamespace(find=lambda *_, **__: rows)
    signer: Any = None
    heads: Any = None
    chain = Chain(store, signer, heads)
    before = remarks()
    assert chain.knows(entered)
    for other in (event(sequence=2), event(source="/motcua/postal"), event(aggregate_id="another")):
        assert not chain.knows(other)
    assert remarks() == before
    rival = event(name="dossier.refused")
    assert not chain.knows(rival), "it is entered all the same: the ledger leaves nothing out"
    assert remarks() == before + 1
    said = [json.loads(line) for line in capfd.readouterr().err.splitlines() if "ledger_contested" in line]
    assert [(row["id"], row["others"]) for row in said] == [(rival.id, [entered.id])]
