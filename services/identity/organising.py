"""Keeping units, officers and their grants: IOC's work (RO-03), each deed in the account log, nobody for oneself."""

from __future__ import annotations

import uuid
from datetime import date
from typing import Any

from services.common import cursors, problems
from services.common.calendar import local_date
from services.common.context import Context
from services.common.problems import Problem, field_error
from services.common.store import Document, Store
from services.common.unit import UnitOfWork
from services.common.writes import Duplicate, StaleVersion
from services.identity import (
    accounts,
    audit,
    challenges,
    grants,
    normalization,
    numbers,
    population_log,
    secrecy,
    store,
    tokens,
    units,
)
from services.identity.adapters.population import Population

_BY_NAME: cursors.Order = {"username": str}


# --- units ------------------------------------------------------------------------------------------------------------


def find_units(ctx: Context, data: dict[str, Any]) -> dict[str, Any]:
    """The units that are open on a day, by their identifiers."""
    day = data["on"] or local_date(ctx.now)
    shown = [units.on_day(row, day) for row in _tree(ctx.store).values() if units.is_open(row, day)]
    for name in ("kind", "parent"):
        if data[name] is not None:
            shown = [row for row in shown if row[name] == data[name]]
    return {"on": day, "items": sorted(shown, key=lambda row: str(row["unit"]))}


def read_unit(ctx: Context, unit_id: str, on: date | None) -> dict[str, Any]:
    """One unit as it is on a day, closed ones too. Raises Problem 404."""
    return units.on_day(_unit(ctx, unit_id), on or local_date(ctx.now))


def open_unit(ctx: Context, data: dict[str, Any]) -> dict[str, Any]:
    """A new unit below another. Raises Problem 422 or 409 (the identifier is taken, also by a closed unit)."""
    units.check_parent(data["unit"], data["parent"], _tree(ctx.store), data["on"])
    row = units.unit(data["unit"], data["kind"], data["parent"], data["name_vi"], data["name_en"], data["on"])
    unit = ctx.unit()
    _hold_above(unit, _tree(ctx.store), data["parent"])
    unit.insert("units", row)
    unit.tell(row, "unit.changed", {"unit": row["_id"], "change": "opened", "on": data["on"]})
    audit.record(ctx, unit, "open_unit", None, outcome=row["_id"])
    try:
        answer: dict[str, Any] = ctx.commit(unit, units.on_day(row, data["on"]))
    except Duplicate:
        raise problems.conflict("Mã đơn vị đã có", "The identifier is taken", rule="RO-06") from None
    return answer


def change_unit(ctx: Context, data: dict[str, Any]) -> dict[str, Any]:
    """Renames, moves or closes a unit from a day on. Raises Problem 404, 409 (version, open units below) or 422."""
    row = _unit(ctx, data["unit"])
    ctx.check_version(row, data["version"])
    tree, on, today = _tree(ctx.store), data["on"], local_date(ctx.now)
    if data["change"] == "rename":
        _need(data, "name_vi", "name_en")
        units.rename(row, data["name_vi"], data["name_en"], on, today=today)
    elif data["change"] == "move":
        _need(data, "parent")
        units.move(row, data["parent"], on, tree, today=today)
    else:
        units.close(row, on, tree, today=today)
    done = {"rename": "renamed", "move": "moved", "close": "closed"}[data["change"]]
    unit = ctx.unit()
    if data["change"] == "move":
        _hold_above(unit, tree, data["parent"])
    unit.save("units", row)
    unit.tell(row, "unit.changed", {"unit": row["_id"], "change": done, "on": on})
    audit.record(ctx, unit, f"{data['change']}_unit", None, reason=data["reason"], outcome=row["_id"])
    # Access tokens of who works there say what held when they were signed.
    renewed = []
    if done == "closed":
        for account in store.officers_of(ctx.store, row["_id"]):
            renewed += tokens.renew(unit, store.live_sessions(ctx.store, account["_id"]))
    answer: dict[str, Any] = ctx.commit(unit, units.on_day({**row, "version": row["version"] + 1}, on))
    tokens.tell(ctx.kernel, renewed)
    return answer


def _hold_above(unit: UnitOfWork, tree: dict[str, Document], parent: str) -> None:
    """Holds every unit to which the parent belongs or will belong, as it was judged: of two changes at one moment that
    together would make a circle, or leave a unit below a closed one, the second looks again."""
    held: set[str] = set()
    above = [parent]
    while above:
        row = tree.get(above.pop())
        if row is not None and row["_id"] not in held:
            held.add(row["_id"])
            unit.change("units", {"_id": row["_id"], "version": row["version"]}, {"$inc": {"version": 1}})
            above += [version["unit"] for version in row["parents"] if version["unit"] is not None]


def _need(data: dict[str, Any], *names: str) -> None:
    missing = [field_error(name, "Cần cho thay đổi này", "Needed for this change") for name in names if not data[name]]
    if missing:
        raise problems.invalid(*missing)


def _unit(ctx: Context, unit_id: str) -> Document:
    row: Document | None = ctx.store.get("units", unit_id)
    if row is None:
        raise problems.not_found()
    return row


def _tree(found: Store) -> dict[str, Document]:
    return {row["_id"]: row for row in found.find("units", {})}


# --- officers and their grants ----------------------------------------------------------------------------------------


def open_officer(ctx: Context, population: Population, data: dict[str, Any]) -> dict[str, Any]:
    """An officer's account with its first grant. No password: an officer signs in through VNeID, as the person whom
    the population database confirms.

    Raises Problem 422 (fields, no match), 409 (the name or the person has an account) or 503.
    """
    today = local_date(ctx.now)
    faults = accounts.check_declared(data["full_name"], data["birth_date"], today)
    try:
        number = numbers.parse_personal_number(data["id_number"]).digits
    except numbers.NumberError as error:
        faults.append(numbers.error_of(error.fault, "id_number", "RO-04"))
    if faults:
        raise problems.invalid(*faults)
    phone = challenges.read_phone(data["phone"])
    given = _granting(ctx, [], data, today)
    key = secrecy.key_of(ctx.kernel)
    found = population_log.ask(
        ctx, population, population_log.Purpose.OFFICER, None, id_number=number, full_name=data["full_name"],
        birth_date=data["birth_date"], issue_date=None,
    )  # fmt: skip
    refused = normalization.refusal(found.outcome)
    if refused is not None:
        raise refused
    unit = ctx.unit()
    person = _confirmed(ctx, unit, number, data)
    account = accounts.officer(
        f"acc-{uuid.uuid4().hex}",
        person["_id"],
        username=data["username"],
        grants=given,
        phone=key.seal(phone, secrecy.PHONE),
        phone_blind=key.blind(phone, secrecy.PHONE),
        password_hash=None,
        now=ctx.now,
    )
    unit.insert("accounts", account)
    unit.tell(account, "account.granted", _granted(account, data))
    audit.record(ctx, unit, "open_officer", account["_id"], reason=data["reason"], outcome=_words(data))
    answer = _answer(ctx, account, person)
    try:
        ctx.commit(unit, _kept(answer))
    except Duplicate as twice:
        if twice.collection == "persons":
            raise StaleVersion("persons") from None  # minted or confirmed by another request meanwhile: read that one
        raise _taken() from None
    return answer


def _confirmed(ctx: Context, unit: UnitOfWork, number: str, data: dict[str, Any]) -> Document:
    """The person of data that the population database confirmed, written in the unit: the one confirmed before, else
    the one for whom others filed with these data, else a new one. Raises Problem 409 for an officer."""
    key = secrecy.key_of(ctx.kernel)
    birth_date = data["birth_date"].isoformat()
    blind = key.blind(number, secrecy.NUMBER)
    claim = secrecy.claim_blind(key, number, data["full_name"], birth_date)
    facts = {"number": key.seal(number, secrecy.NUMBER), "number_blind": blind, "verified_at": ctx.now}
    person = store.person_of_number(ctx.store, blind) or store.person_of_claim(ctx.store, claim)
    if person is None:
        person = accounts.person(
            f"per-{uuid.uuid4().hex}",
            full_name=key.seal(data["full_name"].strip(), secrecy.NAME),
            birth_date=key.seal(birth_date, secrecy.BIRTH_DATE),
        )
        person |= facts | {"claim_blind": claim}
        unit.insert("persons", person)
        return person
    if store.officer_of_person(ctx.store, person["_id"]) is not None:
        raise _taken()
    if person["number_blind"] is None:
        person |= facts
    unit.save("persons", person)  # of two accounts opened at once for one person, the second looks again
    return person


def add_grant(ctx: Context, data: dict[str, Any]) -> dict[str, Any]:
    """Gives an officer a role in a unit for some days. Raises Problem 403 (oneself), 404 or 422."""
    account = _officer(ctx, data["account_id"])
    account["grants"] = _granting(ctx, account["grants"], data, local_date(ctx.now))
    return _regranted(ctx, account, "account.granted", "grant", data)


def remove_grant(ctx: Context, data: dict[str, Any]) -> dict[str, Any]:
    """Takes a role in a unit away, at once. Raises Problem 403 (oneself) or 404."""
    account = _officer(ctx, data["account_id"])
    account["grants"] = grants.remove(account["grants"], data["role"], data["unit"])
    return _regranted(ctx, account, "account.ungranted", "ungrant", data)


def find_officers(ctx: Context, data: dict[str, Any]) -> dict[str, Any]:
    """Officers who hold or held a grant in a unit, by username."""
    query = {"grants.unit": data["unit"], "kind": "officer"}
    rows, following = cursors.read(ctx.store, "accounts", query, _BY_NAME, data["cursor"], data["limit"])
    return {"items": [_answer(ctx, row) for row in rows], "next_cursor": following}


def _granting(ctx: Context, held: list[grants.Grant], data: dict[str, Any], today: date) -> list[grants.Grant]:
    row = ctx.store.get("units", data["unit"])
    if row is None or not units.is_open(row, max(today, data["since"] or today)):
        raise problems.invalid(field_error("unit", "Không có đơn vị này", "There is no such open unit", "RO-04"))
    return grants.add(held, data["role"], data["unit"], data["since"], data["until"], by=ctx.actor.subject, today=today)


def _regranted(ctx: Context, account: Document, event: str, action: str, data: dict[str, Any]) -> dict[str, Any]:
    unit = ctx.unit()
    unit.save("accounts", account)
    unit.tell(account, event, _granted(account, data))
    audit.record(ctx, unit, action, account["_id"], reason=data["reason"], outcome=_words(data))
    renewed = tokens.renew(unit, store.live_sessions(ctx.store, account["_id"]))
    answer = _answer(ctx, account)
    ctx.commit(unit, _kept(answer))
    tokens.tell(ctx.kernel, renewed)
    return answer


def _officer(ctx: Context, account_id: str) -> Document:
    account: Document | None = ctx.store.get("accounts", account_id)
    if account is None or account["kind"] != "officer":
        raise accounts.unknown()
    if account_id == ctx.actor.subject:
        raise problems.forbidden("not for oneself", rule="RO-04", citation="QĐ 08/2025/QĐ-UBND Đ20.2")
    return account


def _answer(ctx: Context, account: Document, person: Document | None = None) -> dict[str, Any]:
    person = person or store.person(ctx.store, account["person_id"]) or {}
    holding = grants.held(account["grants"], store.closed_units(ctx.store, account["grants"]), ctx.now)
    return {
        "account_id": account["_id"],
        "username": account["username"],
        "full_name": secrecy.opened(secrecy.key_of(ctx.kernel), person.get("full_name"), secrecy.NAME),
        "state": str(account["state"]),
        "grants": [{**row, "holds": row in holding} for row in account["grants"]],
    }


def _kept(answer: dict[str, Any]) -> dict[str, Any]:
    """What is kept for a repeated command: no name."""
    return answer | {"full_name": None}


def _granted(account: Document, data: dict[str, Any]) -> dict[str, Any]:
    return {
        "account_id": account["_id"],
        "person_id": account["person_id"],
        "role": data["role"],
        "unit": data["unit"],
    }


def _words(data: dict[str, Any]) -> str:
    return f"{data['role']}@{data['unit']}"


def _taken() -> Problem:
    return problems.conflict(
        "Tên đăng nhập hoặc người này đã có tài khoản cán bộ",
        "The name is taken, or this person has an officer's account",
        rule="RO-04",
    )
