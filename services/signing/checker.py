"""One check of one file: a ticket from the vault, a job for a worker, a report whatever happens to the worker.

Callers of the same file at the same time share one check. A check goes on when a caller's deadline ends its waiting:
only the check's own deadline may make a file "too expensive".
"""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from services.common import logs, problems
from services.common.context import Context
from services.common.kernel import Kernel
from services.common.workers import WorkerFault, WorkerLost
from services.signing import metrics, trust
from services.signing.lanes import Lane, patient_lane, quick_lane
from services.signing.store import trust_number, use_trust_number
from services.signing.trust_configuration import Keys, TrustError, read_keys
from services.signing.trust_keeper import TrustKeeper
from services.signing.verdict import killed_report

#: Larger files are not tried in the quick lane.
QUICK_BYTES = 10 * 1024 * 1024
#: A worker that dies sooner was probably hit by something other than the file's cost: one more try.
_EARLY_DEATH = 5.0


def keys_of(kernel: Kernel) -> Keys | None:
    """Who may sign the trust folder's manifest. Only a rehearsal may do without: None. Raises TrustError."""
    try:
        keys = read_keys(kernel.settings.trust_keys)
    except ValueError as error:
        raise TrustError(f"MOTCUA_TRUST_KEYS: {error}") from error
    if not keys and not kernel.settings.rehearsal:
        raise TrustError("MOTCUA_TRUST_KEYS is not set: a production system believes a signed configuration only")
    return keys or None


@dataclass(frozen=True, slots=True)
class Subject:
    """A file to be checked. `received` is the earliest business time at which these bytes were here."""

    file_id: str
    sha256: str
    size: int
    received: datetime


@dataclass
class _Flight:
    done: threading.Event = field(default_factory=threading.Event)
    report: dict[str, Any] | None = None
    fault: Exception | None = None


class Checker:
    """Made at start: raises TrustError where the trust folder cannot be used."""

    def __init__(self, kernel: Kernel) -> None:
        folder, keys = kernel.settings.trust, keys_of(kernel)
        if folder is None:
            raise TrustError("MOTCUA_TRUST is not set")
        self._keys = keys
        self.trust = TrustKeeper(
            folder,
            keys,
            least=trust_number(kernel.store) if keys else 0,
            in_use=lambda number: use_trust_number(kernel.store, number, kernel.now()),
        )
        self._followed = self.trust.version
        env = {"MOTCUA_TRUST": str(self.trust.folder), "MOTCUA_TRUST_KEYS": kernel.settings.trust_keys}
        self._quick = quick_lane(env)
        self._patient = patient_lane(env)
        self._flights: dict[str, _Flight] = {}
        self._closing = False

    @property
    def trust_version(self) -> str:
        return self.trust.look()

    def follows(self) -> bool:
        """Whether another version of the trust folder has come into use since this was asked last."""
        before, self._followed = self._followed, self.trust.look()
        return before != self._followed

    def close(self) -> None:
        self._closing = True
        self._quick.close()
        self._patient.close()
        self.trust.close()

    def check(self, ctx: Context, subject: Subject, *, wait: float | None = None) -> dict[str, Any]:
        """The report of a file. Raises Problem 503 after `wait` seconds, or where vault or worker cannot be had."""
        flight = self._flights.get(subject.file_id)
        if flight is None:
            flight = self._flights[subject.file_id] = _Flight()
            threading.Thread(target=self._fly, args=(flight, ctx, subject), daemon=True).start()
        if not flight.done.wait(wait):
            raise problems.unavailable(retry_after=3, detail="the check goes on")
        if flight.fault is not None:
            raise flight.fault
        assert flight.report is not None
        return flight.report

    def _fly(self, flight: _Flight, ctx: Context, subject: Subject) -> None:
        try:
            flight.report = self._run(ctx, subject)
        except Exception as fault:
            flight.fault = fault
        finally:
            del self._flights[subject.file_id]
            flight.done.set()

    def _run(self, ctx: Context, subject: Subject) -> dict[str, Any]:
        first = self._patient if subject.size > QUICK_BYTES else self._quick
        why = ""
        for lane in (first, self._patient):
            with lane.place():
                started = time.monotonic()
                try:
                    return self._ask_worker(ctx, subject, lane)
                except WorkerLost as lost:
                    self._look_for_cause(subject, lost)
                    why = lost.why
                if lane is self._patient and (why != "died" or time.monotonic() - started >= _EARLY_DEATH):
                    break
        return self._gave_up(ctx, subject, why)

    def _ask_worker(self, ctx: Context, subject: Subject, lane: Lane) -> dict[str, Any]:
        opened = ctx.call(
            "vault.open_download", as_service=True, timeout=8.0, file_id=subject.file_id, reason="signature check"
        )
        job = {
            "url": opened["url"],
            "headers": {"Authorization": f"Ticket {opened['ticket']}"},
            "received": subject.received.isoformat(),
            "now": ctx.kernel.now().isoformat(),
        }
        try:
            report: dict[str, Any] = lane.run(job)["report"]
        except WorkerFault as fault:
            if fault.kind == "download_failed":
                raise problems.unavailable(retry_after=2) from None
            if fault.kind == "bad_job":
                raise
            # The engine answers hostile input with a verdict; where it raises all the same (memory above all), the
            # file is undecided and not a message that nobody can handle.
            logs.fault("check_fault", fault, file_id=subject.file_id, kind=fault.kind)
            return self._gave_up(ctx, subject, "fault")
        if report["sha256"] != subject.sha256:
            raise problems.unavailable(retry_after=5, detail="the vault gave other bytes")
        return report

    def _look_for_cause(self, subject: Subject, lost: WorkerLost) -> None:
        """Raises Problem 503 where the worker's end was not the file's doing."""
        if self._closing or lost.why in ("busy", "closed"):
            raise problems.unavailable(retry_after=5) from lost
        try:
            trust.load(self.trust.folder, self._keys)
        except TrustError as unusable:
            logs.fault("trust_unusable", unusable)
            raise problems.unavailable(retry_after=30) from lost
        logs.warning("check_lost_worker", file_id=subject.file_id, why=lost.why)

    def _gave_up(self, ctx: Context, subject: Subject, why: str) -> dict[str, Any]:
        metrics.record_killed(why)
        return killed_report(
            sha256=subject.sha256,
            size=subject.size,
            trust_version=self.trust_version,
            now=ctx.kernel.now(),
            received=subject.received,
        )
