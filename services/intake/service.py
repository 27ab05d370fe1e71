"""Intake: the catalogue, dossiers as citizen and desk see them, guidance, amendments, receipts. See README.md."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from services.common import problems
from services.common.bus.entrypoints import command
from services.common.context import Context
from services.common.expected_signer import Signing
from services.common.filed_as import Right
from services.common.files import put_bytes
from services.common.kernel import Kernel, RoomSpec
from services.common.run import KernelProvider
from services.common.slips import Verdict
from services.common.store import Document
from services.common.workers import WorkerPool
from services.intake import (
    acceptance,
    access,
    amendments,
    answers,
    catalogue,
    grants,
    guidance,
    intake_clock,
    papers,
    progress,
    receipt,
    restored,
    schemas,
    store,
    telling,
)
from services.intake.dossier import Command, Facts, State, find, move, needs_processing
from services.intake.listening import Listener
from services.intake.migrations import MIGRATIONS
from services.intake.reading import Reader, calendar_of
from services.intake.registering import Registrar

_COLLECTOR = "dossiers.collector"

_pool = WorkerPool("receipts", "services.intake.worker", size=1, deadline=papers.DRAW_DEADLINE)


class IntakeService(Registrar, Reader, Listener):
    """What becomes of a dossier. How it comes in is in `registering`, what is read in `reading`, what is listened to in
    `listening`, the rules in the pure files."""

    name = "intake"
    kernel: Kernel = KernelProvider()

    # --- the desk's answers ------------------------------------------------------------------------------------------

    @command(schemas.AskPaper, answers.DossierAnswer, idempotent=True)
    def ask_paper(self, ctx: Context, data: dict[str, Any]) -> Any:
        """Asks for a component on paper; refused where the applicant or an agency signed it validly (IN-03)."""
        dossier = self._at_desk(ctx, data)
        entry = next((e for e in dossier["versions"][-1]["components"] if e["component"] == data["component"]), None)
        if entry is None or not data["reason"].strip():
            raise problems.invalid(
                problems.field_error("component", "Hồ sơ không có thành phần này", "The dossier has no such component")
                if entry is None
                else problems.field_error("reason", "Phải nêu lý do", "Give the reason")
            )
        verdict = papers.verdicts(ctx, [entry["file_id"]])[entry["file_id"]]
        if verdict is None:
            raise problems.unavailable(retry_after=2, detail="The component's signature has not been checked yet.")
        signed = verdict == Verdict.TOTAL_PASSED
        signing = papers.whose_signature(ctx, entry["file_id"], dossier) if signed else Signing(verdict)
        guidance.refuse_paper(entry, signing)
        now = ctx.now
        asked = {
            "component": entry["component"], "reason": data["reason"].strip(), "signing": signing.value, "at": now
        }  # fmt: skip
        dossier["paper_asked"] = [*dossier["paper_asked"], {**asked, "officer": ctx.actor.subject}]
        return self._save(ctx, dossier, "dossier.paper_asked", telling.paper_asked(dossier))

    @command(schemas.Guide, answers.DossierAnswer, idempotent=True)
    def guide(self, ctx: Context, data: dict[str, Any]) -> Any:
        """Guides the citizen to complete named components; an unsigned guidance is told as it is (X-17)."""
        dossier = self._at_desk(ctx, data)
        now = ctx.now
        blocked = progress.blocked_acts(store.progress_of(ctx.store, dossier["_id"]))
        slip = guidance.new_slip(
            dossier["_id"], dossier["slips"], text=data["text"], components=data["components"],
            of_procedure=catalogue.component_names(dossier["fixed"]), blocked=blocked,
            failure_statement=data["failure_statement"], officer=ctx.actor.subject,
            officer_person=ctx.actor.person_id, now=now, dossier_version=dossier["dossier_version"],
        )  # fmt: skip
        row = move(State(dossier["state"]), Command.GUIDE, Facts(blocked=blocked))
        file = papers.one_file(ctx, data["file_id"], ("slip",))
        verdict = None
        if file is not None:
            slip.update(file_id=file["file_id"], file_sha256=file["sha256"])
            verdict = papers.verdicts(ctx, [file["file_id"]])[file["file_id"]]
        dossier["state"] = row.target.value
        dossier["slips"] = [*dossier["slips"], slip]
        intake_clock.close_round(dossier["intake_rounds"], row.command.value, ctx.actor.subject, now)
        return self._save(ctx, dossier, row.event, telling.guided(dossier, verdict))

    @command(schemas.Accept, answers.DossierAnswer, idempotent=True)
    def accept(self, ctx: Context, data: dict[str, Any]) -> Any:
        """Accepts the dossier: appointment by the calendar, receipt (Mẫu 01), and the case may open."""
        dossier = self._at_desk(ctx, data)
        state = State(dossier["state"])
        find(state, Command.ACCEPT)
        now = ctx.now
        files = [entry["file_id"] for entry in dossier["versions"][-1]["components"]]
        verdicts = papers.verdicts(ctx, files)
        undecided = acceptance.undecided_signatures(dossier, verdicts)
        unsigned = acceptance.unsigned(dossier, verdicts, lambda file_id: papers.whose_signature(ctx, file_id, dossier))
        row = move(state, Command.ACCEPT, Facts(undecided=undecided, unsigned=unsigned, note=data["note"]))
        deadline = acceptance.promise(calendar_of(dossier), dossier["fixed"], now)
        dossier["receipt"] = self._receipt(ctx, dossier, now, deadline.due)
        dossier["state"] = row.target.value
        dossier["accepted"] = {
            "at": now,
            "officer": ctx.actor.subject,
            "note": data["note"].strip() or None,
            "appointment": deadline.due,
            "explained": deadline.to_dict(),
        }
        intake_clock.close_round(dossier["intake_rounds"], row.command.value, ctx.actor.subject, now)
        return self._save(ctx, dossier, row.event, telling.accepted(dossier))

    def _receipt(self, ctx: Context, dossier: Document, now: datetime, appointment: datetime) -> dict[str, Any]:
        fonts = self.kernel.settings.fonts
        if fonts is None:
            raise problems.unavailable(retry_after=60, detail="MOTCUA_FONTS is not set")
        content = receipt.content(
            dossier,
            person=papers.person(ctx, dossier["owner"], "receipt"),
            officer=papers.person(ctx, ctx.actor.person_id, "receipt"),
            accepted_at=now,
            appointment=appointment,
            public_url=self.kernel.settings.public_url,
        )
        pdf = papers.drawn(_pool, content, str(fonts))
        # The minute is all that a receipt shows of the time: a command that runs again in another minute makes
        # another file, and never keeps one that promises something else than the dossier.
        name = receipt.file_name(dossier["_id"], now)
        stored = put_bytes(ctx, pdf, name, "form", person_id=dossier["owner"])
        return {"file_id": stored["file_id"], "sha256": stored["sha256"], "form_version": receipt.FORM_VERSION}

    @command(schemas.Refuse, answers.DossierAnswer, idempotent=True)
    def refuse(self, ctx: Context, data: dict[str, Any]) -> Any:
        """Refuses the dossier with a reason (Mẫu 03)."""
        dossier = self._at_desk(ctx, data)
        row = move(State(dossier["state"]), Command.REFUSE)
        reason = acceptance.check_reason(data["reason"])
        file = papers.one_file(ctx, data["file_id"], ("slip",))
        now = ctx.now
        dossier["state"] = row.target.value
        dossier["refused"] = {
            "at": now,
            "officer": ctx.actor.subject,
            "reason": reason,
            "file_id": file["file_id"] if file else None,
        }
        intake_clock.close_round(dossier["intake_rounds"], row.command.value, ctx.actor.subject, now)
        return self._save(ctx, dossier, row.event, telling.refused(dossier))

    @command(schemas.ReturnResult, answers.DossierAnswer, idempotent=True)
    def return_result(self, ctx: Context, data: dict[str, Any]) -> Any:
        """Returns the result that processing releases, and no other; whoever collects it at the desk is noted."""
        dossier = self._at_desk(ctx, data)
        state = State(dossier["state"])
        find(state, Command.RETURN_RESULT)
        collector = data["collector"]
        if collector is not None and collector["proxy_file_id"] is not None:
            papers.one_file(ctx, collector["proxy_file_id"], ("component", "slip"))
        answer = ctx.call("processing.release", code=dossier["_id"])
        row = move(state, Command.RETURN_RESULT, Facts(granted=bool(answer["granted"])))
        grants.return_result(
            dossier, row, by=ctx.actor.subject, result=acceptance.granted_result(answer),
            # After the check that granted it (RT-02), which came later than the start of this command.
            at=self.kernel.now(), collector=self._sealed_collector(collector),
        )  # fmt: skip
        return self._save(ctx, dossier, row.event, telling.returned(dossier))

    # --- the citizen's commands --------------------------------------------------------------------------------------

    @command(schemas.Amend, answers.DossierAnswer, idempotent=True)
    def amend(self, ctx: Context, data: dict[str, Any]) -> Any:
        """Answers a guidance, or a supplement request that processing confirms: version n+1 under the same code."""
        dossier = self._as_applicant(ctx, data, Right.AMEND)
        state = State(dossier["state"])
        row = find(state, Command.AMEND)
        now = ctx.now
        before = not needs_processing(row)
        slip = guidance.open_slip(dossier["slips"]) if before else None
        allowed = slip["components"] if slip else catalogue.component_names(dossier["fixed"])
        amendments.check_answer(data["components"], allowed)
        given = papers.own_files(ctx, data["components"], ("component", "own"))
        amendments.refuse_unchanged(given, dossier["versions"][-1])
        if before:
            slip_id, granted = (slip["slip_id"] if slip else None), True
        else:
            answer = ctx.call("processing.accept_amendment", code=dossier["_id"], components=given)
            slip_id, granted = answer.get("slip_id"), bool(answer["granted"])
        row = move(state, Command.AMEND, Facts(granted=granted))
        grants.amend(
            dossier, row, given, by=ctx.actor.subject, at=now, slip_id=slip_id, note=data["note"],
            confirmed=data["statement"],
            stage="before_acceptance" if before else grants.PROCESSING,
        )  # fmt: skip
        if slip is not None:
            slip["answered_by_version"] = dossier["dossier_version"]
            opened = intake_clock.open_round(calendar_of(dossier), now)
            dossier["intake_rounds"] = [*dossier["intake_rounds"], opened]
            dossier["intake_due"] = opened["due"]
        return self._save(ctx, dossier, row.event, telling.amended(dossier, given))

    @command(schemas.Withdraw, answers.DossierAnswer, idempotent=True)
    def withdraw(self, ctx: Context, data: dict[str, Any]) -> Any:
        """Withdraws the dossier; after acceptance processing decides."""
        dossier = self._as_applicant(ctx, data, Right.WITHDRAW)
        state = State(dossier["state"])
        granted = False
        if needs_processing(find(state, Command.WITHDRAW)):
            granted = bool(ctx.call("processing.withdraw", code=dossier["_id"])["granted"])
        row = move(state, Command.WITHDRAW, Facts(granted=granted))
        now = ctx.now
        stage = grants.PROCESSING if granted else "intake"
        grants.withdraw(dossier, row, by=ctx.actor.subject, at=now, stage=stage)
        return self._save(ctx, dossier, row.event, telling.withdrawn(dossier))

    # --- shared ------------------------------------------------------------------------------------------------------

    def _save(self, ctx: Context, dossier: Document, event: str, told: dict[str, Any]) -> Any:
        """Writes the dossier with its one event; the answer shows the version that it has then."""
        unit = ctx.unit()
        unit.save(store.DOSSIERS, dossier)
        unit.tell(dossier, event, told)
        after, mirror = {**dossier, "version": dossier["version"] + 1}, store.progress_of(ctx.store, dossier["_id"])
        return ctx.commit(unit, self._view(ctx, after, mirror, self._person(ctx)))

    def _at_desk(self, ctx: Context, data: dict[str, Any]) -> Document:
        dossier = access.check_desk(ctx.actor, ctx.store.get(store.DOSSIERS, data["code"]))
        ctx.check_version(dossier, data["version"])
        return dossier

    def _as_applicant(self, ctx: Context, data: dict[str, Any], right: Right) -> Document:
        found = ctx.store.get(store.DOSSIERS, data["code"])
        dossier = access.check_applicant(ctx.actor, self._person(ctx), found, right)
        ctx.check_version(dossier, data["version"])
        return dossier

    def _sealed_collector(self, collector: dict[str, Any] | None) -> dict[str, Any] | None:
        if collector is None:
            return None
        personal = {name: collector[name] for name in ("full_name", "id_number")}
        open_part = {"proxy": collector["proxy"], "proxy_file_id": collector["proxy_file_id"]}
        return {**(self._sealed(personal, _COLLECTOR) or {}), **open_part}


def _start(kernel: Kernel) -> None:
    store.seed(kernel)
    if kernel.settings.fonts is not None:
        papers.warm(_pool, str(kernel.settings.fonts))


SPEC = RoomSpec(
    name="intake",
    aggregates=[store.DOSSIERS],
    indexes=store.INDEXES,
    events=schemas.EVENTS,
    migrations=MIGRATIONS,
    on_start=_start,
    on_stop=lambda _kernel: _pool.close(),
    after_restore=restored.after_restore,
)
