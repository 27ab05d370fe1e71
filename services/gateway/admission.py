"""How many calls to rooms may be in hand: in all, of each room, and of each method as many as it answers in good time.

What is beyond is refused at once with 503 and a time to come back: a caller who waits in a queue until his deadline has
cost the rooms their work and got nothing. The limit of a method follows its own answers, so that one that waits for
something outside takes no place from the others of its room: late answers cut it, answers in good time let it grow.
"""

from __future__ import annotations

import random
import time
from collections import Counter
from collections.abc import Callable

from services.common import problems
from services.gateway import metrics
from services.gateway.config import LEAST_CALLS_OF_METHOD, MOST_CALLS, MOST_CALLS_OF_ROOM

GOOD_TIME = 2.0  # seconds from the call to its answer
CUT = 0.7
LATEST_RETRY = 4  # seconds; who is refused is told to come back at different moments


class Admission:
    """`clock` answers monotonic seconds."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._now = clock
        self._rooms: Counter[str] = Counter()
        self._methods: Counter[str] = Counter()
        self._limits: dict[str, float] = {}
        self._cut_at: dict[str, float] = {}

    @property
    def in_hand(self) -> int:
        return self._rooms.total()

    def limit(self, method: str) -> int:
        """How many calls of a method may be in hand now."""
        return int(self._limits.get(method, MOST_CALLS_OF_ROOM))

    def check(self, method: str) -> None:
        """Raises Problem 503 where one more is too many."""
        if (
            self.in_hand >= MOST_CALLS
            or self._rooms[_room(method)] >= MOST_CALLS_OF_ROOM
            or self._methods[method] >= self.limit(method)
        ):
            metrics.record_refused(_room(method))
            raise problems.unavailable(retry_after=random.randint(1, LATEST_RETRY), detail="too many calls in flight")

    def begin(self, method: str) -> None:
        """Takes a place. Raises Problem 503."""
        self.check(method)
        self._rooms[_room(method)] += 1
        self._methods[method] += 1

    def end(self, method: str, seconds: float) -> None:
        """Gives the place back; `seconds`: how long the call took, whatever came of it."""
        self._rooms[_room(method)] -= 1
        self._methods[method] -= 1
        limit = self._limits.get(method, float(MOST_CALLS_OF_ROOM))
        now = self._now()
        if seconds <= GOOD_TIME:
            self._limits[method] = min(MOST_CALLS_OF_ROOM, limit + 1 / limit)
        elif now - self._cut_at.get(method, -GOOD_TIME) >= GOOD_TIME:  # once for what was late together
            self._cut_at[method] = now
            self._limits[method] = max(LEAST_CALLS_OF_METHOD, limit * CUT)


def _room(method: str) -> str:
    return method.partition(".")[0]
