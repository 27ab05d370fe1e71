"""Cursors: every row once and in order, whatever values repeat; what is none of ours is refused."""

from __future__ import annotations

import base64
import itertools
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from bson import ObjectId

from services.common import cursors
from services.common.problems import Problem

START = datetime(2024, 3, 11, 2, 0, tzinfo=UTC)
ORDER: dict[str, type] = {"at": datetime, "_id": str}
ROWS = [
    {"_id": key, "at": START + timedelta(minutes=minute)}
    for minute, key in itertools.product((5, 0, 3), ("b", "a", "c"))
]


def matches(row: dict[str, Any], query: dict[str, Any]) -> bool:
    """As the database would: equality, $lt, $gt, $or."""
    if "$or" in query:
        return any(matches(row, way) for way in query["$or"])
    for name, wanted in query.items():
        value = row[name]
        if isinstance(wanted, dict):
            [(step, limit)] = wanted.items()
            if not (value < limit if step == "$lt" else value > limit):
                return False
        elif value != wanted:
            return False
    return True


@pytest.mark.parametrize("newest_first", [False, True])
@pytest.mark.parametrize("limit", [1, 2, 4, 9, 20])
def test_every_row_comes_once_and_in_order(newest_first: bool, limit: int) -> None:
    rows = sorted(ROWS, key=lambda row: (row["at"], row["_id"]), reverse=newest_first)
    seen: list[dict[str, Any]] = []
    cursor: str | None = None
    for _ in range(20):
        query = cursors.beyond(cursor, ORDER, newest_first=newest_first)
        shown, cursor = cursors.page([row for row in rows if matches(row, query)][: limit + 1], limit, ORDER)
        seen += shown
        if cursor is None:
            break
    assert seen == rows


def test_nested_fields_and_database_ids() -> None:
    order: dict[str, type] = {"clock.due": datetime, "_id": ObjectId}
    row = {"_id": ObjectId(), "clock": {"due": START}}
    shown, cursor = cursors.page([row, row], 1, order)
    assert shown == [row]
    assert cursors.beyond(cursor, order) == {
        "$or": [{"clock.due": {"$gt": START}}, {"clock.due": START, "_id": {"$gt": row["_id"]}}]
    }


def test_one_field_needs_no_alternatives() -> None:
    assert cursors.beyond(cursors.write("1.000123"), {"code": str}) == {"code": {"$gt": "1.000123"}}
    assert cursors.beyond(None, {"code": str}) == {}


@pytest.mark.parametrize(
    "cursor",
    [
        "khong phai",
        "%%%",
        "é",
        base64.urlsafe_b64encode(b"{}").decode(),
        base64.urlsafe_b64encode(b'["2024-03-11T02:00:00+00:00"]').decode(),
        base64.urlsafe_b64encode(b'["2024-03-11T02:00:00", "a"]').decode(),  # without a zone
        base64.urlsafe_b64encode(b'["0001-01-01T00:00:00+14:00", "a"]').decode(),  # before all time
        base64.urlsafe_b64encode(b'["monday", "a"]').decode(),
        base64.urlsafe_b64encode(b'["2024-03-11T02:00:00+00:00", 5]').decode(),
        base64.urlsafe_b64encode(b'["2024-03-11T02:00:00+00:00", {"$gt": ""}]').decode(),
    ],
)
def test_what_is_no_cursor_is_refused(cursor: str) -> None:
    with pytest.raises(Problem) as refused:
        cursors.beyond(cursor, ORDER)
    assert (refused.value.status, refused.value.errors[0]["field"]) == (422, "cursor")


def test_an_id_that_is_none_is_refused() -> None:
    with pytest.raises(Problem) as refused:
        cursors.beyond(cursors.write("not-an-object-id"), {"_id": ObjectId})
    assert refused.value.status == 422
