"""Entrypoints of oversight: ledger of every event, reviews of slips, violations, blocks, lateness, figures, clock."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

from services.common import cursors, logs, problems
from services.common.bus.entrypoints import command, every, on_event, query
from services.common.clock import ClockError
from services.common.context import Context
from services.common.envelope import Event
from services.common.faults import DatabaseAway
from services.common.kernel import Kernel, RoomSpec
from services.common.metrics import clock_offset
from services.common.problems import Problem
from services.common.rules import rule
from services.common.run import KernelProvider
from services.common.slips import MONITORED_SINCE, Review, decide
from services.common.unit import UnitOfWork
from services.common.writes import Duplicate, StaleVersion
from services.oversight import (
    activity,
    activity_schemas,
    answers,
    facts,
    figures,
    lateness,
    metrics,
    reviews,
    schemas,
    store,
)
from services.oversight.chain import Chain, NextEntry
from services.oversight.heads import HeadsFile
from services.oversight.reactions import PATIENCE, Reactions, tell_lateness
from services.oversight.record import body_of
from services.oversight.watching import entries, own_units, refuse_other_units

Document = dict[str, Any]
_LATE_PER_RUN = 500
_CHECKS_PER_RUN = 50
#: The order of the queue of reviews: ids of slips begin with the agency or are digests.
_OLDEST: cursors.Order = {"at": datetime, "_id": str}
_CHECK_AGAIN = timedelta(minutes=1)
_RERUNS = 8
_NOT_KEPT = ("text", "failure_statement", "signature", "update_log", "comparison")


class OversightService:
    """Events are entered in groups, those of one dossier in the order in which they came."""

    name = "oversight"
    kernel = KernelProvider()

    # --- the ledger --------------------------------------------------------------------------------------------------

    @on_event("*", schemas.AnyData)
    @rule("PR-06", title="Mọi sự kiện được ghi vào nhật ký", cites="QĐ 08/2025/QĐ-UBND Đ4.3")
    def record(self, ctx: Context, event: Event, data: Document) -> None:
        """Enters the event in the ledger and reacts to it, in one commit; then signs the ledger's new end.

        Where the reaction fails, the event is entered all the same: only the reaction is tried again or buried.
        """
        unit = ctx.unit()
        entry = self._enter(unit, event)
        try:
            Reactions(self.kernel).react(ctx, unit, event)
            ctx.commit(unit)
        except Exception as exc:
            if entry is not None:
                self._enter_alone(ctx, event)
            if isinstance(exc, Duplicate) and exc.collection == "ledger":
                raise StaleVersion("ledger") from None  # entered beside us: now only the reaction is left
            raise

    def _enter_alone(self, ctx: Context, event: Event) -> None:
        """The entry without a reaction, committed at once, where the event is not entered already."""
        for _ in range(_RERUNS):
            unit = ctx.unit()
            if self._enter(unit, event) is None:
                return
            try:
                unit.commit()
            except (StaleVersion, Duplicate):
                continue  # another process moved the head
            return
        raise StaleVersion("ledger_state")

    def _enter(self, unit: UnitOfWork, event: Event) -> NextEntry | None:
        """Puts the event's entry into the unit; None where it is in the ledger already."""
        chain = _chains[id(self.kernel)]
        if chain.knows(event):
            return None
        entry = NextEntry(chain, body_of(event, datetime.now(UTC)))
        unit.late.append(entry)
        return entry

    @every(5)
    def keep_heads(self, ctx: Context) -> None:
        """The heads of a burst that has ended come to the disk too."""
        _heads(self.kernel).sync()

    @query(schemas.LedgerPage, schemas.LedgerAnswer)
    def ledger(self, ctx: Context, data: Document) -> Document:
        """Entries in order, of one dossier or of all."""
        return entries(ctx, data)

    @query(schemas.Page, activity_schemas.Activity)
    def activity(self, ctx: Context, data: Document) -> Document:
        return activity.page(ctx, ctx.actor.subject, data["cursor"], data["limit"])

    @command(activity_schemas.AccountActivity, activity_schemas.Activity)
    def account_activity(self, ctx: Context, data: Document) -> Document:
        return activity.disclose(ctx, **data)

    # --- reviews -----------------------------------------------------------------------------------------------------

    @query(schemas.Reviews, schemas.ReviewPage)
    @rule("MO-01", title="Hàng đợi giám sát: nội dung, thành phần, file và chữ ký số", cites="CV 252/UBND-HCC §2.1",
          since=MONITORED_SINCE)  # fmt: skip
    def reviews(self, ctx: Context, data: Document) -> Document:
        """Slips under review, oldest first; by default those that wait for IOC."""
        waiting = [Review.AWAITING_IOC.value, Review.PENDING.value]
        where: Document = {"state": data["state"]} if data["state"] else {}
        if data["code"]:
            where["code"] = data["code"]
        if not where:
            where["state"] = {"$in": waiting}
        shown, following = cursors.read(ctx.store, "reviews", where, _OLDEST, data["cursor"], data["limit"])
        return {"items": [self._review(ctx, row) for row in shown], "next_cursor": following}

    def _review(self, ctx: Context, row: Document) -> Document:
        reactions = Reactions(self.kernel)
        block = ctx.store.get("blocks", f"{row['code']}:{row['act']}")
        text = reactions.open(row["text"], "reviews.text")
        statement = reactions.open(row["failure_statement"], "reviews.failure_statement")
        return answers.review(row, text, statement) | {
            "signature": self._signature(ctx, row),
            "update_log": self._update_log(ctx, row) if row["round"] > 1 else [],
            "blocked": bool(block and block["blocked"]),
        }

    def _signature(self, ctx: Context, row: Document) -> Document | None:
        """The newest report of the slip's file; what we kept of it where signing does not answer."""
        if row["file_id"] is None:
            return None
        kept = {"verdict": row["verdict"], "report_id": row["report_id"], "signatures": []}
        try:
            report = ctx.call("signing.report", as_service=True, timeout=PATIENCE, file_id=row["file_id"], masked=True)
        except Problem:
            return kept
        return dict(report)

    def _update_log(self, ctx: Context, row: Document) -> list[Document] | None:
        """The citizen's update log (GU-13); None where intake does not answer now."""
        try:
            answer = ctx.call("intake.history", as_service=True, timeout=PATIENCE, code=row["code"])
        except Problem:
            return None
        return list(answer["items"] if isinstance(answer, dict) else answer)

    @command(schemas.Decide, schemas.ReviewAnswer, idempotent=True)
    def decide(self, ctx: Context, data: Document) -> Document:
        """A person of IOC confirms a slip or finds a violation (MO-16)."""
        row = ctx.store.get("reviews", data["review_id"])
        if row is None:
            raise problems.not_found()
        ctx.check_version(row, data["version"])
        before = Review(row["state"])
        ground = reviews.ground_of(data["ground"])
        after = decide(
            before,
            reviews.DECISIONS[data["decision"]],
            own=reviews.is_own(row, ctx.actor.subject, ctx.actor.person_id),
            ground=ground,
            reason=data["reason"],
            log_read=data["log_read"],
        )
        unit = ctx.unit()
        row["state"] = after.value
        if ground is not None:
            row["grounds"] = [ground.value]
        reactions = Reactions(self.kernel)
        reactions.settle(unit, row, before, by=ctx.actor.subject, at=ctx.now, reason=data["reason"].strip())
        if after is Review.CONFIRMED:
            row["grounds"] = []
        answer = self._review(ctx, row) | {"version": row["version"] + 1, "blocked": False}
        unit.save("reviews", row)
        answer["blocked"] = after is Review.VIOLATION or self._still_blocked(row)
        # What is kept for a repeated command holds nothing that somebody wrote or that names a signer.
        ctx.commit(unit, answer | dict.fromkeys(_NOT_KEPT))
        return answer

    def _still_blocked(self, row: Document) -> bool:
        block = self.kernel.store.get("blocks", f"{row['code']}:{row['act']}")
        return bool(block and block["blocked"] and set(block["slips"]) != {row["_id"]})

    @command(schemas.Unblock, schemas.BlockAnswer, idempotent=True)
    @rule("X-18", title="IOC gỡ chặn có lý do", cites="CV 252/UBND-HCC §2", since=MONITORED_SINCE)
    def unblock(self, ctx: Context, data: Document) -> Document:
        """Lifts the block of one act of a dossier; the violations stay in the register."""
        if not data["reason"].strip():
            raise problems.invalid(
                problems.field_error("reason", "Phải nêu lý do gỡ chặn", "Give a reason for lifting the block", "X-18")
            )
        block = ctx.store.get("blocks", f"{data['code']}:{data['act']}")
        if block is None or not block["blocked"]:
            raise problems.conflict("Không có chặn nào để gỡ", "Nothing is blocked here", rule="X-18")
        unit = ctx.unit()
        block["slips"] = []
        Reactions.turn(
            unit, block, False, slip_id=None, by=ctx.actor.subject, at=ctx.now, reason=data["reason"].strip()
        )
        unit.save("blocks", block)
        answer = {"code": block["code"], "act": block["act"], "blocked": False, "version": block["version"] + 1}
        committed: Document = ctx.commit(unit, answer)
        return committed

    @query(schemas.Violations, schemas.ViolationPage)
    @rule("MO-15", title="Tra cứu sổ vi phạm; không có chức năng xóa", cites="CV 252/UBND-HCC, phụ lục",
          since=MONITORED_SINCE)  # fmt: skip
    def violations(self, ctx: Context, data: Document) -> Document:
        """The register, newest first. A control officer sees the own agency's lines only."""
        where: Document = {"code": data["code"]} if data["code"] else {}
        if data["cursor"]:
            where["_id"] = {"$lt": data["cursor"]}
        units = own_units(ctx)
        if units is not None:
            where["unit"] = {"$in": sorted(units)}
        rows = list(ctx.store.find("violations", where, sort=[("_id", -1)], limit=data["limit"] + 1))
        return answers.page(rows, data["limit"], answers.violation)

    # --- recognition, figures, lateness ------------------------------------------------------------------------------

    @query(schemas.OfDossier, schemas.RecognitionAnswer)
    @rule("ST-04", title="Kết quả công nhận hồ sơ trực tuyến của một hồ sơ", cites="CV 252/UBND-HCC §1")
    def recognition(self, ctx: Context, data: Document) -> Document:
        """Whether a dossier is recognised as filed online, under which rule set, and why."""
        row = ctx.store.get("dossiers", data["code"])
        if row is None or row["filed_at"] is None:
            raise problems.not_found()
        refuse_other_units(ctx, row["unit"])
        return answers.recognition(row)

    @query(schemas.FiguresOf, schemas.FiguresAnswer)
    def figures(self, ctx: Context, data: Document) -> Document:
        """Figures of the dossiers filed in a period, in total and per unit."""
        units = own_units(ctx)
        if units is not None:
            if data["unit"] is None and len(units) == 1:
                data["unit"] = next(iter(units))
            if data["unit"] not in units:
                raise problems.forbidden("Figures of the own agency only.")
        period = {name: data[name] for name in ("since", "until", "unit")}
        total, by_unit = figures.from_facts(facts.of_period(self.kernel.store, **period), ctx.now, **period)
        return {"as_of": ctx.now, "since": data["since"], "until": data["until"], "total": total, "by_unit": by_unit}

    @query(schemas.Late, schemas.LatePage)
    @rule("IN-01", title="Danh sách hồ sơ quá hạn trả lời", cites="TB 94/TB-UBND §2")
    def late(self, ctx: Context, data: Document) -> Document:
        """Dossiers whose last answer was due and came late or has not come."""
        where: Document = {"intake_late": True}
        watches = ctx.actor.roles & {"ioc", "office"}
        if not watches:
            own = {u for role in ("desk_officer", "leader", "control_officer") for u in ctx.actor.units(role)}
            if data["unit"] is not None and data["unit"] not in own and "*" not in own:
                raise problems.forbidden("Only dossiers of the own unit.")
            if "*" not in own and data["unit"] is None:
                where["$or"] = [{"unit": {"$in": sorted(own)}}, {"desk": {"$in": sorted(own)}}]
        if data["unit"] is not None:
            where["unit"] = data["unit"]
        if data["cursor"]:
            where["_id"] = {"$gt": data["cursor"]}
        rows = list(ctx.store.find("dossiers", where, sort=[("_id", 1)], limit=data["limit"] + 1))
        return answers.page(rows, data["limit"], lambda row: answers.late(row, ctx.now))

    @every(30)
    def flag_late(self, ctx: Context) -> None:
        """Tells once of each intake clock that ran out (IN-01)."""
        overdue = {"open_due": {"$lt": ctx.now - lateness.GRACE}}
        for row in ctx.store.find("dossiers", overdue, sort=[("open_due", 1)], limit=_LATE_PER_RUN):
            try:
                unit = ctx.unit()
                tell_lateness(unit, row, ctx.now)
                unit.save("dossiers", row)
                unit.commit()
            except StaleVersion:
                continue  # an event about it came in between and looked at the clock itself
            except DatabaseAway:  # the database is away: the others would wait for it as long
                raise
            except Exception as fault:  # one dossier's fault is not the others'
                logs.fault("lateness_not_told", fault, code=row["_id"])

    @every(60)
    @rule("X-22", title="Phiếu có chữ ký chưa xác định được kiểm tra lại", cites="CV 252/UBND-HCC, phụ lục")
    def recheck(self, ctx: Context) -> None:
        """Asks signing again about slips whose signature could not be judged."""
        reactions = Reactions(self.kernel)
        # Those looked at longest ago, or never, come first; a look moves a slip to the end, whatever comes of it.
        where = {"state": Review.AWAITING_CHECK.value, "next_check_at": {"$not": {"$gt": ctx.now}}}
        for row in ctx.store.find("reviews", where, sort=[("next_check_at", 1)], limit=_CHECKS_PER_RUN):
            row["next_check_at"] = ctx.now + _CHECK_AGAIN
            moved = ctx.unit()
            moved.change(
                "reviews", {"_id": row["_id"]}, {"$set": {"next_check_at": row["next_check_at"]}}, must_match=False
            )
            moved.commit()
            try:
                if not reactions.recheck(ctx, row):
                    continue
                unit = ctx.unit()
                reactions.reassess(ctx, unit, row)
                unit.commit()
            except (StaleVersion, Duplicate):
                continue  # file.checked was faster
            except DatabaseAway:
                raise
            except Exception as fault:  # one slip's fault is not the others'; its turn comes again
                logs.fault("slip_not_rechecked", fault, review=row["_id"])

    # --- the business clock ------------------------------------------------------------------------------------------

    @query(schemas.Clock, schemas.ClockAnswer)
    def clock(self, ctx: Context, data: Document) -> Document:
        """The offset of business time; a process asks for it when it starts."""
        return self._clock()

    @command(schemas.MoveClock, schemas.ClockAnswer)
    @rule("X-15", title="Đồng hồ diễn tập chỉ tiến, không lùi", cites="Quyết định thiết kế X-15")
    def move_clock(self, ctx: Context, data: Document) -> Document:
        """Moves the whole system's business time forward. Repeating it changes nothing: the greatest offset holds."""
        kernel = self.kernel
        try:
            offset = kernel.clock.offset_for(data["to"])
        except ClockError as exc:
            if not kernel.settings.rehearsal:
                raise problems.forbidden(str(exc), rule="X-15") from None
            raise problems.conflict(
                "Đồng hồ chỉ tiến, không lùi", "The clock moves forward only", rule="X-15", detail=str(exc)
            ) from None
        kernel.store.collection("kernel").update_one({"_id": "clock"}, {"$max": {"offset": offset}}, upsert=True)
        kernel.clock.adopt(offset)
        clock_offset.set(kernel.clock.offset)
        kernel.broadcast("clock.moved", {"offset": kernel.clock.offset}, data["reply_to"])
        return self._clock()

    def _clock(self) -> Document:
        kernel = self.kernel
        return {"offset": kernel.clock.offset, "now": kernel.now(), "rehearsal": kernel.settings.rehearsal}


# --- helpers of the entrypoints ---------------------------------------------------------------------------------------


_chains: dict[int, Chain] = {}


def _heads(kernel: Kernel) -> HeadsFile:
    return _chains[id(kernel)].heads


def start(kernel: Kernel) -> None:
    """Seeds, the ledger's head row, a missing head of the present end. Raises ValueError without a place for heads."""
    settings = kernel.settings
    if settings.ledger_heads is None:
        raise ValueError("MOTCUA_LEDGER_HEADS is not set: the ledger's signed heads need a place outside the database")
    seed = json.loads(settings.seed_path.read_text(encoding="utf-8")) if settings.seed_path else {}
    store.prepare(kernel.store, seed)
    kernel.store.collection("kernel").update_one(
        {"_id": "clock"}, {"$max": {"offset": kernel.clock.offset}}, upsert=True
    )
    _chains[id(kernel)] = Chain(
        kernel.store, kernel.signer, HeadsFile(settings.ledger_heads, settings.kid, kernel.signer.sign_bytes)
    )
    found, tail = _heads(kernel).catch_up(lambda: store.last_entry(kernel.store))
    metrics.ledger_sequence.set(tail.sequence if tail else 0)
    metrics.ledger_anchored.set(tail.sequence if tail and found != "contradicted" else 0)
    metrics.ledger_contradicted.set(1 if found == "contradicted" else 0)
    if found == "contradicted":
        logs.error("ledger_contradicts_heads", sequence=tail.sequence if tail else 0)


def stop(kernel: Kernel) -> None:
    """The heads come to the disk."""
    _heads(kernel).sync()


SPEC = RoomSpec(
    name="oversight",
    aggregates=store.AGGREGATES,
    indexes=store.INDEXES,
    events=schemas.EVENTS,
    by_subject=True,  # the ledger keeps a dossier's events in their order
    on_start=start,
    on_stop=stop,
)
