"""The work in hand: one command, query, event or timer run, with who acts, when, and what it is part of."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any

from services.common import problems, wire
from services.common.actors import Actor
from services.common.unit import Origin, UnitOfWork

if TYPE_CHECKING:
    from services.common.kernel import Kernel


@dataclass
class Context:
    """Handed to every handler. `now` is business time (UTC); `deadline` monotonic seconds.

    `longest_call`: seconds that one call to another room may take, where nobody waits for this work: an event that
    finds a room away is tried again later instead of holding up an orderly stop. `command_id`: of a command with a key
    the digest of who asks, what and the key; of an event its id; never what a caller wrote. `near`: a keyed digest of
    where a request came from, as the gateway says it for what is tried and guessed; "" elsewhere.
    """

    kernel: Kernel
    actor: Actor
    now: datetime
    correlation_id: str
    causation_id: str
    command_id: str
    deadline: float
    channel: str = ""
    near: str = ""
    longest_call: float | None = None
    on_commit: list[Callable[[UnitOfWork, Any], None]] = field(default_factory=list)
    committed: bool = False
    _calls: Counter[str] = field(default_factory=Counter)

    @property
    def store(self) -> Any:
        return self.kernel.store

    def unit(self) -> UnitOfWork:
        """A unit of work whose events carry this context's chain and actor."""
        origin = Origin(
            room=self.kernel.settings.room,
            correlation_id=self.correlation_id,
            causation_id=self.causation_id,
            actor_id=self.actor.subject,
            now=self.now,
            channel="" if self.actor.is_service else self.channel,
        )
        return UnitOfWork(self.kernel.store, origin, self.kernel.check_event)

    def commit(self, unit: UnitOfWork, answer: Any = None) -> Any:
        """Writes the unit, together with the command's kept answer or the event's inbox mark; returns answer.

        Once per context. `answer` must be plain JSON. Raises StaleVersion (the kernel runs the handler again) or
        Duplicate.
        """
        if self.committed:
            raise RuntimeError("a context commits once")
        for hook in self.on_commit:
            hook(unit, answer)
        unit.commit()
        self.committed = True
        return answer

    def call(self, method: str, *, as_service: bool = False, timeout: float | None = None, **kwargs: Any) -> Any:
        """Calls another room on behalf of this actor (or, with as_service, of this room itself).

        The called command inherits a key derived from ours, the method and how often we called it, so running this
        handler again repeats no effect.
        Raises Problem.
        """
        self._calls[method] += 1
        left = self.deadline - time.monotonic()
        if left <= 0:
            raise problems.unavailable(retry_after=1)
        token = self.kernel.signer.own() if as_service or not self.actor.token else self.actor.token
        headers = {
            wire.H_ACTOR: token,
            wire.H_CORRELATION: self.correlation_id,
            wire.H_CAUSATION: self.command_id or self.causation_id,
            wire.H_COMMAND: f"{self.command_id or self.causation_id}:{method}:{self._calls[method]}",
        }
        limits = [limit for limit in (left, timeout, self.longest_call) if limit is not None]
        return self.kernel.rpc.call(method, kwargs, headers, timeout=min(limits))

    def check_version(self, document: dict[str, Any], expected: int | None) -> None:
        """Refuses a command written against an older version of the aggregate. Raises Problem 409."""
        if expected is not None and document["version"] != expected:
            raise problems.stale_version(expected, document["version"])
