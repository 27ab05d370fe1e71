"""Metrics of the vault, beside the kernel's. Labels are words that this file fixes, never data."""

from __future__ import annotations

from prometheus_client import Counter, Gauge

_moved = Counter("motcua_vault_bytes_total", "Bytes of files moved over the byte door", ["direction"])
_uploads = Counter("motcua_vault_uploads_total", "Uploads by outcome", ["outcome"])
_swept = Counter("motcua_vault_swept_total", "Abandoned uploads whose bytes were removed")
_scans = Counter("motcua_vault_scans_total", "Uploads that the malware scanner looked at, by outcome", ["outcome"])
scanner = Gauge(
    "motcua_vault_scanner", "The malware scanner: 1 answers, 0 is named but away, -1 none is plugged in (SE-04)"
)
_own_data = Counter("motcua_vault_own_data_total", "Data of people's own by what became of them", ["state"])
transfers = Gauge("motcua_vault_transfers", "Transfers going on")
unfinished = Gauge("motcua_vault_unfinished_uploads", "Uploads whose bytes belong to no file yet")


def record_moved(direction: str, count: int) -> None:
    """`direction` is in or out; `count` bytes."""
    _moved.labels(direction).inc(count)


def record_upload(outcome: str) -> None:
    """`outcome` is stored, repeated, refused, aborted or fault."""
    _uploads.labels(outcome).inc()


def record_scan(outcome: str) -> None:
    """`outcome` is clean, infected or away."""
    _scans.labels(outcome).inc()


def record_own_data(state: str) -> None:
    """`state` is ACCEPTED, HELD or REFUSED."""
    _own_data.labels(state).inc()


def record_swept(count: int) -> None:
    _swept.inc(count)
