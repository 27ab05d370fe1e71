"""The catalogue: procedures with their versions, agencies, desks. Pure: rows are plain documents, read by `store`.

A procedure version is in force on the local days `effective_from` … `effective_to` (ISO dates, both inclusive, None =
open) and never changes once it is stored; a change is a new version.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Mapping
from datetime import date
from enum import StrEnum
from typing import Any

from services.common.calendar import WorkingCalendar
from services.common.calendar_data import shipped_calendars
from services.common.deadlines import Limit, LimitUnit
from services.common.rules import rule

Row = Mapping[str, Any]
PICKUPS = ("online", "desk", "post")
FEE_MODES = ("thu_truoc", "thu_sau", "khong_thu")
_NO_FEE = "khong_thu"
#: What processing does with the appointment after a supplement, and who may do a step there.
CLOCK_POLICIES = ("RESTART", "PAUSE")
STEP_ROLES = ("specialist", "leader")
_OF_STEP = ("step", "name", "role", "minutes")
#: The seven parts that every procedure must publish (NĐ 63/2010 Đ8.2); the eighth stands where it applies.
_PARTS = ("name_vi", "sequence_vi", "manner_vi", "components", "sets", "limit", "subjects_vi", "units")
_WHERE_IT_APPLIES = ("forms_vi", "result_vi", "conditions_vi", "fee")


class CatalogueError(ValueError):
    """An entry of the catalogue is incomplete or contradicts itself; the message says where."""


class Level(StrEnum):
    """How far a service is online."""

    FULL = "TOAN_TRINH"
    PARTIAL = "MOT_PHAN"
    INFORMATION = "CUNG_CAP_THONG_TIN"


_S1 = "CV 2658/UBND-CNTT §2; NĐ 42/2022/NĐ-CP Đ11"


@rule("CA-01", title="Toàn trình: không giấy, không hiện diện khi giải quyết", cites=_S1)
@rule("CA-02", title="Thẩm tra tại chỗ không cần người nộp: vẫn toàn trình", cites=_S1)
@rule("CA-03", title="Một phần: chỉ cần hiện diện ở khâu giải quyết", cites=_S1)
@rule("X-13", title="Cần giấy hoặc hiện diện khi tiếp nhận: chỉ cung cấp thông tin", cites=_S1)
def level_of(flags: Mapping[str, bool]) -> Level:
    """The level of a service from what it demands; the applicant's own choices are not among the flags (CA-04)."""
    if flags.get("paper_or_presence_at_intake"):
        return Level.INFORMATION
    if flags.get("presence_at_resolution") or flags.get("applicant_at_site_verification"):
        return Level.PARTIAL
    return Level.FULL


@rule("CA-06", title="Danh mục thủ tục có đủ các bộ phận bắt buộc", cites="QĐ 08/2025/QĐ-UBND Đ6.1b; NĐ 63/2010 Đ8.2")
def check_procedure(row: Row) -> None:
    """Raises CatalogueError unless the entry is complete: mandatory parts, components, limit, fee, workflow."""
    where = row.get("_id", "?")
    missing = [part for part in _PARTS if not row.get(part)] + [p for p in _WHERE_IT_APPLIES if p not in row]
    if missing:
        raise CatalogueError(f"{where}: missing {', '.join(missing)}")
    if row["_id"] != f"{row['code']}@{row['version']}":
        raise CatalogueError(f"{where}: the id is code@version")
    ids = [component["component"] for component in row["components"]]
    if len(set(ids)) != len(ids):
        raise CatalogueError(f"{where}: a component stands twice")
    _check_limit_and_steps(row)
    fee = row["fee"]
    if fee["mode"] not in FEE_MODES or fee["amount"] != sum(item["amount"] for item in fee["items"]):
        raise CatalogueError(f"{where}: the fee is not the sum of its items")
    if (fee["mode"] == _NO_FEE) != (fee["amount"] == 0):
        raise CatalogueError(f"{where}: a fee is charged or not")
    if not row["pickups"] or set(row["pickups"]).difference(PICKUPS):
        raise CatalogueError(f"{where}: no such way of handing over")
    if row["level"] != level_of(row["demands"]):
        raise CatalogueError(f"{where}: the level does not follow from what is demanded")


def _check_limit_and_steps(row: Row) -> None:
    limit = limit_of(row)
    if row.get("clock_policy") not in CLOCK_POLICIES:
        raise CatalogueError(f"{row['_id']}: no such policy of the clock")
    workflow = row.get("workflow", {})
    steps = workflow.get("steps")
    if not isinstance(workflow.get("version"), int) or not steps:
        raise CatalogueError(f"{row['_id']}: a workflow has a version and steps")
    for step in steps:
        if any(not step.get(part) for part in _OF_STEP) or step["role"] not in STEP_ROLES:
            raise CatalogueError(f"{row['_id']}: a step has {', '.join(_OF_STEP)}, a role is one of {STEP_ROLES}")
    if len({step["step"] for step in steps}) != len(steps):
        raise CatalogueError(f"{row['_id']}: a workflow has each step once")
    total = sum(step["minutes"] for step in steps)
    minutes = {LimitUnit.HOURS: 60, LimitUnit.WORKING_DAYS: 480}.get(limit.unit)
    if minutes is not None and total != limit.value * minutes:
        raise CatalogueError(f"{row['_id']}: the limits of the steps do not add up to the procedure's")


def limit_of(row: Row) -> Limit:
    """The time limit of a procedure version. Raises CatalogueError for a malformed one."""
    try:
        return Limit(int(row["limit"]["value"]), LimitUnit(row["limit"]["unit"]))
    except (KeyError, TypeError, ValueError) as error:
        raise CatalogueError(f"malformed limit: {error!r}") from error


def limit_text(limit: Mapping[str, Any]) -> tuple[str, str]:
    """A limit in words, Vietnamese and English."""
    value = limit["value"]
    return {
        LimitUnit.HOURS: (f"{value} giờ làm việc", f"{value} working hours"),
        LimitUnit.WORKING_DAYS: (f"{value} ngày làm việc", f"{value} working days"),
        LimitUnit.CALENDAR_DAYS: (f"{value} ngày", f"{value} days"),
        LimitUnit.SAME_DAY: (
            "Trong ngày; nhận sau 15 giờ thì ngày làm việc tiếp theo",
            "The same day; received after 15:00, the next working day",
        ),
    }[LimitUnit(limit["unit"])]


def in_force(versions: Iterable[Row], on: date) -> Row | None:
    """The version of a procedure that is in force on a local day; of several the newest."""
    day = on.isoformat()
    found = [
        row
        for row in versions
        if row["effective_from"] <= day and (row["effective_to"] is None or day <= row["effective_to"])
    ]
    return max(found, key=lambda row: row["version"], default=None)


def component_names(fixed: Row) -> dict[str, tuple[str, str]]:
    """Names of a procedure version's components by id."""
    return {entry["component"]: (entry["name_vi"], entry["name_en"]) for entry in fixed["components"]}


def calendar_of(calendar_id: str) -> WorkingCalendar:
    """The working calendar by its id. Raises CatalogueError for an unknown one."""
    found = shipped_calendars().get(calendar_id)
    if found is None:
        raise CatalogueError(f"no such calendar: {calendar_id}")
    return found


def folded(text: str) -> str:
    """Text as it is searched: lower case, without Vietnamese marks, single spaces."""
    plain = unicodedata.normalize("NFD", text.casefold().replace("đ", "d"))
    return " ".join("".join(letter for letter in plain if unicodedata.category(letter) != "Mn").split())


@rule("CA-16", title="Tìm thủ tục theo tên có dấu hoặc không dấu, mã, lĩnh vực", cites="TB 94/TB-UBND, hướng dẫn 5")
def search_text(row: Row) -> str:
    """What a search looks through: code, names and sector."""
    return folded(" ".join((row["code"], row["name_vi"], row["name_en"], row["sector_vi"])))
