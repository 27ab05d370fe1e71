"""What processing granted (X-19), and how it changes the dossier. Pure; documents in, documents changed.

The command that asked for a grant carries it out. Where intake ended between the grant and its own commit, and the
caller never came back, the event of the grant is all that is left: it is noted in the mirror and carried out a little
later, if the dossier does not show it by then. What only the caller knew (a remark, who collected) is lost with him.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from services.common import problems
from services.common.calendar import local_date
from services.common.expected_signer import RESULT_SIGNED_SINCE
from services.common.rules import rule
from services.intake import amendments, intake_clock, submission, telling
from services.intake.dossier import Command, Facts, State, Transition, move

Dossier = dict[str, Any]
Grant = Mapping[str, Any]

#: Real time that the command has for carrying out its grant itself; longer than any command may take.
GRACE = timedelta(seconds=60)
PROCESSING = "processing"


def amend(
    dossier: Dossier, row: Transition, given: Sequence[Mapping[str, Any]], *, by: str, at: datetime, stage: str,
    slip_id: str | None, note: str | None, confirmed: bool = False,
) -> None:  # fmt: skip
    """The dossier with version n+1; `confirmed`: the statement was accepted again."""
    version = amendments.next_version(dossier["versions"], given, by=by, at=at, stage=stage, slip_id=slip_id, note=note)
    version["submission"] = submission.submission(dossier, version, confirmed=confirmed)
    dossier["state"] = row.target.value
    dossier["versions"] = [*dossier["versions"], version]
    dossier["dossier_version"] = version["dossier_version"]


def withdraw(dossier: Dossier, row: Transition, *, by: str, at: datetime, stage: str) -> None:
    """The dossier withdrawn."""
    dossier["state"] = row.target.value
    dossier["withdrawn"] = {"at": at, "by": by, "stage": stage}
    intake_clock.end_round(dossier["intake_rounds"], at)


@rule("SG-04", title="Không có báo cáo chữ ký của kết quả thì không có trạng thái đã trả", cites="CV 252/UBND-HCC §1",
      since=RESULT_SIGNED_SINCE)  # fmt: skip
def return_result(
    dossier: Dossier, row: Transition, *, by: str, at: datetime, result: Mapping[str, Any] | None,
    collector: dict[str, Any] | None,
) -> None:  # fmt: skip
    """The dossier with its result returned. Whoever granted it: from the day of the rule on the state is not entered
    without the report about the result (Problem 409)."""
    if local_date(at) >= RESULT_SIGNED_SINCE and not (result and result.get("report_id")):
        raise problems.conflict(
            "Không trả kết quả khi chưa có kết quả kiểm tra chữ ký số",
            "A result is not returned without the report about its signature",
            rule="SG-04",
            citation="CV 252/UBND-HCC §1",
        )
    dossier["state"] = row.target.value
    dossier["returned"] = {"at": at, "officer": by, "result": result, "collector": collector}


def noted(command: Command, data: Mapping[str, Any], *, by: str, recorded: datetime) -> dict[str, Any]:
    """A grant as the mirror keeps it, from the data of its event."""
    return {
        "command": command.value,
        "by": data.get("officer") or by,
        "at": data["at"],
        "recorded": recorded,
        "slip_id": data.get("slip_id"),
        "components": data.get("components"),
        "file": {name: data.get(name) for name in ("file_id", "sha256", "report_id")},
    }


def outstanding(dossier: Mapping[str, Any], grant: Grant) -> bool:
    """Whether the dossier does not show a grant that it still could."""
    if State(dossier["state"]) is not State.ACCEPTED:
        return False
    if grant["command"] != Command.AMEND:
        return True
    return all(version["slip_id"] != grant["slip_id"] for version in dossier["versions"])


def carry_out(dossier: Dossier, grant: Grant, *, name: str | None) -> tuple[str, dict[str, Any]]:
    """Make the transition that a grant allows; returns its event and what it says. `name`: that of the result."""
    command = Command(grant["command"])
    row = move(State(dossier["state"]), command, Facts(granted=True))
    who: dict[str, Any] = {"by": grant["by"], "at": grant["at"]}
    if command is Command.AMEND:
        given = [dict(entry) for entry in grant["components"]]
        amend(dossier, row, given, stage=PROCESSING, slip_id=grant["slip_id"], note=None, **who)
        return row.event, telling.amended(dossier, given)
    if command is Command.WITHDRAW:
        withdraw(dossier, row, stage=PROCESSING, **who)
        return row.event, telling.withdrawn(dossier)
    result = {**grant["file"], "name": name or ""} if grant["file"]["file_id"] else None
    return_result(dossier, row, result=result, collector=None, **who)
    return row.event, telling.returned(dossier)
