"""Taking in data that their owner digitised and signed: what is asked of signing and identity, and what is written."""

from __future__ import annotations

from typing import Any

from services.common import problems, signature_terms
from services.common.context import Context
from services.common.expected_signer import Report, Signing
from services.common.holders import holders
from services.common.problems import Problem
from services.common.store import Document
from services.common.unit import UnitOfWork
from services.common.writes import Duplicate, StaleVersion
from services.vault import metrics, own_data
from services.vault.own_data import State
from services.vault.store import HELD, LINKS, own_holding

#: Real seconds that a check may take; the gateway gives the whole command half a minute.
REPORT_WAIT = 20.0
PERSON_WAIT = 4.0
#: What an event's handler waits; the kernel tries again later.
PATIENCE = 8.0


def add(ctx: Context, file_id: str, *, terms: bool) -> dict[str, Any]:
    """Judges a file that the actor uploaded as data of his or her own. Given again, it is answered as it stands.

    Raises Problem 422 (terms, no such file), 409 (SG-08: not signed by the owner) or 503 (signing or identity away).
    """
    accepted = signature_terms.accepted(terms)
    file = _own_file(ctx, file_id)
    owner = LINKS.current(ctx.store, ctx.actor.person_id)
    known = own_holding(ctx.store, owner, file["sha256"])
    if known is not None:
        return _shown(State.ACCEPTED, Signing.BY_OWNER, file, known["_id"], known["report_id"])
    report, signing = _judged(ctx, file, owner, report_wait=REPORT_WAIT, person_wait=PERSON_WAIT)
    state = own_data.state_of(signing)
    metrics.record_own_data(state.value)
    if state is State.REFUSED:
        raise own_data.refusal(signing, report)
    facts = {"owner": owner, "report_id": report["report_id"], "terms": accepted, "now": ctx.now}
    unit = ctx.unit()
    row = ctx.store.get(HELD, own_data.held_id(file["_id"]))
    holding_id = None
    if state is State.ACCEPTED:
        holding_id = _put(unit, file, facts)
        if row is not None:
            _decide(unit, row, signing, state, report["report_id"], holding_id, ctx)
    elif row is None:
        row = own_data.held(file, **facts)
        unit.insert(HELD, row)
        unit.tell(row, "owndata.held", _about(row))
    LINKS.hold(unit, owner)
    answer = _shown(state, signing, file, holding_id, report["report_id"])
    try:
        ctx.commit(unit, answer)
    except Duplicate:
        raise StaleVersion("holdings") from None  # brought twice at the same moment: the other one is read now
    return answer


def look_again(ctx: Context, file_id: str) -> UnitOfWork | None:
    """Decides about data that wait, once signing has a verdict: what is to be committed, None where they go on waiting.

    Raises Problem 503: signing or identity is away.
    """
    row = ctx.store.get(HELD, own_data.held_id(file_id))
    file = ctx.store.get("files", file_id)
    if row is None or row["state"] != State.HELD.value or file is None:
        return None
    owner = LINKS.current(ctx.store, row["person_id"])
    report, signing = _judged(ctx, file, owner, report_wait=PATIENCE, person_wait=PERSON_WAIT)
    state = own_data.state_of(signing)
    if state is State.HELD:
        return None
    unit = ctx.unit()
    holding_id = None
    known = own_holding(ctx.store, owner, file["sha256"])
    if state is State.ACCEPTED:
        facts = {"owner": owner, "report_id": report["report_id"], "terms": row["terms"], "now": ctx.now}
        holding_id = known["_id"] if known is not None else _put(unit, file, facts)
    metrics.record_own_data(state.value)
    row["person_id"] = owner
    _decide(unit, row, signing, state, report["report_id"], holding_id, ctx)
    LINKS.hold(unit, owner)
    return unit


def _own_file(ctx: Context, file_id: str) -> Document:
    file: Document | None = ctx.store.get("files", file_id)
    if file is None or file["uploader"] != ctx.actor.subject or file["purpose"] != "own":
        raise problems.invalid(
            problems.field_error(
                "file_id", "Không có tệp này trong dữ liệu bạn đã gửi", "Not among the data that you sent", "SG-08"
            )
        )
    return file


def _judged(
    ctx: Context, file: Document, owner: str, *, report_wait: float, person_wait: float
) -> tuple[Report, Signing]:
    try:
        report = ctx.call("signing.report", as_service=True, timeout=report_wait, file_id=file["_id"])
    except Problem as problem:
        if problem.status == 404:
            raise problems.unavailable(retry_after=3, detail="the file has not been checked yet") from None
        raise
    known = holders(ctx, report, persons=[owner], timeout=person_wait)
    return report, own_data.signing_of(report, file["sha256"], known, owner)


def _put(unit: UnitOfWork, file: Document, facts: dict[str, Any]) -> str:
    holding = own_data.holding(file, **facts)
    unit.insert("holdings", holding)
    told = ("person_id", "kind", "code", "file_id", "sha256")
    unit.tell(holding, "holding.added", {"holding_id": holding["_id"], **{name: holding[name] for name in told}})
    return str(holding["_id"])


def _decide(
    unit: UnitOfWork,
    row: Document,
    signing: Signing,
    state: State,
    report_id: str,
    holding_id: str | None,
    ctx: Context,
) -> None:
    row.update(state=state.value, signing=signing.value, report_id=report_id, holding_id=holding_id, decided_at=ctx.now)
    unit.save(HELD, row)
    if state is State.REFUSED:  # what was accepted is told by holding.added
        unit.tell(row, "owndata.refused", _about(row))


def _about(row: Document) -> dict[str, Any]:
    return {name: row[name] for name in ("file_id", "person_id", "sha256", "signing", "report_id")}


def _shown(state: State, signing: Signing, file: Document, holding_id: str | None, report_id: str) -> dict[str, Any]:
    vi, en = signing.text
    return {
        "state": state.value, "signing": signing.value, "signing_vi": vi, "signing_en": en, "file_id": file["_id"],
        "sha256": file["sha256"], "holding_id": holding_id, "report_id": report_id,
    }  # fmt: skip
