"""Amendments: every answer of the citizen makes version n+1 of the dossier, the former ones stay. Pure."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any

from services.common import problems
from services.common.rules import rule

Version = dict[str, Any]
_GU08 = "QĐ 08/2025/QĐ-UBND Đ11.1"


def first_version(components: Sequence[Mapping[str, Any]], *, by: str, at: datetime) -> Version:
    """The dossier as filed. Components carry component, file_id, sha256 and size."""
    return {
        "dossier_version": 1,
        "at": at,
        "by": by,
        "stage": "filing",
        "slip_id": None,
        "note": None,
        "changed": [entry["component"] for entry in components],
        "components": [dict(entry) for entry in components],
    }


@rule("GU-08", title="Chỉ sửa thành phần được yêu cầu", cites=_GU08)
def check_answer(given: Sequence[Mapping[str, Any]], requested: Collection[str]) -> None:
    """Refuse components that were not asked for, and the same one twice. Raises Problem 422."""
    errors = []
    seen: set[str] = set()
    for number, entry in enumerate(given):
        component = entry["component"]
        if component not in requested:
            errors.append(
                problems.field_error(
                    f"components.{number}.component",
                    "Thành phần này không được yêu cầu chỉnh sửa",
                    "This component was not asked for",
                    "GU-08",
                )
            )
        if component in seen:
            errors.append(
                problems.field_error(
                    f"components.{number}.component", "Thành phần lặp lại", "The component stands twice", "GU-08"
                )
            )
        seen.add(component)
    if errors:
        raise problems.invalid(*errors, rule="GU-08", citation=_GU08)


@rule("GU-08", title="Nộp lại đúng tệp cũ không phải là chỉnh sửa", cites=_GU08)
def refuse_unchanged(given: Sequence[Mapping[str, Any]], current: Version) -> None:
    """Refuse a file whose bytes are those that the component already has. Raises Problem 422."""
    held = {entry["component"]: entry["sha256"] for entry in current["components"]}
    errors = [
        problems.field_error(
            f"components.{number}.file_id",
            "Tệp không khác tệp đã nộp",
            "The file is the one that was filed before",
            "GU-08",
        )
        for number, entry in enumerate(given)
        if held.get(entry["component"]) == entry["sha256"]
    ]
    if errors:
        raise problems.invalid(*errors, rule="GU-08", citation=_GU08)


@rule("GU-10", title="Giữ lịch sử sửa đổi, mã hồ sơ không đổi", cites="QĐ 08/2025/QĐ-UBND Đ11.2c")
def next_version(
    versions: Sequence[Version],
    given: Sequence[Mapping[str, Any]],
    *,
    by: str,
    at: datetime,
    stage: str,
    slip_id: str | None,
    note: str | None,
) -> Version:
    """Version n+1: the former set with the given components replaced or added."""
    current = versions[-1]
    changed = {entry["component"]: dict(entry) for entry in given}
    kept = [changed.pop(entry["component"], dict(entry)) for entry in current["components"]]
    return {
        "dossier_version": current["dossier_version"] + 1,
        "at": at,
        "by": by,
        "stage": stage,
        "slip_id": slip_id,
        "note": (note or "").strip() or None,
        "changed": [entry["component"] for entry in given],
        "components": kept + list(changed.values()),
    }


@rule("GU-13", title="Nhật ký cập nhật: ai, khi nào, thành phần nào, phiên bản nào", cites="CV 252/UBND-HCC, phụ lục")
def update_log(versions: Sequence[Version], names: Mapping[str, tuple[str, str]]) -> list[dict[str, Any]]:
    """Who changed which component when, in which version; oldest first. `names` by component id."""
    held: dict[str, Mapping[str, Any]] = {}
    log: list[dict[str, Any]] = []
    for version in versions:
        now = {entry["component"]: entry for entry in version["components"]}
        for component in version["changed"]:
            name_vi, name_en = names.get(component, (component, component))
            before = held.get(component)
            log.append(
                {
                    "at": version["at"],
                    "who": version["by"],
                    "component": component,
                    "name": name_vi,
                    "name_en": name_en,
                    "dossier_version": version["dossier_version"],
                    "stage": version["stage"],
                    "slip_id": version["slip_id"],
                    "file_id": now[component]["file_id"],
                    "sha256": now[component]["sha256"],
                    "former_file_id": before["file_id"] if before else None,
                    "former_sha256": before["sha256"] if before else None,
                    "note": version["note"],
                }
            )
        held = now
    return log


def all_files(versions: Sequence[Version]) -> set[str]:
    """Every file that ever was a component of the dossier."""
    return {entry["file_id"] for version in versions for entry in version["components"]}
