"""What processing asks of other rooms, on its own behalf and always before it commits anything.

A room that does not answer is the caller's problem 503: nothing is granted on a guess.
"""

from __future__ import annotations

from typing import Any

from services.common import problems
from services.common.context import Context
from services.common.problems import Problem
from services.processing.case import Case
from services.processing.results import Fee

#: Fee modes in which somebody must pay (the third, khong_thu, is free).
_CHARGED = frozenset({"thu_truoc", "thu_sau"})


def own_file(ctx: Context, file_id: str, purpose: str) -> dict[str, Any]:
    """A file that this officer uploaded for that purpose. Raises Problem 422 for any other."""
    try:
        file: dict[str, Any] = ctx.call("vault.file", file_id=file_id, as_service=True)
    except Problem as problem:
        if problem.status != 404:
            raise
        file = {}
    if file.get("uploader") != ctx.actor.subject or file.get("purpose") != purpose:
        raise problems.invalid(
            problems.field_error("file_id", "Không có tệp này của cán bộ", "No such file of this officer")
        )
    return file


def report(ctx: Context, file_id: str) -> dict[str, Any] | None:
    """What signing says of a file now; None where it knows none."""
    try:
        found: dict[str, Any] = ctx.call("signing.report", file_id=file_id, as_service=True)
    except Problem as problem:
        if problem.status == 404:
            return None
        raise
    return found


def fee(ctx: Context, case: Case) -> Fee:
    """What payment says. An order that is expected and not there yet counts as due: its event is still on the way."""
    due = ctx.call("payment.due", code=case["code"], as_service=True)
    charged = case["fee"]
    amount = int(charged["amount"])
    missing = charged["mode"] in _CHARGED and amount > 0 and not due["ordered"]
    return Fee(bool(due["due"]) or missing, amount if missing else int(due["amount"]))
