"""Cases of e-ID registration at a desk: opened, listed, read, advanced; by officers of that desk alone."""

from __future__ import annotations

import uuid
from typing import Any

from services.common import problems
from services.common.calendar import local_date
from services.common.context import Context
from services.common.problems import field_error
from services.common.store import Document
from services.common.writes import Duplicate
from services.identity import accounts, audit, eid_case, numbers, secrecy, store
from services.identity.eid_case import Kind, State


def open_case(ctx: Context, data: dict[str, Any]) -> dict[str, Any]:
    """Opens a case for somebody without an e-ID who consents. Raises Problem 403, 409 (an open one) or 422."""
    _own_desk(ctx, data["unit"])
    kind = Kind(data["kind"])
    number = _checked(ctx, kind, data)
    key = secrecy.key_of(ctx.kernel)
    blind = key.blind(number, secrecy.NUMBER)
    case = eid_case.opened(
        f"eid-{uuid.uuid4().hex}",
        data["unit"],
        kind,
        full_name=key.seal(data["full_name"].strip(), secrecy.NAME),
        id_number=key.seal(number, secrecy.NUMBER),
        number_blind=blind,
        birth_date=key.seal(data["birth_date"].isoformat(), secrecy.BIRTH_DATE) if data["birth_date"] else None,
        by=ctx.actor.subject,
        now=ctx.now,
    )
    unit = ctx.unit()
    unit.insert("eid_cases", case)
    unit.tell(case, "eid.guided", _event(case))
    audit.record(ctx, unit, "open_eid_case", None, case_id=case["_id"], reason=data["note"])
    try:
        answer: dict[str, Any] = ctx.commit(unit, _brief(case))
    except Duplicate:
        open_one = store.open_eid_case(ctx.store, data["unit"], blind)
        raise eid_case.taken(open_one["_id"] if open_one else "") from None
    return answer


def list_cases(ctx: Context, data: dict[str, Any]) -> dict[str, Any]:
    """A desk's cases, oldest first, masked. Raises Problem 403."""
    _own_desk(ctx, data["unit"])
    asked = {"unit": data["unit"]} | ({"state": data["state"]} if data["state"] else {})
    rows, following = store.eid_cases(ctx.store, asked, data["cursor"], data["limit"])
    key = secrecy.key_of(ctx.kernel)
    return {"items": [_masked(key, case) for case in rows], "next_cursor": following}


def read_case(ctx: Context, unit_id: str, case_id: str) -> dict[str, Any]:
    """A case with its name in clear, for the desk that recorded it; the reading is logged. Raises Problem 403, 404."""
    case = _case(ctx, unit_id, case_id)
    key = secrecy.key_of(ctx.kernel)
    answer = _masked(key, case) | {"full_name": key.open(case["full_name"], secrecy.NAME), "history": case["history"]}
    unit = ctx.unit()
    audit.record(ctx, unit, "read_eid_case", None, case_id=case_id)
    ctx.commit(unit)
    return answer


def advance(ctx: Context, data: dict[str, Any]) -> dict[str, Any]:
    """Records the next state of a case. Raises Problem 403, 404 or 409."""
    case = _case(ctx, data["unit"], data["case_id"])
    ctx.check_version(case, data["version"])
    row = eid_case.advance(case, State(data["state"]), by=ctx.actor.subject, now=ctx.now)
    unit = ctx.unit()
    unit.save("eid_cases", case)
    unit.tell(case, row.event, _event(case))
    audit.record(ctx, unit, "advance_eid_case", None, case_id=case["_id"], reason=data["note"], outcome=case["state"])
    answer: dict[str, Any] = ctx.commit(unit, _brief(case) | {"version": case["version"] + 1})
    return answer


def _own_desk(ctx: Context, unit_id: str) -> None:
    if not ctx.actor.holds("desk_officer", unit_id):
        raise problems.forbidden("không phải đơn vị của bạn / not your unit")


def _case(ctx: Context, unit_id: str, case_id: str) -> Document:
    _own_desk(ctx, unit_id)
    case: Document | None = ctx.store.get("eid_cases", case_id)
    if case is None or case["unit"] != unit_id:
        raise problems.not_found()
    return case


def _checked(ctx: Context, kind: Kind, data: dict[str, Any]) -> str:
    """The number in normal form. Raises Problem 422 naming every field at fault."""
    found = []
    number = ""
    try:
        number = (
            numbers.normalized_number(data["id_number"])
            if kind is Kind.PERSON
            else numbers.normalized_tax_number(data["id_number"])
        )
    except numbers.NumberError as error:
        found.append(numbers.error_of(error.fault, "id_number"))
    if kind is Kind.PERSON and data["birth_date"] is None:
        found.append(field_error("birth_date", "Cần ngày sinh.", "The birth date is needed.", "ID-22"))
    if kind is Kind.PERSON and data["birth_date"] is not None:
        found += accounts.check_declared(data["full_name"], data["birth_date"], local_date(ctx.now))
    if found:
        raise problems.invalid(*found)
    return number


def _event(case: Document) -> dict[str, Any]:
    return {"case_id": case["_id"], "unit": case["unit"]}


def _brief(case: Document) -> dict[str, Any]:
    return {"case_id": case["_id"], "unit": case["unit"], "state": case["state"], "version": 1}


def _masked(key: Any, case: Document) -> dict[str, Any]:
    return {
        "case_id": case["_id"],
        "unit": case["unit"],
        "kind": case["kind"],
        "level": case["level"],
        "state": case["state"],
        "version": case["version"],
        "full_name": accounts.masked_name(key.open(case["full_name"], secrecy.NAME)),
        "id_number": accounts.masked_number(key.open(case["id_number"], secrecy.NUMBER)),
        "opened_at": case["opened_at"],
    }
