"""What the national portal is told of a dossier's next status: its record, then the step. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from services.exchange.messages import (
    ApplicantKind,
    Channel,
    DossierView,
    FiledAt,
    IdKind,
    ProgressView,
    dossier_record,
    progress_record,
)
from services.exchange.status_codes import Code

#: Codes with which the portal's record of the dossier changes; every code has its step besides.
RECORD_CODES = frozenset({
    Code.REGISTERED, Code.ACCEPTED, Code.REFUSED, Code.STOPPED, Code.WITHDRAWN, Code.DONE, Code.RETURNED,
})  # fmt: skip
_CHANNELS = {"DIRECT": Channel.DIRECT, "BCCI": Channel.BCCI}


def record_of(
    sync: Mapping[str, Any], status: Mapping[str, Any], owner: Mapping[str, Any], procedure: Mapping[str, Any]
) -> dict[str, Any]:
    """The dossier as of this status. `owner`: identity's facts (empty for a person it does not know)."""
    business = owner.get("kind") == "organisation"
    number = str(owner.get("tax_number" if business else "id_number") or "")
    id_kind = IdKind.CMND if len(number) == 9 else IdKind.CCCD
    view = DossierView(
        code=sync["code"],
        procedure_code=sync["procedure"],
        procedure_name=str(procedure.get("name_vi") or sync["procedure"]),
        sector_code=str(procedure.get("sector") or ""),
        sector_name=str(procedure.get("sector_vi") or ""),
        status=Code(status["status"]),
        owner_name=str(owner.get("full_name") or ""),
        owner_kind=ApplicantKind.BUSINESS if business else ApplicantKind.CITIZEN,
        owner_id=number,
        owner_id_kind=None if business else id_kind,
        channel=_CHANNELS.get(sync["mode"], Channel.ONLINE),
        filed_on=FiledAt.NATIONAL_PORTAL if sync["mode"] == "SELF_DVCQG" else FiledAt.OWN_PORTAL,
        unit=sync["unit"],
        filed_at=sync["filed_at"],
        received_at=_if_told(sync, status, "accepted_at", Code.ACCEPTED),
        due_at=_if_told(sync, status, "appointment", Code.ACCEPTED),
        done_at=_when(sync, status, Code.DONE),
        returned_at=_when(sync, status, Code.RETURNED),
        refused_at=_when(sync, status, Code.REFUSED),
        phone=str(owner.get("phone") or ""),
        return_by_post=sync["by_post"],
    )
    return dossier_record(view)


def step_of(sync: Mapping[str, Any], status: Mapping[str, Any]) -> dict[str, Any]:
    """The step of this status. Its number makes a repeated message recognisable as the same one."""
    code = Code(status["status"])
    view = ProgressView(
        code=sync["code"],
        officer="",
        position="",
        at=status["at"],
        unit=sync["unit"],
        text=f"{status['number']}. {code.names[0]}",
        status=code,
        due_at=status["due_at"],
    )
    return progress_record(view)


def _when(sync: Mapping[str, Any], status: Mapping[str, Any], code: Code) -> datetime | None:
    """When a code was reached, up to this status: a later one is not told before its turn."""
    for earlier in sync["statuses"][: status["number"]]:
        if earlier["status"] == code:
            moment: datetime = earlier["at"]
            return moment
    return None


def _if_told(sync: Mapping[str, Any], status: Mapping[str, Any], field: str, code: Code) -> datetime | None:
    moment: datetime | None = sync[field] if _when(sync, status, code) is not None else None
    return moment
