"""What kills and what counts in the tests of faults: that it would see what it is there to see."""

from __future__ import annotations

import random
import threading
from collections import defaultdict
from typing import Any

import pytest

from tests.faults.chaos import BROKER, ROOMS, Chaos
from tests.faults.reckoning import Hearing, Reckoning


class Kept:
    """A database system of lists: what is found is all there is."""

    def __init__(self, **collections: list[dict[str, Any]]) -> None:
        self.databases: Any = defaultdict(lambda: defaultdict(Rows))
        for name, rows in collections.items():
            room, _, collection = name.partition("_")
            self.databases[room][collection] = Rows(rows)


class Rows(list[dict[str, Any]]):
    def find(self, *_: Any, sort: Any = None) -> list[dict[str, Any]]:
        return sorted(self, key=lambda row: row[sort[0][0]]) if sort else list(self)


def event(number: int, aggregate: str = "c-1") -> dict[str, Any]:
    return {
        "_id": f"{aggregate}/{number}", "type": "vn.motcua.step.started.v1", "source": "/motcua/processing",
        "aggregateid": aggregate, "sequence": number, "subject": "code", "causationid": "",
    }  # fmt: skip


def entry(place: int, told: dict[str, Any]) -> dict[str, Any]:
    return {"_id": place, "body": {"source": told["source"], "aggregate_id": told["aggregateid"],
                                   "sequence": told["sequence"]}}  # fmt: skip


@pytest.mark.parametrize(("order", "faults"), [([1, 2, 3], 0), ([1, 3, 2], 1)])
def test_the_reckoning_sees_the_order_of_the_ledger(order: list[int], faults: int) -> None:
    told = [event(number) for number in order]
    ledger = [entry(2 * place, each) for place, each in enumerate(told, 1)]
    ledger += [entry(2 * place + 1, event(place, "c-2")) for place in (1, 2, 3)]
    kept: Any = Kept(processing_told=told, oversight_ledger=ledger)
    everything = {"oversight": Hearing(frozenset({"all"}), frozenset())}
    found = Reckoning(kept, {}, everything).order()
    assert len(found) == faults
    assert all("[1, 3, 2]" in fault for fault in found)


class Standing:
    """A system of which nothing is at work; `away`: rooms that are not ready at first."""

    def __init__(self, *away: str) -> None:
        self.away = {*away}
        self.killed: list[str] = []

    def is_ready(self, name: str) -> bool:
        return name not in self.away

    def wait_ready(self, name: str, wait: float) -> None:
        self.away.discard(name)

    def kill(self, name: str) -> None:
        assert name not in self.away
        self.killed.append(name)

    def restart_broker(self) -> None:
        pass


def test_a_room_that_is_never_found_at_work_is_killed_in_the_end_and_counted_apart(monkeypatch: Any) -> None:
    caught = {"intake", "gateway"}
    system: Any = Standing("vault")

    def looked_for(self: Chaos, name: str) -> None:
        (self.caught.update([name]) if name in caught else self.missed.append(name))

    monkeypatch.setattr(Chaos, "_room", looked_for)
    monkeypatch.setattr(Chaos, "_gateway", looked_for)
    world: Any = None
    chaos = Chaos(system, world, random.Random(1), threading.Event(), [*ROOMS, BROKER], (0, 0))
    chaos.run()
    assert set(chaos.caught) == caught
    assert sorted(chaos.outright) == sorted(system.killed) == sorted(set(ROOMS) - caught)
    assert BROKER in chaos.away
