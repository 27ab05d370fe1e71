"""The commands by which a dossier comes in: a citizen's own, for another, at the desk, at a post office (RO-07)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from services.common import problems
from services.common.bus.entrypoints import command
from services.common.calendar import WorkingCalendar, local_date
from services.common.context import Context
from services.common.filed_as import FiledAs
from services.common.kernel import Kernel
from services.common.store import Document
from services.common.writes import Duplicate
from services.intake import (
    access,
    amendments,
    answers,
    catalogue,
    codes,
    filing,
    filing_for,
    papers,
    progress,
    schemas,
    store,
    telling,
    views,
)
from services.intake.reading import DELIVERY

#: Serials that another replica may take between our look and our insert, after a counter was restored.
MOST_SERIALS_TRIED = 20


@dataclass(frozen=True, slots=True)
class Registrant:
    """Whose dossier it becomes, who files it and how."""

    owner: str
    verified: bool
    filer: str
    filed_as: FiledAs
    mode: str
    authorisation: dict[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class Place:
    """What is filed and where: the procedure in force, the desk, the competent agency, the files."""

    procedure: Document
    desk: Document
    agency: Document
    given: list[dict[str, Any]]
    calendar: WorkingCalendar


class Registrar:
    """What is filed; what becomes of it is in `service`."""

    kernel: Kernel

    @command(schemas.File, answers.DossierAnswer, idempotent=True)
    def file(self, ctx: Context, data: dict[str, Any]) -> Any:
        """Files a dossier: gives the code, fixes the versions, opens the desk's hour."""
        mode = filing.mode_of(ctx.channel)
        filer = store.LINKS.current(ctx.store, ctx.actor.person_id)
        verified = ctx.actor.normalized or filer != ctx.actor.person_id
        filing.refuse_unnormalized(normalized=verified, on=local_date(ctx.now))
        filed_as, field = filing_for.for_whom(data)
        place = self._place(ctx, data, data["desk"], data["unit"])
        if field is None:
            return self._register(ctx, data, place, Registrant(filer, verified, filer, filed_as, mode))
        paper = None
        if filed_as is FiledAs.AUTHORISED:
            file_id = filing_for.need_paper(data["authorisation"])
            paper = papers.own_files(ctx, [{"file_id": file_id}], ("component", "own"), "authorisation.file_id")[0]
        owner, verified = papers.resolved(ctx, data[field], field, strict=False)
        filing_for.refuse_oneself(owner, filer, field)
        return self._register(ctx, data, place, Registrant(owner, verified, filer, filed_as, mode, paper))

    @command(schemas.FileAtDesk, answers.DossierAnswer, idempotent=True)
    def file_at_desk(self, ctx: Context, data: dict[str, Any]) -> Any:
        """Files what an applicant brought to the desk, scanned there; she needs no account (ID-10)."""
        if not ctx.actor.holds(access.DESK, data["unit"]):
            raise problems.forbidden(access.OTHER_UNIT)
        return self._for_applicant(ctx, data, data["unit"], FiledAs.DESK, data["mode"])

    @command(schemas.FileByPost, answers.DossierAnswer, idempotent=True)
    def file_by_post(self, ctx: Context, data: dict[str, Any]) -> Any:
        """Registers online what an applicant handed over at a post office (mode BCCI)."""
        if not ctx.actor.holds("postal_officer", data["unit"]):
            raise problems.forbidden(access.OTHER_UNIT)
        return self._for_applicant(ctx, data, data["desk"], FiledAs.POST, filing.BY_POST)

    def _for_applicant(self, ctx: Context, data: dict[str, Any], desk: str, filed_as: FiledAs, mode: str) -> Any:
        place = self._place(ctx, data, desk, data["agency"])
        owner, verified = papers.resolved(ctx, data["applicant"], "applicant", strict=True)
        return self._register(ctx, data, place, Registrant(owner, verified, ctx.actor.person_id, filed_as, mode))

    def _place(self, ctx: Context, data: Mapping[str, Any], at: str, asked: str | None) -> Place:
        """What is filed at desk `at` for the agency asked for, all of it checked. Raises Problem 422."""
        procedure = store.procedure(ctx.store, data["procedure"], local_date(ctx.now))
        desk = ctx.store.get("desks", at)
        if procedure is None or desk is None or not desk["active"]:
            raise problems.invalid(
                problems.field_error("procedure", "Không có thủ tục này", "No such procedure")
                if procedure is None
                else problems.field_error("desk", "Không có bộ phận tiếp nhận này", "No such desk")
            )
        unit_id = filing.choose_unit(procedure, asked, desk)
        agency = ctx.store.get("agencies", unit_id)
        if agency is None:
            raise catalogue.CatalogueError(f"{procedure['_id']}: agency {unit_id} is not in the catalogue")
        filing.check_components(data["components"], procedure)
        filing.check_pickup(data["pickup"], data["delivery"], procedure)
        given = papers.own_files(ctx, data["components"], ("component", "own"))
        return Place(procedure, desk, agency, given, catalogue.calendar_of(desk["calendar"]))

    def _register(self, ctx: Context, data: Mapping[str, Any], place: Place, who: Registrant) -> Any:
        """The dossier under the next free code of its agency's day."""
        now = ctx.now
        unit_id = place.agency["_id"]
        for _ in range(MOST_SERIALS_TRIED):
            serial = ctx.store.next_number(store.COUNTERS, codes.counter_key(unit_id, now))
            dossier = filing.new_dossier(
                str(codes.code_for(unit_id, now, serial)), procedure=place.procedure, unit=place.agency,
                desk=place.desk, calendar=place.calendar, owner=who.owner, filer=who.filer, by=ctx.actor.subject,
                verified=who.verified, mode=who.mode, components=place.given, pickup=data["pickup"],
                sealed_delivery=self._sealed(data["delivery"], DELIVERY), now=now, filed_as=who.filed_as,
                authorisation=who.authorisation,
            )  # fmt: skip
            try:
                return self._file(ctx, dossier, place.calendar, now)
            except Duplicate as duplicate:
                if duplicate.collection != store.DOSSIERS:
                    raise
        raise problems.unavailable(retry_after=5, detail="no free serial was found")

    def _file(self, ctx: Context, dossier: Document, calendar: WorkingCalendar, now: datetime) -> Any:
        unit = ctx.unit()
        mirror = progress.empty(dossier["_id"])
        unit.insert(store.DOSSIERS, dossier)
        unit.insert(store.PROGRESS, mirror)
        for person in sorted({dossier["owner"], dossier["filer"]} - {""}):
            store.LINKS.hold(unit, person)
        unit.tell(dossier, "dossier.filed", telling.filed(dossier))
        paper = {dossier["authorisation"]["file_id"]} if dossier["authorisation"] else set()
        verdicts = store.verdicts_of(ctx.store, amendments.all_files(dossier["versions"]) | paper)
        answer = views.full(
            dossier, mirror, verdicts, calendar=calendar, now=now, mine=dossier["filed_as"] == FiledAs.SELF,
            verified=dossier["filed_as"] not in (FiledAs.HELP, FiledAs.AUTHORISED),
        )  # fmt: skip
        return ctx.commit(unit, answer)

    def _sealed(self, personal: dict[str, str] | None, context: str) -> dict[str, str] | None:
        if personal is None:
            return None
        return {name: self.kernel.data_key.seal(text, context) for name, text in personal.items()}
