"""Organisational units: a tree whose names, places and existence have dates. Pure.

A unit keeps its identifier for life; what it is called and to whom it belongs may change from a day on, and a unit may
close (RO-06, X-11: the province became a city on 2025-01-01). Nothing of the past is overwritten.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date
from typing import Any

from services.common import problems
from services.common.problems import field_error
from services.common.rules import rule

Unit = dict[str, Any]

#: Kinds of units (QĐ 08/2025/QĐ-UBND Đ2, Đ3.2), by their words in code.
KINDS: dict[str, tuple[str, str]] = {
    "province": ("Tỉnh, thành phố trực thuộc trung ương", "Province or centrally run city"),
    "office": ("Văn phòng UBND", "Office of the People's Committee"),
    "department": ("Sở, ban, ngành", "Department"),
    "board": ("Ban quản lý", "Management board"),
    "district": ("Quận, huyện, thị xã", "District"),
    "commune": ("Phường, xã, thị trấn", "Commune"),
    "vertical": ("Cơ quan ngành dọc trung ương", "Vertical central agency"),
    "service": ("Đơn vị sự nghiệp công lập", "Public-service unit"),
    "centre": ("Trung tâm phục vụ hành chính công", "Public-administration centre"),
    "ioc": ("Trung tâm giám sát, điều hành", "Monitoring and operation centre"),
    "postal": ("Bưu điện", "Post office"),
    "police": ("Công an", "Police"),
}


def unit(unit_id: str, kind: str, parent: str | None, vi: str, en: str, on: date | None = None) -> Unit:
    """A new unit; `on` is its first day, None: always been there."""
    since = on.isoformat() if on else None
    return {
        "_id": unit_id,
        "kind": kind,
        "names": [{"vi": vi, "en": en, "since": since}],
        "parents": [{"unit": parent, "since": since}],
        "opened_on": since,
        "closed_on": None,
    }


@rule(
    "RO-06", title="Cơ quan ba cấp, ngành dọc, ban quản lý, đơn vị sự nghiệp là đơn vị", cites="QĐ 08/2025/QĐ-UBND Đ2"
)
@rule("X-11", title="Tên đơn vị theo ngày", cites="QĐ 08/2025/QĐ-UBND")
def on_day(row: Unit, day: date) -> dict[str, Any]:
    """What a unit is on a day: name, parent, whether it is open. A day before its first name shows that one."""
    name = _valid(row["names"], day)
    return {
        "unit": row["_id"],
        "kind": row["kind"],
        "kind_vi": KINDS[row["kind"]][0],
        "kind_en": KINDS[row["kind"]][1],
        "name_vi": name["vi"],
        "name_en": name["en"],
        "parent": _valid(row["parents"], day)["unit"],
        "open": is_open(row, day),
        "names": row["names"],
        "opened_on": row["opened_on"],
        "closed_on": row["closed_on"],
        "version": row["version"],
    }


def is_open(row: Unit, day: date) -> bool:
    """Whether the unit is there on a day; `closed_on` is the first day without it."""
    text = day.isoformat()
    return (row["opened_on"] is None or row["opened_on"] <= text) and (
        row["closed_on"] is None or text < row["closed_on"]
    )


def rename(row: Unit, vi: str, en: str, on: date, *, today: date) -> None:
    """Another name from a day on. Raises Problem 422 for a past day or one that is not after the last change's."""
    _changes(row, row["names"], on, today)
    row["names"] = [*row["names"], {"vi": vi, "en": en, "since": on.isoformat()}]


def move(row: Unit, parent: str, on: date, tree: Mapping[str, Unit], *, today: date) -> None:
    """Another parent from a day on. Raises Problem 422: unknown, itself, below itself, or a day too early."""
    _changes(row, row["parents"], on, today)
    check_parent(row["_id"], parent, tree, on)
    row["parents"] = [*row["parents"], {"unit": parent, "since": on.isoformat()}]


def close(row: Unit, on: date, tree: Mapping[str, Unit], *, today: date) -> None:
    """No more from a day on. Raises Problem 422 for a day too early, 409 for a closed one and while units belong to
    it on that day or will later."""
    _changes(row, [{"since": row["opened_on"]}], on, today)
    below = [
        other["_id"]
        for other in tree.values()
        if any(
            is_open(other, day) and _valid(other["parents"], day)["unit"] == row["_id"]
            for day in _days_from(on, [other])
        )
    ]
    if below:
        raise problems.conflict(
            "Còn đơn vị trực thuộc đang hoạt động", "Open units belong to it", rule="RO-06", extra={"units": below[:20]}
        )
    row["closed_on"] = on.isoformat()


def check_parent(unit_id: str, parent: str, tree: Mapping[str, Unit], on: date) -> None:
    """Raises Problem 422 unless the parent is an open unit that is not the unit itself or below it, on that day and
    on each later one for which a change is written down."""
    for day in _days_from(on, tree.values()):
        above: str | None = parent
        passed: set[str] = set()  # two moves written at one moment may have made a circle that this unit is not in
        while above is not None:
            if above == unit_id or above in passed:
                raise _fault(
                    "parent", "Đơn vị không thể thuộc chính nó", "A unit cannot belong to itself or below itself"
                )
            row = tree.get(above)
            if row is None or not is_open(row, day):
                raise _fault("parent", "Không có đơn vị này", "There is no such unit")
            passed.add(above)
            above = _valid(row["parents"], day)["unit"]


def closed(rows: Iterable[Unit]) -> dict[str, date]:
    """The first day without it, of units that close."""
    return {row["_id"]: date.fromisoformat(row["closed_on"]) for row in rows if row["closed_on"] is not None}


def _valid(versions: list[dict[str, Any]], day: date) -> dict[str, Any]:
    text = day.isoformat()
    found = versions[0]
    for version in versions:
        if version["since"] is None or version["since"] <= text:
            found = version
    return found


def _days_from(on: date, rows: Iterable[Unit]) -> list[date]:
    """That day, and each later one on which one of these units begins, moves or ends."""
    marks: set[str | None] = set()
    for row in rows:
        marks |= {row["opened_on"], row["closed_on"], *(version["since"] for version in row["parents"])}
    return [on, *sorted(date.fromisoformat(mark) for mark in marks if mark is not None and mark > on.isoformat())]


def _changes(row: Unit, versions: list[dict[str, Any]], on: date, today: date) -> None:
    if row["closed_on"] is not None:
        raise problems.conflict("Đơn vị đã đóng", "The unit is closed", rule="RO-06")
    if on < today:
        raise _fault("on", "Ngày đã qua: quá khứ không được sửa", "That day is over: the past is not changed")
    last = versions[-1]["since"]
    if last is not None and on.isoformat() <= last:
        raise _fault("on", "Ngày phải sau lần thay đổi trước", "The day must be after the last change")


def _fault(field: str, vi: str, en: str) -> problems.Problem:
    return problems.invalid(field_error(field, vi, en, "RO-06"))
