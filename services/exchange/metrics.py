"""Metrics of exchange."""

from __future__ import annotations

from prometheus_client import Counter, Gauge

_deliveries = Counter("motcua_portal_deliveries_total", "Statuses sent to the national portal", ["outcome"])
undelivered = Gauge("motcua_portal_undelivered", "Dossiers with a status that the national portal has not taken")
overdue = Gauge("motcua_portal_waiting_overdue", "Dossiers with an event whose predecessor does not come")


def record_delivery(outcome: str) -> None:
    """`outcome` is taken, or the first word of why not: timeout, unreachable, http, error, unreadable, login, facts."""
    _deliveries.labels(outcome).inc()
