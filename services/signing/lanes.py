"""Where checks run: two lanes of worker processes, so that files made to be costly do not hold up the honest ones.

Nearly every file is judged within some tenths of a second. So each is tried in the *quick* lane first, whose limits are
short; what exceeds them, and what is large, goes to the *patient* lane, one worker with the full limits. Whatever
happens there, the quick lane goes on. The patient lane's line is short: who comes when it is full is told to come again
(an event does so by itself, without end), and keeps none of the places in which other files wait.

Workers give way to the services (they are `nice`): a check is never worth a late answer.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from services.common import problems
from services.common.workers import WorkerPool

_PROGRAM = "services.signing.worker"
#: Seconds after which the room kills a worker; the worker's own limits strike first, but not while it starts.
QUICK_DEADLINE = 6.0
PATIENT_DEADLINE = 25.0
_QUICK_LIMITS = ("--cpu-seconds", "0.4", "--wall-seconds", "2.5")
_PATIENT_WORKERS = 1
#: As many may wait for the patient lane; all of them together must be fewer than the events that a room takes at once.
_PATIENT_LINE = 4


class Lane:
    """Workers of one kind and the line before them."""

    def __init__(
        self,
        name: str,
        env: Mapping[str, str],
        *,
        workers: int,
        deadline: float,
        limits: tuple[str, ...] = (),
        line: int | None = None,
        spare: int = 0,
    ) -> None:
        # One process more than places: a program takes a second to start, and the next file should not wait for it.
        self._pool = WorkerPool(
            name,
            _PROGRAM,
            size=workers + spare,
            deadline=deadline,
            arguments=limits,
            env=env,
            restart=spare > 0,
        )
        # Taken before a ticket is asked for: a ticket lives a minute, the line may be longer.
        self._places = threading.BoundedSemaphore(workers)
        self._room = workers + line if line is not None else None
        self._inside = 0

    @contextmanager
    def place(self) -> Iterator[None]:
        """Waits for a worker's place. Raises Problem 503 where the line is full."""
        if self._room is not None and self._inside >= self._room:
            raise problems.unavailable(retry_after=10, detail="checks that take long wait already")
        self._inside += 1
        try:
            with self._places:
                yield
        finally:
            self._inside -= 1

    def run(self, job: dict[str, Any]) -> Any:
        """The answer of a worker. Raises WorkerLost or WorkerFault."""
        return self._pool.run(job)

    def close(self) -> None:
        self._pool.close()


def cores() -> int:
    """How many processors this process may use."""
    return len(os.sched_getaffinity(0))


def quick_lane(env: Mapping[str, str]) -> Lane:
    """One worker for each core but one, at least one, with limits that an honest paper keeps."""
    workers = max(1, cores() - 1)
    return Lane("signing", env, workers=workers, deadline=QUICK_DEADLINE, limits=_QUICK_LIMITS, spare=1)


def patient_lane(env: Mapping[str, str]) -> Lane:
    """One worker with the limits of `services.signing.worker`."""
    return Lane("signing_patient", env, workers=_PATIENT_WORKERS, deadline=PATIENT_DEADLINE, line=_PATIENT_LINE)
