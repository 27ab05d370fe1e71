"""What intake listens to: verdicts of files, blocks, the case and the fee after acceptance, accounts."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from services.common import logs
from services.common.bus.entrypoints import every, on_event
from services.common.context import Context
from services.common.envelope import Event
from services.common.faults import DatabaseAway
from services.common.store import Document
from services.common.writes import Duplicate, StaleVersion
from services.intake import events, grants, progress, store
from services.intake.dossier import Command


class UnknownDossier(Exception):
    """An event about a dossier that intake does not have."""


class Listener:
    """The event handlers of the room; its commands and queries are in `service`."""

    @on_event("file.checked", events.FileChecked)
    def on_checked(self, ctx: Context, event: Event, data: dict[str, Any]) -> None:
        """Keeps the verdict of a file, whether it is filed already or not; the newest check counts.

        Verdicts of one file may be taken at the same moment: each is written only over what it was compared with.
        Raises StaleVersion where that is not there any more.
        """
        unit = ctx.unit()
        known = ctx.store.get(store.VERDICTS, data["file_id"])
        if known is None or known["recorded"] < event.recorded:
            kept = {name: data[name] for name in ("sha256", "verdict", "report_id")}
            unit.change(
                store.VERDICTS,
                {"_id": data["file_id"], "recorded": known["recorded"] if known else None},
                {"$set": {**kept, "recorded": event.recorded, "schema_version": 1}},
                upsert=True,
            )
        try:
            ctx.commit(unit)
        except Duplicate as duplicate:
            if duplicate.collection != store.VERDICTS:
                raise
            raise StaleVersion(store.VERDICTS) from None

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

    @on_event("case.resumed", events.ResumedSeen, ordered=True)
    def on_resumed(self, ctx: Context, event: Event, data: dict[str, Any]) -> None:
        def change(row: dict[str, Any]) -> None:
            progress.resumed(row, data["appointment"])
            if data["slip_id"] and data["components"] and data["at"]:
                self._granted(ctx, event, data, row, Command.AMEND)

        self._mirror(ctx, data, change)

    @on_event("case.withdrawn", events.EndedSeen, ordered=True)
    def on_withdrawal_granted(self, ctx: Context, event: Event, data: dict[str, Any]) -> None:
        self._mirror(ctx, data, lambda row: self._granted(ctx, event, data, row, Command.WITHDRAW))

    @on_event("result.released", events.ReleasedSeen, ordered=True)
    def on_released(self, ctx: Context, event: Event, data: dict[str, Any]) -> None:
        self._mirror(ctx, data, lambda row: self._granted(ctx, event, data, row, Command.RETURN_RESULT))

    def _granted(self, ctx: Context, event: Event, data: dict[str, Any], row: dict[str, Any], command: Command) -> None:
        """Notes a grant that the dossier does not show; `finish_granted` looks at it again."""
        grant = grants.noted(command, data, by=event.actor_id, recorded=event.recorded)
        dossier = ctx.store.get(store.DOSSIERS, data["code"])
        if dossier is not None and grants.outstanding(dossier, grant):
            progress.granted(row, grant)

    @every(15)
    def finish_granted(self, ctx: Context) -> None:
        """Carries out what processing granted and nobody carried out: intake ended in between."""
        for mirror in store.granted_before(ctx.store, datetime.now(UTC) - grants.GRACE):
            try:
                self._finish(ctx, mirror)
            except DatabaseAway:  # the database is away: the others would wait for it as long
                raise
            except Exception as fault:  # one dossier's fault is not the others'; again at the next run
                logs.fault("grant_not_carried_out", fault, code=mirror["_id"])

    def _finish(self, ctx: Context, mirror: Document) -> None:
        dossier = ctx.store.get(store.DOSSIERS, mirror["_id"])
        unit = ctx.unit()
        grant, *others = mirror["grants"]
        if dossier is not None and grants.outstanding(dossier, grant):
            name = self._result_name(ctx, mirror["_id"], grant)
            event, told = grants.carry_out(dossier, grant, name=name)
            unit.save(store.DOSSIERS, dossier)
            unit.tell(dossier, event, told)
            logs.warning("grant_carried_out", code=mirror["_id"], command=grant["command"])
        mirror["grants"] = others
        unit.save(store.PROGRESS, mirror)
        unit.commit()

    def _result_name(self, ctx: Context, code: str, grant: dict[str, Any]) -> str | None:
        """What the officer called the result; no event carries it."""
        if grant["command"] != Command.RETURN_RESULT or grant["file"]["file_id"] is None:
            return None
        results = ctx.call("processing.case", as_service=True, code=code)["results"]
        return next((str(row["name"]) for row in results if row["file_id"] == grant["file"]["file_id"]), None)

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
        store.LINKS.give_up(ctx.store, unit, former or "", person, ctx.now)
        mine = [person, former or person]
        for row in ctx.store.find(store.DOSSIERS, {"$or": [{"owner": {"$in": mine}}, {"filer": former or person}]}):
            if relinked(row, person, former or person):
                unit.save(store.DOSSIERS, row)
        ctx.commit(unit)

    def _mirror(self, ctx: Context, data: dict[str, Any], change: Callable[[dict[str, Any]], Any]) -> None:
        row = ctx.store.get(store.PROGRESS, data["code"])
        if row is None:
            raise UnknownDossier(data["code"])
        change(row)
        unit = ctx.unit()
        unit.save(store.PROGRESS, row)
        ctx.commit(unit)


def relinked(dossier: Document, person: str, former: str) -> bool:
    """Owner and filer who stood under the former id are the person whom the database confirmed; False where nothing
    changes. Whoever filed for another owns nothing of it by being confirmed."""
    before = (dossier["owner"], dossier["filer"], dossier["number_verified"])
    if dossier["filer"] == former:
        dossier["filer"] = person
    if dossier["owner"] in (person, former):
        dossier.update(owner=person, number_verified=True)
    return before != (dossier["owner"], dossier["filer"], dossier["number_verified"])
