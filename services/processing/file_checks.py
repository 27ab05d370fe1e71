"""What officers ask about the signatures of a result or a slip: the report, printed too, its checks, a new check."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any

from services.common.bus.entrypoints import command, query
from services.common.context import Context
from services.common.reports import CheckRecords, FileToCheck, PrintedReport, ReportAnswer, ReportOfFile, unnamed
from services.processing import access
from services.processing.case import Case


class FileChecks(ABC):
    """Entrypoints; signing answers, for the officer whom we name. Personal numbers are masked."""

    @abstractmethod
    def _known(self, ctx: Context, code: str) -> Case:
        """The case, if the actor may know of it. Raises Problem."""

    @query(ReportOfFile, ReportAnswer)
    def file_report(self, ctx: Context, data: dict[str, Any]) -> Any:
        """What signing says of the file; that the officer has looked is on record (SG-01)."""
        return self._of_file(ctx, data, "signing.officers_report")

    @query(ReportOfFile, PrintedReport)
    def printed_file_report(self, ctx: Context, data: dict[str, Any]) -> Any:
        """A ticket to fetch the same report as PDF."""
        return self._of_file(ctx, data, "signing.printed_report")

    @query(FileToCheck, CheckRecords)
    def file_checks(self, ctx: Context, data: dict[str, Any]) -> Any:
        """Who had the file's signatures checked, when, with which outcome."""
        access.need_file(ctx.actor, self._known(ctx, data["code"]), data["file_id"])
        return ctx.call("signing.checks", as_service=True, file_id=data["file_id"])

    @command(FileToCheck, ReportAnswer, idempotent=True)
    def recheck_file(self, ctx: Context, data: dict[str, Any]) -> Any:
        """Has the file checked now: a new report beside the old ones, with a record of who asked."""
        answer = self._of_file(ctx, data, "signing.recheck")
        ctx.commit(ctx.unit(), unnamed(answer))
        return answer

    def _of_file(self, ctx: Context, data: dict[str, Any], method: str) -> Any:
        access.need_file(ctx.actor, self._known(ctx, data["code"]), data["file_id"])
        asked = {name: data[name] for name in ("file_id", "report_id") if data.get(name)}
        return ctx.call(method, as_service=True, officer=ctx.actor.subject, **asked)
