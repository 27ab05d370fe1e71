"""Figures about accounts: they add up, and days are local days."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.common.problems import Problem
from services.identity import figures
from services.identity.figures import Count

NOW = datetime(2024, 3, 11, 18, 0, tzinfo=UTC)  # already the 12th in Huế

COUNTS = st.lists(
    st.builds(
        Count,
        st.sampled_from(["000.05.07.H57", "000.05.08.H57", None]),
        st.sampled_from(["active", *figures.RESTING]),
        st.booleans(),
        st.integers(0, 10**6),
    )
)


@pytest.mark.req("ID-09")
@given(COUNTS)
def test_states_add_up_to_the_total_and_units_to_the_whole(counts: list[Count]) -> None:
    whole = figures.totals(counts)
    assert whole["total"] == sum(whole[state] for state in figures.COUNTED) == sum(row.number for row in counts)
    units = figures.by_unit(counts)
    assert all(sum(row[name] for row in units) == whole[name] for name in ("total", *figures.COUNTED))
    assert [row["unit"] for row in units] == sorted({row.unit for row in counts}, key=lambda u: (u is None, u or ""))


@pytest.mark.req("ID-09")
def test_a_resting_account_counts_as_what_it_is_whether_or_not_it_was_normalized() -> None:
    whole = figures.totals(
        [Count(None, "active", True, 3), Count(None, "active", False, 4), Count("u", "locked", True, 5)]
    )
    assert (whole["total"], whole["normalized"], whole["pending"], whole["locked"]) == (12, 3, 4, 5)


def test_a_day_has_all_that_happened_on_it() -> None:
    rows = [("2024-03-12", "locked", 1), ("2024-03-11", "registered", 2), ("2024-03-12", "registered", 3)]
    days = figures.by_day(rows)
    assert [(d["day"], d["registered"], d["locked"], d["normalized"]) for d in days] == [
        ("2024-03-11", 2, 0, 0),
        ("2024-03-12", 3, 1, 0),
    ]


def test_days_are_those_of_hue_and_a_month_unless_named() -> None:
    since, until = figures.period(None, None, NOW)
    assert until == datetime(2024, 3, 12, 17, 0, tzinfo=UTC)
    assert (until - since).days == figures.USUAL_DAYS
    since, until = figures.period(date(2024, 3, 1), date(2024, 3, 1), NOW)
    assert (since, until) == (datetime(2024, 2, 29, 17, tzinfo=UTC), datetime(2024, 3, 1, 17, tzinfo=UTC))


@pytest.mark.parametrize(
    ("since", "until", "field"),
    [(date(2024, 3, 2), date(2024, 3, 1), "until"), (date(2023, 1, 1), date(2024, 3, 1), "since")],
)
def test_days_in_the_wrong_order_or_too_many_are_refused(since: date, until: date, field: str) -> None:
    with pytest.raises(Problem) as refused:
        figures.period(since, until, NOW)
    assert [error["field"] for error in refused.value.errors] == [field]
