"""Reviews of slips: what is kept of a slip, its assessment by itself, the comparison with the round before.

The judgement is that of services.common.slips; here it is applied to stored reviews. Pure: texts come in opened,
the sealing is the room's business.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from services.common.calendar import local_date
from services.common.rules import rule
from services.common.slips import MONITORED_SINCE, Act, Assessment, Decision, Ground, Review, Slip, Verdict, assess

#: Acts as events and callers spell them.
ACTS: dict[str, Act] = {"guidance": Act.GUIDANCE, "supplement": Act.SUPPLEMENT_REQUEST}
#: Decisions as callers spell them: the state that IOC wants.
DECISIONS: dict[str, Decision] = {"CONFIRMED": Decision.CONFIRM, "VIOLATION": Decision.VIOLATE}
#: Where the slips of an act are asked for.
HOME_OF_SLIPS: dict[str, str] = {"guidance": "intake.slip", "supplement": "processing.slip"}

STATE_TEXT: dict[Review, tuple[str, str]] = {
    Review.NOT_EVALUATED: ("Trước ngày giám sát", "Before monitoring began"),
    Review.AWAITING_CHECK: ("Chờ kiểm tra chữ ký số", "Waits for the check of its signature"),
    Review.AWAITING_IOC: ("Chờ IOC xác nhận", "Waits for IOC"),
    Review.PENDING: ("Cần xem nhật ký", "The citizen's update log is to be read"),
    Review.VIOLATION: ("Vi phạm", "Violation"),
    Review.CONFIRMED: ("Đúng quy định", "In order"),
}


def slip_of(review: Mapping[str, Any], text: str, failure_statement: str | None) -> Slip:
    """A stored review as a slip to judge. A valid signature counts once it is known whose it is."""
    verdict = None if needs_signer(review) else review["verdict"]
    return Slip(
        act=ACTS[review["act"]],
        text=text,
        components=frozenset(review["components"]),
        acted_on=local_date(review["at"]),
        has_file=review["file_id"] is not None,
        verdict=None if verdict is None else Verdict(verdict),
        failure_statement=failure_statement,
        by_officer=review.get("by_officer") is not False,
    )


def needs_signer(review: Mapping[str, Any]) -> bool:
    """Whether signing must still say who signed the slip's file."""
    return review["verdict"] == Verdict.TOTAL_PASSED and review.get("by_officer") is None


@rule("MO-01", title="Giám sát nội dung, thành phần, file và chữ ký số của phiếu", cites="CV 252/UBND-HCC §2.1–2.2",
      since=MONITORED_SINCE)  # fmt: skip
def new_review(data: Mapping[str, Any], centre: str | None) -> dict[str, Any]:
    """What is kept of a slip that an event tells of; text and statement are added sealed by the room, and who its
    author is as a person."""
    return {
        "_id": data["slip_id"],
        "code": data["code"],
        "act": data["act"],
        "round": data["round"],
        "components": sorted(data["components"]),
        "file_id": data["file_id"],
        "file_sha256": data["file_sha256"],
        "verdict": data["verdict"],
        "report_id": None,
        "by_officer": None,
        "text_hash": data["text_hash"],
        "officer": data["officer"],
        "officer_person": "",
        "unit": data["unit"],
        "desk": data["desk"],
        "centre": centre,
        "at": data["at"],
        "state": Review.AWAITING_CHECK.value,
        "next_check_at": None,
        "grounds": [],
        "rules": [],
        "comparison": None,
        "decided_by": None,
        "decided_at": None,
        "reason": "",
    }


def is_own(review: Mapping[str, Any], account: str, person_id: str) -> bool:
    """Whether this actor wrote the slip: with this account, or as the same person with another one."""
    # reviews of the first release do not know the person
    return account == review["officer"] or (bool(person_id) and person_id == review.get("officer_person"))


@rule("MO-04", title="Đối chiếu với các lần trước", cites="CV 252/UBND-HCC, phụ lục", since=MONITORED_SINCE)
def judge(slip: Slip, former: Sequence[Slip]) -> Assessment:
    """The assessment of a slip beside the earlier rounds of its act, oldest first."""
    return assess(slip, former)


def adopt(review: dict[str, Any], assessment: Assessment) -> None:
    """Writes an assessment into the stored review."""
    review["state"] = assessment.state.value
    review["grounds"] = [ground.value for ground in assessment.grounds]
    review["rules"] = list(assessment.rules)
    if assessment.comparison is not None:
        review["comparison"] = {
            "with_round": review["round"] - 1,
            "text": assessment.comparison.text.value,
            "components": assessment.comparison.components.value,
            "same": assessment.comparison.same,
        }


@rule("MO-15", title="Sổ vi phạm: hồ sơ, lần, cán bộ, đơn vị, căn cứ, chứng cứ, người quyết định",
      cites="CV 252/UBND-HCC, phụ lục", since=MONITORED_SINCE)  # fmt: skip
def register_entry(
    review: Mapping[str, Any], entry_id: str, *, overturned: bool, decided_by: str, decided_at: datetime, reason: str
) -> dict[str, Any]:
    """One line of the violation register. Lines are added, never changed: an overturned violation adds a second one."""
    return {
        "_id": entry_id,
        "kind": "OVERTURNED" if overturned else "VIOLATION",
        "review_id": review["_id"],
        "code": review["code"],
        "slip_id": review["_id"],
        "act": review["act"],
        "round": review["round"],
        "officer": review["officer"],
        "unit": review["unit"],
        "desk": review["desk"],
        "centre": review["centre"],
        "grounds": list(review["grounds"]),
        "evidence": {
            "text_hash": review["text_hash"],
            "components": list(review["components"]),
            "file_id": review["file_id"],
            "file_sha256": review["file_sha256"],
            "verdict": review["verdict"],
            "comparison": review["comparison"],
        },
        "decided_by": decided_by,
        "decided_at": decided_at,
        "reason": reason,
    }


def ground_of(name: str | None) -> Ground | None:
    """The ground that a caller named. Raises ValueError for an unknown one."""
    return None if name is None else Ground(name)
