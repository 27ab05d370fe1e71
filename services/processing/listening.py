"""What processing listens to: accepted dossiers, verdicts of results, blocks of its slips, accounts."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from services.common import blocks
from services.common.bus.entrypoints import on_event
from services.common.calendar import WorkingCalendar, local_date
from services.common.calendar_data import shipped_calendars
from services.common.context import Context
from services.common.envelope import Event
from services.common.slips import Act
from services.common.unit import UnitOfWork
from services.processing import case as cases
from services.processing import clock as clocks
from services.processing import events, neighbours, results, store
from services.processing.case import Case, Command, State


def calendar_of(told: Mapping[str, Any]) -> WorkingCalendar:
    """The calendar that intake names. Raises KeyError for an unknown one."""
    return shipped_calendars()[told["id"]]


class Listener:
    """The event handlers of the room, and what they share with its commands, which are in `service`."""

    name: str

    @on_event("dossier.accepted", events.DossierAcceptedSeen)
    def on_accepted(self, ctx: Context, event: Event, data: dict[str, Any]) -> None:
        if ctx.store.get(store.CASES, data["code"]) is not None:
            return
        clock = clocks.begin(
            data["accepted_at"], data["appointment"], policy=data["clock_policy"], limit=data["limit"],
            calendar=calendar_of(data["calendar"]),
        )  # fmt: skip
        owner = store.LINKS.current(ctx.store, data["owner"])
        case = cases.open_case(data, clock, owner=owner, by=event.actor_id, at=ctx.now)
        unit = ctx.unit()
        unit.insert(store.CASES, case)
        store.LINKS.hold(unit, owner)
        told = ("step", "name", "role", "unit", "minutes")
        self._tell(
            unit, case, "case.opened", steps=[{name: step[name] for name in told} for step in case["steps"]],
            appointment=clock["appointment"],
        )  # fmt: skip
        ctx.commit(unit)

    @on_event("file.checked", events.FileCheckedSeen)
    def on_file_checked(self, ctx: Context, event: Event, data: dict[str, Any]) -> None:
        """A result's report is new, or newer than the one that was there when it was attached."""
        unit = ctx.unit()
        for case in ctx.store.find(store.CASES, {"results.file_id": data["file_id"]}):
            result = case["results"][-1]
            if result["file_id"] != data["file_id"] or State(case["state"]) in cases.FINAL:
                continue
            report = neighbours.report(ctx, data["file_id"])
            found = results.checked(report, result["sha256"], self._tax_numbers(ctx, case))
            if all(result[name] == value for name, value in found.items()):
                continue
            result.update(found)
            unit.save(store.CASES, case)
            self._ready_if_passed(ctx, unit, case)
        ctx.commit(unit)

    @on_event("slips.blocked", events.BlockSeen)
    def on_blocked(self, ctx: Context, event: Event, data: dict[str, Any]) -> None:
        self._block(ctx, event, data, blocked=True)

    @on_event("slips.unblocked", events.BlockSeen)
    def on_unblocked(self, ctx: Context, event: Event, data: dict[str, Any]) -> None:
        self._block(ctx, event, data, blocked=False)

    def _block(self, ctx: Context, event: Event, data: dict[str, Any], *, blocked: bool) -> None:
        case = ctx.store.get(store.CASES, data["code"])
        if blocks.act_named(data["act"]) is not Act.SUPPLEMENT_REQUEST or case is None:
            return
        news = blocks.told(case["blocks"], data["act"], blocked=blocked, recorded=event.recorded)
        if news is None:
            return
        before, case["blocks"] = cases.is_blocked(case), news
        if before != blocked:
            what = "supplement_blocked" if blocked else "supplement_unblocked"
            cases.note(case, what, by=event.actor_id, at=ctx.now)
        unit = ctx.unit()
        unit.save(store.CASES, case)
        ctx.commit(unit)

    @on_event("account.normalized", events.AccountNormalizedSeen)
    def on_normalized(self, ctx: Context, event: Event, data: dict[str, Any]) -> None:
        unit = ctx.unit()
        store.LINKS.move_owned(ctx.store, unit, store.CASES, data, ctx.now)
        ctx.commit(unit)

    # --- shared with the commands ------------------------------------------------------------------------------------

    def _tell(self, unit: UnitOfWork, case: Case, event: str, **data: Any) -> None:
        about = {name: case[name] for name in ("code", "owner", "filer", "filed_as", "unit", "desk")}
        unit.tell(case, event, {**about, **data})

    def _ready_if_passed(self, ctx: Context, unit: UnitOfWork, case: Case) -> None:
        """Tells result.ready once for a result in order, when nothing of the process is left to do."""
        if case["state"] != State.FINISHED or not case["results"] or cases.result_ready(case):
            return
        result = case["results"][-1]
        if result["standing"] != "hop_le":
            return
        by = f"service:{self.name}"
        row = cases.apply(case, Command.RESULT_PASSED, by=by, at=ctx.now, sha256=result["sha256"])
        result["ready_at"] = ctx.now
        told = {name: result[name] for name in ("file_id", "sha256", "report_id")}
        self._tell(unit, case, row.event, **told)

    def _tax_numbers(self, ctx: Context, case: Case) -> frozenset[str]:
        agency = ctx.store.get(store.AGENCIES, case["unit"])
        return results.tax_numbers_of(agency, local_date(ctx.now), told=case["unit_tax_number"])
