"""The ordered list of status codes of one dossier, grown by events that may come in any order.

`status_codes` says which codes an event means at the present code. What comes before its predecessor waits here and is
tried again after every other event; nothing that waits is ever dropped. Pure: moments are arguments.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from services.common.rules import rule
from services.exchange.status_codes import Code, TooEarly, codes_after

#: How long an event may wait for its predecessor before somebody is told (real time).
PATIENCE = timedelta(minutes=15)

Document = dict[str, Any]


def new_sync(code: str) -> Document:
    """The row of a dossier of which nothing is known yet."""
    return {
        "_id": code, "code": code, "owner": None, "unit": None, "desk": None, "procedure": None, "mode": None,
        "filed_at": None, "accepted_at": None, "appointment": None, "by_post": False, "prepaid": False,
        "statuses": [], "delivered": 0, "waiting": [], "waits_since": None, "reported_at": None, "asked_slips": [],
    }  # fmt: skip


def note_facts(sync: Document, event: str, data: Mapping[str, Any], at: datetime) -> None:
    """What the portal's record of the dossier will need, from the events that say it."""
    if event == "dossier.filed":
        for name in ("owner", "unit", "desk", "procedure", "mode"):
            sync[name] = data[name]
        sync["filed_at"] = data["filed_at"]
        sync["by_post"] = data.get("pickup") == "post"
        sync["prepaid"] = (data.get("fee") or {}).get("mode") == "thu_truoc"
    elif event == "dossier.accepted":
        sync["accepted_at"] = data["accepted_at"]
        sync["appointment"] = data["appointment"]
    elif data.get("appointment") is not None:
        sync["appointment"] = data["appointment"]


def waiting_entry(
    event: str, data: Mapping[str, Any], *, event_id: str, stream: str, sequence: int, at: datetime, now: datetime
) -> Document:
    """What is kept of an event until its codes are known. `at` is business time, `now` real time.

    `stream` and `sequence` name the aggregate that told it and its place there: what an aggregate told later never
    overtakes what it told before.
    """
    return {
        "event": event,
        "event_id": event_id,
        "stream": stream,
        "sequence": sequence,
        "at": at,
        "stage": data.get("stage"),
        "slip_id": data.get("slip_id"),
        "since": now,
    }


@rule("SY-02", title="Trạng thái được gửi theo đúng thứ tự cho phép", cites="QĐ 08/2025/QĐ-UBND Đ28.2")
def take(sync: Document, entry: Document) -> int:
    """Takes one event into the row; returns how many codes it and what had waited for it added.

    A repeated event (same id) adds nothing.
    """
    known = {status["event_id"] for status in sync["statuses"]} | {other["event_id"] for other in sync["waiting"]}
    if entry["event_id"] in known:
        return 0
    before = len(sync["statuses"])
    queue = [*sync["waiting"], entry]
    while _take_one(sync, queue):
        continue  # look again: what was taken may be what another one waited for
    sync["waiting"] = queue
    sync["waits_since"] = min((waiting["since"] for waiting in queue), default=None)
    if not queue:
        sync["reported_at"] = None
    return len(sync["statuses"]) - before


def _take_one(sync: Document, queue: list[Document]) -> bool:
    """Takes the first event whose turn has come out of the queue; False when none has."""
    held: set[str] = set()
    for candidate in sorted(queue, key=lambda entry: entry["sequence"]):
        if candidate["stream"] in held:
            continue
        codes = _codes(sync, candidate)
        if codes is not None:
            queue.remove(candidate)
            _add(sync, candidate, codes)
            return True
        held.add(candidate["stream"])
    return False


def _codes(sync: Document, entry: Document) -> tuple[Code, ...] | None:
    """Codes of an event now; None while it has to wait."""
    statuses = [Code(status["status"]) for status in sync["statuses"]]
    current = statuses[-1] if statuses else None
    accepted = Code.ACCEPTED in statuses
    answers_processing = entry["event"] == "dossier.amended" and entry["stage"] == "processing"
    unasked = entry["slip_id"] and entry["slip_id"] not in sync["asked_slips"]
    if answers_processing and (not accepted or unasked):
        # The request that it answers is another room's event: without it the answer would be lost as meaningless.
        return None
    if entry["event"] == "payment.ordered" and current is Code.ACCEPTED and not sync["prepaid"]:
        return None  # the same acceptance opens the case: 4 goes before 6, whichever room was faster
    try:
        return codes_after(current, entry["event"], accepted=accepted, prepaid=sync["prepaid"])
    except TooEarly:
        return None


def _add(sync: Document, entry: Document, codes: tuple[Code, ...]) -> None:
    if entry["event"] == "supplement.requested" and entry["slip_id"] not in sync["asked_slips"]:
        sync["asked_slips"] = [*sync["asked_slips"], entry["slip_id"]]
    for code in codes:
        sync["statuses"].append(
            {
                "number": len(sync["statuses"]) + 1, "status": int(code), "at": entry["at"], "event": entry["event"],
                "event_id": entry["event_id"], "delivered_at": None,
                # as it is now: a repeated message must say the same, whatever was told meanwhile
                "due_at": sync["appointment"],
            }
        )  # fmt: skip


def pending(sync: Mapping[str, Any]) -> Document | None:
    """The next status to deliver; the one after it waits for this one."""
    statuses = sync["statuses"]
    return statuses[sync["delivered"]] if sync["delivered"] < len(statuses) else None


@rule("SY-02", title="Gửi lại khi lỗi", cites="QĐ 08/2025/QĐ-UBND Đ28.2")
def pause_after(attempts: int) -> int:
    """Seconds until the next try after `attempts` failures in a row: 1, 2, 4 … 60."""
    return min(2 ** max(0, attempts - 1), 60)
