"""What intake listens to: verdicts of files, blocks, the case and the fee after acceptance, accounts."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

from services.common.bus.entrypoints import every, on_event
from services.common.context import Context
from services.common.envelope import Event
from services.common.store import Document
from services.intake import events, progress, store

#: A command that read the former person id is long over by then.
RELINKED_LATE = timedelta(hours=1)


class UnknownDossier(Exception):
    """An event about a dossier that intake does not have."""


class Listener:
    """The event handlers of the room; its commands and queries are in `service`."""

    @on_event("file.checked", events.FileChecked)
    def on_checked(self, ctx: Context, event: Event, data: dict[str, Any]) -> None:
        """Keeps the verdict of a file, whether it is filed already or not; the newest check counts."""
        unit = ctx.unit()
        known = ctx.store.get(store.VERDICTS, data["file_id"])
        if known is None or known["recorded"] < event.recorded:
            kept = {name: data[name] for name in ("sha256", "verdict", "report_id")}
            unit.put(
                store.VERDICTS,
                {"_id": data["file_id"], **kept, "recorded": event.recorded, "schema_version": 1},
            )
        ctx.commit(unit)

    @on_event("slips.blocked", events.ActSeen)
    def on_blocked(self, ctx: Context, event: Event, data: dict[str, Any]) -> None:
        self._mirror(
            ctx, data,
            lambda row: progress.block_told(row, data["act"], blocked=True, recorded=event.recorded),
        )  # fmt: skip

    @on_event("slips.unblocked", events.ActSeen)
    def on_unblocked(self, ctx: Context, event: Event, data: dict[str, Any]) -> None:
        self._mirror(
            ctx, data,
            lambda row: progress.block_told(row, data["act"], blocked=False, recorded=event.recorded),
        )  # fmt: skip

    @on_event("case.opened", events.CaseOpened, ordered=True)
    def on_opened(self, ctx: Context, event: Event, data: dict[str, Any]) -> None:
        self._mirror(ctx, data, lambda row: progress.case_opened(row, len(data["steps"])))

    @on_event("step.finished", events.StepSeen, ordered=True)
    def on_step_finished(self, ctx: Context, event: Event, data: dict[str, Any]) -> None:
        self._mirror(ctx, data, lambda row: progress.step_finished(row, data["step"]))

    @on_event("supplement.requested", events.SupplementSeen, ordered=True)
    def on_supplement(self, ctx: Context, event: Event, data: dict[str, Any]) -> None:
        slip = {name: data[name] for name in ("slip_id", "round", "components", "file_id")}
        self._mirror(
            ctx, data, lambda row: progress.supplement_requested(row, {**slip, "at": data["at"] or event.time})
        )

    @on_event("case.resumed", events.AppointmentSeen, ordered=True)
    def on_resumed(self, ctx: Context, event: Event, data: dict[str, Any]) -> None:
        self._mirror(ctx, data, lambda row: progress.resumed(row, data["appointment"]))

    @on_event("case.rescheduled", events.AppointmentSeen, ordered=True)
    def on_rescheduled(self, ctx: Context, event: Event, data: dict[str, Any]) -> None:
        self._mirror(ctx, data, lambda row: progress.rescheduled(row, data["appointment"]))

    @on_event("case.stopped", events.CodeSeen, ordered=True)
    def on_stopped(self, ctx: Context, event: Event, data: dict[str, Any]) -> None:
        self._mirror(ctx, data, progress.case_stopped)

    @on_event("result.attached", events.CodeSeen, ordered=True)
    def on_result_attached(self, ctx: Context, event: Event, data: dict[str, Any]) -> None:
        """Another result takes the place of the one that was ready, until it is found in order itself."""
        self._mirror(ctx, data, progress.result_attached)

    @on_event("result.ready", events.CodeSeen, ordered=True)
    def on_result_ready(self, ctx: Context, event: Event, data: dict[str, Any]) -> None:
        self._mirror(ctx, data, progress.result_ready)

    @on_event("payment.ordered", events.OrderSeen)
    def on_ordered(self, ctx: Context, event: Event, data: dict[str, Any]) -> None:
        self._mirror(ctx, data, lambda row: progress.order_told(row, data["order_id"], paid=False))

    @on_event("payment.settled", events.OrderSeen)
    def on_settled(self, ctx: Context, event: Event, data: dict[str, Any]) -> None:
        self._mirror(ctx, data, lambda row: progress.order_told(row, data["order_id"], paid=True))

    @on_event("account.normalized", events.AccountNormalized)
    def on_normalized(self, ctx: Context, event: Event, data: dict[str, Any]) -> None:
        """An account was matched with the population database: its dossiers follow the person."""
        person, former = data["person_id"], data["former_person_id"]
        unit = ctx.unit()
        if former and former != person:
            unit.put(store.PERSONS, {"_id": former, "person_id": person, "schema_version": 1, "at": ctx.now})
        for row in ctx.store.find(store.DOSSIERS, {"owner": {"$in": [person, former or person]}}):
            if row["owner"] != person or not row["number_verified"]:
                relinked(row, person)
                unit.save(store.DOSSIERS, row)
        ctx.commit(unit)

    @every(60)
    def relink_left_behind(self, ctx: Context) -> None:
        """A dossier that was filed in the very moment of the normalization follows its person a little later."""
        for row in store.left_behind(ctx.store, ctx.now - RELINKED_LATE):
            relinked(row, store.person_now(ctx.store, row["owner"]))
            unit = ctx.unit()
            unit.save(store.DOSSIERS, row)
            unit.commit()

    def _mirror(self, ctx: Context, data: dict[str, Any], change: Callable[[dict[str, Any]], Any]) -> None:
        row = ctx.store.get(store.PROGRESS, data["code"])
        if row is None:
            raise UnknownDossier(data["code"])
        change(row)
        unit = ctx.unit()
        unit.save(store.PROGRESS, row)
        ctx.commit(unit)


def relinked(dossier: Document, person: str) -> None:
    """The dossier's owner, and the filer where it is the same, is the person whom the database confirmed."""
    if dossier["filer"] == dossier["owner"]:
        dossier["filer"] = person
    dossier.update(owner=person, number_verified=True)
