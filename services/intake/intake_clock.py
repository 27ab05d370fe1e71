"""The desk's working hour: opened by filing and by each amendment, closed by one of the three answers. Pure."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from services.common.calendar import WorkingCalendar
from services.common.deadlines import intake_due
from services.common.rules import rule

Round = dict[str, Any]


@rule("IN-01", title="Mở giờ tiếp nhận khi nộp và khi nộp lại", cites="QĐ 88/2017/QĐ-UBND Đ13; TB 94/TB-UBND §2")
def open_round(calendar: WorkingCalendar, now: datetime) -> Round:
    """A round of the desk that begins now, with its due time on the desk's calendar."""
    deadline = intake_due(calendar, now)
    return {
        "from": now,
        "due": deadline.due,
        "rules": list(deadline.rules),
        "source_vi": deadline.reason.vi,
        "source_en": deadline.reason.en,
        "outcome": None,
        "answered_at": None,
        "answered_by": None,
        "late": None,
    }


@rule("IN-19", title="Mỗi kết quả ghi cán bộ và thời điểm", cites="TB 94/TB-UBND §2")
def close_round(rounds: list[Round], outcome: str, officer: str, now: datetime) -> None:
    """Stamps the open round with the desk's answer; `officer` is an account id. The due instant is still in time."""
    current = rounds[-1]
    if current["answered_at"] is not None:
        raise ValueError("the round was answered before")
    current.update(outcome=outcome, answered_at=now, answered_by=officer, late=now > current["due"])


def end_round(rounds: list[Round], now: datetime) -> None:
    """The citizen withdrew: nobody is late any more."""
    if rounds[-1]["answered_at"] is None:
        rounds[-1].update(outcome="withdrawn", answered_at=now, late=False)


@rule("IN-02", title="Số phút còn lại tính theo giờ làm việc", cites="TB 94/TB-UBND §2")
def minutes_left(calendar: WorkingCalendar, due: datetime, now: datetime) -> int:
    """Whole working minutes until `due`, negative when it has passed."""
    return calendar.working_minutes_between(now, due)


def is_late(due: datetime, now: datetime) -> bool:
    """Whether a dossier that is unanswered now is late; the due instant itself is in time."""
    return now > due
