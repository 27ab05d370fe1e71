"""The room's pool of workers: what checks do to its event loop, and what hostile files do to honest ones."""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from statistics import quantiles
from typing import Any

from bench.figures import Figure
from bench.signing.files import Files
from deploy.local.paths import ROOT

_SECONDS = 45.0
_AT_ONCE = 8


def measure(files: Files) -> list[Figure]:
    lag = _run(files, [("200kb", 0.0)] * _AT_ONCE)
    idle, busy = _percentile(lag["idle"], 99), _percentile(lag["busy"], 99)
    note = f"p99 at rest {idle * 1e3:.1f} ms; {len(lag['waits']['200kb'])} checks in {_SECONDS:.0f} s"
    extra = Figure("signing_lag", "ms more, p99", max(0.0, busy - idle) * 1e3, limit=50, note=note)
    beside = _run(files, [("bomb", 0.0)] * 2 + [("200kb", 0.4)] * 2)
    honest = beside["waits"]["200kb"]
    note = f"{len(honest)} honest files beside {len(beside['waits']['bomb'])} that were killed; two workers"
    return [extra, Figure("signing_beside_hostile", "ms, p95", _percentile(honest, 95) * 1e3, limit=2000, note=note)]


def _percentile(values: Sequence[float], percent: int) -> float:
    return quantiles(values, n=100)[percent - 1]


def _run(files: Files, clients: list[tuple[str, float]]) -> dict[str, Any]:
    names = {name for name, _ in clients} | {"200kb"}
    known = {
        name: {"size": len(files.data(name)), "sha256": hashlib.sha256(files.data(name)).hexdigest()} for name in names
    }
    for name in names:
        files.path(name)
    with _server(files) as url:
        job = {
            "url": url, "trust": str(files.trust_folder), "files": known, "clients": clients, "seconds": _SECONDS
        }  # fmt: skip
        # The room's workers read their trust folder from the environment, as in a system.
        done = subprocess.run(
            [sys.executable, "-m", "bench.signing.room"],
            input=json.dumps(job) + "\n",
            env={"PATH": "/usr/bin:/bin", "PYTHONPATH": str(ROOT), "MOTCUA_TRUST": str(files.trust_folder)},
            cwd=ROOT,
            stdout=subprocess.PIPE,
            text=True,
            check=True,
            timeout=_SECONDS * 4,
        )
    answer: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return answer


@contextmanager
def _server(files: Files) -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(_Named, directory=str(files.folder)))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()


class _Named(SimpleHTTPRequestHandler):
    """Serves /name as name.pdf."""

    def translate_path(self, path: str) -> str:
        return super().translate_path(path) + ".pdf"

    def log_message(self, *_: Any) -> None:
        """Nothing is written: the measure's own output is read."""
