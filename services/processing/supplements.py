"""Supplement requests: the specialist's slip after acceptance, and the applicant's answer to it.

The rules of slips themselves are shared (`services.common.slips`); here stand what is kept of one in a case and what
an amendment must be to count as its answer. Pure.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any

from services.common import slips
from services.common.problems import conflict, field_error, invalid
from services.common.rules import rule

#: The act's word in events and answers.
ACT = "supplement"

Slip = dict[str, Any]


@rule("GU-06", title="Yêu cầu bổ sung theo cùng quy tắc với hướng dẫn", cites="TB 94/TB-UBND §3")
def make(
    case: Mapping[str, Any],
    *,
    slip_id: str,
    text: str,
    components: Collection[str],
    of_procedure: Collection[str],
    failure_statement: str | None,
    file: Mapping[str, Any] | None,
    verdict: str | None,
    by: str,
    by_person: str,
    at: datetime,
) -> Slip:
    """The next slip of a case. Raises Problem 422 (GU-02) when it says or selects nothing; faults are stored (X-17)."""
    slips.validate(text, components, of_procedure)
    given = [slips.Act.SUPPLEMENT_REQUEST for _ in case["supplements"]]
    return {
        "slip_id": slip_id,
        "act": ACT,
        "round": slips.round_number(slips.Act.SUPPLEMENT_REQUEST, given),
        "text": text,
        "text_hash": hashlib.sha256(slips.normalized_text(text).encode()).hexdigest(),
        "components": sorted(set(components)),
        "failure_statement": failure_statement,
        "has_statement": bool(slips.normalized_text(failure_statement or "")),
        "file_id": file["file_id"] if file else None,
        "file_sha256": file["sha256"] if file else None,
        "verdict": verdict,
        "officer": by,
        "officer_person": by_person,  # who decides on a slip may have another account (MO-16)
        "at": at,
        "answered_at": None,
        "answer": None,
        "unanswered": None,
    }


def open_slip(supplements: Sequence[Slip]) -> Slip | None:
    """The slip that waits for its answer."""
    return supplements[-1] if supplements and supplements[-1]["answered_at"] is None else None


def same_answer(supplements: Sequence[Slip], answer: Collection[Mapping[str, str]]) -> bool:
    """Whether the newest slip was already answered by exactly this: the caller asks again after losing our answer."""
    if not supplements or supplements[-1]["answered_at"] is None:
        return False
    return _as_set(supplements[-1]["answer"]) == _as_set(answer)


def _as_set(answer: Collection[Mapping[str, str]]) -> set[tuple[str, str]]:
    return {(item["component"], item["sha256"]) for item in answer}


@rule("GU-08", title="Chỉ được sửa đúng thành phần được yêu cầu", cites="QĐ 08/2025/QĐ-UBND Đ11.1")
def answer(slip: Slip, given: Sequence[Mapping[str, str]], at: datetime) -> None:
    """Record the applicant's answer on the open slip.

    Only components that were asked for count, at least one of them; a partial answer is one (X-16), what is missing
    is kept beside it. Raises Problem 422.
    """
    named = [item["component"] for item in given]
    foreign = sorted(set(named) - set(slip["components"]))
    if foreign:
        raise invalid(
            *(
                field_error(
                    "components", f"Thành phần {name} không được yêu cầu bổ sung", f"{name} was not asked for", "GU-08"
                )
                for name in foreign
            ),
            citation="QĐ 08/2025/QĐ-UBND Đ11.1",
        )
    if not named or len(named) != len(set(named)):
        raise invalid(
            field_error("components", "Nêu mỗi thành phần được bổ sung một lần", "Name each component once", "GU-08"),
            citation="QĐ 08/2025/QĐ-UBND Đ11.1",
        )
    slip["answered_at"] = at
    slip["answer"] = [{key: item[key] for key in ("component", "file_id", "sha256")} for item in given]
    slip["unanswered"] = sorted(set(slip["components"]) - set(named))


def find(supplements: Sequence[Slip], slip_id: str) -> tuple[Slip, Sequence[Slip]]:
    """A slip and its former rounds. Raises Problem 409 when it is not of these."""
    for number, slip in enumerate(supplements):
        if slip["slip_id"] == slip_id:
            return slip, supplements[:number]
    raise conflict(detail="no such slip in this case")
