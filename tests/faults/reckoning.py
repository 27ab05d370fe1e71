"""The auditor of tests of faults: holds the clients' notes against the databases, and those against the contract.

It reads; it asks no room. Who must have taken an event is what contracts/asyncapi.json says.
"""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from deploy.demo.audit import Auditor
from deploy.demo.world import World
from deploy.local.paths import ROOT
from services.common import wire
from services.common.envelope import name_of
from tests.faults.clients import CODES, WANTED, Notes

CONTRACT = ROOT / "contracts/asyncapi.json"
EVERYTHING = "all"  # how the contract names a listener to every event
#: Deliveries to the outside: how often they were tried may differ, what arrived is counted where it arrived.
OUTWARD = ("notice", "exchange")


@dataclass(frozen=True)
class Hearing:
    """What one room hears by contract; `ordered`: streams whose events it takes in the order of their aggregate."""

    events: frozenset[str]
    ordered: frozenset[str]

    def hears(self, name: str) -> bool:
        return EVERYTHING in self.events or name in self.events


def hearings() -> dict[str, Hearing]:
    """Room → what it hears, from the contract."""
    events: dict[str, set[str]] = defaultdict(set)
    ordered: dict[str, set[str]] = defaultdict(set)
    for name, operation in json.loads(CONTRACT.read_text())["operations"].items():
        room, heard, event = name.partition(".hears.")
        if heard:
            events[room].add(event)
            if operation["x-motcua-ordered"]:
                ordered[room].add(event.split(".")[0])
    return {room: Hearing(frozenset(names), frozenset(ordered[room])) for room, names in events.items()}


@dataclass
class Reckoning:
    """Looks once, at rest, at everything that is kept; each method says what is wrong in words.

    `notes`: code → fate, as the clients were told. Dossiers that are not in it are those of others and left aside.
    """

    auditor: Auditor
    noted: dict[str, str]
    contract: dict[str, Hearing] = field(default_factory=hearings)

    @classmethod
    def of(cls, auditor: Auditor, notes: Iterable[Notes]) -> Reckoning:
        return cls(auditor, {code: fate for note in notes for code, fate in note.fates.items()})

    @cached_property
    def told(self) -> list[dict[str, Any]]:
        wanted = {"type": 1, "source": 1, "aggregateid": 1, "sequence": 1, "subject": 1, "causationid": 1}
        rows = [row for room in wire.ROOMS for row in self.auditor.databases[room]["told"].find({}, wanted)]
        assert rows, "nothing was told"
        return rows

    @cached_property
    def taken(self) -> dict[str, dict[str, Any]]:
        """Room → event's id → when its handler was done, just before the commit of its effect."""
        return {
            room: {row["_id"]: row["handled_at"] for row in self.auditor.databases[room]["inbox"].find()}
            for room in self.contract
        }

    # -- requests -----------------------------------------------------------------------------------------------------

    def requests(self) -> list[str]:
        """Every accepted request is there exactly once, in the state that its client was told; and no other."""
        kept = Counter(
            {row["_id"]: row["state"] for row in self.auditor.databases["intake"]["dossiers"].find({}, {"state": 1})}
        )
        found = [f"{code}: noted {fate}, kept {kept.get(code)}" for code, fate in self.noted.items()
                 if kept.get(code) != fate]  # fmt: skip
        found += [f"{code}: in nobody's notes" for code in kept.keys() - self.noted.keys()]
        cases = {row["_id"] for row in self.auditor.databases["processing"]["cases"].find({}, {"_id": 1})}
        wanted = {code for code, fate in self.noted.items() if fate in ("returned", "accepted")}
        return [*found, *(f"{code}: case and acceptance differ" for code in cases ^ wanted)]

    # -- events -------------------------------------------------------------------------------------------------------

    def hearing(self) -> list[str]:
        """Every event has its mark in every room that hears it by contract, and no mark is of an event of nobody."""
        names = {row["_id"]: name_of(row["type"]) for row in self.told}
        found = []
        for room, hearing in self.contract.items():
            taken = self.taken[room]
            found += [f"{room} never took {name} {event}" for event, name in names.items()
                      if hearing.hears(name) and event not in taken]  # fmt: skip
            found += [f"{room} took {event}, which nobody told" for event in taken.keys() - names.keys()]
        return found

    def order(self) -> list[str]:
        """Where a room hears in order, it took the events of each aggregate by their sequence, to the last."""
        found = []
        streams: dict[tuple[str, str], list[dict[str, Any]]] = defaultdict(list)
        for row in self.told:
            streams[row["source"], row["aggregateid"]].append(row)
        for room, hearing in self.contract.items():
            positions = {row["_id"]: row["sequence"] for row in self.auditor.databases[room]["inbox_positions"].find()}
            for (source, aggregate), rows in streams.items():
                rows.sort(key=lambda row: row["sequence"])
                if name_of(rows[0]["type"]).split(".")[0] not in hearing.ordered:
                    continue
                moments = [self.taken[room].get(row["_id"]) for row in rows]
                if None in moments or moments != sorted(moments):
                    found.append(f"{room} took {source} {aggregate} in another order: {moments}")
                if positions.get(f"{source}/{aggregate}") != rows[-1]["sequence"]:
                    found.append(f"{room} stands at {positions.get(f'{source}/{aggregate}')} of {source} {aggregate}")
        return [*found, *self._ledger_order()]

    def _ledger_order(self) -> Iterator[str]:
        """Oversight hears everything as it comes; its ledger must hold the events of each aggregate in their order."""
        entered: dict[tuple[str, str], list[int]] = defaultdict(list)
        for row in self.auditor.databases["oversight"]["ledger"].find({}, {"body": 1}, sort=[("_id", 1)]):
            body = row["body"]
            entered[body["source"], body["aggregate_id"]].append(body["sequence"])
        for (source, aggregate), numbers in entered.items():
            if numbers != sorted(numbers):
                yield f"the ledger has the events of {source} {aggregate} as {numbers}"

    def reactions(self) -> list[str]:
        """No event made a room tell the same of the same thing twice. (One event may bring the portal several statuses;
        how often each of them arrived is counted there.)"""
        events = {row["_id"] for row in self.told}
        made = Counter(
            (row["source"], row["type"], row["aggregateid"], row["causationid"])
            for row in self.told
            if row["causationid"] in events and name_of(row["type"]) != "exchange.delivered"
        )
        assert made, "no event was told because of another"
        return [f"told {count} times because of one event: {key}" for key, count in made.items() if count > 1]

    # -- effects ------------------------------------------------------------------------------------------------------

    def effects(self) -> list[str]:
        """Each dossier told what belongs to its fate, once; all of one fate had the same effects everywhere."""
        found = []
        alike: dict[str, Counter[str]] = {}
        first: dict[str, str] = {}
        by_code = self._by_code()
        for code, fate in self.noted.items():
            effects = by_code[code]
            own = {key.removeprefix("told "): number for key, number in effects.items()
                   if key.startswith("told ") and key.split()[1].split(".")[0] not in OUTWARD}  # fmt: skip
            if own != dict.fromkeys(WANTED[fate], 1):
                found.append(f"{code} {fate}: told {own}")
            first.setdefault(fate, code)
            if effects != alike.setdefault(fate, effects):
                found.append(f"{code} {fate}: {dict(effects - alike[fate])} more, {dict(alike[fate] - effects)} less "
                             f"than {first[fate]}")  # fmt: skip
        return found

    def _by_code(self) -> dict[str, Counter[str]]:
        """Everything that is kept about a dossier, counted by kind, for each code."""
        found: dict[str, Counter[str]] = {code: Counter() for code in self.noted}

        def count(code: str, kind: str) -> None:
            if code in found:
                found[code][kind] += 1

        for row in self.told:
            count(row["subject"], "told " + name_of(row["type"]))
        databases = self.auditor.databases
        for row in databases["notifier"]["notices"].find({}, {"dossier": 1, "kind": 1, "channel": 1, "unit": 1}):
            count(row["dossier"], f"notice {row['kind']} {row['channel']} {'unit' if row['unit'] else 'person'}")
        for room, collection, key in (
            ("processing", "cases", "_id"), ("payment", "orders", "code"), ("vault", "holdings", "code"),
            ("postal", "shipments", "code"), ("exchange", "syncs", "_id"), ("oversight", "dossiers", "_id"),
        ):  # fmt: skip
            for row in databases[room][collection].find({}, {key: 1}):
                count(row[key], f"{room}.{collection}")
        for row in databases["oversight"]["ledger"].find({}, {"body.subject": 1, "body.type": 1}):
            count(row["body"]["subject"], f"ledger {row['body']['type']}")
        return found

    def doubled_notices(self) -> list[str]:
        rows = self.auditor.databases["notifier"]["notices"].find({})
        made = Counter((row["event_id"], row["person_id"], row["unit"], row["channel"]) for row in rows)
        return [f"{count} notices of one kind: {key}" for key, count in made.items() if count > 1]

    # -- outside ------------------------------------------------------------------------------------------------------

    def outside(self, world: World) -> list[str]:
        """The portal holds each dossier's codes once and in order; no SMS went out twice."""
        found = list(self._portal(world))
        messages = Counter(message["reference"] for message in world.ask("sms", "/messages")["messages"])
        return [*found, *(f"sent {count} times: {name}" for name, count in messages.items() if count > 1)]

    def _portal(self, world: World) -> Iterator[str]:
        for code, fate in self.noted.items():
            codes = world.ask("national", f"/dossiers/{code}")["codes"]
            if codes != CODES[fate]:
                yield f"{code} {fate}: the portal holds {codes}"
