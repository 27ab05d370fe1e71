"""The table of an account's states, row by row, and what is not in it."""

from __future__ import annotations

from datetime import UTC, datetime
from itertools import product
from pathlib import Path
from typing import Any

import pytest

from services.common.problems import Problem
from services.identity import account_states, accounts, schemas
from services.identity.account_states import TABLE, Command, State, Transition, Who, move

NOW = datetime(2024, 3, 11, 2, 0, tzinfo=UTC)
EVERYTHING = list(product(State, Command, Who))


def in_state(state: State, former: State = State.ACTIVE) -> dict[str, Any]:
    made = accounts.citizen("acc-1", "per-1", phone="sealed", phone_blind="p", password_hash="h", now=NOW)
    made |= {"holds_number": True, "number_blind": "n"}
    path = {
        State.ACTIVE: [],
        State.LOCKED: [(Command.LOCK, Who.IOC)],
        State.SUSPENDED: [(Command.SUSPEND, Who.OWNER)],
        State.CANCELLED: [(Command.CANCEL, Who.OWNER)],
    }
    steps = [*path[former], (Command.BLOCK, Who.IOC)] if state is State.BLOCKED else path[state]
    for command, who in steps:
        move(made, command, who, reason=accounts.BY_OFFICE, by="acc-x", now=NOW)
    assert made["state"] == state
    return made


def ready(row: Transition) -> dict[str, Any]:
    former = row.target if row.source is State.BLOCKED else State.ACTIVE
    return in_state(row.source, former)


@pytest.mark.req("ID-24", "ID-26")
@pytest.mark.parametrize("row", TABLE, ids=lambda r: f"{r.source}-{r.command}-{r.target}")
def test_each_row_is_taken_as_written_and_tells_of_it(row: Transition) -> None:
    for who in row.who:
        account = ready(row)
        assert move(account, row.command, who, reason="w", by="acc-2", now=NOW) is row
        assert account["state"] == row.target
        assert (account["lock"] is None) == (row.target is State.ACTIVE)
    assert row.event in schemas.EVENTS


@pytest.mark.parametrize(("state", "command", "who"), EVERYTHING)
def test_what_the_table_does_not_hold_is_refused_and_changes_nothing(state: State, command: Command, who: Who) -> None:
    if command in account_states.allowed(state, who):
        return
    account = in_state(state)
    before = dict(account)
    with pytest.raises(Problem) as refused:
        move(account, command, who, reason="w", by="acc-2", now=NOW)
    somebody = any(row.source is state and row.command is command for row in TABLE)
    assert refused.value.status == (403 if somebody else 409)
    assert account == before


@pytest.mark.req("ID-26")
def test_who_may_block_and_who_may_not() -> None:
    assert [who for who in Who if Command.BLOCK in account_states.allowed(State.ACTIVE, who)] == [Who.IOC]
    assert [who for who in Who if Command.UNBLOCK in account_states.allowed(State.BLOCKED, who)] == [Who.IOC]


@pytest.mark.req("X-7")
def test_a_cancelled_account_frees_phone_and_number_and_keeps_its_history() -> None:
    account = in_state(State.CANCELLED)
    assert not account["holds_phone"] and not account["holds_number"]
    assert (account["phone_blind"], account["number_blind"], account["person_id"]) == ("p", "n", "per-1")
    assert all(not account_states.allowed(State.CANCELLED, who) for who in Who)
    control = in_state(State.SUSPENDED)
    assert control["holds_phone"] and control["holds_number"]


@pytest.mark.parametrize("former", [State.ACTIVE, State.LOCKED, State.SUSPENDED])
def test_unblocked_it_is_what_it_was(former: State) -> None:
    account = in_state(State.BLOCKED, former)
    move(account, Command.UNBLOCK, Who.IOC, reason="w", by="acc-2", now=NOW)
    assert account["state"] == former
    assert account["lock"] == in_state(former)["lock"]


@pytest.mark.req("ID-27")
@pytest.mark.parametrize("state", [s for s in State if s is not State.ACTIVE])
def test_each_state_that_refuses_says_why_and_where_to_turn(state: State) -> None:
    with pytest.raises(Problem) as refused:
        accounts.refuse_locked(in_state(state))
    assert refused.value.status == 403
    assert refused.value.type.endswith(state)
    assert refused.value.extra["reason"]
    assert refused.value.extra["hotline"] == "19001075"


def test_the_readme_shows_the_table() -> None:
    readme = Path(account_states.__file__).with_name("README.md").read_text(encoding="utf-8")
    assert account_states.diagram() in readme
