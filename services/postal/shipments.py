"""Shipments: what the postal partner was asked to bring, and where it is.

The table is the whole state machine: from, status that the partner reports, to, event. Statuses may come in any order
and twice; a shipment never goes back, every custody step is kept and told once, each attempt at delivery is a step of
its own. Pure; `at` is the partner's time of the step.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum
from typing import Any

from services.common.rules import rule

_QD45 = "QĐ 45/2016/QĐ-TTg; QĐ 08/2025/QĐ-UBND Đ28.4"

Document = dict[str, Any]


class Status(StrEnum):
    """Custody steps as this system names them."""

    REGISTERED = "registered"
    COLLECTED = "collected"
    HANDED_OVER = "handed_over"
    ATTEMPTED = "attempted"
    DELIVERED = "delivered"
    RETURNED = "returned"


class State(StrEnum):
    """Where a shipment stands."""

    ORDERED = "ORDERED"
    REGISTERED = "REGISTERED"
    COLLECTED = "COLLECTED"
    HANDED_OVER = "HANDED_OVER"
    ATTEMPTED = "ATTEMPTED"
    DELIVERED = "DELIVERED"
    RETURNED = "RETURNED"


TEXT: dict[State, tuple[str, str]] = {
    State.ORDERED: ("Đã yêu cầu bưu chính", "The post was asked"),
    State.REGISTERED: ("Bưu chính đã nhận yêu cầu", "Registered by the post"),
    State.COLLECTED: ("Bưu chính đã lấy hàng", "Collected from the agency"),
    State.HANDED_OVER: ("Đã bàn giao giữa các bưu cục", "Handed over between post offices"),
    State.ATTEMPTED: ("Phát chưa thành công", "Delivery was attempted"),
    State.DELIVERED: ("Đã phát", "Delivered"),
    State.RETURNED: ("Đã chuyển hoàn", "Returned to the agency"),
}

#: How far each state is; what is reported late never takes a shipment back.
_RANK = {state: number for number, state in enumerate(State)}
_RANK[State.RETURNED] = _RANK[State.DELIVERED]
_TERMINAL = frozenset({State.DELIVERED, State.RETURNED})

#: Codes of the partner's connectors (two sets are in use) beside our own words.
PARTNER_CODES: dict[str, Status] = {
    "100": Status.REGISTERED,
    "101": Status.REGISTERED,
    "6": Status.COLLECTED,
    "12": Status.HANDED_OVER,
    "14": Status.DELIVERED,
    "15": Status.ATTEMPTED,
    "16": Status.RETURNED,
    "17": Status.RETURNED,
    "18": Status.RETURNED,
    "19": Status.RETURNED,
}


class Contradiction(Exception):
    """The partner says that a shipment was delivered and that it was returned."""


@rule("PO-05", title="Ánh xạ trạng thái của bưu chính", cites=_QD45)
def status_of(reported: str) -> Status | None:
    """What a status of the partner means here; None for one that is not known."""
    word = reported.strip().lower()
    return Status(word) if word in Status.__members__.values() else PARTNER_CODES.get(word)


def new_shipment(
    *, code: str, owner: str, unit: str, desk: str | None, procedure: str, post_office: str, ordered_at: datetime
) -> Document:
    """A delivery order of a result. One per dossier: its id is the number under which the partner knows it."""
    return {
        "_id": f"{code}:result", "code": code, "kind": "result", "owner": owner, "unit": unit, "desk": desk,
        "procedure": procedure, "post_office": post_office, "ordered_at": ordered_at, "sent_at": None, "attempts": 0,
        "next_try_at": None, "waybill": None, "state": State.ORDERED.value, "steps": [],
    }  # fmt: skip


@rule("PO-05", title="Nhận sự kiện của bưu chính không trùng lặp", cites=_QD45)
def take(shipment: Document, status: Status, step: Mapping[str, Any]) -> bool:
    """Takes one reported step (`message_id`, `at`, `post_office`, `waybill`); True when it is to be told.

    Raises Contradiction. A second report of the same step is kept nowhere and told to nobody, but for attempts at
    delivery, of which the law wants two (at different times).
    """
    state = State(shipment["state"])
    target = State(status.value.upper())
    if state in _TERMINAL and target in _TERMINAL and state is not target:
        raise Contradiction(f"{state} and {target}")
    for known in shipment["steps"]:
        if known["status"] == status.value and (status is not Status.ATTEMPTED or known["at"] == step["at"]):
            return False
    shipment["steps"] = [*shipment["steps"], {"status": status.value, **step}]
    if shipment["waybill"] is None and step["waybill"]:
        shipment["waybill"] = step["waybill"]
    if _RANK[target] > _RANK[state]:
        shipment["state"] = target.value
    return True
