"""Which dossiers a period reads from the database, and that it ends where it would read too many."""

from collections.abc import Iterator
from datetime import UTC, date, datetime
from typing import Any

import pytest

from services.common.problems import Problem
from services.oversight import facts


def test_a_period_is_of_local_days_both_inclusive() -> None:
    asked = facts.where(date(2024, 3, 11), date(2024, 3, 12), "u")
    assert asked == {
        "unit": "u",
        "filed_at": {"$gte": datetime(2024, 3, 10, 17, tzinfo=UTC), "$lt": datetime(2024, 3, 12, 17, tzinfo=UTC)},
    }


@pytest.mark.parametrize("day", [date.min, date.max])
def test_the_ends_of_the_calendar_are_no_fault(day: date) -> None:
    assert set(facts.where(day, day, None)) == {"filed_at"}


def test_without_a_period_only_filed_dossiers_are_read() -> None:
    assert list(facts.where(None, None, None)["filed_at"]) == ["$gte"]


class Rows:
    """A store of so many dossiers, each with one slip, that remembers what it was asked for."""

    def __init__(self, count: int) -> None:
        self.count = count
        self.asked: list[tuple[str, dict[str, Any], dict[str, Any]]] = []

    def find(self, collection: str, query: dict[str, Any], **options: Any) -> Iterator[dict[str, Any]]:
        self.asked.append((collection, query, options))
        if collection == "reviews":
            codes = query["code"]["$in"]
            return iter({"_id": f"s-{code}", "code": code, "act": "guidance", "state": "AWAITING_IOC", "version": 1}
                        for code in codes)  # fmt: skip
        return iter(
            {"code": f"c-{n}", "unit": "u", "mode": "DIRECT", "filed_at": datetime(2024, 3, 11, tzinfo=UTC),
             "marks": [], "signed_result": False, "accepted_at": None, "ended": None}
            for n in range(min(self.count, options["limit"]))
        )  # fmt: skip


def test_slips_are_read_for_the_dossiers_in_hand_and_only_what_is_counted() -> None:
    rows = Rows(1200)
    found = list(facts.of_period(rows, since=None, until=None, unit=None))  # type: ignore[arg-type]
    assert len(found) == 1200
    assert all(len(each.slips["guidance"]) == 1 for each in found)
    assert [len(query["code"]["$in"]) for name, query, _ in rows.asked if name == "reviews"] == [500, 500, 200]
    assert all("text" not in options["projection"] for _, _, options in rows.asked)


def test_more_than_a_query_may_read_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(facts, "MOST_DOSSIERS", 10)
    assert len(list(facts.of_period(Rows(10), since=None, until=None, unit=None))) == 10  # type: ignore[arg-type]
    with pytest.raises(Problem) as refused:
        list(facts.of_period(Rows(11), since=None, until=None, unit=None))  # type: ignore[arg-type]
    assert (refused.value.status, refused.value.errors[0]["field"]) == (422, "since")
