"""`event_latency_ms`: from the commit of a single write to the start of the handler of its event, on an idle system."""

from __future__ import annotations

import time
import uuid
from statistics import median
from typing import Any

from bench.bus.programs import ROOM, room
from bench.figures import Figure
from deploy.demo.audit import as_operator
from deploy.local.system import System

WRITES = 200


def measure(system: System) -> list[Figure]:
    """`system`: broker and database alone. The room that writes is the one that handles: one process, one clock."""
    taken = []
    with room(system), as_operator(system) as operator:
        for _ in range(WRITES + 20):
            thing = uuid.uuid4().hex
            operator.call(f"{ROOM}.write", thing=thing)
            taken.append(_seconds(operator, thing))
            time.sleep(0.02)  # single writes: the next one meets an idle system
    return [Figure("event_latency_ms", "ms", median(taken[20:]) * 1000, limit=10, note=f"median of {WRITES} writes")]


def _seconds(operator: Any, thing: str) -> float:
    limit = time.monotonic() + 10
    while time.monotonic() < limit:
        seconds = operator.call(f"{ROOM}.latency", thing=thing)["seconds"]
        if seconds is not None:
            return float(seconds)
    raise RuntimeError("an event did not arrive within 10 s")
