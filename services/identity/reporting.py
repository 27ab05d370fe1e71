"""Answering for figures about accounts: who may ask about which unit, and the counting."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from services.common import problems
from services.common.calendar import local_date
from services.common.context import Context
from services.common.store import Document, Store
from services.identity import figures
from services.identity.figures import Count

_KINDS = {"kind": {"$in": ["citizen", "organisation"]}}
_EVERYWHERE = frozenset({"ioc", "office"})


def report(ctx: Context, data: dict[str, Any]) -> dict[str, Any]:
    """Accounts by state, unit and day. Raises Problem 422 (days) or 403 (a unit that is not the asker's)."""
    since, until = figures.period(data["since"], data["until"], ctx.now)
    unit = data["unit"]
    if not _EVERYWHERE & ctx.actor.roles:
        own = ctx.actor.units("control_officer")
        unit = unit or min(own, default=None)
        if unit not in own:
            raise problems.forbidden(rule="RO-05", citation="QĐ 08/2025/QĐ-UBND Đ25.2e")
    counted = _counts(ctx.store, unit)
    return {
        "as_of": ctx.now,
        "unit": unit,
        "totals": figures.totals(counted),
        "units": figures.by_unit(counted),
        "since": local_date(since),
        "until": local_date(until - timedelta(days=1)),
        "days": figures.by_day(_happened(ctx.store, unit, since, until)),
    }


def _counts(store: Store, unit: str | None) -> list[Count]:
    grouped: list[Document] = [
        {"$match": _KINDS | ({"unit": unit} if unit else {})},
        {"$group": {"_id": {"u": "$unit", "s": "$state", "n": "$normalized"}, "number": {"$sum": 1}}},
    ]
    rows = store.collection("accounts").aggregate(grouped, hint="by_state")
    return [Count(row["_id"].get("u"), row["_id"]["s"], bool(row["_id"]["n"]), row["number"]) for row in rows]


def _happened(store: Store, unit: str | None, since: datetime, until: datetime) -> list[tuple[str, str, int]]:
    found = []
    moments = (("registered_at", "registered"), ("normalized_at", "normalized"), ("lock.at", "$state"))
    for field, what in moments:
        grouped: list[Document] = [
            {"$match": {field: {"$gte": since, "$lt": until}} | _KINDS | ({"unit": unit} if unit else {})},
            {
                "$group": {
                    "_id": {
                        "day": {"$dateToString": {"date": f"${field}", "format": "%Y-%m-%d", "timezone": "+07:00"}},
                        "what": what if what.startswith("$") else {"$literal": what},
                    },
                    "number": {"$sum": 1},
                }
            },
        ]
        rows = store.collection("accounts").aggregate(grouped)
        found += [(row["_id"]["day"], row["_id"]["what"], row["number"]) for row in rows]
    return [row for row in found if row[1] in figures.HAPPENED]
