"""The account log: who did what to which account, when and why. Rows are added in the unit of the deed, never changed.

It holds ids, words and the sealed text that an officer wrote; no name, number, phone, code or password.
"""

from __future__ import annotations

import uuid
from typing import Any

from services.common.context import Context
from services.common.unit import UnitOfWork
from services.identity import secrecy, store


def record(
    ctx: Context,
    unit: UnitOfWork,
    action: str,
    account_id: str | None,
    *,
    reason: str | None = None,
    case: int | None = None,
    case_id: str | None = None,
    outcome: str | None = None,
) -> None:
    """One row in the unit; `reason` is what an officer wrote, in clear, and is sealed here."""
    key = secrecy.key_of(ctx.kernel)
    unit.insert(
        "account_log",
        {
            # Rows of one unit have one time: their ids keep their order.
            "_id": f"{len(unit.writes):03d}{uuid.uuid4().hex}",
            "at": ctx.now,
            "actor": ctx.actor.subject,
            "roles": sorted(ctx.actor.roles),
            "action": action,
            "account_id": account_id,
            "case": case,
            "case_id": case_id,
            "outcome": outcome,
            "reason": key.seal(reason, secrecy.NOTE) if reason else None,
        },
    )


def page(ctx: Context, data: dict[str, Any]) -> dict[str, Any]:
    """Rows of the log, oldest first, by account, case or number of case. Raises Problem 422 for a strange cursor."""
    key = secrecy.key_of(ctx.kernel)
    asked = {name: data[name] for name in ("account_id", "case_id", "case") if data[name] is not None}
    rows, following = store.log_page(ctx.store, asked, data["cursor"], data["limit"])
    items = [
        {**row, "entry_id": row["_id"], "reason": secrecy.opened(key, row["reason"], secrecy.NOTE)} for row in rows
    ]
    return {"items": items, "next_cursor": following}
