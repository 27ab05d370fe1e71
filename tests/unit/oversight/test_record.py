from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.common.envelope import Event
from services.oversight.ledger import append, canonical
from services.oversight.record import WITHHELD, body_of, safe

NOW = datetime(2024, 3, 11, 2, 0, tzinfo=UTC)


def event(data: dict[str, Any]) -> Event:
    return Event(
        id="e", source="/motcua/intake", name="dossier.filed", version=1, time=NOW, recorded=datetime.now(UTC),
        subject="c", aggregate_id="c", sequence=1, correlation_id="x", causation_id="y", actor_id="acc", data=data,
    )  # fmt: skip


@pytest.mark.req("PR-06")
def test_both_times_the_order_and_the_actor_are_kept() -> None:
    body = body_of(event({"code": "c"}), datetime.now(UTC))
    assert body["time"] == "2024-03-11T02:00:00.000Z"
    assert body["told_at"] > "2026"
    assert (body["sequence"], body["actor_id"], body["type"]) == (1, "acc", "vn.motcua.dossier.filed.v1")


@pytest.mark.req("X-26")
def test_a_persons_data_is_withheld_however_deep_it_lies() -> None:
    kept = safe({"a": [{"full_name": "Nguyễn Thị An", "phone": "0914000123"}], "name": "Kết quả", "email": None})
    assert kept == {"a": [{"full_name": WITHHELD, "phone": WITHHELD}], "name": "Kết quả", "email": None}


def test_what_the_database_has_no_place_for_is_kept_as_text() -> None:
    kept = safe({"n": 2**63, "m": -(2**63), "k\x00": True})
    assert kept == {"n": "9223372036854775808", "m": -(2**63), "k\\0": True}


plain = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=20,
)


@given(st.dictionaries(st.text(), plain, max_size=5))
def test_whatever_an_event_carries_has_one_spelling_in_the_ledger(data: dict[str, Any]) -> None:
    body = body_of(event(data), NOW)
    entry = append(None, body, "oversight-1", lambda message: message)
    assert canonical(entry.body) == canonical(body)
