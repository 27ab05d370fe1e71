"""Metrics of the fetcher. `issuer` is the beginning of the certificate's SHA-256: as many as the manifest names."""

from __future__ import annotations

from datetime import datetime

from prometheus_client import Counter, Gauge

from services.signing.fetcher.lists import Known

_age = Gauge("motcua_signing_list_age_seconds", "Since the list in use was issued", ["issuer"])
_left = Gauge("motcua_signing_list_left_seconds", "Until the list in use ends; 0 where there is none", ["issuer"])
_warn = Gauge("motcua_signing_list_warn_seconds", "How long before its end a list that was not renewed is told of")
_fetches = Counter("motcua_signing_fetches_total", "Lists and answers asked for", ["kind", "outcome"])
_unusable = Gauge("motcua_signing_fetcher_trust_refused", "1 while the fetcher finds no configuration that it may use")


def record_list(issuer: str, known: Known | None, now: datetime) -> None:
    _left.labels(issuer).set((known.ends - now).total_seconds() if known else 0)
    if known:
        _age.labels(issuer).set((now - known.issued).total_seconds())


def forget_lists() -> None:
    """Before the issuers of another manifest are told of."""
    _age.clear()
    _left.clear()


def record_fetch(kind: str, outcome: str) -> None:
    """`kind` is list or answer; `outcome` new, same, refused or unreachable."""
    _fetches.labels(kind, outcome).inc()


def record_configuration(warn_hours: int | None) -> None:
    """None: there is no configuration that may be used."""
    _unusable.set(warn_hours is None)
    if warn_hours is not None:
        _warn.set(warn_hours * 3600)
