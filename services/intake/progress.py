"""What the citizen sees of a dossier: status codes 1–10, before acceptance from intake's own state, after it mirrored
from what processing and payment told. Pure.

The mirror is a row of its own beside the dossier, so that news from other rooms never makes a person's command stale.
It keeps facts, not a status: facts of two rooms may come in either order and give the same status.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Any

from services.common import blocks
from services.common.rules import rule
from services.common.slips import Act
from services.intake.dossier import State

Row = dict[str, Any]

#: Code of the national portal → Vietnamese and English name (domain: C-DVC).
STATUS: dict[int, tuple[str, str]] = {
    1: ("Mới đăng ký", "Newly registered"),
    2: ("Được tiếp nhận", "Accepted"),
    3: ("Không được tiếp nhận", "Not accepted"),
    4: ("Đang xử lý", "In processing"),
    5: ("Yêu cầu bổ sung giấy tờ", "Supplement requested"),
    6: ("Yêu cầu thực hiện nghĩa vụ tài chính", "Financial obligation due"),
    7: ("Công dân yêu cầu rút hồ sơ", "Withdrawn by the citizen"),
    8: ("Dừng xử lý", "Stopped"),
    9: ("Đã xử lý xong", "Done"),
    10: ("Đã trả kết quả", "Result returned"),
}
_OWN: dict[State, int] = {
    State.REGISTERED: 1,
    State.GUIDED: 5,
    State.REFUSED: 3,
    State.WITHDRAWN: 7,
    State.RETURNED: 10,
}
ENDED = frozenset({3, 7, 8, 10})
#: Share of the way that lies behind before the first and after the last step of the workflow.
_FILED, _ACCEPTED, _STEPS_DONE, _READY = 10, 25, 80, 90


def empty(code: str) -> Row:
    """The mirror of a dossier of which no other room has told anything."""
    return {
        "_id": code,
        "opened": False,
        "steps": 0,
        "finished": [],
        "waiting": None,
        "stopped": False,
        "ready": False,
        "appointment": None,
        "supplements": [],
        "orders": [],
        "blocks": {},
        "grants": [],
    }


# --- what other rooms tell -------------------------------------------------------------------------------------------


def case_opened(row: Row, steps: int) -> None:
    """The specialists have the dossier, with so many steps before them."""
    row["opened"] = True
    row["steps"] = steps


def step_finished(row: Row, step: str) -> None:
    """One step is done."""
    if step not in row["finished"]:
        row["finished"].append(step)


def supplement_requested(row: Row, slip: Mapping[str, Any]) -> None:
    """The specialists wait for the citizen. `slip`: slip_id, round, components, file_id, at."""
    if all(known["slip_id"] != slip["slip_id"] for known in row["supplements"]):
        row["supplements"].append(dict(slip))
    row["waiting"] = slip["slip_id"]


def resumed(row: Row, appointment: datetime | None) -> None:
    """The citizen has answered; the appointment may have moved."""
    row["waiting"] = None
    if appointment is not None:
        row["appointment"] = appointment


def rescheduled(row: Row, appointment: datetime) -> None:
    """The agency apologised and named another time."""
    row["appointment"] = appointment


def result_attached(row: Row) -> None:
    """A result, which is not ready before it is found in order; it takes the place of a former one."""
    row["ready"] = False


def result_ready(row: Row) -> None:
    """A signed result waits for the desk."""
    row["ready"] = True


def case_stopped(row: Row) -> None:
    """The agency ended the case without a result."""
    row["stopped"] = True


def order_told(row: Row, order_id: str, *, paid: bool) -> None:
    """A fee is ordered or settled; a settlement may come before its order."""
    for order in row["orders"]:
        if order["order_id"] == order_id:
            order["paid"] = order["paid"] or paid
            return
    row["orders"].append({"order_id": order_id, "paid": paid})


def granted(row: Row, grant: Mapping[str, Any]) -> None:
    """Processing granted something that the dossier may not show yet, see `grants`."""
    row["grants"] = [*row["grants"], dict(grant)]


def block_told(row: Row, act: str, *, blocked: bool, recorded: datetime) -> bool:
    """Oversight blocked or unblocked an act of this dossier; older news than what is known is dropped (False)."""
    news = blocks.told(row["blocks"], act, blocked=blocked, recorded=recorded)
    if news is not None:
        row["blocks"] = news
    return news is not None


# --- what follows from it --------------------------------------------------------------------------------------------


def blocked_acts(row: Row) -> frozenset[Act]:
    """Acts that are blocked for this dossier."""
    return blocks.blocked_acts(row["blocks"])


def owed(row: Row) -> bool:
    """Whether a fee was ordered and is not settled."""
    return any(not order["paid"] for order in row["orders"])


@rule("SY-02", title="Trạng thái hồ sơ theo mã 1–10 của Cổng DVCQG", cites="QĐ 08/2025/QĐ-UBND Đ28.2")
def status_code(state: State, row: Row) -> int:
    """The public status code, 1–10."""
    if state is not State.ACCEPTED:
        return _OWN[state]
    if row["stopped"]:
        return 8
    if row["ready"]:
        return 9
    if row["waiting"] is not None:
        return 5
    if owed(row):
        return 6
    return 4 if row["opened"] else 2


def percent(state: State, row: Row) -> int:
    """How much of the way lies behind, 0–100; ended dossiers have all of it behind them."""
    code = status_code(state, row)
    if code in ENDED:
        return 100
    if code == 9:
        return _READY
    if state is not State.ACCEPTED:
        return _FILED
    if not row["steps"]:
        return _ACCEPTED
    return _ACCEPTED + (_STEPS_DONE - _ACCEPTED) * len(row["finished"]) // row["steps"]


def names(code: int) -> tuple[str, str]:
    """Vietnamese and English name of a status code."""
    return STATUS[code]


def appointment(dossier_appointment: datetime | None, row: Row) -> datetime | None:
    """The promise that holds now."""
    moved: datetime | None = row["appointment"]
    return moved if moved is not None else dossier_appointment


def supplement_files(row: Mapping[str, Any]) -> Collection[str]:
    """Files of supplement requests, which the owner may read."""
    return [slip["file_id"] for slip in row["supplements"] if slip.get("file_id")]
