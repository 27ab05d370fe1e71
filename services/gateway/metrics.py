"""Metrics of the gateway, beside those of every process."""

from __future__ import annotations

from prometheus_client import Counter

from services.common import wire

_refused = Counter("motcua_calls_refused_total", "Requests refused (503) because too much was in hand", ["called"])
# from the first scrape on, so that the first one is an increase too
for _room in wire.ROOMS:
    _refused.labels(_room)


def record_refused(room: str) -> None:
    """`room`: which could not be asked for want of a place."""
    _refused.labels(room).inc()
