"""What the figures need, from the room's documents: the dossiers of a period, each with the reviews of its slips."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from itertools import islice
from typing import Any

from services.common import problems
from services.common.calendar import VIETNAM
from services.common.store import Document, Store
from services.oversight.figures import Facts, facts_of_document

#: More dossiers than this are not counted while somebody waits: a shorter period is to be named.
MOST_DOSSIERS = 50_000
_BATCH = 500
_OF_DOSSIER = dict.fromkeys(("code", "unit", "mode", "filed_at", "marks", "signed_result", "accepted_at", "ended"), 1)
_OF_REVIEW = dict.fromkeys(("code", "act", "state", "version"), 1)
_FIRST, _LAST = date(2000, 1, 1), date(9000, 1, 1)  # nothing was filed before, nothing will be filed after
_EVER = datetime(2000, 1, 1, tzinfo=UTC)


def of_period(store: Store, *, since: date | None, until: date | None, unit: str | None) -> Iterator[Facts]:
    """Facts of the dossiers filed from `since` to `until` (local days, both inclusive), of one unit or of all.

    Raises Problem 422 where there are more than MOST_DOSSIERS.
    """
    rows = store.find(
        "dossiers", where(since, until, unit), projection=_OF_DOSSIER, limit=MOST_DOSSIERS + 1, batch_size=_BATCH
    )
    counted = 0
    while batch := list(islice(rows, _BATCH)):
        counted += len(batch)
        if counted > MOST_DOSSIERS:
            raise _too_many()
        slips = _slips(store, [row["code"] for row in batch])
        for row in batch:
            yield facts_of_document(row, slips.get(row["code"], []))


def where(since: date | None, until: date | None, unit: str | None) -> Document:
    """The query of a period."""
    filed: Document = {"$gte": _midnight(since) if since is not None and since > _FIRST else _EVER}
    if until is not None and until < _LAST:
        filed["$lt"] = _midnight(max(until, _FIRST) + timedelta(days=1))
    return {"filed_at": filed} | ({"unit": unit} if unit is not None else {})


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time(), VIETNAM).astimezone(UTC)


def _slips(store: Store, codes: list[str]) -> dict[str, list[dict[str, Any]]]:
    found: dict[str, list[dict[str, Any]]] = {}
    for review in store.find("reviews", {"code": {"$in": codes}}, projection=_OF_REVIEW):
        found.setdefault(review["code"], []).append(review)
    return found


def _too_many() -> problems.Problem:
    return problems.invalid(
        problems.field_error(
            "since",
            f"Quá {MOST_DOSSIERS} hồ sơ, hãy chọn khoảng thời gian ngắn hơn hoặc một đơn vị.",
            f"More than {MOST_DOSSIERS} dossiers: choose a shorter period or one unit.",
        )
    )
