"""Registering an e-ID of level 1 at the desk: a case for somebody who has none, traced until the e-ID works.

The police make the e-ID (NĐ 69/2024); the officer guides, records that the registration was handed in, and what came
of it.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from services.common import problems
from services.common.rules import rule

Case = dict[str, Any]
LEVEL = 1
CITES = "QĐ 08/2025/QĐ-UBND Đ7.3"


class State(StrEnum):
    GUIDED = "guided"
    SUBMITTED = "submitted"
    ACTIVE = "active"
    FAILED = "failed"


class Kind(StrEnum):
    PERSON = "person"
    ORGANISATION = "organisation"


@dataclass(frozen=True, slots=True)
class Row:
    """One row: from, to, event. The command is the state that is wanted."""

    source: State
    target: State
    event: str


TABLE: tuple[Row, ...] = (
    Row(State.GUIDED, State.SUBMITTED, "eid.submitted"),
    Row(State.SUBMITTED, State.ACTIVE, "eid.activated"),
    Row(State.GUIDED, State.FAILED, "eid.failed"),
    Row(State.SUBMITTED, State.FAILED, "eid.failed"),
)
OPEN = frozenset(row.source for row in TABLE)
WANTED = frozenset(row.target for row in TABLE)


@rule("ID-22", title="Một cửa hướng dẫn đăng ký định danh điện tử mức 1 và theo dõi đến khi kích hoạt", cites=CITES)
def opened(
    case_id: str,
    unit: str,
    kind: Kind,
    *,
    full_name: str,
    id_number: str,
    number_blind: str,
    birth_date: str | None,
    by: str,
    now: datetime,
) -> Case:
    """A new case of a desk, with the consent of whom it is about; name, number and birth date are sealed."""
    return {
        "_id": case_id,
        "unit": unit,
        "kind": str(kind),
        "level": LEVEL,
        "state": str(State.GUIDED),
        "open": True,
        "full_name": full_name,
        "id_number": id_number,
        "number_blind": number_blind,
        "birth_date": birth_date,
        "consent_at": now,
        "opened_at": now,
        "history": [{"state": str(State.GUIDED), "at": now, "by": by}],
    }


def advance(case: Case, wanted: State, *, by: str, now: datetime) -> Row:
    """Records the next state. Raises Problem 409 where the table has no such row."""
    for row in TABLE:
        if row.source == case["state"] and row.target is wanted:
            case["state"] = str(wanted)
            case["open"] = wanted in OPEN
            case["history"] = [*case["history"], {"state": str(wanted), "at": now, "by": by}]
            return row
    raise problems.conflict(rule="ID-22", citation=CITES, extra={"state": case["state"]})


def taken(case_id: str) -> problems.Problem:
    """409: this desk has an open case of the same number."""
    return problems.conflict(
        "Bộ phận một cửa đang có một trường hợp chưa xong của số này",
        "This desk has an open case of that number",
        rule="ID-22",
        citation=CITES,
        extra={"case_id": case_id},
    )


def diagram() -> str:
    """The table as a diagram for the documents."""
    rows = ["stateDiagram-v2", "    [*] --> guided: open / eid.guided"]
    rows += [f"    {row.source} --> {row.target}: {row.event}" for row in TABLE]
    return "\n".join([*rows, "    active --> [*]", "    failed --> [*]"])
