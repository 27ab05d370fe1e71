"""The five support cases: what each needs before it may be decided, and what it may not lead to."""

from __future__ import annotations

from datetime import UTC, datetime
from itertools import product
from pathlib import Path
from typing import Any

import pytest

from deploy.local.paths import ROOT
from services.common.problems import Problem
from services.identity import account_states, accounts, schemas, support_case
from services.identity.support_case import (
    TABLE,
    TROUBLES,
    By,
    Case,
    Outcome,
    Row,
    State,
    Step,
    Trouble,
    Verification,
)

NOW = datetime(2024, 3, 11, 2, 0, tzinfo=UTC)


def account(state: str = "active", **changed: Any) -> dict[str, Any]:
    made = accounts.citizen("acc-1", "per-1", phone="sealed", phone_blind="p", password_hash="h", now=NOW)
    return made | {"state": state} | changed


def case(number: int, state: State = State.OPENED, found: Verification | None = None) -> Case:
    made = support_case.opened("sup-1", number, "acc-1", by="acc-s", now=NOW)
    made["state"] = str(state)
    if found is not None:
        made |= {"state": "verified", "verification": {"outcome": str(found)}}
    return made


def fitting(trouble: Trouble, outcome: Outcome) -> dict[str, Any]:
    """An account that has nothing against that outcome."""
    if outcome is Outcome.UNLOCK:
        return account("locked")
    return account(lacks=["birth_date"] if trouble.number == 5 else [])


@pytest.mark.parametrize("row", TABLE, ids=lambda r: f"{r.source}-{r.step}")
def test_each_row_is_taken_and_tells_of_it(row: Row) -> None:
    made = case(2, row.source)
    assert support_case.step(made, row.step) is row
    assert made["state"] == row.target
    assert row.event in schemas.EVENTS


@pytest.mark.parametrize(("state", "step"), list(product(State, Step)))
def test_what_the_table_does_not_hold_is_refused(state: State, step: Step) -> None:
    if any(row.source is state and row.step is step for row in TABLE):
        return
    made = case(2, state)
    with pytest.raises(Problem) as refused:
        support_case.step(made, step)
    assert refused.value.status == 409
    assert made == case(2, state)


@pytest.mark.req("ID-13", "ID-14", "ID-15", "ID-18", "ID-19")
@pytest.mark.parametrize(("number", "outcome", "found"), list(product(TROUBLES, Outcome, [None, *Verification])))
def test_an_outcome_needs_what_the_table_says(number: int, outcome: Outcome, found: Verification | None) -> None:
    trouble = TROUBLES[number]
    needs = trouble.outcomes.get(outcome)
    allowed = needs is not None and (not needs or found in needs)
    made, of = case(number, found=found), fitting(trouble, outcome)
    assert (outcome in support_case.possible(made, of)) == allowed
    if allowed:
        support_case.decide(made, of, outcome, "acc-s", NOW)
        assert made["state"] == "decided"
        assert made["decision"]["outcome"] == outcome
        return
    with pytest.raises(Problem) as refused:
        support_case.decide(made, of, outcome, "acc-s", NOW)
    assert refused.value.status == 409
    assert refused.value.rule == trouble.rule
    assert refused.value.extra == {"support_case": number, "hotline": "19001075"}


@pytest.mark.req("ID-14")
@pytest.mark.parametrize("number", [1, 2, 3])
def test_an_account_with_a_phone_is_verified_by_it(number: int) -> None:
    with pytest.raises(Problem) as refused:
        support_case.verify(case(number), account(), Verification.WRONG, By.DOCUMENTS, "acc-s", NOW)
    assert (refused.value.status, refused.value.errors[0]["field"]) == (422, "by")
    for of, by in ((account(), By.ACCOUNT_PHONE), (account(phone=None), By.DOCUMENTS)):
        made = case(number)
        support_case.verify(made, of, Verification.WRONG, by, "acc-s", NOW)
        assert made["verification"]["outcome"] == "verified_wrong"


@pytest.mark.req("ID-18")
def test_case_5_cancels_only_an_account_that_lacks_something() -> None:
    made = case(5, found=Verification.RIGHT)
    assert Outcome.CANCEL not in support_case.possible(made, account())
    assert Outcome.CANCEL in support_case.possible(made, account(lacks=["phone"]))


@pytest.mark.req("ID-26")
def test_support_neither_cancels_nor_unlocks_what_ioc_blocked() -> None:
    for outcome, found in ((Outcome.CANCEL, Verification.WRONG), (Outcome.UNLOCK, Verification.RIGHT)):
        assert outcome not in support_case.possible(case(2, found=found), account("blocked"))


@pytest.mark.req("ID-16")
def test_case_4_is_met_in_the_prescribed_words_and_leads_to_guidance_alone() -> None:
    assert TROUBLES[4].met_vi.startswith("Không tìm thấy dữ liệu dân cư trùng khớp")
    assert set(TROUBLES[4].outcomes) == {Outcome.GUIDE}


def test_every_case_has_its_reason_word() -> None:
    assert set(account_states.CASES) == set(TROUBLES)


def test_the_documents_show_the_tables() -> None:
    readme = Path(support_case.__file__).with_name("README.md").read_text(encoding="utf-8")
    assert support_case.diagram() in readme
    assert support_case.outcomes_table() in (ROOT / "docs/guide/support.md").read_text(encoding="utf-8")
