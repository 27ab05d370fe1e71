"""Printed reports: drawn by a worker once per report, kept in the vault as the system's own paper."""

from __future__ import annotations

import base64
from typing import Any

from services.common import logs, problems
from services.common.context import Context
from services.common.files import put_bytes
from services.common.store import Document
from services.common.workers import WorkerFault, WorkerLost, WorkerPool
from services.common.writes import Duplicate

DRAW_DEADLINE = 12.0

pool = WorkerPool("signature_reports", "services.signing.print_worker", size=1, deadline=DRAW_DEADLINE)


def printed(ctx: Context, report: dict[str, Any]) -> str:
    """The vault's id of a report's PDF, drawn now where it is not there yet. Raises Problem 503.

    `report`: as people may see it, personal numbers masked.
    """
    known = ctx.store.get("prints", report["report_id"])
    if known is not None:
        return str(known["file_id"])
    fonts = ctx.kernel.settings.fonts
    if fonts is None:
        raise problems.unavailable(detail="no fonts for printed reports (MOTCUA_FONTS)")
    try:
        pdf = base64.b64decode(pool.run({"report": report, "fonts": str(fonts)})["pdf"])
    except (WorkerLost, WorkerFault) as fault:
        logs.fault("report_not_printed", fault)
        raise problems.unavailable(retry_after=3) from None
    stored = put_bytes(ctx, pdf, f"bao-cao-chu-ky-{report['report_id']}.pdf", "form")
    row: Document = {"_id": report["report_id"], "schema_version": 1, "file_id": stored["file_id"], "at": ctx.now}
    unit = ctx.unit()
    unit.insert("prints", row)
    try:
        unit.commit()
    except Duplicate:  # somebody else printed it in this moment
        return str(ctx.store.get("prints", report["report_id"])["file_id"])
    return str(row["file_id"])
