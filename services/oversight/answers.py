"""Shapes of oversight's answers from stored rows. Pure."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any

from services.common import problems
from services.common.calendar import local_date
from services.common.calendar_data import shipped_calendars
from services.common.slips import GROUND_TEXT, Ground, Review, decisions_from
from services.oversight import lateness, reviews
from services.oversight.lateness import Mark
from services.oversight.recognition import Mode, recognise

Document = dict[str, Any]
_OF_REVIEW = (
    "version", "code", "act", "round", "components", "file_id", "comparison", "unit", "desk", "officer", "at",
    "decided_by", "decided_at", "reason",
)  # fmt: skip


def page(rows: list[Document], limit: int, shape: Callable[[Document], Document]) -> Document:
    """A cursor page from up to `limit` + 1 rows; the cursor is the last shown row's `_id`."""
    more = len(rows) > limit
    rows = rows[:limit]
    return {"items": [shape(row) for row in rows], "next_cursor": str(rows[-1]["_id"]) if more else None}


def number_of(cursor: str | None) -> int:
    """The number in a cursor of the ledger's list, 0 without one. Raises Problem 422."""
    if cursor is None:
        return 0
    if not cursor.isdecimal():
        raise problems.invalid(problems.field_error("cursor", "Con trỏ không hợp lệ", "Not a cursor of this list"))
    return int(cursor)


def grounds(names: list[str]) -> list[Document]:
    """Grounds of a violation with their texts."""
    texts = [(name, *GROUND_TEXT[Ground(name)]) for name in names]
    return [{"ground": name, "text_vi": vi, "text_en": en} for name, vi, en in texts]


def review(row: Document, text: str | None, statement: str | None) -> Document:
    """A review without its signature, update log and block, which are asked for elsewhere."""
    state = Review(row["state"])
    possible = decisions_from(state)
    return {
        **{name: row[name] for name in _OF_REVIEW},
        "review_id": row["_id"],
        "text": text,
        "failure_statement": statement,
        "state": state.value,
        "state_vi": reviews.STATE_TEXT[state][0],
        "state_en": reviews.STATE_TEXT[state][1],
        "grounds": grounds(row["grounds"]),
        "decisions": [word for word, choice in reviews.DECISIONS.items() if choice in possible],
    }


def violation(row: Document) -> Document:
    """One line of the register."""
    return {**row, "violation_id": row["_id"], "grounds": grounds(row["grounds"])}


def recognition(row: Document) -> Document:
    """A dossier's recognition and its reason."""
    answer = recognise(
        Mode(row["mode"]),
        local_date(row["filed_at"]),
        has_signed_result=row["signed_result"],
        ended=bool(row["ended"]),
    )
    return {
        **{name: row[name] for name in ("code", "unit", "mode", "filed_at", "ended")},
        "recognition": answer.recognition.value,
        "rule_set": answer.rule_set,
        "cites": answer.cites,
        "reason_vi": answer.reason_vi,
        "reason_en": answer.reason_en,
        "has_signed_result": row["signed_result"],
    }


def late(row: Document, now: datetime) -> Document:
    """A late dossier by its newest late interval; `minutes_late` are working minutes on the desks' calendar."""
    runs = [run for run in lateness.intervals(Mark.from_dict(mark) for mark in row["marks"]) if run.is_late(now)]
    run = runs[-1]
    calendar = shipped_calendars()[lateness.DESK_CALENDAR]
    return {
        **{name: row[name] for name in ("code", "procedure", "unit", "desk")},
        "started": run.started,
        "due": run.due,
        "answered_at": run.ended,
        "minutes_late": calendar.working_minutes_between(run.due, run.ended or now),
    }
