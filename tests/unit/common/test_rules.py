from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.common import rules
from services.common.rules import all_rules, in_force, rule


@pytest.fixture(autouse=True)
def own_registry(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rules, "_registry", {})


def test_the_function_stays_unchanged_and_knows_nothing_of_the_registry() -> None:
    def double(n: int) -> int:
        return 2 * n

    assert rule("IN-01", title="t", cites="c")(double) is double


def test_stacked_rules_and_one_rule_in_two_places() -> None:
    @rule("GU-03", title="a", cites="S0")
    @rule("GU-05", title="b", cites="S0")
    def one() -> None: ...

    @rule("GU-03", title="a", cites="S0")
    def two() -> None: ...

    assert [(found.id, found.where.rsplit(".", 1)[1]) for found in all_rules()] == [
        ("GU-03", "one"),
        ("GU-03", "two"),
        ("GU-05", "one"),
    ]
    assert all(found.where.startswith(f"{__name__}:") for found in all_rules())


def test_registering_the_same_place_twice_lists_it_once() -> None:
    def place() -> None: ...

    rule("IN-01", title="old", cites="c")(place)
    rule("IN-01", title="new", cites="c")(place)
    assert [found.title for found in all_rules()] == ["new"]


def test_one_place_may_carry_a_rule_for_two_periods() -> None:
    @rule("IN-01", title="internal target", cites="X-5", since=date(2025, 2, 17))
    @rule("IN-01", title="legal limit", cites="QĐ 88/2017", until=date(2025, 2, 16))
    def place() -> None: ...

    assert [found.title for found in all_rules()] == ["legal limit", "internal target"]
    assert in_force("IN-01", date(2025, 2, 16)) and in_force("IN-01", date(2025, 2, 17))


def test_conflict_ids_are_ordered_by_number() -> None:
    def place() -> None: ...

    for id in ("X-14", "X-2", "IN-03"):
        rule(id, title="t", cites="c")(place)
    assert [found.id for found in all_rules()] == ["IN-03", "X-2", "X-14"]


@pytest.mark.parametrize("id", ["", "in-01", "IN-1", "IN-001", "IN01", "X-0", "X-01", "X-100", "ABC-01", "IN-01\n"])
def test_a_malformed_id_is_refused(id: str) -> None:
    with pytest.raises(ValueError, match="not a rule id"):
        rule(id, title="t", cites="c")


@pytest.mark.parametrize(("title", "cites"), [("", "c"), ("t", " ")])
def test_title_and_citation_are_needed(title: str, cites: str) -> None:
    with pytest.raises(ValueError, match="needs a title"):
        rule("IN-01", title=title, cites=cites)


def test_a_period_may_not_end_before_it_begins() -> None:
    with pytest.raises(ValueError, match="before it begins"):
        rule("IN-01", title="t", cites="c", since=date(2024, 3, 4), until=date(2024, 3, 3))


def test_both_ends_of_a_period_are_inside() -> None:
    @rule("MO-14", title="t", cites="c", since=date(2024, 3, 4), until=date(2024, 3, 6))
    def place() -> None: ...

    days = [date(2024, 3, day) for day in range(3, 8)]
    assert [in_force("MO-14", day) for day in days] == [False, True, True, True, False]


def test_an_unknown_rule_is_an_error_not_a_no() -> None:
    with pytest.raises(KeyError):
        in_force("IN-01", date(2024, 3, 4))


@given(on=st.dates(), since=st.dates(), days=st.integers(0, 4000))
def test_in_force_is_the_closed_interval(on: date, since: date, days: int) -> None:
    until = min(since, date.max - timedelta(days=4000)) + timedelta(days=days)
    since = min(since, until)
    rules._registry.clear()

    @rule("IN-01", title="t", cites="c", since=since, until=until)
    def place() -> None: ...

    assert in_force("IN-01", on) == (since <= on <= until)
