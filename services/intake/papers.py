"""What vault, signing and identity say about files and people: the questions that intake asks other rooms."""

from __future__ import annotations

import base64
import time
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any

from services.common import expected_signer, logs, problems
from services.common.context import Context
from services.common.expected_signer import Signing
from services.common.filed_as import FiledAs
from services.common.holders import holders
from services.common.problems import FieldError, Problem
from services.common.slips import Verdict
from services.common.store import Document
from services.common.workers import WorkerFault, WorkerLost, WorkerPool
from services.intake import filing_for, store

#: A report that is not ready within this is not waited for, in seconds.
REPORT_WAIT = 6.0
PERSON_WAIT = 4.0
#: Whose a signature is, where it is only shown.
SIGNER_WAIT = 1.5
DRAW_DEADLINE = 12.0


def own_files(
    ctx: Context, given: Sequence[Mapping[str, Any]], purposes: Collection[str], field: str = "components.{}.file_id"
) -> list[dict[str, Any]]:
    """The given entries with their files' sha256: stored ones, sent by this very account for such a purpose.

    Raises Problem 422 naming each file that is none; a stranger's file and one that is not there look the same.
    """
    errors: list[FieldError] = []
    found = []
    for number, entry in enumerate(given):
        meta = _file(ctx, entry["file_id"])
        if meta is None or meta["uploader"] != ctx.actor.subject or meta["purpose"] not in purposes:
            errors.append(
                problems.field_error(
                    field.format(number), "Không có tệp này trong các tệp bạn đã gửi", "Not among the files you sent"
                )
            )
            continue
        found.append({**entry, "sha256": meta["sha256"]})
    if errors:
        raise problems.invalid(*errors)
    return found


def _file(ctx: Context, file_id: str) -> dict[str, Any] | None:
    try:
        answer: dict[str, Any] = ctx.call("vault.file", as_service=True, file_id=file_id)
        return answer
    except Problem as problem:
        if problem.status in (404, 422):
            return None
        raise


def one_file(ctx: Context, file_id: str | None, purposes: Collection[str]) -> dict[str, Any] | None:
    """A single file of the actor, or None where none is given. Raises Problem 422."""
    if file_id is None:
        return None
    return own_files(ctx, [{"file_id": file_id}], purposes, "file_id")[0]


def verdicts(ctx: Context, file_ids: Iterable[str]) -> dict[str, str | None]:
    """Verdicts by file id, asked of signing where they have not come by themselves; None where it cannot say yet."""
    wanted = sorted(set(file_ids))
    known: dict[str, str | None] = {
        file_id: row["verdict"] for file_id, row in store.verdicts_of(ctx.store, wanted).items()
    }
    for file_id in wanted:
        if file_id not in known:
            known[file_id] = _report(ctx, file_id)
    return known


def _report(ctx: Context, file_id: str) -> str | None:
    try:
        answer = ctx.call("signing.report", as_service=True, timeout=REPORT_WAIT, file_id=file_id)
    except Problem as problem:
        logs.info("report_not_ready", status=problem.status)
        return None
    return str(answer["verdict"]) if answer.get("verdict") else None


def whose_signature(
    ctx: Context, file_id: str, dossier: Mapping[str, Any], *, patience: float = REPORT_WAIT
) -> Signing:
    """Whose signature a component carries. Raises Problem 503 while signing or identity is away: nothing is granted on
    a guess."""
    whole: dict[str, Any] = ctx.call("signing.report", as_service=True, timeout=patience, file_id=file_id)
    # An officer who typed in what an applicant brought is no applicant: his signature says nothing of hers.
    applicants = {dossier["owner"], dossier["filer"]} if _filed_by_a_citizen(dossier) else {dossier["owner"]}
    known = holders(ctx, whole, persons=applicants, timeout=min(patience, PERSON_WAIT))
    return expected_signer.component(whole, known, applicants)


def signings(
    ctx: Context, dossier: Mapping[str, Any], verdicts: Mapping[str, Mapping[str, Any]], *, ask: bool
) -> dict[str, Signing]:
    """Whose signatures the present components carry, by file id, as far as it can be said now: what is not valid is as
    signing told it, what is valid is asked for once and remembered for a while. Without `ask` nobody is waited for."""
    found: dict[str, Signing] = {}
    for entry in dossier["versions"][-1]["components"]:
        told = verdicts.get(entry["file_id"])
        if told is None:
            continue
        if told["verdict"] != Verdict.TOTAL_PASSED:
            found[entry["file_id"]] = Signing(told["verdict"])
            continue
        key = (entry["file_id"], str(told["report_id"]), str(dossier["owner"]), str(dossier["filer"]))
        signing = _REMEMBERED.get(key)
        if signing is None and ask:
            try:
                signing = whose_signature(ctx, entry["file_id"], dossier, patience=SIGNER_WAIT)
            except Problem as problem:
                logs.info("signer_not_known", status=problem.status)
                ask = False
                continue
            _REMEMBERED.put(key, signing)
        if signing is None:
            continue
        found[entry["file_id"]] = signing
    return found


class _Remembered:
    """Answers of a short while ago: a certificate that is registered or an account that is normalized changes them."""

    def __init__(self, seconds: float, most: int) -> None:
        self._seconds, self._most = seconds, most
        self._rows: dict[tuple[str, ...], tuple[float, Signing]] = {}

    def get(self, key: tuple[str, ...]) -> Signing | None:
        row = self._rows.get(key)
        return row[1] if row is not None and time.monotonic() - row[0] < self._seconds else None

    def put(self, key: tuple[str, ...], signing: Signing) -> None:
        if len(self._rows) >= self._most:
            self._rows.clear()
        self._rows[key] = (time.monotonic(), signing)


_REMEMBERED = _Remembered(seconds=60.0, most=5_000)


def _filed_by_a_citizen(dossier: Mapping[str, Any]) -> bool:
    return dossier["filed_as"] not in (FiledAs.DESK, FiledAs.POST)


def resolved(ctx: Context, whom: Mapping[str, Any], field: str, *, strict: bool) -> tuple[str, bool]:
    """The person of three data, and whether the population database confirmed her. Raises Problem 422 with the fields
    below `field`, 503 while identity is away. `strict`: an officer is told where they are not those of a confirmed
    person; a citizen is not (X-23), and what he filed is nobody's."""
    try:
        answer = ctx.call(
            "identity.resolve_person", as_service=True, timeout=PERSON_WAIT, id_number=whom["id_number"],
            full_name=whom["full_name"], birth_date=whom["birth_date"].isoformat(), strict=strict,
        )  # fmt: skip
    except Problem as problem:
        raise filing_for.named(problem, field) if problem.status == 422 else problem from None
    return str(answer["person_id"]), bool(answer["verified"])


def person(ctx: Context, person_id: str, purpose: str) -> dict[str, Any] | None:
    """What identity knows of a person, or None where it knows nobody. Raises Problem 503 while it is away."""
    if not person_id:
        return None
    try:
        answer: dict[str, Any] = ctx.call(
            "identity.person", as_service=True, timeout=PERSON_WAIT, person_id=person_id, purpose=purpose
        )
        return answer
    except Problem as problem:
        if problem.status == 404:
            return None
        raise


def warm(pool: WorkerPool, fonts: str) -> None:
    """Starts a drawing worker ahead of the first receipt; what goes wrong here is met again, and told, there."""
    try:
        pool.run({"fonts": fonts})
    except (WorkerLost, WorkerFault) as exc:
        logs.warning("drawing_worker_cold", why=str(exc))


def drawn(pool: WorkerPool, receipt: Mapping[str, Any], fonts: str) -> bytes:
    """The receipt as PDF, drawn in a worker. Raises Problem 503 when the worker was lost."""
    try:
        answer = pool.run({"receipt": dict(receipt), "fonts": fonts}, deadline=DRAW_DEADLINE)
    except WorkerLost:
        raise problems.unavailable(retry_after=2) from None
    except WorkerFault as fault:
        logs.error("receipt_not_drawn", kind=fault.kind)
        raise problems.internal() from None
    return base64.b64decode(answer["pdf"])


def download(ctx: Context, file_id: str, reason: str) -> Document:
    """A ticket to fetch a file once, logged at the vault under the account for whom it is asked."""
    answer: Document = ctx.call(
        "vault.open_download", as_service=True, file_id=file_id, reason=reason, on_behalf=ctx.actor.subject
    )
    return answer
