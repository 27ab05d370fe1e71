"""What processes used: CPU seconds and memory, read from /proc. Linux only, like the system itself."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from pathlib import Path

_TICK = os.sysconf("SC_CLK_TCK")


def cpu_of(pids: Iterable[int]) -> float:
    """CPU seconds of these processes so far, user and system, without their children.

    Exact to a clock tick per process (10 ms): measure over seconds. A process that is gone counts nothing.
    """
    return sum(_ticks(pid) for pid in pids) / _TICK


def _ticks(pid: int) -> int:
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return 0
    return sum(int(fields[place]) for place in (11, 12))  # utime, stime


def family(roots: Mapping[str, int]) -> dict[str, list[int]]:
    """Name → the process; `name workers` → its descendants, where it has any that are no roots themselves."""
    children: dict[int, list[int]] = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                parent = int((entry / "stat").read_text().rpartition(")")[2].split()[1])
            except OSError:
                continue
            children.setdefault(parent, []).append(int(entry.name))
    own = set(roots.values())

    def below(pid: int) -> list[int]:
        return [pid, *(p for child in children.get(pid, []) if child not in own for p in below(child))]

    found = {name: [pid] for name, pid in roots.items()}
    found.update({f"{name} workers": below(pid)[1:] for name, pid in roots.items() if below(pid)[1:]})
    return found


def pss_of(pids: Iterable[int]) -> float:
    """Proportional set size in bytes: each page divided by the number of processes that share it."""
    total = 0
    for pid in pids:
        try:
            lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
        except OSError:
            continue
        total += sum(int(line.split()[1]) for line in lines if line.startswith("Pss:"))
    return total * 1024.0
