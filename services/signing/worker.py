"""The signature worker: `python -m services.signing.worker --trust DIR`, driven over stdin by its parent.

    in   {"id", "url" or "path", "headers"?, "received", "now"}      times ISO 8601 with zone
    out  {"id", "report": {…}}                                       see verdict.file_report
    out  {"id", "error": {"type", "detail"}}                         nothing was judged; the parent may try again

A "path" is a file of this machine that ./motcua verify was given, up to structure.LIMITS.file_bytes; a "url" is the
vault's, which takes no file above DOWNLOAD_LIMIT.

Types of errors of its own: bad_job, download_failed, too_large, trust_unusable. A file that exceeds time or memory ends
the process; the parent then answers with `verdict.killed_report` and starts another worker.
"""

from __future__ import annotations

import argparse
import os
import signal
import sys
import threading
import urllib.error
import urllib.request
from datetime import datetime
from pathlib import Path
from typing import Any

from services.common.worker_program import Refused, serve
from services.signing import structure, trust
from services.signing.check import check_file
from services.signing.trust_configuration import read_keys

DOWNLOAD_LIMIT = 20 * 1024 * 1024
DOWNLOAD_SECONDS = 10.0
MEMORY_LIMIT = 1024 * 1024 * 1024
CPU_LIMIT_SECONDS = 15.0
WALL_LIMIT_SECONDS = 20.0
# Comparing revisions recurses: about four hundred bookmarks exhaust Python's default of 1,000. Much more than this
# turns files that fail at once into ones that burn CPU until they are killed.
RECURSION_LIMIT = 8_000
STACK_BYTES = 128 * 1024 * 1024
# A check gives way to the services that answer people.
NICENESS = 5


class _NoRedirects(urllib.request.HTTPRedirectHandler):
    """The address in a job is the only one that is asked."""

    def redirect_request(self, *_: Any) -> None:
        return None


# No proxies: addresses are internal, and the ticket in the headers is for the vault alone.
_opener = urllib.request.build_opener(urllib.request.ProxyHandler({}), _NoRedirects)


def download(url: str, headers: dict[str, str]) -> bytes:
    """Fetch the file of a job; refuses other schemes than HTTP and more than DOWNLOAD_LIMIT bytes."""
    if not url.startswith(("http://", "https://")):
        raise Refused("bad_job")
    try:
        with _opener.open(urllib.request.Request(url, headers=headers), timeout=DOWNLOAD_SECONDS) as response:
            data: bytes = response.read(DOWNLOAD_LIMIT + 1)
    except (urllib.error.URLError, OSError, ValueError) as error:
        raise Refused("download_failed") from error
    if len(data) > DOWNLOAD_LIMIT:
        raise Refused("too_large")
    return data


def handle(job: dict[str, Any], store: trust.Store) -> dict[str, Any]:
    """Answer one job."""
    received, now = _moment(job.get("received")), _moment(job.get("now"))
    return {"report": check_file(_bytes(job), snapshot=store.current(), received=received, now=now)}


def _bytes(job: dict[str, Any]) -> bytes:
    url, path, headers = job.get("url"), job.get("path"), job.get("headers") or {}
    if isinstance(url, str) and path is None and isinstance(headers, dict):
        return download(url, {str(k): str(v) for k, v in headers.items()})
    if isinstance(path, str) and url is None:
        file = Path(path)
        if not file.is_file():
            raise Refused("download_failed")
        if file.stat().st_size > structure.LIMITS.file_bytes:
            raise Refused("too_large")
        return file.read_bytes()
    raise Refused("bad_job")


def _moment(text: Any) -> datetime:
    try:
        moment = datetime.fromisoformat(text)
    except (TypeError, ValueError) as error:
        raise Refused("bad_job") from error
    if moment.utcoffset() is None:
        raise Refused("bad_job")
    return moment


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m services.signing.worker")
    parser.add_argument("--trust", type=Path, metavar="DIR", help="believed as it lies there")
    parser.add_argument("--cpu-seconds", type=float, default=CPU_LIMIT_SECONDS, help="CPU time of one job")
    parser.add_argument("--wall-seconds", type=float, default=WALL_LIMIT_SECONDS, help="time of one job")
    given = parser.parse_args(arguments)
    # the room's folder comes by the environment, and with it the keys of those who must have signed it
    folder, keys = given.trust or os.environ.get("MOTCUA_TRUST"), os.environ.get("MOTCUA_TRUST_KEYS", "")
    if not folder:
        parser.error("--trust DIR or MOTCUA_TRUST is needed")
    try:
        store = trust.Store(Path(folder), None if given.trust else read_keys(keys) or None)
    except (trust.TrustError, ValueError) as error:
        print(f"trust_unusable: {error}", file=sys.stderr)
        return 2
    os.nice(NICENESS)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # a terminal tells the whole group; we end when our input ends
    sys.setrecursionlimit(RECURSION_LIMIT)
    threading.stack_size(STACK_BYTES)
    runner = threading.Thread(
        target=serve,
        args=(lambda job: handle(job, store),),
        kwargs={
            "memory_limit_bytes": MEMORY_LIMIT,
            "cpu_limit_seconds": given.cpu_seconds,
            "wall_limit_seconds": given.wall_seconds,
        },
    )
    runner.start()
    runner.join()
    return 0


if __name__ == "__main__":
    sys.exit(main())
