"""Programs as the kernel knows them: start, signal, recognise again. A pid alone proves nothing, it is used again;
a pid with its start time does, and so does a mark in the environment that only our supervisor sets.
"""

from __future__ import annotations

import os
import resource
import signal
import subprocess
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from deploy.local.paths import ROOT, State, read_json, write_json

MARK = "MOTCUA_SUPERVISED"
MOST_FILES = 16_384
_LOG_LIMIT = 10 * 1024 * 1024


def more_files() -> None:
    """Lets this process and its children open as many files as they may, at most MOST_FILES: a login's 1,024 are fewer
    than the gateway's connections."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    allowed = MOST_FILES if hard == resource.RLIM_INFINITY else min(hard, MOST_FILES)
    if soft != resource.RLIM_INFINITY and soft < allowed:
        resource.setrlimit(resource.RLIMIT_NOFILE, (allowed, hard))


def start_time(pid: int) -> int | None:
    """Start of a process in ticks since boot (field 22 of /proc/<pid>/stat); None where it is gone or a zombie."""
    try:
        # the second field is the program's name in parentheses and may hold anything
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return None
    return None if fields[0] in "ZX" else int(fields[19])


def alive(record: dict[str, Any] | None) -> bool:
    """Whether the very process of the record still runs."""
    if not record or not record.get("pid") or record.get("start") is None:
        return False
    return start_time(int(record["pid"])) == record["start"]


def record_of(state: State, name: str) -> dict[str, Any] | None:
    record = read_json(state.run / f"{name}.json")
    return record if isinstance(record, dict) and "pid" in record else None


def write_record(state: State, name: str, record: dict[str, Any]) -> None:
    write_json(state.run / f"{name}.json", record)


def rotate(log: Path) -> None:
    """Keep one older part of a log that has grown beyond 10 MiB (done at the start of its process)."""
    if log.exists() and log.stat().st_size > _LOG_LIMIT:
        os.replace(log, log.with_suffix(".log.1"))


def log_end(state: State, name: str) -> int:
    """How long a process's log is now, 0 where it is rotated at its next start."""
    log = state.logs / f"{name}.log"
    size = log.stat().st_size if log.exists() else 0
    return 0 if size > _LOG_LIMIT else size


def written(state: State, name: str, since: int | None) -> list[str]:
    """The lines of a process's log after its first `since` bytes; all of them where it was rotated meanwhile."""
    log = state.logs / f"{name}.log"
    if not log.exists():
        return []
    with open(log, "rb") as content:
        content.seek(since if since and since <= log.stat().st_size else 0)
        return content.read().decode(errors="replace").splitlines()


def spawn(state: State, name: str, argv: list[str], env: dict[str, str]) -> subprocess.Popen[bytes]:
    """Start a program in a session of its own, output to its log, marked as ours; it gets SIGTERM when we die."""
    log = state.logs / f"{name}.log"
    rotate(log)
    env = {**env, MARK: str(state.top)}
    with open(log, "ab") as out:
        child = subprocess.Popen(
            argv,
            cwd=ROOT,
            env=env,
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            preexec_fn=end_with_parent,
        )
    return child


def _load_prctl() -> Callable[[int, int], int] | None:
    import ctypes

    try:
        library = ctypes.CDLL(None, use_errno=True)
        return library.prctl
    except (OSError, AttributeError):
        return None


# loaded before any fork: between fork and exec nothing may import
_prctl = _load_prctl()
_PR_SET_PDEATHSIG = 1


def end_with_parent() -> None:
    """To be run in a child between fork and exec: it gets SIGTERM when its parent dies, however that dies."""
    if _prctl is not None:
        _prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)


def send(record: dict[str, Any] | None, number: int) -> bool:
    """Signal the whole session of a recorded process, if it is still that process. False where it is gone."""
    if record is None or not alive(record):
        return False
    try:
        os.killpg(int(record["pid"]), number)
    except (ProcessLookupError, PermissionError):
        return False
    return True


def marked(state: State) -> list[dict[str, Any]]:
    """Every process of this user that carries this system's mark (children of children included), but ourselves."""
    mark = f"{MARK}={state.top}".encode()
    found = []
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit() or int(entry.name) == os.getpid():
            continue
        try:
            environment = (entry / "environ").read_bytes()
        except OSError:
            continue
        if mark in environment.split(b"\0"):
            start = start_time(int(entry.name))
            if start is not None:
                found.append({"pid": int(entry.name), "start": start})
    return found


def end(records: Iterable[dict[str, Any]], grace: float) -> None:
    """SIGTERM to each recorded process alone, SIGKILL after `grace` seconds of real time to what is left."""
    waiting = [r for r in records if alive(r)]
    for number, seconds in ((signal.SIGTERM, grace), (signal.SIGKILL, 5.0)):
        for record in waiting:
            try:
                os.kill(int(record["pid"]), number)
            except (ProcessLookupError, PermissionError):
                continue
        deadline = time.monotonic() + seconds
        while waiting and time.monotonic() < deadline:
            waiting = [r for r in waiting if alive(r)]
            time.sleep(0.05)


def sweep(state: State) -> int:
    """End what an earlier supervisor left behind when it was killed; returns how many.

    Only what record (pid and start time) or mark proves to be ours.
    """
    records = [r for r in (read_json(f) for f in state.run.glob("*.json")) if isinstance(r, dict) and "pid" in r]
    left = {(r["pid"], r["start"]): r for r in [*records, *marked(state)] if alive(r) and r["pid"] != os.getpid()}
    rooms_first = [r for r in left.values() if r.get("name") not in ("broker", "database", "epmd")]
    end(rooms_first, 5.0)
    end(left.values(), 10.0)
    for file in state.run.glob("*.json"):
        file.unlink(missing_ok=True)
    return len(left)
