"""What oversight does about an event beside entering it in the ledger. Everything goes into the handler's one unit;
where a reaction fails, the event is entered without it.

Each reaction reads what it needs, asks other rooms before anything is written (a room that is away raises, and the
kernel tries the event again), decides with the pure modules and collects its writes.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any

from bson import ObjectId
from marshmallow import ValidationError

from services.common import expected_signer, problems, schemas
from services.common.bus.events import Dead
from services.common.context import Context
from services.common.envelope import Event
from services.common.holders import holders
from services.common.kernel import Kernel
from services.common.problems import Problem
from services.common.slips import Review, Verdict, block_after
from services.common.unit import UnitOfWork
from services.oversight import lateness, metrics, reviews, store
from services.oversight import schemas as shapes
from services.oversight.lateness import Kind, Mark

#: Real seconds that the one event handler waits for another room; the kernel tries again later.
PATIENCE = 5.0
SYSTEM = "system"

Document = dict[str, Any]
Reaction = Callable[["Reactions", Context, UnitOfWork, Event], None]


class Reactions:
    """Reactions of one process; `kernel` gives the database, the sealing key and the business clock."""

    def __init__(self, kernel: Kernel) -> None:
        self._kernel = kernel

    def react(self, ctx: Context, unit: UnitOfWork, event: Event) -> None:
        """Collects the writes that an event asks for. Raises Dead for data that its reader refuses, or Problem."""
        reaction = REACTIONS.get(event.name)
        if reaction is not None:
            reaction(self, ctx, unit, event)

    # --- the intake clock and recognition ----------------------------------------------------------------------------

    def on_filed(self, ctx: Context, unit: UnitOfWork, event: Event) -> None:
        data = _read(shapes.FiledSeen, event)
        dossier, save = self._dossier(unit, data["code"])
        dossier.update(
            procedure=data["procedure"],
            unit=data["unit"],
            desk=data["desk"],
            mode=data["mode"],
            filed_at=lateness.to_milliseconds(data["filed_at"]),
        )
        mark = lateness.start(event.sequence, Kind.FILED, data["filed_at"], data["intake_due"])
        self._mark(ctx, unit, dossier, mark)
        save()

    def on_answered(self, ctx: Context, unit: UnitOfWork, event: Event) -> None:
        """Guidance, refusal or withdrawal: the desk's clock ends."""
        data = _read(shapes.AnsweredSeen, event)
        kind = Kind(event.name.split(".")[1])
        dossier, save = self._dossier(unit, data["code"])
        if kind in (Kind.REFUSED, Kind.WITHDRAWN):
            dossier["ended"] = kind.value
        self._mark(ctx, unit, dossier, Mark(event.sequence, kind, data["at"]))
        save()
        if kind is Kind.GUIDED:
            self.on_slip(ctx, unit, event)

    def on_accepted(self, ctx: Context, unit: UnitOfWork, event: Event) -> None:
        data = _read(shapes.AcceptedSeen, event)
        dossier, save = self._dossier(unit, data["code"])
        dossier["accepted_at"] = data["accepted_at"]
        self._mark(ctx, unit, dossier, Mark(event.sequence, Kind.ACCEPTED, data["accepted_at"]))
        save()

    def on_amended(self, ctx: Context, unit: UnitOfWork, event: Event) -> None:
        data = _read(shapes.AmendedSeen, event)
        if data["stage"] != "before_acceptance":
            return
        dossier, save = self._dossier(unit, data["code"])
        mark = lateness.start(event.sequence, Kind.AMENDED, data["at"], data["intake_due"], data["calendar"])
        self._mark(ctx, unit, dossier, mark)
        save()

    def on_returned(self, ctx: Context, unit: UnitOfWork, event: Event) -> None:
        dossier, save = self._dossier(unit, _read(shapes.OnlyCode, event)["code"])
        dossier["ended"] = "returned"
        save()

    def on_result_ready(self, ctx: Context, unit: UnitOfWork, event: Event) -> None:
        """The one proof of a signed result: before 2024-03-04 a return had a report, and perhaps no signature."""
        dossier, save = self._dossier(unit, _read(shapes.OnlyCode, event)["code"])
        dossier["signed_result"] = True
        save()

    def on_stopped(self, ctx: Context, unit: UnitOfWork, event: Event) -> None:
        dossier, save = self._dossier(unit, _read(shapes.OnlyCode, event)["code"])
        dossier["ended"] = "stopped"
        save()

    def _dossier(self, unit: UnitOfWork, code: str) -> tuple[Document, Callable[[], None]]:
        """The dossier's row, and what writes it. An event may overtake the filing: then the row begins with it."""
        found = self._kernel.store.get("dossiers", code)
        if found is not None:
            return found, lambda: unit.save("dossiers", found)
        fresh: Document = {
            "_id": code, "code": code, "procedure": None, "unit": None, "desk": None, "mode": None, "filed_at": None,
            "marks": [], "open_due": None, "told_late": [], "intake_late": False, "signed_result": False,
            "accepted_at": None, "ended": None,
        }  # fmt: skip
        return fresh, lambda: unit.insert("dossiers", fresh)

    def _mark(self, ctx: Context, unit: UnitOfWork, dossier: Document, mark: Mark) -> None:
        marks = lateness.with_mark([Mark.from_dict(known) for known in dossier["marks"]], mark)
        dossier["marks"] = [known.to_dict() for known in marks]
        tell_lateness(unit, dossier, ctx.now)

    # --- slips -------------------------------------------------------------------------------------------------------

    def on_slip(self, ctx: Context, unit: UnitOfWork, event: Event) -> None:
        """A guidance or supplement request: review it beside the rounds before it."""
        data = _read(shapes.SlipSeen, event)
        if self._kernel.store.get("reviews", data["slip_id"]) is not None:
            return
        former = self._former(data["code"], data["act"], data["round"])
        if len(former) < data["round"] - 1:
            raise problems.unavailable(detail="an earlier round of this slip has not been seen yet")
        slip = ctx.call(reviews.HOME_OF_SLIPS[data["act"]], as_service=True, timeout=PATIENCE, slip_id=data["slip_id"])
        review = reviews.new_review(data, store.centre_of(self._kernel.store, data["unit"]))
        review["officer_person"] = str(slip.get("officer_person") or "")
        review["text"] = self.seal(str(slip.get("text") or ""), "reviews.text")
        statement = slip.get("failure_statement")
        review["failure_statement"] = self.seal(str(statement), "reviews.failure_statement") if statement else None
        if review["file_id"] and (review["verdict"] is None or reviews.needs_signer(review)):
            self._ask_signing(ctx, review, slip)
        self._assess(ctx, unit, review, former, None)
        unit.insert("reviews", review)

    def on_checked(self, ctx: Context, unit: UnitOfWork, event: Event) -> None:
        """The check of a slip's file has ended: assess what waited for it."""
        data = _read(shapes.CheckedSeen, event)
        waiting = {"file_id": data["file_id"], "state": Review.AWAITING_CHECK.value}
        for review in self._kernel.store.find("reviews", waiting):
            review.update(verdict=data["verdict"], report_id=data["report_id"], by_officer=None)
            if reviews.needs_signer(review):
                self._ask_signing(ctx, review)
            self.reassess(ctx, unit, review)

    def reassess(self, ctx: Context, unit: UnitOfWork, review: Document) -> None:
        """Assesses a review again after its file's verdict changed, and saves it."""
        before = Review(review["state"])
        self._assess(ctx, unit, review, self._former(review["code"], review["act"], review["round"]), before)
        unit.save("reviews", review)

    def recheck(self, ctx: Context, review: Document) -> bool:
        """Asks signing again about a slip that waits; True when there is a verdict to go by."""
        self._ask_signing(ctx, review)
        return review["verdict"] not in (None, "INDETERMINATE") and not reviews.needs_signer(review)

    def _ask_signing(self, ctx: Context, review: Document, slip: Document | None = None) -> None:
        """What signing says of the file, and whether the unit that speaks signed it; nothing of it while a room is
        away: the review waits for file.checked, and the timer asks again."""
        try:
            report = ctx.call("signing.report", as_service=True, timeout=PATIENCE, file_id=review["file_id"])
            signed = None
            if report["verdict"] == Verdict.TOTAL_PASSED:
                signed = self._signed_by_unit(ctx, review, report, slip)
        except Problem:
            return
        review.update(verdict=report["verdict"], report_id=report.get("report_id"), by_officer=signed)

    @staticmethod
    def _signed_by_unit(ctx: Context, review: Document, report: Document, slip: Document | None) -> bool:
        if slip is None:
            home = reviews.HOME_OF_SLIPS[review["act"]]
            slip = ctx.call(home, as_service=True, timeout=PATIENCE, slip_id=review["_id"])
        units = slip.get("units") or [review["desk"] if review["act"] == "guidance" else review["unit"]]
        known = holders(ctx, report, officer=review["officer"], units=units, at=review["at"], timeout=PATIENCE)
        return expected_signer.slip(report, known, slip.get("seals") or ()).is_right

    def _former(self, code: str, act: str, before_round: int) -> list[Document]:
        query = {"code": code, "act": act, "round": {"$lt": before_round}}
        return list(self._kernel.store.find("reviews", query, sort=[("round", 1)]))

    def _assess(
        self, ctx: Context, unit: UnitOfWork, review: Document, former: list[Document], before: Review | None
    ) -> None:
        assessment = reviews.judge(self.slip(review), [self.slip(earlier) for earlier in former])
        reviews.adopt(review, assessment)
        self.settle(unit, review, before, by=SYSTEM, at=ctx.now, reason="")

    def settle(
        self, unit: UnitOfWork, review: Document, before: Review | None, *, by: str, at: datetime, reason: str
    ) -> None:
        """Consequences of a review's new state: register, event, block. The caller writes the review itself.

        `by` is the subject of the person who decided, or `system`.
        """
        after = Review(review["state"])
        if after is before or after not in (Review.VIOLATION, Review.CONFIRMED):
            return
        review.update(decided_by=by, decided_at=at, reason=reason)
        violates = after is Review.VIOLATION
        if violates or before is Review.VIOLATION:
            entry = reviews.register_entry(
                review, str(ObjectId()), overturned=not violates, decided_by=by, decided_at=at, reason=reason
            )
            unit.insert("violations", entry)
        about = {name: review[name] for name in ("code", "act", "round", "unit", "officer")}
        about["slip_id"] = review["_id"]
        if violates:
            metrics.record_violation(review["act"], "system" if by == SYSTEM else "person")
            extra = {"desk": review["desk"], "centre": review["centre"], "decided_by": by,
                     "ground": review["grounds"][0], "grounds": review["grounds"]}  # fmt: skip
            unit.tell(review, "slip.violated", about | extra)
        else:
            unit.tell(review, "slip.confirmed", about)
        change = block_after(before, after)
        if change is not None:
            self._block(unit, review, change, by, at, reason)

    # --- blocks ------------------------------------------------------------------------------------------------------

    def _block(self, unit: UnitOfWork, review: Document, sets: bool, by: str, at: datetime, reason: str) -> None:
        key = f"{review['code']}:{review['act']}"
        found = self._kernel.store.get("blocks", key)
        block: Document = found or {
            "_id": key, "code": review["code"], "act": review["act"], "unit": review["unit"], "blocked": False,
            "slips": [], "history": [],
        }  # fmt: skip
        if sets:
            block["slips"] = sorted({*block["slips"], review["_id"]})
        else:
            block["slips"] = [slip for slip in block["slips"] if slip != review["_id"]]
        self.turn(unit, block, bool(block["slips"]), slip_id=review["_id"], by=by, at=at, reason=reason)
        if found is None:
            unit.insert("blocks", block)
        else:
            unit.save("blocks", block)

    @staticmethod
    def turn(
        unit: UnitOfWork, block: Document, blocked: bool, *, slip_id: str | None, by: str, at: datetime, reason: str
    ) -> None:
        """Sets or lifts a block and tells of it, if that changes anything. The caller writes the row."""
        if block["blocked"] == blocked:
            return
        block["blocked"] = blocked
        what = "blocked" if blocked else "unblocked"
        block["history"] = [*block["history"], {"what": what, "slip_id": slip_id, "by": by, "at": at, "reason": reason}]
        about = {name: block[name] for name in ("code", "act", "unit")}
        unit.tell(block, f"slips.{what}", about | ({"slip_id": slip_id} if blocked else {}))

    # --- sealed texts ------------------------------------------------------------------------------------------------

    def seal(self, text: str, context: str) -> str:
        return self._kernel.data_key.seal(text, context)

    def open(self, sealed: str | None, context: str) -> str | None:
        return None if sealed is None else self._kernel.data_key.open(sealed, context)

    def slip(self, review: Document) -> Any:
        """A stored review as a slip, its text opened."""
        text = self.open(review["text"], "reviews.text") or ""
        return reviews.slip_of(review, text, self.open(review["failure_statement"], "reviews.failure_statement"))


def tell_lateness(unit: UnitOfWork, dossier: Document, now: datetime) -> int:
    """Brings a dossier's late marks up to date and tells of each late interval once; returns how many were told."""
    if dossier["filed_at"] is None:
        return 0  # an event overtook the filing: whose dossier it is will be known then
    found = lateness.intervals(Mark.from_dict(mark) for mark in dossier["marks"])
    new = lateness.newly_late(found, dossier["told_late"], now)
    dossier["told_late"] = [*dossier["told_late"], *(interval.opened_by for interval in new)]
    for interval in new:
        about = {name: dossier[name] for name in ("code", "unit", "desk")}
        unit.tell(dossier, "intake.late", about | {"started": interval.started, "due": interval.due})
        metrics.record_late()
    told = set(dossier["told_late"])
    running = found[-1] if found and found[-1].ended is None else None
    # What the timer looks for: the clock that runs and has not been told of.
    dossier["open_due"] = running.due if running is not None and running.opened_by not in told else None
    dossier["intake_late"] = any(
        interval.is_late(now) and (interval.ended is not None or interval.opened_by in told) for interval in found
    )
    return len(new)


def _read(schema: type[shapes.EventSchema], event: Event) -> Document:
    try:
        data: Document = schemas.instance(schema).load(event.data)
    except ValidationError as err:
        raise Dead("schema", f"{event.name}: {sorted(err.normalized_messages())}") from None
    return data


#: Events about which oversight does something; the generated contracts name them.
REACTIONS: dict[str, Reaction] = {
    "dossier.filed": Reactions.on_filed,
    "dossier.guided": Reactions.on_answered,
    "dossier.accepted": Reactions.on_accepted,
    "dossier.refused": Reactions.on_answered,
    "dossier.withdrawn": Reactions.on_answered,
    "dossier.amended": Reactions.on_amended,
    "dossier.returned": Reactions.on_returned,
    "supplement.requested": Reactions.on_slip,
    "result.ready": Reactions.on_result_ready,
    "case.stopped": Reactions.on_stopped,
    "file.checked": Reactions.on_checked,
}
