"""Accepted dossiers, cases and reports as other rooms would tell them, for the tests of processing."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any

from services.common.calendar import WorkingCalendar
from services.common.calendar_data import shipped_calendars
from services.processing import case as cases
from services.processing import clock as clocks

CODE = "000.05.07.H57-240311-0001"
UNIT = "000.05.07.H57"
AGENCY = frozenset({"3300100018"})
SHA = "a" * 64
NOW = datetime(2024, 3, 11, 2, 0, tzinfo=UTC)  # Monday 09:00 local
OFFICER = "account-specialist"


def calendar() -> WorkingCalendar:
    return shipped_calendars()["hue-centres"]


def local(day: str, hour: str) -> datetime:
    """An instant by its Vietnamese wall clock."""
    return datetime.fromisoformat(f"{day}T{hour}:00+07:00").astimezone(UTC)


def accepted(**changes: Any) -> dict[str, Any]:
    data: dict[str, Any] = {
        "code": CODE,
        "procedure": "9.000001",
        "procedure_version": 1,
        "workflow": {
            "version": 1,
            "steps": [
                {"step": "tham-dinh", "name": "Thẩm định", "role": "specialist", "unit": UNIT, "minutes": 960},
                {"step": "ky-phat-hanh", "name": "Ký, phát hành", "role": "specialist", "unit": UNIT, "minutes": 480},
            ],
        },
        "unit": UNIT,
        "desk": UNIT,
        "owner": "person-an",
        "filer": "person-an",
        "filed_as": "self",
        "accepted_at": NOW,
        "appointment": local("2024-03-14", "09:00"),
        "clock_policy": "RESTART",
        "limit": {"value": 3, "unit": "working_days"},
        "fee": {"mode": "thu_sau", "amount": 20_000},
        "pickup": "post",
        "calendar": {"id": "hue-centres", "version": 1},
        "components": ["don", "ban-chup"],
        "unit_tax_number": "3300100018",
        **changes,
    }
    return data


def opened(**changes: Any) -> cases.Case:
    data = accepted(**changes)
    clock = clocks.begin(
        data["accepted_at"], data["appointment"], policy=data["clock_policy"], limit=data["limit"], calendar=calendar()
    )
    case = cases.open_case(data, clock, owner=data["owner"], by="service:intake", at=NOW)
    case["version"] = 1
    return case


def in_state(state: cases.State) -> cases.Case:
    """A case that was brought into a state by the commands of the table."""
    case = opened()
    if state in (cases.State.WORKING, cases.State.SUPPLEMENT, cases.State.FINISHED, cases.State.RELEASED):
        cases.start_step(case, "tham-dinh", by=OFFICER, at=NOW)
    if state is cases.State.SUPPLEMENT:
        cases.apply(case, cases.Command.REQUEST_SUPPLEMENT, by=OFFICER, at=NOW)
    if state in (cases.State.FINISHED, cases.State.RELEASED):
        cases.finish_step(case, "tham-dinh", remark=None, by=OFFICER, at=NOW)
        cases.start_step(case, "ky-phat-hanh", by=OFFICER, at=NOW)
        cases.finish_step(case, "ky-phat-hanh", remark=None, by=OFFICER, at=NOW)
    if state is cases.State.RELEASED:
        granted = cases.Facts(granted=True, on=date(2024, 3, 1))  # before a result was compulsory
        cases.apply(case, cases.Command.RELEASE, by="account-desk", at=NOW, facts=granted)
    if state is cases.State.STOPPED:
        cases.apply(case, cases.Command.STOP, by="account-leader", at=NOW)
    if state is cases.State.WITHDRAWN:
        cases.apply(case, cases.Command.WITHDRAW, by="account-an", at=NOW)
    assert case["state"] == state
    return case


def signature(
    *, tax_number: str = "3300100018", kind: str = "government", verdict: str = "TOTAL_PASSED", level: str = "NONE"
) -> dict[str, Any]:
    """`level`: what came after this signature, in signing's words."""
    return {
        "verdict": verdict,
        "signer": {"kind": kind, "tax_number": tax_number, "common_name": "UBND"},
        "covers_whole_document": level == "NONE",
        "modification_level": level,
    }


def report(verdict: str = "TOTAL_PASSED", *signatures: dict[str, Any], **changes: Any) -> dict[str, Any]:
    return {
        "file_id": "file-1",
        "sha256": SHA,
        "report_id": "report-1",
        "verdict": verdict,
        "sub_indication": None,
        "reason_vi": "vi",
        "reason_en": "en",
        "signatures": list(signatures) if signatures else [signature()],
        **changes,
    }
