"""What intake answers without changing anything: the catalogue, dossiers for each audience, their files and reports."""

from __future__ import annotations

from typing import Any

from services.common import problems
from services.common.bus.entrypoints import command, query
from services.common.calendar import WorkingCalendar, local_date
from services.common.context import Context
from services.common.kernel import Kernel
from services.common.reports import CheckRecords, FileToCheck, PrintedReport, ReportAnswer, ReportOfFile, unnamed
from services.common.rules import rule
from services.common.store import Document
from services.intake import (
    access,
    amendments,
    answers,
    catalogue,
    codes,
    papers,
    progress,
    schemas,
    store,
    views,
)

#: What the sealed fields of an address are bound to.
DELIVERY = "dossiers.delivery"


def calendar_of(dossier: Document) -> WorkingCalendar:
    """The working calendar that was fixed for a dossier."""
    return catalogue.calendar_of(dossier["fixed"]["calendar"]["id"])


class Reader:
    """The queries of the room; its commands are in `service`."""

    kernel: Kernel

    @query(schemas.FindProcedures, answers.ProcedurePage)
    def procedures(self, ctx: Context, data: dict[str, Any]) -> Any:
        """Procedures in force today, by code; `q` searches names, code and sector, with or without diacritics."""
        rows, following = store.procedures(ctx.store, local_date(ctx.now), data["q"], data["cursor"], data["limit"])
        return {"items": [views.procedure_item(row) for row in rows], "next_cursor": following}

    @query(schemas.OfCode, answers.ProcedureAnswer)
    def procedure(self, ctx: Context, data: dict[str, Any]) -> Any:
        """One procedure in force today with all that must be published about it."""
        row = store.procedure(ctx.store, data["code"], local_date(ctx.now))
        if row is None:
            raise problems.not_found()
        return views.procedure(row, store.agencies(ctx.store, row["units"]), store.desks_for(ctx.store, row["units"]))

    @query(schemas.Lookup, answers.Status)
    def lookup(self, ctx: Context, data: dict[str, Any]) -> Any:
        """How far a dossier is, for anybody with its code; nothing else about it."""
        try:
            code = str(codes.as_typed(data["code"]))
        except ValueError:
            raise problems.not_found() from None
        dossier = ctx.store.get(store.DOSSIERS, code)
        if dossier is None:
            raise problems.not_found()
        return views.public(dossier, store.progress_of(ctx.store, code))

    @query(schemas.Page, answers.DossierPage)
    def mine(self, ctx: Context, data: dict[str, Any]) -> Any:
        """One's own dossiers, newest first."""
        rows, following = store.of_owner(ctx.store, self._person(ctx), data["cursor"], data["limit"])
        mirrors = store.progress_of_all(ctx.store, (row["_id"] for row in rows))
        return {"items": [views.item(row, mirrors[row["_id"]]) for row in rows], "next_cursor": following}

    @query(schemas.Page, answers.DossierPage)
    def filed_for(self, ctx: Context, data: dict[str, Any]) -> Any:
        """What one filed for others, newest first; none of it is one's own."""
        rows, following = store.of_filer(ctx.store, self._person(ctx), data["cursor"], data["limit"])
        mirrors = store.progress_of_all(ctx.store, (row["_id"] for row in rows))
        return {"items": [views.item(row, mirrors[row["_id"]]) for row in rows], "next_cursor": following}

    @query(schemas.OfCode, answers.DossierAnswer)
    def dossier(self, ctx: Context, data: dict[str, Any]) -> Any:
        """One dossier, for its owner, officers of desk and agency, and IOC."""
        person, found, mirror = store.look(ctx.store, ctx.actor.person_id, data["code"])
        return self._view(ctx, dict(access.check_read(ctx.actor, person, found)), mirror, person, ask=True)

    @query(schemas.OfQueue, answers.QueuePage)
    def desk_queue(self, ctx: Context, data: dict[str, Any]) -> Any:
        """What waits for the desk's answer, with the working minutes that are left."""
        if not ctx.actor.holds(access.DESK, data["unit"]):
            raise problems.forbidden(access.OTHER_UNIT)
        rows, following = store.queue_of(ctx.store, data["unit"], data["cursor"], data["limit"])
        files = {entry["file_id"] for row in rows for entry in row["versions"][-1]["components"]}
        verdicts = store.verdicts_of(ctx.store, files)
        items = [
            # a whole page is not asked for: what a dossier's own page has found out shows here, too
            views.queue_item(
                row, verdicts, papers.signings(ctx, row, verdicts, ask=False), calendar=calendar_of(row), now=ctx.now
            )
            for row in rows
        ]
        return {"items": items, "next_cursor": following}

    @query(schemas.OfQueue, answers.DossierPage)
    @rule("RO-05", title="Đầu mối kiểm soát theo dõi mọi hồ sơ của cơ quan mình", cites="QĐ 08/2025/QĐ-UBND Đ25.2e")
    def agency_dossiers(self, ctx: Context, data: dict[str, Any]) -> Any:
        """All dossiers for which an agency is competent, newest first."""
        if not (ctx.actor.roles & access.WATCHERS or access.watches(ctx.actor, data["unit"])):
            raise problems.forbidden(access.OTHER_UNIT)
        rows, following = store.of_agency(ctx.store, data["unit"], data["cursor"], data["limit"])
        mirrors = store.progress_of_all(ctx.store, (row["_id"] for row in rows))
        return {"items": [views.item(row, mirrors[row["_id"]]) for row in rows], "next_cursor": following}

    @query(schemas.OfCode, answers.History)
    def history(self, ctx: Context, data: dict[str, Any]) -> Any:
        """The citizen's update log: who, when, which component, which version."""
        return views.history(self._readable(ctx, data["code"]))

    @query(schemas.OfCode, answers.Versions)
    def versions(self, ctx: Context, data: dict[str, Any]) -> Any:
        """Every version of the dossier with its files."""
        return views.versions(self._readable(ctx, data["code"]))

    @query(schemas.OfSlip, answers.SlipDetail)
    def slip(self, ctx: Context, data: dict[str, Any]) -> Any:
        """A guidance with the former ones, for its reviewer, the owner and the officers."""
        found = ctx.store.find_one(store.DOSSIERS, {"slips.slip_id": data["slip_id"]})
        dossier = access.check_read(ctx.actor, self._person(ctx), found)
        files = (row["file_id"] for row in dossier["slips"] if row["file_id"])
        verdicts = store.verdicts_of(ctx.store, files)
        room = ctx.actor.is_service
        seals = store.seals_of(ctx.store, dossier["desk"]) if room else []
        return views.slip_detail(dossier, data["slip_id"], verdicts, to_room=room, seals=seals)

    @query(schemas.OfCode, answers.Brief)
    def brief(self, ctx: Context, data: dict[str, Any]) -> Any:
        """The facts of a dossier for other rooms."""
        dossier = self._readable(ctx, data["code"])
        files = amendments.all_files(dossier["versions"])
        return views.brief(dossier, store.progress_of(ctx.store, dossier["_id"]), store.verdicts_of(ctx.store, files))

    @query(schemas.OpenFile, answers.Ticket)
    def open_file(self, ctx: Context, data: dict[str, Any]) -> Any:
        """A ticket to fetch one file of the dossier, present or former."""
        found = ctx.store.get(store.DOSSIERS, data["code"])
        self._check_file(ctx, found, data["file_id"])
        return papers.download(ctx, data["file_id"], f"dossier {data['code']}")

    @query(ReportOfFile, ReportAnswer)
    def file_report(self, ctx: Context, data: dict[str, Any]) -> Any:
        """What signing says of one file of the dossier, personal numbers masked; for officers who may open it. That
        the officer has looked is on record (SG-01)."""
        return self._of_file(ctx, data, "signing.officers_report")

    @query(ReportOfFile, PrintedReport)
    def printed_file_report(self, ctx: Context, data: dict[str, Any]) -> Any:
        """A ticket to fetch the same report as PDF."""
        return self._of_file(ctx, data, "signing.printed_report")

    @query(FileToCheck, CheckRecords)
    def file_checks(self, ctx: Context, data: dict[str, Any]) -> Any:
        """Who had the file's signatures checked, when, with which outcome."""
        self._check_file(ctx, ctx.store.get(store.DOSSIERS, data["code"]), data["file_id"])
        return ctx.call("signing.checks", as_service=True, file_id=data["file_id"])

    @command(FileToCheck, ReportAnswer, idempotent=True)
    def recheck_file(self, ctx: Context, data: dict[str, Any]) -> Any:
        """Has the file checked now: a new report beside the old ones, with a record of who asked."""
        answer = self._of_file(ctx, data, "signing.recheck")
        ctx.commit(ctx.unit(), unnamed(answer))
        return answer

    def _of_file(self, ctx: Context, data: dict[str, Any], method: str) -> Any:
        self._check_file(ctx, ctx.store.get(store.DOSSIERS, data["code"]), data["file_id"])
        asked = {name: data[name] for name in ("file_id", "report_id") if data.get(name)}
        return ctx.call(method, as_service=True, officer=ctx.actor.subject, **asked)

    def _check_file(self, ctx: Context, found: Document | None, file_id: str) -> None:
        dossier = access.check_files(ctx.actor, self._person(ctx), found)
        mirror = store.progress_of(ctx.store, dossier["_id"])
        if file_id not in views.files_of(dossier, mirror):
            raise problems.not_found()
        access.check_file(ctx.actor, self._person(ctx), dossier, file_id, slips=views.slip_files(dossier, mirror))

    @query(schemas.OfCode, answers.Ticket)
    def receipt(self, ctx: Context, data: dict[str, Any]) -> Any:
        """A ticket to fetch the receipt (Mẫu 01)."""
        found = ctx.store.get(store.DOSSIERS, data["code"])
        dossier = access.check_files(ctx.actor, self._person(ctx), found)
        access.check_papers(ctx.actor, self._person(ctx), dossier)
        if dossier["receipt"] is None:
            raise problems.not_found("chưa có giấy tiếp nhận: hồ sơ chưa được tiếp nhận / no receipt before acceptance")
        return papers.download(ctx, dossier["receipt"]["file_id"], f"receipt {dossier['_id']}")

    @query(schemas.OfCode, answers.DeliveryAnswer)
    def delivery(self, ctx: Context, data: dict[str, Any]) -> Any:
        """Where the postal partner brings the result; for the postal room only."""
        dossier = ctx.store.get(store.DOSSIERS, data["code"])
        if dossier is None or dossier["delivery"] is None:
            raise problems.not_found()
        opened = {name: self._key.open(text, DELIVERY) for name, text in dossier["delivery"].items()}
        return {"code": dossier["_id"], "sender_name": dossier["desk_name"], **opened}

    # --- shared with the commands ------------------------------------------------------------------------------------

    def _view(self, ctx: Context, dossier: Document, mirror: Document, person: str, *, ask: bool = False) -> Any:
        files = amendments.all_files(dossier["versions"]) | {row["file_id"] for row in dossier["slips"]}
        files |= {paper["file_id"] for paper in [dossier["authorisation"]] if paper}
        verdicts = store.verdicts_of(ctx.store, {*files, *progress.supplement_files(mirror)} - {None})
        return views.full(
            dossier, mirror, verdicts, calendar=calendar_of(dossier), now=ctx.now,
            mine=access.is_owner(ctx.actor, person, dossier),
            papers=access.may_have_papers(ctx.actor, person, dossier),
            verified=not access.filed_for_another(ctx.actor, person, dossier),
            signings=papers.signings(ctx, dossier, verdicts, ask=ask),
        )  # fmt: skip

    def _person(self, ctx: Context) -> str:
        return store.LINKS.current(ctx.store, ctx.actor.person_id)

    def _readable(self, ctx: Context, code: str) -> Document:
        found = ctx.store.get(store.DOSSIERS, code)
        return dict(access.check_read(ctx.actor, self._person(ctx), found))

    @property
    def _key(self) -> Any:
        return self.kernel.data_key
