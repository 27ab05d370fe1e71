"""Metrics of signing, beside the kernel's (motcua_worker_* time the workers)."""

from __future__ import annotations

from collections.abc import Mapping

from prometheus_client import Counter, Gauge

_verdicts = Counter("motcua_signing_verdicts_total", "Verdicts told, first ones and changed ones", ["verdict"])
_killed = Counter("motcua_signing_killed_total", "Checks that ended with their worker, judged undecided", ["why"])
_undecided = Gauge(
    "motcua_signing_undecided_files", "Files whose verdict is INDETERMINATE, at most 10,000 of each", ["why"]
)

_trust_number = Gauge("motcua_signing_trust_number", "Number of the trust configuration in use, 0 for an unsigned one")
_trust_refused = Gauge("motcua_signing_trust_refused", "1 while the trust folder holds what cannot be used")


def record_trust(number: int | None, *, refused: bool) -> None:
    _trust_number.set(number or 0)
    _trust_refused.set(refused)


def record_verdict(verdict: str) -> None:
    _verdicts.labels(verdict).inc()


def record_undecided(counts: Mapping[str, int]) -> None:
    """`why` is revocation_data (fresh data would decide it) or other."""
    for why, count in counts.items():
        _undecided.labels(why).set(count)


def record_killed(why: str) -> None:
    """`why` is deadline, died or fault."""
    _killed.labels(why).inc()
