"""The business clock: what day it is for the law.

Real time plus an offset. The offset is zero unless rehearsal was switched on at set-up; then one call moves
the whole running system forward (never back), timers included. Leases use the database's time, deadlines and
retries monotonic time: neither looks at this clock.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta


class ClockError(Exception):
    """The clock may not be moved, or not there."""


class BusinessClock:
    """Business time of one process. `offset` in seconds beside real time."""

    def __init__(self, offset: float = 0.0, *, rehearsal: bool = False) -> None:
        if offset and not rehearsal:
            raise ClockError("an offset needs rehearsal")
        self._offset = offset
        self.rehearsal = rehearsal
        self._listeners: list[Callable[[], None]] = []

    @property
    def offset(self) -> float:
        return self._offset

    def now(self) -> datetime:
        """Business time now, UTC, to the millisecond as the database keeps it: now and later it is the same."""
        moment = datetime.now(UTC) + timedelta(seconds=self._offset)
        return moment.replace(microsecond=moment.microsecond // 1000 * 1000)

    def on_move(self, listener: Callable[[], None]) -> None:
        """Calls listener after each move, so that timers look at once."""
        self._listeners.append(listener)

    def adopt(self, offset: float) -> bool:
        """Takes over an offset that the clock's owner announced; an older one is ignored. True when it moved."""
        if not self.rehearsal or offset <= self._offset:
            return False
        self._offset = offset
        for listener in self._listeners:
            listener()
        return True

    def offset_for(self, target: datetime) -> float:
        """The offset that makes it `target` now.

        Raises ClockError where rehearsal is off or target lies before the present business time (X-15).
        """
        if not self.rehearsal:
            raise ClockError("rehearsal was not switched on at set-up")
        offset = (target.astimezone(UTC) - datetime.now(UTC)).total_seconds()
        if offset < self._offset:
            raise ClockError("the clock moves forward only")
        return offset
