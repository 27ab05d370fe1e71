"""`signing`: checks against the library alone, verdicts that are known, a large revocation list, lag, hostile files."""

from __future__ import annotations

import tempfile
from pathlib import Path

from bench.figures import Figure
from bench.signing import check, pool
from bench.signing.files import Files
from deploy.local.system import System
from services.common.store import Store
from services.signing.store import AGGREGATES, INDEXES, standing_report

_EVENTS_DAYS = 1


def measure(system: System) -> list[Figure]:
    """`system`: broker and database alone; only the look-up of a known verdict needs the database."""
    with tempfile.TemporaryDirectory(dir=system.state.top) as folder:
        files = Files(Path(folder))
        return [*check.measure(files), _cached(system, files), *pool.measure(files)]


def _cached(system: System, files: Files) -> Figure:
    store = Store(system.mongo_url("signing"), application="bench")
    try:
        store.prepare(INDEXES, AGGREGATES, _EVENTS_DAYS)
        report = check.kept_report(files)
        store.collection("reports").insert_one(report)
        key = check.key_of(report)

        def look_up() -> None:
            if standing_report(store, *key) is None:
                raise RuntimeError("the kept report is not found")

        return check.in_room(lambda: check.cached(files, look_up))
    finally:
        store.close()
