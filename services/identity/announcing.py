"""Telling every normalized citizen from when VNeID opens the account (NT-03): one event an account, in batches.

Each account remembers for which time it was told, in the same write as its event. So a run that was cut short goes on
where it was, nobody is told twice, and who normalizes later is told then.
"""

from __future__ import annotations

import time
from datetime import datetime
from typing import Any

from services.common import logs, problems
from services.common.context import Context
from services.common.problems import Problem
from services.common.rules import rule
from services.identity import audit, store

BATCH = 50
LONGEST_RUN = 20.0  # seconds, well within the timer's own limit
VNEID = "vneid"


@rule("NT-03", title="Thông báo thời điểm kích hoạt đăng nhập VNeID", cites="TB 94/TB-UBND §1")
def announce(ctx: Context) -> dict[str, Any]:
    """Begins to tell the time that is set. Saying it again tells only who has not been told. Raises Problem 409."""
    active_from = ctx.kernel.settings.vneid_from
    if active_from is None:
        raise no_time()
    unit = ctx.unit()
    row = {"_id": VNEID, "active_from": active_from, "announced_at": ctx.now, "by": ctx.actor.subject}
    unit.put("announcements", row | {"schema_version": 1})
    audit.record(ctx, unit, "announce_vneid", None)
    answer = {
        "active_from": active_from.isoformat(),
        "to_be_told": store.count_not_told(ctx.store, active_from),
    }
    ctx.commit(unit, answer)
    return answer


def go_on(ctx: Context) -> None:
    """Tells the accounts that were not told yet, until none is left or time is up."""
    announced = ctx.store.get("announcements", VNEID)
    limit = time.monotonic() + LONGEST_RUN
    told = 0
    while announced is not None and time.monotonic() < limit:
        found = _tell_some(ctx, announced["active_from"])
        told += found
        if found < BATCH:
            break
    if told:
        logs.info("vneid_announced", accounts=told)


def _tell_some(ctx: Context, active_from: datetime) -> int:
    unit = ctx.unit()
    accounts = store.not_told(ctx.store, active_from, BATCH)
    for account in accounts:
        account["vneid_told"] = active_from
        unit.save("accounts", account)
        unit.tell(
            account,
            "account.vneid_announced",
            {"account_id": account["_id"], "person_id": account["person_id"], "active_from": active_from},
        )
    unit.commit()
    return len(accounts)


def no_time() -> Problem:
    """409: nobody has said from when VNeID opens accounts."""
    return problems.conflict(
        "Chưa đặt thời điểm mở đăng nhập VNeID", "No time is set from which VNeID opens accounts", rule="NT-03"
    )
