"""Entrypoints of notifier: every event that somebody must hear of, the lists of notices, codes by SMS."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from services.common import problems
from services.common.bus.entrypoints import command, every, on_event, query
from services.common.context import Context
from services.common.envelope import Event
from services.common.kernel import RoomSpec
from services.common.run import KernelProvider
from services.common.unit import UnitOfWork
from services.common.writes import Duplicate, StaleVersion
from services.notifier import delivery, metrics, notices, schemas, store
from services.notifier.adapters.sms import Sms, SmsRefused, SmsUnavailable
from services.notifier.template import Channel


class NotifierService:
    """Tells people and units what happened, once per event, recipient and channel."""

    name = "notifier"
    kernel = KernelProvider()

    @command(schemas.SendCode, schemas.CodeHandedOver)
    def send_code(self, ctx: Context, data: dict[str, Any]) -> dict[str, Any]:
        """Sends at once and keeps nothing. Raises Problem 503 (gateway away) or 422 (it refuses the phone)."""
        reference = data["reference"] or ctx.command_id or ctx.causation_id
        try:
            Sms(ctx.kernel.settings.sms_url).send(data["phone"], data["text"], f"code-{reference}")
        except SmsUnavailable:
            metrics.record_code("unavailable")
            raise problems.unavailable(retry_after=10, detail="SMS gateway") from None
        except SmsRefused:
            metrics.record_code("refused")
            raise problems.invalid(
                problems.field_error("phone", "Không gửi được tin đến số này.", "No message can be sent to this phone.")
            ) from None
        metrics.record_code("sent")
        return {"sent": True}

    @query(schemas.Notices, schemas.NoticePage)
    def notices(self, ctx: Context, data: dict[str, Any]) -> dict[str, Any]:
        mine = {"person_id": {"$in": store.persons_of(ctx.store, ctx.actor.person_id)}, "channel": str(Channel.PORTAL)}
        return store.page(ctx.store, mine, data["cursor"], data["limit"])

    @query(schemas.UnitNotices, schemas.NoticePage)
    def unit_notices(self, ctx: Context, data: dict[str, Any]) -> dict[str, Any]:
        if not any(grant.unit == data["unit"] for grant in ctx.actor.grants):
            raise problems.forbidden("không phải đơn vị của bạn / not your unit")
        return store.page(ctx.store, {"unit": data["unit"]}, data["cursor"], data["limit"])

    @on_event("dossier.filed", schemas.FiledSeen)
    @on_event("dossier.guided", schemas.SlipSeen)
    @on_event("dossier.amended", schemas.DossierSeen)
    @on_event("dossier.accepted", schemas.AppointmentSeen)
    @on_event("dossier.refused", schemas.FollowedSeen)
    @on_event("dossier.withdrawn", schemas.DossierSeen)
    @on_event("dossier.returned", schemas.FollowedSeen)
    @on_event("case.opened", schemas.AppointmentSeen)
    @on_event("case.resumed", schemas.AppointmentSeen)
    @on_event("case.rescheduled", schemas.AppointmentSeen)
    @on_event("case.stopped", schemas.DossierSeen)
    @on_event("supplement.requested", schemas.SlipSeen)
    @on_event("result.ready", schemas.DossierSeen)
    @on_event("result.asked", schemas.DossierSeen)
    @on_event("payment.ordered", schemas.MoneySeen)
    @on_event("payment.settled", schemas.MoneySeen)
    @on_event("payment.failed", schemas.MoneySeen)
    @on_event("payment.refunded", schemas.MoneySeen)
    @on_event("postal.registered", schemas.ParcelSeen)
    @on_event("postal.collected", schemas.ParcelSeen)
    @on_event("postal.attempted", schemas.ParcelSeen)
    @on_event("postal.delivered", schemas.ParcelSeen)
    @on_event("postal.returned", schemas.ParcelSeen)
    @on_event("slip.violated", schemas.SlipSeen)
    @on_event("slip.confirmed", schemas.SlipSeen)
    @on_event("slips.blocked", schemas.SlipSeen)
    @on_event("slips.unblocked", schemas.SlipSeen)
    @on_event("intake.late", schemas.LateSeen)
    def on_dossier(self, ctx: Context, event: Event, data: dict[str, Any]) -> None:
        owner = data["owner"]
        if owner is None and notices.needs_owner(event.name):
            owner = ctx.call("intake.brief", as_service=True, code=data["code"])["owner"]
        unit = ctx.unit()
        _keep(ctx, unit, event, data, owner)
        _commit(ctx, unit)

    @on_event("holding.added", schemas.HoldingSeen)
    @on_event("owndata.refused", schemas.HoldingSeen)
    @on_event("account.registered", schemas.AccountSeen)
    @on_event("account.locked", schemas.AccountSeen)
    @on_event("account.unlocked", schemas.AccountSeen)
    @on_event("account.suspended", schemas.AccountSeen)
    @on_event("account.resumed", schemas.AccountSeen)
    @on_event("account.cancelled", schemas.AccountSeen)
    @on_event("account.blocked", schemas.AccountSeen)
    @on_event("account.unblocked", schemas.AccountSeen)
    @on_event("account.vneid_announced", schemas.VneidSeen)
    def on_person(self, ctx: Context, event: Event, data: dict[str, Any]) -> None:
        unit = ctx.unit()
        _keep(ctx, unit, event, data, None)
        _commit(ctx, unit)

    @on_event("account.normalized", schemas.NormalizedSeen)
    def on_normalized(self, ctx: Context, event: Event, data: dict[str, Any]) -> None:
        unit = ctx.unit()
        former, person_id = data["former_person_id"], data["person_id"]
        if former and former != person_id:
            # Notices keep the id under which they were written; reading follows the link.
            unit.put("links", {"_id": former, "person_id": person_id, "schema_version": 1})
        _keep(ctx, unit, event, data, None)
        _commit(ctx, unit)

    @every(1)
    def deliver(self, ctx: Context) -> None:
        delivery.deliver_waiting(ctx, Sms(ctx.kernel.settings.sms_url))


def _keep(ctx: Context, unit: UnitOfWork, event: Event, data: dict[str, Any], owner: str | None) -> None:
    """Stores an event's notices; those that are there stay (an event may be told again after a restore)."""
    made = notices.notices_of(event.id, event.name, data, owner, event.time)
    known = store.known_ids(ctx.store, [notice["_id"] for notice in made])
    for notice in made:
        if notice["_id"] in known:
            continue
        if notice["state"] == notices.WAITING:
            notice["next_try_at"] = datetime.now(UTC)
        unit.insert("notices", notice)
        if notice["state"] == notices.DELIVERED:
            subject = notice["dossier"] or notice["_id"]
            unit.tell(notice, "notice.delivered", notices.delivered_event(notice), subject=subject)
            metrics.record_delivery(notice["channel"], notice["state"])


def _commit(ctx: Context, unit: UnitOfWork) -> None:
    try:
        ctx.commit(unit)
    except Duplicate as duplicate:
        if duplicate.collection != "notices":
            raise
        # The same event is being handled beside us: look again, then everything of it is known.
        raise StaleVersion("notices") from None


SPEC = RoomSpec(
    name="notifier",
    aggregates=store.AGGREGATES,
    indexes=store.INDEXES,
    events=schemas.EVENTS,
)
