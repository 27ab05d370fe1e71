"""What a restore takes for data, and what the start of an empty system leaves behind."""

from __future__ import annotations

from collections import defaultdict
from typing import Any

import pytest

from deploy.operate.restore import occupied

EMPTY_START = {
    "identity": {"kernel": [{"_id": "schema", "number": 0}, {"_id": "relay"}], "timers": [{"_id": "repeat"}]},
    "intake": {"kernel": [{"_id": "schema", "number": 0}], "drafts": []},
    "oversight": {"kernel": [{"_id": "clock", "offset": 0.0}], "ledger_state": [{"_id": "head", "sequence": 0}]},
}


class Collection:
    def __init__(self, rows: list[dict[str, Any]]) -> None:
        self.rows = rows

    def find_one(self, wanted: dict[str, Any], _: Any = None) -> dict[str, Any] | None:
        for row in self.rows:
            if all(row[k] != v["$ne"] if isinstance(v, dict) else row[k] == v for k, v in wanted.items()):
                return row
        return None


class Database(defaultdict[str, Collection]):
    def __init__(self, rows: dict[str, list[dict[str, Any]]]) -> None:
        super().__init__(lambda: Collection([]), {name: Collection(kept) for name, kept in rows.items()})

    def list_collection_names(self, **_: Any) -> list[str]:
        return list(self)


def databases(**more: dict[str, list[dict[str, Any]]]) -> Any:
    given = {room: {**EMPTY_START.get(room, {}), **more.get(room, {})} for room in {*EMPTY_START, *more}}
    return defaultdict(lambda: Database({}), {room: Database(rows) for room, rows in given.items()})


def test_an_empty_start_leaves_nothing_to_lose():
    assert occupied(databases()) == []


@pytest.mark.parametrize(
    ("room", "name", "row"),
    [
        ("identity", "accounts", {"_id": "acc-officer"}),
        ("intake", "procedures", {"_id": "9.000001@1"}),
        ("payment", "merchants", {"_id": "H57"}),
        ("intake", "told", {"_id": "an event"}),
        ("oversight", "ledger_state", {"_id": "head", "sequence": 1}),
    ],
)
def test_what_was_seeded_or_done_is_data(room, name, row):
    assert occupied(databases(**{room: {name: [row]}})) == [room]


def test_half_a_restore_is_nothing_to_keep():
    half = {"kernel": [{"_id": "restoring"}], "accounts": [{"_id": "acc-officer"}]}
    assert occupied(databases(identity=half)) == []
