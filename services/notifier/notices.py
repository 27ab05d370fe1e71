"""Notices: one per event, recipient and channel, whose id says so; and what becomes of its delivery.

A portal notice is delivered by being stored. An SMS waits, is tried with growing pauses, and ends sent or failed.
States: waiting -> delivered | failed.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from services.common.filed_as import Right, filer_may
from services.common.rules import rule
from services.notifier.template import Channel, Template, To
from services.notifier.templates import TEMPLATES
from services.notifier.wording import facts, sentences

WAITING = "waiting"
DELIVERED = "delivered"
FAILED = "failed"

#: Pauses after each failed try, in seconds; after the last one the notice has failed. Together about a day.
PAUSES = (5, 15, 60, 300, 900, 3600, 4 * 3600, 12 * 3600)


@dataclass(frozen=True)
class Recipient:
    """A person by opaque id, or a unit by its code; exactly one of both."""

    person_id: str | None = None
    unit: str | None = None

    @property
    def key(self) -> str:
        return f"person/{self.person_id}" if self.person_id else f"unit/{self.unit}"


def notice_id(event_id: str, recipient: Recipient, channel: Channel) -> str:
    """The same for the same event, recipient and channel, however often the event comes."""
    return hashlib.sha256(f"{event_id}\x00{recipient.key}\x00{channel}".encode()).hexdigest()[:32]


@rule("NT-01", title="Mỗi thay đổi trạng thái hồ sơ tạo một thông báo", cites="QĐ 08/2025/QĐ-UBND Đ6.3, Đ26.1đ")
@rule("NT-02", title="Thông báo qua cổng và tin nhắn SMS", cites="QĐ 08/2025/QĐ-UBND Đ9.6")
def notices_of(
    event_id: str, name: str, data: Mapping[str, Any], owner: str | None, now: datetime
) -> list[dict[str, Any]]:
    """Every notice that an event makes. `owner` is the person behind the dossier, None where the event has none."""
    known = facts(data)
    made: dict[str, dict[str, Any]] = {}
    for template in TEMPLATES.get(name, ()):
        for recipient in _recipients(template.to, data, owner):
            for channel in template.channels:
                notice = _notice(event_id, name, template, recipient, channel, known, data.get("code"), now)
                made.setdefault(notice["_id"], notice)  # a unit may be its own centre
    return list(made.values())


@rule("MO-12", title="Thông báo vi phạm đến địa phương và Trung tâm PVHCC", cites="CV 252/UBND-HCC §2.1–2.2")
@rule("NT-04", title="Vi phạm được thông báo đến đơn vị", cites="CV 252/UBND-HCC §2")
def _recipients(to: To, data: Mapping[str, Any], owner: str | None) -> list[Recipient]:
    if to is To.OWNER:
        return [Recipient(person_id=owner)] if owner else []
    if to is To.FILER:
        filer = data.get("filer")
        told = filer and filer != owner and filer_may(data["filed_as"], Right.READ)
        return [Recipient(person_id=filer)] if told else []
    if to is To.PERSON:
        return [Recipient(person_id=data["person_id"])]
    unit = data.get("centre" if to is To.CENTRE else "unit")
    return [Recipient(unit=unit)] if unit else []


def needs_owner(name: str) -> bool:
    """Whether an event has a notice for the owner of a dossier."""
    return any(template.to is To.OWNER for template in TEMPLATES.get(name, ()))


def delivered(notice: dict[str, Any], now: datetime) -> None:
    """The channel took the notice."""
    notice["state"] = DELIVERED
    notice["delivered_at"] = now
    notice["next_try_at"] = None


def failed_once(notice: dict[str, Any], why: str, real_now: datetime, *, final: bool) -> bool:
    """Counts a failed try; True when it was the last. `why` is a fixed word. Tries are real time."""
    notice["attempts"] += 1
    notice["last_fault"] = why
    if final or notice["attempts"] > len(PAUSES):
        notice["state"] = FAILED
        notice["next_try_at"] = None
        return True
    notice["next_try_at"] = real_now + timedelta(seconds=PAUSES[notice["attempts"] - 1])
    return False


def put_off(notice: dict[str, Any], real_now: datetime) -> None:
    """Another room could not be asked: tried again soon, not counted against the notice."""
    notice["next_try_at"] = real_now + timedelta(seconds=PAUSES[0])


def delivered_event(notice: Mapping[str, Any]) -> dict[str, Any]:
    """What notice.delivered and notice.failed carry."""
    return {
        "notice_id": notice["_id"],
        "person_id": notice["person_id"],
        "unit": notice["unit"],
        "kind": notice["kind"],
        "channel": notice["channel"],
        "code": notice["dossier"],
    }


def _notice(
    event_id: str,
    name: str,
    template: Template,
    recipient: Recipient,
    channel: Channel,
    known: dict[str, str],
    code: str | None,
    now: datetime,
) -> dict[str, Any]:
    stored = channel is Channel.PORTAL
    return {
        "_id": notice_id(event_id, recipient, channel),
        "event_id": event_id,
        "kind": name,
        "person_id": recipient.person_id,
        "unit": recipient.unit,
        "channel": str(channel),
        "dossier": code,
        "title_vi": sentences((template.title_vi,), known),
        "title_en": sentences((template.title_en,), known),
        "body_vi": sentences(template.vi, known),
        "body_en": sentences(template.en, known),
        "at": now,
        "state": DELIVERED if stored else WAITING,
        "delivered_at": now if stored else None,
        "attempts": 0,
        "next_try_at": None,
        "last_fault": None,
    }
