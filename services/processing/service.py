"""The nameko service of processing: thin; the rules are in case, clock, results and supplements."""

from __future__ import annotations

import hashlib
from typing import Any

from services.common.bus.entrypoints import command, query
from services.common.calendar import local_date
from services.common.context import Context
from services.common.filed_as import Right
from services.common.kernel import Kernel, RoomSpec
from services.common.run import KernelProvider
from services.common.unit import UnitOfWork
from services.processing import access, events, neighbours, results, schemas, store, supplements, views
from services.processing import case as cases
from services.processing import clock as clocks
from services.processing.case import Case, Command, Facts, State
from services.processing.file_checks import FileChecks
from services.processing.listening import Listener, calendar_of
from services.processing.migrations import MIGRATIONS


class ProcessingService(Listener, FileChecks):
    """Answers about cases, moves them, and tells what happened."""

    name = "processing"
    kernel = KernelProvider()

    # --- reading -----------------------------------------------------------------------------------------------------

    @query(schemas.OfCase, schemas.CaseAnswer)
    def case(self, ctx: Context, data: dict[str, Any]) -> dict[str, Any]:
        return self._shown(ctx, self._known(ctx, data["code"]))

    @query(schemas.Worklist, schemas.WorklistAnswer)
    def worklist(self, ctx: Context, data: dict[str, Any]) -> dict[str, Any]:
        access.need(ctx.actor, data["unit"], "specialist", "leader")
        page, following = store.worklist(ctx.store, data["unit"], data["cursor"], data["limit"])
        items = [views.work_item(c, now=ctx.now, calendar=calendar_of(c["clock"]["calendar"])) for c in page]
        return {"items": items, "next_cursor": following}

    @query(schemas.OfSlip, schemas.SlipAnswer)
    def slip(self, ctx: Context, data: dict[str, Any]) -> dict[str, Any]:
        found = ctx.store.find_one(store.CASES, {"supplements.slip_id": data["slip_id"]})
        case = access.known(store.LINKS.actor(ctx.store, ctx.actor), store.with_filer_of_today(ctx.store, found))
        found, former = supplements.find(case["supplements"], data["slip_id"])
        room = ctx.actor.is_service
        seals = self._tax_numbers(ctx, case) if room else ()
        return views.slip(case, found, former, to_room=room, seals=seals)

    # --- steps -------------------------------------------------------------------------------------------------------

    @command(schemas.StartStep, schemas.CaseAnswer, idempotent=True)
    def start_step(self, ctx: Context, data: dict[str, Any]) -> dict[str, Any]:
        case = self._to_work_on(ctx, data)
        row = cases.start_step(case, data["step"], by=ctx.actor.subject, at=ctx.now)
        unit = ctx.unit()
        unit.save(store.CASES, case)
        self._tell(unit, case, row.event, step=data["step"])
        return self._done(ctx, unit, case)

    @command(schemas.FinishStep, schemas.CaseAnswer, idempotent=True)
    def finish_step(self, ctx: Context, data: dict[str, Any]) -> dict[str, Any]:
        case = self._to_work_on(ctx, data)
        row, following = cases.finish_step(case, data["step"], remark=data["note"], by=ctx.actor.subject, at=ctx.now)
        unit = ctx.unit()
        unit.save(store.CASES, case)
        self._tell(unit, case, row.event, step=data["step"], next=following)
        self._ready_if_passed(ctx, unit, case)
        return self._done(ctx, unit, case)

    # --- supplement requests -----------------------------------------------------------------------------------------

    @command(schemas.RequestSupplement, schemas.CaseAnswer, idempotent=True)
    def request_supplement(self, ctx: Context, data: dict[str, Any]) -> dict[str, Any]:
        case = self._to_work_on(ctx, data, "specialist")
        cases.transition(case, Command.REQUEST_SUPPLEMENT)
        file = neighbours.own_file(ctx, data["file_id"], "slip") if data["file_id"] else None
        report = neighbours.report(ctx, file["file_id"]) if file else None
        slip = supplements.make(
            case, slip_id=hashlib.sha256(f"slip:{ctx.command_id}".encode()).hexdigest()[:32], text=data["text"],
            components=data["components"], of_procedure=case["components"],
            failure_statement=data["failure_statement"], file=file, verdict=report["verdict"] if report else None,
            by=ctx.actor.subject, by_person=ctx.actor.person_id, at=ctx.now,
        )  # fmt: skip
        row = cases.apply(case, Command.REQUEST_SUPPLEMENT, by=ctx.actor.subject, at=ctx.now)
        case["supplements"].append(slip)
        clocks.stop(case["clock"], ctx.now, "supplement")
        unit = ctx.unit()
        unit.save(store.CASES, case)
        told = (
            "slip_id", "act", "round", "components", "file_id", "file_sha256", "verdict", "text_hash", "has_statement",
            "officer", "at",
        )  # fmt: skip
        self._tell(unit, case, row.event, **{name: slip[name] for name in told})
        return self._done(ctx, unit, case)

    @command(schemas.AcceptAmendment, schemas.AmendmentGranted, idempotent=True)
    def accept_amendment(self, ctx: Context, data: dict[str, Any]) -> dict[str, Any]:
        """The applicant's answer, brought by intake. The same answer again, under whatever key, is granted again."""
        case = self._as_applicant(ctx, data["code"], Right.AMEND)
        unit = ctx.unit()
        slip = supplements.open_slip(case["supplements"])
        if slip is None and supplements.same_answer(case["supplements"], data["components"]):
            return ctx.commit(unit, self._amended(case, case["supplements"][-1]))
        cases.transition(case, Command.ACCEPT_AMENDMENT)
        if slip is None:
            raise AssertionError("a case in SUPPLEMENT has an open slip")
        supplements.answer(slip, data["components"], ctx.now)
        row = cases.apply(case, Command.ACCEPT_AMENDMENT, by=ctx.actor.subject, at=ctx.now)
        change = clocks.resume(case["clock"], ctx.now, calendar_of(case["clock"]["calendar"]))
        unit.save(store.CASES, case)
        self._tell(
            unit, case, row.event, appointment_before=change.before, appointment=change.after,
            slip_id=slip["slip_id"], components=slip["answer"], at=slip["answered_at"],
        )  # fmt: skip
        case["edition"] += 1
        return ctx.commit(unit, self._amended(case, slip))

    def _amended(self, case: Case, slip: dict[str, Any]) -> dict[str, Any]:
        promise = next(p for p in reversed(case["clock"]["appointments"]) if p["why"] == "amended")
        return {
            "granted": True,
            "at": slip["answered_at"],
            "slip_id": slip["slip_id"],
            "unanswered": slip["unanswered"],
            "appointment_before": promise["before"],
            "appointment": promise["due"],
        }

    # --- results -----------------------------------------------------------------------------------------------------

    @command(schemas.AttachResult, schemas.CaseAnswer, idempotent=True)
    def attach_result(self, ctx: Context, data: dict[str, Any]) -> dict[str, Any]:
        case = self._to_work_on(ctx, data)
        cases.transition(case, Command.ATTACH_RESULT)
        file = neighbours.own_file(ctx, data["file_id"], "result")
        holder = store.holder(ctx.store, file["sha256"], case["code"])
        refusal = results.foreign_refusal(case["code"], holder=holder, person_id=file["person_id"])
        if refusal is not None:
            raise refusal.problem()
        result = results.attached(
            case["results"], file=file, report=neighbours.report(ctx, file["file_id"]), name=data["name"],
            tax_numbers=self._tax_numbers(ctx, case), by=ctx.actor.subject, at=ctx.now,
        )  # fmt: skip
        row = cases.apply(
            case, Command.ATTACH_RESULT, by=ctx.actor.subject, at=ctx.now, sha256=result["sha256"],
            verdict=result["verdict"],
        )  # fmt: skip
        case["results"].append(result)
        unit = ctx.unit()
        unit.save(store.CASES, case)
        if holder is None:
            store.claim(unit, file["sha256"], case["code"], ctx.now)
        self._tell(unit, case, row.event, **{name: result[name] for name in ("file_id", "sha256", "round")})
        self._ready_if_passed(ctx, unit, case)
        return self._done(ctx, unit, case)

    @command(schemas.OfCase, schemas.CaseAnswer, idempotent=True)
    def ask_signed_result(self, ctx: Context, data: dict[str, Any]) -> dict[str, Any]:
        """RT-03: asks the agency for a signed result at the moment of detection; no appointment moves."""
        case = self._known(ctx, data["code"])
        access.need_desk(ctx.actor, case)
        row = cases.apply(case, Command.ASK_SIGNED_RESULT, by=ctx.actor.subject, at=ctx.now)
        case["asked"].append({"at": ctx.now, "officer": ctx.actor.subject, "round": len(case["results"])})
        unit = ctx.unit()
        unit.save(store.CASES, case)
        self._tell(unit, case, row.event, at=ctx.now)
        return self._done(ctx, unit, case)

    @command(schemas.OfCase, schemas.ReleaseAnswer, idempotent=True)
    def release(self, ctx: Context, data: dict[str, Any]) -> dict[str, Any]:
        """The desk's check before a return. Granted once, and again to whoever asks again; refusals are recorded."""
        case = self._known(ctx, data["code"])
        access.need_desk(ctx.actor, case)
        unit = ctx.unit()
        if case["state"] == State.RELEASED:
            return ctx.commit(unit, _released(case))
        if case["state"] in (State.SUPPLEMENT, State.STOPPED, State.WITHDRAWN):
            cases.transition(case, Command.RELEASE)
        result = case["results"][-1] if case["results"] else None
        report = neighbours.report(ctx, result["file_id"]) if result else None
        tax_numbers = self._tax_numbers(ctx, case)
        refusal = results.release_refusal(
            result, report, tax_numbers=tax_numbers, on=local_date(ctx.now),
            steps_finished=case["state"] == State.FINISHED, fee=neighbours.fee(ctx, case),
        )  # fmt: skip
        self._record_check(ctx, case, result, report, refusal)
        if refusal is not None:
            raise refusal.problem()
        unit.save(store.CASES, case)
        if result is not None:
            result.update(results.checked(report, result["sha256"], tax_numbers))
            self._ready_if_passed(ctx, unit, case)
        row = cases.apply(
            case, Command.RELEASE, by=ctx.actor.subject, at=ctx.now, facts=Facts(granted=True, on=local_date(ctx.now))
        )
        clocks.end(case["clock"], ctx.now)
        round_number = result["round"] if result else None
        case["released"] = {"at": ctx.now, "officer": ctx.actor.subject, "round": round_number}
        told = {name: result[name] if result else None for name in ("file_id", "sha256", "report_id")}
        self._tell(unit, case, row.event, officer=ctx.actor.subject, at=ctx.now, **told)
        return ctx.commit(unit, _released(case))

    def _record_check(
        self, ctx: Context, case: Case, result: dict[str, Any] | None, report: dict[str, Any] | None,
        refusal: results.Refusal | None,
    ) -> None:  # fmt: skip
        """RT-02: who looked, when, at which bytes, and what came of it. A unit of its own: a refusal commits nothing
        else, and a check that was made stays made, even where the release after it is lost."""
        row = {
            "code": case["code"],
            "at": ctx.now,
            "officer": ctx.actor.subject,
            "granted": refusal is None,
            "rule": refusal.rule if refusal else None,
            "round": result["round"] if result else None,
            "file_id": result["file_id"] if result else None,
            "sha256": result["sha256"] if result else None,
            "report_id": report.get("report_id") if report else None,
            "verdict": report.get("verdict") if report else None,
            "sub_indication": report.get("sub_indication") if report else None,
        }
        # The handler may run again for the same command: one attempt is one row.
        attempt = f"{case['code']}:{ctx.actor.subject}:{ctx.command_id}:{row['rule']}:{row['round']}"
        unit = ctx.unit()
        unit.change(
            store.CHECKS, {"_id": hashlib.sha256(attempt.encode()).hexdigest()}, {"$setOnInsert": row}, upsert=True
        )
        unit.commit()

    # --- appointment and ends ----------------------------------------------------------------------------------------

    @command(schemas.Reschedule, schemas.CaseAnswer, idempotent=True)
    def reschedule(self, ctx: Context, data: dict[str, Any]) -> dict[str, Any]:
        case = self._for_leader(ctx, data)
        row = cases.apply(case, Command.RESCHEDULE, by=ctx.actor.subject, at=ctx.now, note=data["reason"])
        calendar = calendar_of(case["clock"]["calendar"])
        change = clocks.reschedule(case["clock"], ctx.now, data["new_appointment"], calendar)
        case["rescheduled"] = {"at": ctx.now, "by": ctx.actor.subject, "reason": data["reason"]}
        unit = ctx.unit()
        unit.save(store.CASES, case)
        self._tell(unit, case, row.event, appointment_before=change.before, appointment=change.after)
        return self._done(ctx, unit, case)

    @command(schemas.Stop, schemas.CaseAnswer, idempotent=True)
    def stop(self, ctx: Context, data: dict[str, Any]) -> dict[str, Any]:
        case = self._for_leader(ctx, data)
        unit = ctx.unit()
        self._end(ctx, unit, case, Command.STOP, note=data["reason"])
        return self._done(ctx, unit, case)

    @command(schemas.OfCase, schemas.Granted, idempotent=True)
    def withdraw(self, ctx: Context, data: dict[str, Any]) -> dict[str, Any]:
        """The applicant's withdrawal, brought by intake; granted again where it was granted before."""
        case = self._as_applicant(ctx, data["code"], Right.WITHDRAW)
        unit = ctx.unit()
        if case["state"] != State.WITHDRAWN:
            self._end(ctx, unit, case, Command.WITHDRAW)
        return ctx.commit(unit, {"granted": True, "at": case["clock"]["ended_at"]})

    def _end(self, ctx: Context, unit: UnitOfWork, case: Case, how: Command, **noted: Any) -> None:
        row = cases.apply(case, how, by=ctx.actor.subject, at=ctx.now, **noted)
        clocks.end(case["clock"], ctx.now)
        unit.save(store.CASES, case)
        self._tell(unit, case, row.event, at=ctx.now)

    # --- helpers -----------------------------------------------------------------------------------------------------

    def _known(self, ctx: Context, code: str) -> Case:
        """The case, if the actor may know of it, whoever he or she was in a session from before a normalization."""
        return access.known(store.LINKS.actor(ctx.store, ctx.actor), store.case(ctx.store, code))

    def _as_applicant(self, ctx: Context, code: str, right: Right) -> Case:
        return access.need_applicant(store.LINKS.actor(ctx.store, ctx.actor), store.case(ctx.store, code), right)

    def _to_work_on(self, ctx: Context, data: dict[str, Any], *roles: str) -> Case:
        """The case, for an officer of the unit whose step it is, in the role that the step names."""
        case = self._known(ctx, data["code"])
        step = cases.current_step(case)
        unit = step["unit"] if step else case["unit"]
        named = roles or ((step["role"],) if step else ("specialist", "leader"))
        access.need(ctx.actor, unit, *named)
        cases.check_edition(case, data["version"])
        return case

    def _for_leader(self, ctx: Context, data: dict[str, Any]) -> Case:
        case = self._known(ctx, data["code"])
        access.need(ctx.actor, case["unit"], "leader")
        cases.check_edition(case, data["version"])
        return case

    def _shown(self, ctx: Context, case: Case) -> dict[str, Any]:
        officer = access.is_officer_of(ctx.actor, case)
        checks = store.checks(ctx.store, case["code"]) if officer else []
        calendar = calendar_of(case["clock"]["calendar"])
        return views.whole(case, checks, now=ctx.now, calendar=calendar, officer=officer)

    def _done(self, ctx: Context, unit: UnitOfWork, case: Case) -> dict[str, Any]:
        """Commits a person's command: those who read the case before it are now out of date."""
        case["edition"] += 1
        return ctx.commit(unit, self._shown(ctx, case))


def _released(case: Case) -> dict[str, Any]:
    result = next((r for r in case["results"] if r["round"] == case["released"]["round"]), None)
    return {"granted": True, "at": case["released"]["at"], "result": result}


def _prepare(kernel: Kernel) -> None:
    if kernel.settings.rehearsal:
        store.seed(kernel.store, kernel.settings.seed_path)


SPEC = RoomSpec(
    name="processing",
    aggregates=[store.CASES],
    indexes=store.INDEXES,
    events=events.EVENTS,
    migrations=MIGRATIONS,
    on_start=_prepare,
)
