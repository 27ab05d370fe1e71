"""Group commit: units of work that are ready at the same moment are written in one transaction.

While one transaction is under way the next units gather; an idle process commits each at once, as before. Where a
group fails because one of its units does (a stale version, a key that exists), each is committed by itself, so every
handler sees its own outcome and none that of a neighbour.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field

import eventlet
from bson.errors import BSONError
from eventlet.event import Event
from pymongo.errors import ConnectionFailure, PyMongoError

from services.common import metrics
from services.common.store import Store
from services.common.writes import NotTogether, Unit, write_alone, write_together

MOST = 48  # units in one transaction


@dataclass
class _Turn:
    unit: Unit
    done: Event = field(default_factory=Event)


def _of_one(exc: Exception) -> bool:
    """Whether one unit's content is to blame, not the database's state: what no document can hold (a number of 65
    bits, a hundred levels, 17 MB). Its neighbours must not share its end."""
    if isinstance(exc, PyMongoError):
        labels = ("TransientTransactionError", "UnknownTransactionCommitResult", "RetryableWriteError")
        return not (isinstance(exc, ConnectionFailure) or exc.timeout or any(map(exc.has_error_label, labels)))
    return isinstance(exc, (BSONError, OverflowError, RecursionError, TypeError, ValueError))


class GroupCommit:
    """One per process. `commit` may be called by any greenlet; one greenlet writes."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._waiting: deque[_Turn] = deque()
        self._running = False

    def commit(self, unit: Unit) -> None:
        """Returns when the unit is durable. Raises what `write_alone` raises; then nothing of it was written."""
        turn = _Turn(unit)
        self._waiting.append(turn)
        if not self._running:
            self._running = True
            eventlet.spawn_n(self._run)
        turn.done.wait()

    def _run(self) -> None:
        try:
            while self._waiting:
                group = [self._waiting.popleft() for _ in range(min(MOST, len(self._waiting)))]
                metrics.commit_group.observe(len(group))
                self._write(group)
        finally:
            self._running = False

    def _write(self, group: list[_Turn]) -> None:
        if len(group) > 1:
            try:
                write_together(self._store.client, self._store.db, [turn.unit for turn in group])
            except NotTogether:
                metrics.record_commit_split()
            except Exception as exc:
                if not _of_one(exc):
                    for turn in group:
                        turn.done.send_exception(exc)
                    return
                metrics.record_commit_split()
            else:
                for turn in group:
                    turn.done.send(None)
                return
        for turn in group:
            try:
                write_alone(self._store.client, self._store.db, turn.unit)
            except Exception as exc:
                turn.done.send_exception(exc)
            else:
                turn.done.send(None)
