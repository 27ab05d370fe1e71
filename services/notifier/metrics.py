"""Metrics of notices: how many were delivered or failed, by channel. Kinds and recipients are no labels."""

from __future__ import annotations

from prometheus_client import Counter

_deliveries = Counter("motcua_notices_total", "Notices that reached their end, by channel", ["channel", "state"])
_codes = Counter("motcua_codes_total", "One-time codes handed to the SMS gateway", ["outcome"])


def record_delivery(channel: str, state: str) -> None:
    """`channel` is portal or sms, `state` delivered or failed."""
    _deliveries.labels(channel, state).inc()


def record_code(outcome: str) -> None:
    """`outcome` is sent, refused or unavailable."""
    _codes.labels(outcome).inc()
