"""Whether the rooms agree with each other: what each of them keeps, compared with the events that were told.

Reads the databases of all rooms, through and through, and nothing else; they should be at rest (at_rest.py knows).
`motcua restore` ends with it, and the demo's auditor asks it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import islice
from typing import Any

from deploy.local.advice import here
from deploy.operate import ledger
from deploy.operate.migrate import spec_of
from services.common import wire
from services.common.envelope import name_of, passes
from services.intake import codes

_BATCH = 1000
_SOURCE = "/motcua/"


@dataclass(frozen=True, slots=True)
class Span:
    """The numbers of an aggregate's events that are kept in `told` (what was told long ago is not): `total` is their
    sum, which shows a doubled number that stands in for one that is missing."""

    low: int
    high: int
    count: int
    total: int

    @property
    def whole(self) -> bool:
        return self.high - self.low + 1 == self.count and (self.low + self.high) * self.count == 2 * self.total


def unhandled(client: Any, teller: str, listens: Mapping[str, list[str]]) -> Iterator[tuple[str, str, str]]:
    """(event, its name, room) for each event that a room has told and another listens to and has not handled."""
    rows = ((row["_id"], name_of(row["type"])) for row in client[teller]["told"].find({}, {"type": 1}))
    while batch := list(islice(rows, _BATCH)):
        for room, bindings in listens.items():
            wanted = [(event, name) for event, name in batch if passes(bindings, name)]
            ids = [event for event, _ in wanted]
            known = {row["_id"] for row in client[room]["inbox"].find({"_id": {"$in": ids}}, {"_id": 1})}
            yield from ((event, name, room) for event, name in wanted if event not in known)


def waiting(client: Any, listens: Mapping[str, list[str]]) -> dict[str, int]:
    """How many events are still on their way to each room, and (under `…, not published`) in outboxes."""
    found: dict[str, int] = {}
    for teller in wire.ROOMS:
        for _, _, room in unhandled(client, teller, listens):
            found[room] = found.get(room, 0) + 1
        for name in spec_of(teller).aggregates:
            unsent = client[teller][name].count_documents({"outbox_mark": {"$exists": True}})
            if unsent:
                found[f"{teller}.{name}, not published"] = unsent
    return found


def disagreements(client: Any, listens: Mapping[str, list[str]]) -> list[str]:
    """Everything in which what is kept differs from what was told; empty where all is in order."""
    found = [f"{count} events have not reached {place}" for place, count in waiting(client, listens).items()]
    told = {room: spans(client, room) for room in wire.ROOMS}
    for room in wire.ROOMS:
        found += streams(client, room, told[room])
        found += _positions(client, room, told)
        found += _invented(client, room)
    return [*found, *_ledger(client), *_codes(client), *_receipts(client)]


def spans(client: Any, room: str) -> dict[str, Span]:
    """Aggregate → what is kept of the events that the room told of it."""
    group = {"_id": "$aggregateid", "low": {"$min": "$sequence"}, "high": {"$max": "$sequence"},
             "count": {"$sum": 1}, "total": {"$sum": "$sequence"}}  # fmt: skip
    rows = client[room]["told"].aggregate([{"$group": group}], allowDiskUse=True)
    return {row["_id"]: Span(row["low"], row["high"], row["count"], row["total"]) for row in rows}


def streams(client: Any, room: str, told: Mapping[str, Span]) -> Iterator[str]:
    """Aggregates of a room whose events have gaps or doubles, or are other than the aggregate counts. `told`: spans."""
    for aggregate, span in told.items():
        if not span.whole:
            yield f"{room} {aggregate}: {span.count} events with numbers {span.low}–{span.high}"
    for name in spec_of(room).aggregates:
        for row in client[room][name].find({"seq": {"$gt": 0}}, {"seq": 1}):
            kept = told.get(str(row["_id"]))
            if kept is not None and kept.high != row["seq"]:
                yield f"{room}.{name} {row['_id']}: counts {row['seq']} events, told {kept.high}"


def _positions(client: Any, room: str, told: Mapping[str, Mapping[str, Span]]) -> Iterator[str]:
    """Where order counts, a room stands at the last event of each stream, and parks none."""
    for row in client[room]["inbox_positions"].find({}):
        teller, _, aggregate = str(row["_id"]).removeprefix(_SOURCE).partition("/")
        span = told.get(teller, {}).get(aggregate)
        if span is not None and span.high != row["sequence"]:
            yield f"{room} stands at {row['sequence']} of {row['_id']}, told were {span.high}"
    parked = client[room]["inbox_parked"].count_documents({})
    if parked:
        yield f"{room} parks {parked} events whose predecessor never came"


def _invented(client: Any, room: str) -> Iterator[str]:
    """Events that a room has handled and nobody has told: another history reached it. Inboxes remember longer than
    what was told is kept, so only the younger ones are asked about."""
    oldest = [client[teller]["told"].find_one({}, {"told_at": 1}, sort=[("told_at", 1)]) for teller in wire.ROOMS]
    since = min((row["told_at"] for row in oldest if row is not None), default=None)
    young = {"handled_at": {"$gte": since}} if since else {}
    rows = (row["_id"] for row in client[room]["inbox"].find(young, {"_id": 1}))
    invented = 0
    while batch := list(islice(rows, _BATCH)):
        left = set(batch)
        for teller in wire.ROOMS:
            left -= {row["_id"] for row in client[teller]["told"].find({"_id": {"$in": list(left)}}, {"_id": 1})}
        invented += len(left)
    if invented:
        yield f"{room} has handled {invented} events that nobody here has told"


def _ledger(client: Any) -> Iterator[str]:
    database = client[ledger.ROOM]
    last = database["ledger"].find_one({}, sort=[("_id", -1)])
    head = database["ledger_state"].find_one({"_id": "head"})
    if last is not None and (head is None or (head["sequence"], head["hash"]) != (last["sequence"], last["hash"])):
        yield "oversight's head is not the ledger's last entry"
    missing = ledger.not_entered(client, database)
    if missing:
        yield f"{len(missing)} events that were told are not in the ledger"
    if not ledger.figures_agree(database):
        yield f"oversight's figures differ from those counted from the events ({here('ledger figures')} shows them)"


def _codes(client: Any) -> Iterator[str]:
    counters = {row["_id"]: int(row["value"]) for row in client["intake"]["counters"].find({})}
    for row in client["intake"]["dossiers"].find({}, {"_id": 1}):
        code = codes.parse(row["_id"])
        if counters.get(f"{code.prefix}-{code.day:%y%m%d}", 0) < code.serial:
            yield f"the counter of codes stands before {code}"


def _receipts(client: Any) -> Iterator[str]:
    counters = {row["_id"]: int(row["value"]) for row in client["payment"]["counters"].find({})}
    for row in client["payment"]["receipt_numbers"].find({}, {"series": 1, "number": 1}):
        if counters.get(row["series"], 0) < row["number"]:
            yield f"the counter of receipts {row['series']} stands before {row['number']}"
