"""Delivering what waits: the phone is asked for at this moment, used and forgotten."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from typing import Any

from services.common import logs
from services.common.context import Context
from services.common.problems import Problem
from services.common.store import Document
from services.common.writes import StaleVersion
from services.notifier import metrics, notices, store
from services.notifier.adapters.sms import Sms, SmsRefused, SmsUnavailable
from services.notifier.wording import sms_text

LONGEST_RUN = 40.0  # seconds, well within the timer's own limit
PERSON_TIMEOUT = 5.0  # seconds
RENEW_AFTER = 5.0  # seconds after which the rest of a claim's lease might be shorter than a call to the gateway
MOST_UNREACHABLE = 3  # then the gateway or identity is away: the rest waits for the next run


class _NoPhone(Exception):
    """The person has no account, so nobody to send to."""


def deliver_waiting(ctx: Context, sms: Sms) -> None:
    """Delivers what is due until nothing is left, time is up, or the other side is away."""
    if not store.anything_due(ctx.store):
        return
    limit = time.monotonic() + LONGEST_RUN
    unreachable = 0
    while time.monotonic() < limit and unreachable < MOST_UNREACHABLE:
        claimed = time.monotonic()
        notice = store.claim_delivery(ctx.store)
        if notice is None:
            return
        if _deliver(ctx, sms, notice, claimed):
            unreachable = 0
        else:
            unreachable += 1


def _deliver(ctx: Context, sms: Sms, notice: Document, claimed: float) -> bool:
    """Tries one notice, claimed at that monotonic second; False when gateway or identity could not be reached."""
    real_now = datetime.now(UTC)
    reached, event = True, None
    try:
        phone = _phone(ctx, notice["person_id"])
        if time.monotonic() - claimed > RENEW_AFTER and not store.renew_claim(ctx.store, notice):
            return True  # another process is at it
        sms.send(phone, sms_text(notice["body_vi"]), notice["_id"])
        notices.delivered(notice, ctx.kernel.now())
        event = "notice.delivered"
    except (SmsRefused, _NoPhone) as exc:
        why = "no_phone" if isinstance(exc, _NoPhone) else "refused"
        notices.failed_once(notice, why, real_now, final=True)
        event = "notice.failed"
    except SmsUnavailable:
        reached = False
        if notices.failed_once(notice, "unavailable", real_now, final=False):
            event = "notice.failed"
    except Problem as problem:
        # Identity knows no such person (404): for good. Else it is away: not the notice's fault.
        reached = problem.status == 404
        if reached:
            notices.failed_once(notice, "no_person", real_now, final=True)
            event = "notice.failed"
        else:
            notices.put_off(notice, real_now)
    _write(ctx, notice, event)
    return reached


def _write(ctx: Context, notice: Document, event: str | None) -> None:
    unit = ctx.unit()
    unit.save("notices", notice)
    if event is not None:
        unit.tell(notice, event, notices.delivered_event(notice), subject=notice["dossier"] or notice["_id"])
    try:
        unit.commit()
    except StaleVersion:
        # Our lease ran out and another process took the notice over; the gateway knows its reference.
        logs.warning("delivery_taken_over", notice=notice["_id"])
        return
    if event is not None:
        metrics.record_delivery(notice["channel"], notice["state"])


def _phone(ctx: Context, person_id: str) -> str:
    answer: dict[str, Any] = ctx.call(
        "identity.person", as_service=True, timeout=PERSON_TIMEOUT, person_id=person_id, purpose="sms notice"
    )
    if not answer["phone"]:
        raise _NoPhone
    return str(answer["phone"])
