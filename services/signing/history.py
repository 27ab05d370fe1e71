"""Who had a file's signatures checked, when, with what outcome: the check records of SG-01. Pure.

A record is written when an officer reads a report (once per officer and report) and when one has the file checked
again. Records and reports are never changed; a new check puts a new report beside the old one.
"""

from __future__ import annotations

import hashlib
from datetime import datetime
from typing import Any

from services.common.rules import rule
from services.signing.reports import is_final, outcome

LOOKED, RECHECKED = "looked", "rechecked"
TOOL = "motcua"
#: Open for a reason that lies in the moment of the check and not in the file: no ground to doubt what was decided.
_OF_THE_MOMENT = frozenset({"no_revocation_data", "limit"})


@rule("SG-01", title="Ghi lại mỗi lần cán bộ kiểm tra chữ ký số của tệp", cites="TB 94/TB-UBND §2")
def record(
    report: dict[str, Any], *, file_id: str, officer: str, how: str, at: datetime, command: str = ""
) -> dict[str, Any]:
    """One check of a file by an officer (an account's id). The same command, or reading the same report again, makes
    the same record."""
    return {
        "_id": record_id(file_id, officer, how, command or report["_id"]),
        "schema_version": 1,
        "file_id": file_id,
        "sha256": report["sha256"],
        "report_id": report["_id"],
        "officer": officer,
        "how": how,
        "tool": TOOL,
        "at": at,
        **{name: report[name] for name in ("policy", "trust_version", "verdict", "sub_indication", "code")},
    }


def record_id(file_id: str, officer: str, how: str, what: str) -> str:
    """`what`: the report that was read, or the command that asked for a new check."""
    return hashlib.sha256("\0".join((file_id, officer, how, what)).encode()).hexdigest()[:32]


@rule("SG-07", title="Kiểm tra lại không thay kết luận đã có bằng lý do nhất thời", cites="TB 94/TB-UBND §2")
def displaces(standing: dict[str, Any], report: dict[str, Any]) -> bool:
    """Whether a new check's outcome becomes the file's verdict.

    A verdict that was decided with the data of its day stays where the new check only lacks data or time.
    """
    if outcome(standing) == outcome(report):
        return False
    return not (is_final(standing["verdict"]) and report["code"] in _OF_THE_MOMENT)
