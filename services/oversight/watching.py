"""What watchers read: the ledger's entries, and which units they may see."""

from __future__ import annotations

from typing import Any

from services.common import problems
from services.common.context import Context
from services.oversight import answers

Document = dict[str, Any]


def own_units(ctx: Context) -> frozenset[str] | None:
    """Units to which a watcher is bound; None where the actor may see all."""
    if ctx.actor.roles & {"ioc", "office"}:
        return None
    units = ctx.actor.units("control_officer")
    return None if "*" in units else units


def refuse_other_units(ctx: Context, unit: str) -> None:
    """Raises Problem 403 for a unit that is none of the watcher's."""
    units = own_units(ctx)
    if units is not None and unit not in units:
        raise problems.forbidden("A dossier of another agency.")


def entries(ctx: Context, data: Document) -> Document:
    """A page of the ledger in order, of one dossier or of all. Raises Problem 422 for a cursor that is none."""
    where: Document = {"_id": {"$gt": answers.number_of(data["cursor"])}}
    if data["code"]:
        where["body.subject"] = data["code"]
    rows = list(ctx.store.find("ledger", where, sort=[("_id", 1)], limit=data["limit"] + 1))
    return answers.page(rows, data["limit"], lambda row: row)
