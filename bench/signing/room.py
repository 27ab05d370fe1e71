"""The room's checker alone under eventlet, as the room runs it; a loopback server stands in place of the vault.

Driven over stdin and stdout by `pool.py`. In: {"files": {name: {size, sha256}}, "clients": [[name, pause]], "seconds"};
out: the loop's lags and what each client waited, in seconds.
"""

from __future__ import annotations

import eventlet

eventlet.monkey_patch()

import json  # noqa: E402
import sys  # noqa: E402
import time  # noqa: E402
from collections.abc import Mapping  # noqa: E402
from pathlib import Path  # noqa: E402
from types import SimpleNamespace  # noqa: E402
from typing import Any  # noqa: E402

from bench.signing.files import RECEIVED  # noqa: E402
from services.common.problems import Problem  # noqa: E402
from services.signing.checker import Checker, Subject  # noqa: E402

_BEAT = 0.01
_ANSWERS = {"200kb": "passed", "bomb": "limit"}


def main() -> int:
    job = json.loads(sys.stdin.readline())
    kernel: Any = SimpleNamespace(
        settings=SimpleNamespace(trust=Path(job["trust"]), trust_keys="", rehearsal=True), now=lambda: RECEIVED
    )
    checker = Checker(kernel)
    context: Any = SimpleNamespace(
        kernel=kernel,
        call=lambda _, *, file_id, **__: {"url": f"{job['url']}/{file_id.split('-')[0]}", "ticket": "none"},
    )
    warm = [eventlet.spawn(_ask, checker, context, job["files"], "200kb") for _ in range(4)]
    for one in warm:
        one.wait()
    idle = _lags(job["seconds"] / 3)
    waits: dict[str, list[float]] = {}
    until = time.monotonic() + job["seconds"]
    beats = eventlet.spawn(_lags, job["seconds"])
    clients = [
        eventlet.spawn(_client, checker, context, job["files"], name, pause, until, waits)
        for name, pause in job["clients"]
    ]
    busy = beats.wait()
    for client in clients:
        client.wait()
    checker.close()
    print(json.dumps({"idle": idle, "busy": busy, "waits": waits}), flush=True)
    return 0


def _client(
    checker: Checker,
    context: Any,
    files: Mapping[str, Mapping[str, Any]],
    name: str,
    pause: float,
    until: float,
    waits: dict[str, list[float]],
) -> None:
    """One after the other, each `pause` after the answer to the one before."""
    while time.monotonic() < until:
        began = time.monotonic()
        _ask(checker, context, files, name)
        waits.setdefault(name, []).append(time.monotonic() - began)
        eventlet.sleep(pause)


_numbers = iter(range(10**9))


def _ask(checker: Checker, context: Any, files: Mapping[str, Mapping[str, Any]], name: str) -> None:
    """Asks until there is a verdict: a full line says come again, as it does to an event."""
    one = files[name]
    subject = Subject(f"{name}-{next(_numbers)}", one["sha256"], one["size"], RECEIVED)
    while True:
        try:
            code = checker.check(context, subject)["code"]
            if code != _ANSWERS[name]:
                raise RuntimeError(f"{name} is answered {code}: what is measured is not what is meant")
            return
        except Problem as problem:
            if problem.status != 503:
                raise
            eventlet.sleep(1)


def _lags(seconds: float) -> list[float]:
    """How much later than asked for each beat came."""
    found = []
    until = time.monotonic() + seconds
    while (began := time.monotonic()) < until:
        eventlet.sleep(_BEAT)
        found.append(time.monotonic() - began - _BEAT)
    return found


if __name__ == "__main__":
    sys.exit(main())
