"""`idle_cpu` and `rest_memory`: what the system costs while nobody asks it for anything."""

from __future__ import annotations

import time

from bench.cpu import pss_of
from bench.figures import Figure
from bench.journey.house import STORES, House

SECONDS = 60
GIB = 1024**3


def measure(house: House, seconds: int = SECONDS) -> list[Figure]:
    house.rest()
    house.look()
    ours = [name for name in house.groups if name.split()[0] not in STORES]
    before, started = house.cpu(), time.monotonic()
    time.sleep(seconds)
    after, passed = house.cpu(), time.monotonic() - started
    share = {name: (after[name] - before[name]) / passed * 100 for name in after}
    dearest = sorted(ours, key=lambda name: -share[name])[:4]
    memory = {name: pss_of(pids) / GIB for name, pids in house.groups.items()}
    return [
        Figure(
            "idle_cpu", "% of one core", sum(share[name] for name in ours), limit=5.0,
            note=", ".join(f"{name} {share[name]:.1f}" for name in dearest),
        ),
        *(Figure(f"idle_cpu_{name}", "% of one core", share[name]) for name in STORES),
        Figure("rest_memory", "GiB PSS", sum(memory[name] for name in ours), limit=1.5),
        *(Figure(f"rest_memory_{name}", "GiB PSS", memory[name]) for name in STORES),
    ]  # fmt: skip
