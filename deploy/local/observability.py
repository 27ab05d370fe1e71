"""Prometheus beside the system (`./motcua up --observability`): found or unpacked, scraping every process on loopback.

An installed prometheus is used where there is one, else the distribution's package unpacked without root, as RabbitMQ
is. The rules are those that the containers use too (`deploy/prometheus/rules`). It is an extra: where it cannot be had
the system runs without it and says so.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import urllib.error
import urllib.request
from collections.abc import Iterable
from pathlib import Path

from deploy.local.packages import unpacked
from deploy.local.paths import PACKAGES, ROOT, State, write_atomically
from deploy.local.table import Ports, Process
from deploy.local.trouble import Trouble

NAME = "prometheus"
RULES = ROOT / "deploy/prometheus/rules"
SCRAPE_SECONDS = 5
_KEEP_TIME, _KEEP_SIZE = "15d", "512MB"
_PROBE_SECONDS = 2


def program(name: str = NAME) -> Path:
    """`prometheus` or `promtool`: MOTCUA_PROMETHEUS (a folder with both), else installed, else unpacked.

    Raises Trouble where it cannot be had or does not run on this machine.
    """
    given = os.environ.get("MOTCUA_PROMETHEUS")
    installed = str(Path(given) / name) if given else shutil.which(name)
    if installed is not None:
        found = Path(installed)
    else:
        found = unpacked(NAME, [NAME], r"prometheus\n") / "usr/bin" / name
    try:
        tried = subprocess.run([found, "--version"], capture_output=True, text=True)
    except OSError as error:
        raise Trouble(f"{name} does not run: {error}", "correct MOTCUA_PROMETHEUS, or leave it out") from error
    if tried.returncode != 0:
        raise Trouble(
            f"{name} does not run: {(tried.stderr or tried.stdout).strip()[-300:]}",
            "install the package prometheus, or name a folder with it in MOTCUA_PROMETHEUS",
        )
    return found


def fetched() -> None:
    """Brings what is not there yet before the clock of a start runs; that it cannot be had, the supervisor tells."""
    with contextlib.suppress(Trouble):
        program()


def scrape_configuration(targets: Iterable[tuple[str, str]], rules: str, seconds: int) -> str:
    """prometheus.yml for `targets` (room, host:port): one job, the room as a label."""
    lines = [
        "global:",
        f"  scrape_interval: {seconds}s",
        f"  evaluation_interval: {seconds}s",
        "rule_files:",
        f'  - "{rules}"',
        "scrape_configs:",
        "  - job_name: motcua",
        "    static_configs:",
    ]
    for room, address in targets:
        lines += [f'      - targets: ["{address}"]', "        labels:", f"          room: {room}"]
    return "\n".join(lines) + "\n"


class Prometheus:
    """Configuration and command line of this system's Prometheus. The supervisor starts it."""

    def __init__(self, state: State, ports: Ports, rows: Iterable[Process]) -> None:
        self.state, self.port = state, ports["prometheus"]
        self._program = program()
        targets = [(row.name, f"127.0.0.1:{row.health_port}") for row in rows if not row.simulator]
        self._file = state.home / "prometheus.yml"
        write_atomically(self._file, scrape_configuration(targets, f"{RULES}/*.yml", SCRAPE_SECONDS))

    def argv(self) -> list[str]:
        # the distribution's program reads its pages from files; unpacked, they lie beside it
        pages = self._program.parents[1] / "share/prometheus/web"
        return [
            str(self._program),
            f"--config.file={self._file}",
            f"--storage.tsdb.path={self.state.data / NAME}",
            f"--storage.tsdb.retention.time={_KEEP_TIME}",
            f"--storage.tsdb.retention.size={_KEEP_SIZE}",
            f"--web.listen-address=127.0.0.1:{self.port}",
            "--log.level=warn",
            *([f"--web.local-assets={pages}"] if PACKAGES in pages.parents and pages.is_dir() else []),
        ]

    def env(self) -> dict[str, str]:
        path = os.environ.get("PATH", "/usr/bin:/bin")
        return {"PATH": path, "HOME": str(self.state.home), "TMPDIR": str(self.state.tmp), "GOMAXPROCS": "1"}


def is_ready(port: int) -> bool:
    """Whether the Prometheus on a local port says that it is ready."""
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/-/ready", timeout=_PROBE_SECONDS) as answer:
            return bool(answer.status == 200)
    except (urllib.error.URLError, OSError, ValueError):
        return False
