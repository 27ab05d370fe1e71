"""What the gateway must know before it may answer: which sessions have ended, and what time it is in rehearsal.

The fan-out is listened to first and the snapshot asked for after, so nothing falls between. After a lost connection
the snapshot is asked for again; until it is there nobody's token is believed.
"""

from __future__ import annotations

import asyncio
from typing import Any

from services.common import logs, metrics, problems, wire
from services.common.actors import Signer, Verifier
from services.common.clock import BusinessClock
from services.common.control_message import read_control
from services.common.problems import Problem
from services.gateway.bus import Bus

ASK_SECONDS = 3.0
PAUSE = 0.3  # seconds between two attempts


class Follower:
    """Keeps the verifier's revoked sessions and the clock up to date."""

    def __init__(self, verifier: Verifier, signer: Signer, clock: BusinessClock) -> None:
        self._verifier = verifier
        self._signer = signer
        self.clock = clock
        self._sessions = asyncio.Event()
        self._clock_known = not clock.rehearsal

    @property
    def missing(self) -> list[str]:
        """What is not known yet, by name."""
        found = [] if self._sessions.is_set() else ["sessions"]
        return found if self._clock_known else [*found, "clock"]

    async def wait_sessions(self, limit: float) -> None:
        """Until it is known which sessions have ended; `limit` in the loop's time. Raises Problem 503."""
        if self._sessions.is_set():
            return
        try:
            async with asyncio.timeout_at(limit):
                await self._sessions.wait()
        except TimeoutError:
            raise problems.unavailable(retry_after=2, detail="revoked sessions are not known yet") from None

    def lost(self) -> None:
        """The connection fell: something may be told now that we do not hear."""
        self._sessions.clear()

    async def load(self, bus: Bus) -> None:
        """Asks identity and oversight until both have answered."""
        await asyncio.gather(self._load_sessions(bus), self._load_clock(bus))

    async def _load_sessions(self, bus: Bus) -> None:
        answer = await self._ask(bus, "identity.revoked_sessions")
        for row in answer["sessions"]:
            self._verifier.revoke_session(str(row["session"]), float(row["until"]))
        self._sessions.set()
        logs.info("sessions_known", revoked=len(answer["sessions"]))

    async def _load_clock(self, bus: Bus) -> None:
        if not self.clock.rehearsal:
            return
        self._adopt(float((await self._ask(bus, "oversight.clock"))["offset"]))
        self._clock_known = True

    async def _ask(self, bus: Bus, method: str) -> Any:
        while True:
            try:
                return await bus.call(method, {}, {wire.H_ACTOR: self._signer.own()}, ASK_SECONDS, repeatable=True)
            except Problem as problem:
                if problem.status < 500:
                    logs.error("not_told", method=method, status=problem.status, problem=problem.type)
                await asyncio.sleep(PAUSE)

    def take(self, body: bytes) -> str:
        """Follows a control message; returns its kind, or "" when it is refused."""
        try:
            kind, data = read_control(self._verifier, body)
            if kind == "session.revoked":
                self._verifier.revoke_session(str(data["session"]), float(data["until"]))
            elif kind == "clock.moved":
                self._adopt(float(data["offset"]))
        except (Problem, ValueError, KeyError, TypeError) as exc:
            logs.warning("control_refused", fault=type(exc).__name__)
            return ""
        return kind

    def _adopt(self, offset: float) -> None:
        self.clock.adopt(offset)
        metrics.clock_offset.set(self.clock.offset)
