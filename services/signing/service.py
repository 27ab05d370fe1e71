"""Signing: the verdict about every file's signatures, told once, and again while it is open. See README.md."""

from __future__ import annotations

import time
from datetime import datetime
from typing import Any

from services.common import logs, problems
from services.common.bus.entrypoints import command, every, on_event, query
from services.common.context import Context
from services.common.envelope import Event
from services.common.faults import DatabaseAway
from services.common.kernel import Kernel, RoomSpec
from services.common.problems import Problem
from services.common.reports import unnamed
from services.common.run import KernelProvider
from services.common.store import Document
from services.common.unit import UnitOfWork
from services.common.writes import Duplicate, StaleVersion
from services.signing import history, history_schemas, metrics, printing, reports, schemas, steps
from services.signing.checker import Checker, Subject
from services.signing.store import (
    AGGREGATES,
    INDEXES,
    checks_of,
    count_undecided,
    earliest_receipt,
    standing_report,
    undecided,
)
from services.signing.verdict import POLICY

_LEFT_FOR_ANSWER = 0.5  # seconds of a caller's deadline kept for writing and answering
_RECHECKS_A_RUN = 20
_checkers: list[Checker] = []


def _start(kernel: Kernel) -> None:
    _checkers[:] = [Checker(kernel)]


def _stop(_: Kernel) -> None:
    for checker in _checkers:
        checker.close()
    printing.pool.close()


class SigningService:
    """Entrypoints. The checks themselves run in worker processes (worker.py)."""

    name = "signing"
    kernel: Kernel = KernelProvider()

    @property
    def checker(self) -> Checker:
        return _checkers[0]

    @query(schemas.ReportQuery, schemas.ReportAnswer)
    def report(self, ctx: Context, data: dict[str, Any]) -> Any:
        """The verdict about a file; checked now where it is not known yet or undecided."""
        self._learn(ctx, data["file_id"])
        return self._answer(ctx, data["file_id"], whole=not data["masked"])

    @query(history_schemas.OfficersReport, history_schemas.ReportAnswer)
    def officers_report(self, ctx: Context, data: dict[str, Any]) -> Any:
        """A report as an officer may see it; that the officer has looked is on record (SG-01)."""
        answer = self._read(ctx, data)
        unit = ctx.unit()
        looked = {**answer, "_id": answer["report_id"]}
        row = history.record(
            looked, file_id=data["file_id"], officer=data["officer"], how=history.LOOKED, at=self.kernel.now()
        )
        unit.change("checks", {"_id": row["_id"]}, {"$setOnInsert": row}, upsert=True)
        unit.commit()
        return answer

    @command(history_schemas.Recheck, history_schemas.ReportAnswer, idempotent=True)
    def recheck(self, ctx: Context, data: dict[str, Any]) -> Any:
        """Checks a file anew for an officer: a new report beside the old ones, and a record of who asked."""
        file_id = data["file_id"]
        file = ctx.store.get("files", file_id)
        if file is None:
            raise problems.not_found()
        check = history.record_id(file_id, data["officer"], history.RECHECKED, ctx.command_id)
        report = self._look(ctx, file, wait=ctx.deadline - time.monotonic() - _LEFT_FOR_ANSWER)
        unit = ctx.unit()
        stored = self._keep(unit, report, check)
        changed = history.displaces(file, stored)
        if changed or reports.outcome(file) == reports.outcome(stored):
            file.update(attempts=0, **_verdict_of(stored, 0, self.kernel.now()))
            unit.save("files", file)
        if changed:
            self._tell(unit, file)
        row = history.record(
            stored, file_id=file_id, officer=data["officer"], how=history.RECHECKED, at=self.kernel.now(),
            command=ctx.command_id,
        )  # fmt: skip
        unit.change("checks", {"_id": row["_id"]}, {"$setOnInsert": row}, upsert=True)
        answer = self._shown(file_id, stored, whole=False)
        ctx.commit(unit, unnamed(answer))
        return answer

    @query(history_schemas.FileQuery, history_schemas.CheckRecords)
    def checks(self, ctx: Context, data: dict[str, Any]) -> Any:
        """Who had a file checked, when, with which outcome."""
        file = ctx.store.get("files", data["file_id"])
        if file is None:
            raise problems.not_found()
        known = {name: file[name] for name in ("report_id", "verdict")}
        rows = [{**row, "at": row["at"].isoformat()} for row in checks_of(ctx.store, file["_id"])]
        return {"file_id": file["_id"], **known, "items": rows}

    @query(history_schemas.OfficersReport, history_schemas.PrintedReport)
    def printed_report(self, ctx: Context, data: dict[str, Any]) -> Any:
        """Leave for an officer to fetch a report as PDF."""
        printed = printing.printed(ctx, self._read(ctx, data))
        return ctx.call(
            "vault.open_download", as_service=True, file_id=printed, reason=f"signature report of {data['file_id']}",
            on_behalf=data["officer"],
        )  # fmt: skip

    def _read(self, ctx: Context, data: dict[str, Any]) -> dict[str, Any]:
        """The report of a file that counts, or the earlier one of it that is asked for. Raises Problem 404."""
        if not data["report_id"]:
            self._learn(ctx, data["file_id"])
            return self._answer(ctx, data["file_id"], whole=False)
        file, stored = ctx.store.get("files", data["file_id"]), ctx.store.get("reports", data["report_id"])
        if file is None or stored is None or stored["sha256"] != file["sha256"]:
            raise problems.not_found()
        return self._shown(file["_id"], stored, whole=False)

    def _learn(self, ctx: Context, file_id: str) -> None:
        """Checks a file now where its verdict is not known yet, or open."""
        file = ctx.store.get("files", file_id)
        wait = ctx.deadline - time.monotonic() - _LEFT_FOR_ANSWER
        if file is None:
            meta = ctx.call("vault.file", as_service=True, file_id=file_id)
            received = datetime.fromisoformat(meta["stored_at"])
            self._first_check(ctx, meta["file_id"], meta["sha256"], meta["size"], received, wait=wait)
        elif reports.asks_anew(file, trust_version=self.checker.trust_version, now=ctx.now):
            try:
                self._check_again(ctx, file, wait=wait)
            except Problem as problem:
                logs.info("known_answer_given", file_id=file["_id"], status=problem.status)

    @on_event("file.stored", schemas.FileStoredSeen)
    def on_stored(self, ctx: Context, event: Event, data: dict[str, Any]) -> None:
        """Every file that may be signed is checked as it comes in."""
        if data["purpose"] in reports.CHECKED and ctx.store.get("files", data["file_id"]) is None:
            self._first_check(ctx, data["file_id"], data["sha256"], data["size"], data["stored_at"], wait=None)

    @every(10)
    def follow_trust(self, ctx: Context) -> None:
        """Takes over a trust folder that has changed, and looks at once at what may have waited for it."""
        if self.checker.follows():
            self.check_undecided(ctx)

    @every(60)
    def check_undecided(self, ctx: Context) -> None:
        """Looks again at files whose verdict is open: revocation data come late, workers die of others' jobs."""
        metrics.record_undecided(count_undecided(ctx.store, ctx.now))
        for file in list(undecided(ctx.store, self.checker.trust_version, ctx.now, _RECHECKS_A_RUN)):
            left = ctx.deadline - time.monotonic()
            if left < 1:
                return
            try:
                self._check_again(ctx, file, wait=left, timer=True)
            except DatabaseAway:  # the database is away: the others would wait for it as long
                raise
            except Exception as fault:  # one file's fault is not the others'
                logs.fault("recheck_postponed", fault, file_id=file["_id"])

    def _first_check(
        self, ctx: Context, file_id: str, sha256: str, size: int, received: datetime, *, wait: float | None
    ) -> None:
        since = earliest_receipt(ctx.store, sha256, received)
        stored = standing_report(ctx.store, sha256, POLICY, self.checker.trust_version, since)
        unit = ctx.unit()
        if stored is None:
            stored = self._keep(unit, self.checker.check(ctx, Subject(file_id, sha256, size, since), wait=wait))
        file: Document = {
            "_id": file_id,
            "sha256": sha256,
            "size": size,
            "received_at": received,
            "attempts": 0,
            **_verdict_of(stored, 0, self.kernel.now()),
        }
        unit.insert("files", file)
        self._tell(unit, file)
        try:
            ctx.commit(unit)
        except Duplicate:
            # Asked for and announced at the same moment: the other one was faster.
            if ctx.store.get("files", file_id) is None:
                raise StaleVersion("files") from None

    def _check_again(self, ctx: Context, file: Document, *, wait: float, timer: bool = False) -> None:
        report = self._look(ctx, file, wait=wait)
        changed = reports.outcome(report) != reports.outcome(file)
        unit = ctx.unit()
        if changed or report["trust_version"] != file["trust_version"]:
            stored = self._keep(unit, report)
        else:
            stored = {**report, "_id": file["report_id"]}
        attempts = 0 if changed else file["attempts"] + 1
        file.update(attempts=attempts, **_verdict_of(stored, attempts, self.kernel.now()))
        unit.save("files", file)
        if changed:
            self._tell(unit, file)
        if timer:
            unit.commit()
        else:
            ctx.commit(unit)

    def _look(self, ctx: Context, file: Document, *, wait: float) -> dict[str, Any]:
        since = earliest_receipt(ctx.store, file["sha256"], file["received_at"])
        return self.checker.check(ctx, Subject(file["_id"], file["sha256"], file["size"], since), wait=wait)

    def _keep(self, unit: UnitOfWork, report: dict[str, Any], check: str = "") -> Document:
        data_key = self.kernel.data_key
        stored = {
            "_id": reports.report_id(report, check),
            "schema_version": 1,
            **reports.sealed(report, lambda text, field: data_key.seal(text, f"reports.{field}")),
        }
        unit.change("reports", {"_id": stored["_id"]}, {"$setOnInsert": stored}, upsert=True)
        return stored

    def _tell(self, unit: UnitOfWork, file: Document) -> None:
        unit.tell(
            file,
            "file.checked",
            {"file_id": file["_id"], **{n: file[n] for n in ("sha256", "verdict", "sub_indication", "report_id")}},
        )
        metrics.record_verdict(file["verdict"])

    def _answer(self, ctx: Context, file_id: str, *, whole: bool) -> dict[str, Any]:
        file = ctx.store.get("files", file_id)
        return self._shown(file_id, ctx.store.get("reports", file["report_id"]), whole=whole)

    def _shown(self, file_id: str, stored: Document, *, whole: bool) -> dict[str, Any]:
        data_key = self.kernel.data_key
        report = reports.shown(stored, lambda text, field: data_key.open(text, f"reports.{field}"), whole=whole)
        for part in ("signatures", "timestamps"):
            report[part] = [{**item, "checks": steps.checks(item)} for item in report[part]]
        return {**report, "file_id": file_id, "report_id": stored["_id"]}


def _verdict_of(report: Document, attempts: int, now: datetime) -> Document:
    return {
        "report_id": report["_id"],
        "verdict": report["verdict"],
        "sub_indication": report["sub_indication"],
        "code": report["code"],
        "trust_version": report["trust_version"],
        "checked_at": now,
        "next_check_at": reports.next_check(report["verdict"], attempts, now),
    }


SPEC = RoomSpec(
    name="signing", aggregates=AGGREGATES, indexes=INDEXES, events=schemas.EVENTS, on_start=_start, on_stop=_stop
)
