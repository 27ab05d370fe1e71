"""Metrics of oversight."""

from __future__ import annotations

from prometheus_client import Counter, Gauge

ledger_sequence = Gauge("motcua_ledger_sequence", "Sequence of the ledger's last entry")
ledger_anchored = Gauge("motcua_ledger_anchored", "Sequence of the last signed head that was written")
ledger_contradicted = Gauge("motcua_ledger_contradicted", "1 where the signed heads contradict the ledger at start")
ledger_contested = Counter("motcua_ledger_contested_total", "Events at a place of their aggregate that another has")
_violations = Counter("motcua_slip_violations_total", "Violations entered in the register", ["act", "by"])
_late = Counter("motcua_intake_late_total", "Filings and amendments that the desk did not answer in time")


def record_violation(act: str, by: str) -> None:
    """`by` is system or person."""
    _violations.labels(act, by).inc()


def record_late() -> None:
    _late.inc()
