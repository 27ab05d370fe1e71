"""The registration of an e-ID at the desk, row by row."""

from __future__ import annotations

from datetime import UTC, datetime
from itertools import product
from pathlib import Path

import pytest

from services.common.problems import Problem
from services.identity import eid_case, schemas
from services.identity.eid_case import TABLE, Case, Kind, Row, State

NOW = datetime(2024, 3, 11, 2, 0, tzinfo=UTC)


def case(state: State) -> Case:
    made = eid_case.opened(
        "eid-1", "000.05.07.H57", Kind.PERSON, full_name="s", id_number="s", number_blind="b", birth_date="s",
        by="acc-1", now=NOW,
    )  # fmt: skip
    return made | {"state": str(state), "open": state in eid_case.OPEN}


@pytest.mark.req("ID-22")
@pytest.mark.parametrize("row", TABLE, ids=lambda r: f"{r.source}-{r.target}")
def test_each_row_is_taken_and_traced(row: Row) -> None:
    made = case(row.source)
    assert eid_case.advance(made, row.target, by="acc-2", now=NOW) is row
    assert [step["state"] for step in made["history"]] == ["guided", str(row.target)]
    assert made["open"] == (row.target in (State.GUIDED, State.SUBMITTED))
    assert row.event in schemas.EVENTS


@pytest.mark.parametrize(("state", "wanted"), list(product(State, State)))
def test_what_the_table_does_not_hold_is_refused(state: State, wanted: State) -> None:
    if any(row.source is state and row.target is wanted for row in TABLE):
        return
    made = case(state)
    with pytest.raises(Problem) as refused:
        eid_case.advance(made, wanted, by="acc-2", now=NOW)
    assert (refused.value.status, refused.value.rule) == (409, "ID-22")
    assert made == case(state)


def test_the_readme_shows_the_table() -> None:
    readme = Path(eid_case.__file__).with_name("README.md").read_text(encoding="utf-8")
    assert eid_case.diagram() in readme
