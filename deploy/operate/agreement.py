"""Whether the rooms agree with each other: what each of them keeps, compared with the events that were told.

Reads the databases of all rooms and nothing else; they should be at rest. `motcua restore` ends with it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import islice
from typing import Any

from deploy.operate import ledger
from deploy.operate.migrate import spec_of
from services.common import wire
from services.common.envelope import name_of, passes
from services.intake import codes

_BATCH = 1000
_SOURCE = "/motcua/"


def unhandled(client: Any, teller: str, listens: Mapping[str, list[str]]) -> dict[str, list[str]]:
    """Events that a room has told → the rooms that listen and have not handled them."""
    missing: dict[str, list[str]] = {}
    rows = ((row["_id"], name_of(row["type"])) for row in client[teller]["told"].find({}, {"type": 1}))
    while batch := list(islice(rows, _BATCH)):
        for room, bindings in listens.items():
            wanted = [event for event, name in batch if passes(bindings, name)]
            known = {row["_id"] for row in client[room]["inbox"].find({"_id": {"$in": wanted}}, {"_id": 1})}
            for event in wanted:
                if event not in known:
                    missing.setdefault(event, []).append(room)
    return missing


def waiting(client: Any, listens: Mapping[str, list[str]]) -> dict[str, int]:
    """How many events are still on their way to each room, and (under `…, not published`) in outboxes."""
    found: dict[str, int] = {}
    for teller in wire.ROOMS:
        for rooms in unhandled(client, teller, listens).values():
            for room in rooms:
                found[room] = found.get(room, 0) + 1
        for name in spec_of(teller).aggregates:
            unsent = client[teller][name].count_documents({"outbox_mark": {"$exists": True}})
            if unsent:
                found[f"{teller}.{name}, not published"] = unsent
    return found


def disagreements(client: Any, listens: Mapping[str, list[str]]) -> list[str]:
    """Everything in which what is kept differs from what was told; empty where all is in order."""
    found = [f"{count} events have not reached {place}" for place, count in waiting(client, listens).items()]
    for room in wire.ROOMS:
        found += _streams(client, room)
        found += _positions(client, room)
        found += _invented(client, room)
    return [*found, *_ledger(client), *_codes(client), *_receipts(client)]


def _spans(client: Any, room: str) -> dict[str, tuple[int, int, int]]:
    """Aggregate → lowest and highest sequence told, and how many; what was told long ago is not kept for ever."""
    group = {"_id": "$aggregateid", "low": {"$min": "$sequence"}, "high": {"$max": "$sequence"}, "count": {"$sum": 1}}
    rows = client[room]["told"].aggregate([{"$group": group}], allowDiskUse=True)
    return {row["_id"]: (row["low"], row["high"], row["count"]) for row in rows}


def _streams(client: Any, room: str) -> Iterator[str]:
    spans = _spans(client, room)
    for aggregate, (low, high, count) in spans.items():
        if high - low + 1 != count:
            yield f"{room} {aggregate}: {count} events with numbers {low}–{high}"
    for name in spec_of(room).aggregates:
        for row in client[room][name].find({"seq": {"$gt": 0}}, {"seq": 1}):
            span = spans.get(str(row["_id"]))
            if span is not None and span[1] != row["seq"]:
                yield f"{room}.{name} {row['_id']}: counts {row['seq']} events, told {span[1]}"


def _positions(client: Any, room: str) -> Iterator[str]:
    """Where order counts, a room stands at the last event of each stream, and parks none."""
    told: dict[str, dict[str, tuple[int, int, int]]] = {}
    for row in client[room]["inbox_positions"].find({}):
        teller, _, aggregate = str(row["_id"]).removeprefix(_SOURCE).partition("/")
        spans = told.setdefault(teller, _spans(client, teller))
        if aggregate in spans and spans[aggregate][1] != row["sequence"]:
            yield f"{room} stands at {row['sequence']} of {row['_id']}, told were {spans[aggregate][1]}"
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
        yield "oversight's figures differ from those counted from the events (./motcua ledger figures shows them)"


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
