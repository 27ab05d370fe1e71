"""The end of the ledger, to which one event after the other is entered: each entry is made when its turn to be written
has come, because it continues the one before.

Several entries of one transaction follow each other; the guarded update of the ledger's end lets one process through.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from services.common import logs
from services.common.actors import Signer
from services.common.batched import Batched
from services.common.envelope import Event
from services.common.store import Document, Store
from services.common.writes import Kind, Write
from services.oversight import ledger, metrics
from services.oversight.heads import HeadsFile

_END = "ledger_state"


class Chain:
    """The ledger of one process: where its end is read, which key seals, where the signed heads go."""

    def __init__(self, store: Store, signer: Signer, heads: HeadsFile) -> None:
        self.store = store
        self.signer = signer
        self.heads = heads
        self._near = Batched(self._near_of)

    def knows(self, event: Event) -> bool:
        """Whether an event is in the ledger already. Remarks when another stands at its place of its aggregate."""
        known, rivals = self._near.get(event)
        if rivals and not known:
            metrics.ledger_contested.inc()
            logs.error("ledger_contested", id=event.id, others=rivals, type=event.name)
        return known

    def _near_of(self, events: list[Event]) -> list[tuple[bool, list[str]]]:
        """For each: whether it is entered, and the ids of other events with its source, aggregate and number."""
        places = [{"body.aggregate_id": event.aggregate_id, "body.sequence": event.sequence} for event in events]
        fields = {f"body.{name}": 1 for name in ("id", "source", "aggregate_id", "sequence")}
        where = {"$or": [{"body.id": {"$in": [event.id for event in events]}}, *places]}
        bodies = [row["body"] for row in self.store.find("ledger", where, projection=fields)]
        ids = {body["id"] for body in bodies}
        at_place: dict[tuple[str, str, int], list[str]] = {}
        for body in bodies:
            at_place.setdefault((body["source"], body["aggregate_id"], body["sequence"]), []).append(body["id"])
        return [
            (event.id in ids, at_place.get((event.source, event.aggregate_id, event.sequence), [])) for event in events
        ]

    def end(self) -> Document:
        """Sequence and hash of the last entry."""
        row = self.store.get(_END, "head")
        assert row is not None
        return row


class NextEntry:
    """The entry of one event (services/common/writes.py: Late)."""

    def __init__(self, chain: Chain, body: Document) -> None:
        self._chain = chain
        self._body = body
        self._entry: ledger.Entry | None = None

    def writes(self, memory: dict[str, Any]) -> Sequence[Write]:
        """The entry that continues the ledger's end; the first of a transaction guards that and moves it past all."""
        first = _END not in memory
        end = self._chain.end() if first else memory[_END]
        last = ledger.Entry(end["sequence"], "", {}, end["hash"]) if end["sequence"] else None
        signer = self._chain.signer
        entry = self._entry = ledger.append(last, self._body, signer.kid, signer.sign_bytes)
        memory[_END] = end_at(entry)
        row = {"_id": entry.sequence, "version": 1, "schema_version": 1, "seq": 0, **entry.to_dict()}
        written = Write("ledger", Kind.INSERT, {}, lambda: row)
        if not first:
            return [written]
        # The guard comes first: whoever lost the race finds the end moved, and nothing of the transaction is written.
        guard = {"_id": "head", "sequence": end["sequence"], "hash": end["hash"]}
        return [Write(_END, Kind.UPDATE, guard, lambda: {"$set": memory[_END]}, must_match=True), written]

    def done(self) -> None:
        """Signs the ledger's new end."""
        assert self._entry is not None
        metrics.ledger_sequence.set(self._entry.sequence)
        try:
            self._chain.heads.append(self._entry)
            metrics.ledger_anchored.set(self._entry.sequence)
        except OSError as exc:  # the next head covers this entry
            logs.fault("ledger_head_not_written", exc, sequence=self._entry.sequence)


def end_at(entry: ledger.Entry) -> Document:
    """What the ledger's end says of its last entry."""
    return {"sequence": entry.sequence, "hash": entry.hash}
