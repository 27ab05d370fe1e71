"""Group commit: units of work that are ready at the same moment are written in one transaction.

While one transaction is under way the next units gather; an idle process commits each at once, as before. Where a
group fails because one of its units does (a stale version, a key that exists), each is committed by itself, so every
handler sees its own outcome and none that of a neighbour.
"""

from __future__ import annotations

from pymongo.errors import PyMongoError

from services.common import metrics
from services.common.batched import Batched
from services.common.faults import database_passes
from services.common.store import Store
from services.common.writes import NotTogether, Unit, write_alone, write_together

MOST = 48  # units in one transaction


class GroupCommit:
    """One per process. `commit` may be called by any greenlet; one greenlet writes."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._faults: Batched[Unit, Exception | None] = Batched(self._write, MOST)

    def commit(self, unit: Unit) -> None:
        """Returns when the unit is durable. Raises what `write_alone` raises; then nothing of it was written, except
        where the database fell silent at the commit itself: then it may be."""
        fault = self._faults.get(unit)
        if fault is not None:
            raise fault

    def _write(self, group: list[Unit]) -> list[Exception | None]:
        metrics.commit_group.observe(len(group))
        if len(group) > 1:
            try:
                write_together(self._store.client, self._store.db, group)
            except NotTogether:
                metrics.record_commit_split()
            except Exception as exc:
                if isinstance(exc, PyMongoError) and database_passes(exc):
                    return [exc] * len(group)  # not one unit is to blame
                metrics.record_commit_split()
            else:
                return [None] * len(group)
        return [self._alone(unit) for unit in group]

    def _alone(self, unit: Unit) -> Exception | None:
        try:
            write_alone(self._store.client, self._store.db, unit)
        except Exception as exc:
            return exc
        return None
