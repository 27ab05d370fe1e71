"""Small figures of oversight, counted twice: from the room's documents, and from nothing but the ledger.

Both ways must agree to the last digit at rest; a difference says that documents were edited or an event was lost.
A dossier belongs to the figures of the local day on which it was filed. Pure.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

from services.common.calendar import local_date
from services.common.envelope import name_of
from services.common.rules import rule
from services.oversight.lateness import Kind, Mark, intervals, start, with_mark
from services.oversight.recognition import Mode, Recognition, recognise

#: Every figure, in the order in which it is shown.
NAMES = (
    "filed", "accepted", "refused", "withdrawn", "stopped", "returned", "in_progress", "online", "online_pending",
    "not_online", "guidances", "supplement_requests", "slips_in_order", "slips_violating", "intake_late",
    "intake_answers_due",
)  # fmt: skip
ENDINGS = ("refused", "withdrawn", "stopped", "returned")

Figures = dict[str, int]
ByUnit = dict[str, Figures]


def nothing() -> Figures:
    """Figures of no dossier."""
    return dict.fromkeys(NAMES, 0)


@dataclass
class Facts:
    """What the figures need to know of one dossier."""

    unit: str = ""
    mode: str = ""
    filed_at: datetime | None = None
    marks: list[Mark] = field(default_factory=list)
    signed_result: bool = False
    accepted: bool = False
    ended: str = ""
    slips: dict[str, set[str]] = field(default_factory=lambda: {"guidance": set(), "supplement": set()})
    #: slip → (sequence of the newest verdict about it, whether it violates)
    verdicts: dict[str, tuple[int, bool]] = field(default_factory=dict)


@rule("ST-04", title="Số liệu hồ sơ trực tuyến tính lại được từ nhật ký", cites="CV 252/UBND-HCC §1")
def count(facts: Facts, as_of: datetime) -> Figures:
    """The figures of one dossier at a business instant; a dossier whose filing is not known yet counts nothing."""
    found = nothing()
    if facts.filed_at is None:
        return found
    found["filed"] = 1
    found["accepted"] = int(facts.accepted)
    if facts.ended:
        found[facts.ended] = 1
    found["in_progress"] = int(not facts.ended)
    answer = recognise(
        Mode(facts.mode),
        local_date(facts.filed_at),
        has_signed_result=facts.signed_result,
        ended=bool(facts.ended),
    )
    names = {Recognition.ONLINE: "online", Recognition.PENDING: "online_pending", Recognition.NOT: "not_online"}
    found[names[answer.recognition]] = 1
    found["guidances"] = len(facts.slips["guidance"])
    found["supplement_requests"] = len(facts.slips["supplement"])
    found["slips_violating"] = sum(violates for _, violates in facts.verdicts.values())
    found["slips_in_order"] = len(facts.verdicts) - found["slips_violating"]
    runs = intervals(facts.marks)
    found["intake_answers_due"] = len(runs)
    found["intake_late"] = sum(run.is_late(as_of) for run in runs)
    return found


def total(by_dossier: Iterable[tuple[str, Figures]]) -> tuple[Figures, ByUnit]:
    """Sums of (unit, figures): over everything, and per unit."""
    everything, units = nothing(), dict[str, Figures]()
    for unit, figures in by_dossier:
        mine = units.setdefault(unit, nothing())
        for name in NAMES:
            everything[name] += figures[name]
            mine[name] += figures[name]
    return everything, units


def _within(facts: Facts, since: date | None, until: date | None, unit: str | None) -> bool:
    if facts.filed_at is None or (unit is not None and facts.unit != unit):
        return False
    day = local_date(facts.filed_at)
    return (since is None or since <= day) and (until is None or day <= until)


def from_facts(
    dossiers: Iterable[Facts],
    as_of: datetime,
    *,
    since: date | None = None,
    until: date | None = None,
    unit: str | None = None,
) -> tuple[Figures, ByUnit]:
    """Figures over dossiers filed from `since` to `until` (local days, both inclusive), of one unit or of all."""
    return total((facts.unit, count(facts, as_of)) for facts in dossiers if _within(facts, since, until, unit))


# --- from the room's documents ---------------------------------------------------------------------------------------


def facts_of_document(dossier: Mapping[str, Any], reviews: Iterable[Mapping[str, Any]]) -> Facts:
    """Facts from a stored dossier and the reviews of its slips."""
    facts = Facts(
        unit=dossier["unit"] or "",
        mode=dossier["mode"] or "",
        filed_at=dossier["filed_at"],
        marks=[Mark.from_dict(mark) for mark in dossier["marks"]],
        signed_result=dossier["signed_result"],
        accepted=dossier["accepted_at"] is not None,
        ended=dossier["ended"] or "",
    )
    for review in reviews:
        facts.slips[review["act"]].add(review["_id"])
        if review["state"] in ("VIOLATION", "CONFIRMED"):
            facts.verdicts[review["_id"]] = (review["version"], review["state"] == "VIOLATION")
    return facts


# --- from the ledger -------------------------------------------------------------------------------------------------


def facts_of_ledger(bodies: Iterable[Mapping[str, Any]]) -> list[Facts]:
    """Facts of every dossier from the bodies of ledger entries, in any order.

    An entry whose data cannot be read counts nothing: its reaction was refused too and lies with the dead letters.
    """
    found: dict[str, Facts] = {}
    for body in bodies:
        name = name_of(body["type"])
        read = _READERS.get(name)
        if read is None:
            continue
        data = body["data"]
        try:
            code = str(data["code"])
            facts = found.get(code) or Facts()
            read(facts, name, data, body)
        except (KeyError, TypeError, ValueError, AttributeError):
            continue
        found[code] = facts
    return list(found.values())


Data = Mapping[str, Any]


def _moment(text: str) -> datetime:
    return datetime.fromisoformat(text)


# A reader looks at everything that it needs before it changes the facts: what it refuses leaves no half behind.


def _read_filed(facts: Facts, name: str, data: Data, body: Data) -> None:
    unit, mode = data["unit"], Mode(data["mode"]).value
    mark = Mark(body["sequence"], Kind.FILED, _moment(data["filed_at"]), _moment(data["intake_due"]))
    facts.unit, facts.mode, facts.filed_at = unit, mode, mark.at
    facts.marks = with_mark(facts.marks, mark)


def _read_answer(facts: Facts, name: str, data: Data, body: Data) -> None:
    kind = Kind(name.split(".")[1])
    at = _moment(data["accepted_at"] if kind is Kind.ACCEPTED else data["at"])
    slip = {field: data[field] for field in _OF_SLIP}["slip_id"] if kind is Kind.GUIDED else None
    facts.marks = with_mark(facts.marks, Mark(body["sequence"], kind, at))
    if kind is Kind.ACCEPTED:
        facts.accepted = True
    if kind.value in ENDINGS:
        facts.ended = kind.value
    if slip is not None:
        facts.slips["guidance"].add(slip)


def _read_amended(facts: Facts, name: str, data: Data, body: Data) -> None:
    if data["stage"] == "before_acceptance":
        due = data.get("intake_due")
        mark = start(
            body["sequence"], Kind.AMENDED, _moment(data["at"]), _moment(due) if due else None, data.get("calendar")
        )
        facts.marks = with_mark(facts.marks, mark)


#: What a slip's reader cannot do without: an event that lacks one is entered, and no slip is reviewed for it.
_OF_SLIP = ("slip_id", "act", "round", "components", "officer", "unit", "at")


def _read_supplement(facts: Facts, name: str, data: Data, body: Data) -> None:
    slip = {field: data[field] for field in _OF_SLIP}
    facts.slips["supplement"].add(slip["slip_id"])


def _read_result(facts: Facts, name: str, data: Data, body: Data) -> None:
    facts.signed_result = True


def _read_returned(facts: Facts, name: str, data: Data, body: Data) -> None:
    facts.ended = "returned"


def _read_stopped(facts: Facts, name: str, data: Data, body: Data) -> None:
    facts.ended = "stopped"


def _read_verdict(facts: Facts, name: str, data: Data, body: Data) -> None:
    known = facts.verdicts.get(data["slip_id"], (0, False))
    if body["sequence"] > known[0]:
        facts.verdicts[data["slip_id"]] = (body["sequence"], name == "slip.violated")


_READERS = {
    "dossier.filed": _read_filed,
    "dossier.guided": _read_answer,
    "dossier.accepted": _read_answer,
    "dossier.refused": _read_answer,
    "dossier.withdrawn": _read_answer,
    "dossier.amended": _read_amended,
    "dossier.returned": _read_returned,
    "supplement.requested": _read_supplement,
    "result.ready": _read_result,
    "case.stopped": _read_stopped,
    "slip.violated": _read_verdict,
    "slip.confirmed": _read_verdict,
}
