"""Files of 20 MB stream through gateway and vault, eight at once, without being held in memory."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from deploy.demo.client import API
from deploy.demo.people import Citizen
from deploy.local.system import System

LIMIT = 20 * 1024 * 1024
PIECE = 64 * 1024
AT_ONCE = 8
MOST = 16 * 1024 * 1024  # bytes by which a process may grow
LINE = b"Mot Cua: 64 ky tu cho moi dong cua tep dung de thu truyen file\n\n"


def pieces(number: int, size: int = LIMIT) -> Iterator[bytes]:
    """A text file of that size, another one for each number."""
    block = (f"{number:063d}\n".encode() + LINE * (PIECE // 64))[:PIECE]
    for start in range(0, size, PIECE):
        yield block[: min(PIECE, size - start)]


def digest(number: int, size: int = LIMIT) -> str:
    found = hashlib.sha256()
    for piece in pieces(number, size):
        found.update(piece)
    return found.hexdigest()


class Watch:
    """The greatest resident memory of processes while it runs, in bytes."""

    def __init__(self, pids: dict[str, int]) -> None:
        self._files = {name: Path(f"/proc/{pid}/statm") for name, pid in pids.items()}
        self.start = {name: self._now(name) for name in pids}
        self.most = dict(self.start)
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def _now(self, name: str) -> int:
        return int(self._files[name].read_text().split()[1]) * 4096

    def _run(self) -> None:
        while not self._ended.wait(0.01):
            for name in self._files:
                self.most[name] = max(self.most[name], self._now(name))

    def __enter__(self) -> Watch:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._thread.join()

    @property
    def grown(self) -> dict[str, int]:
        return {name: self.most[name] - self.start[name] for name in self.most}


@pytest.fixture
def pids(journeys: System, resident: Citizen) -> dict[str, int]:
    """Both processes, warmed by one transfer each way, so that what they load once is not counted."""
    stored = resident.upload(lambda: pieces(99, LIMIT), "warm.txt", "own")
    resident.client.fetch(f"/files/{stored['file_id']}/content")
    return {name: journeys.pid(name) for name in ("gateway", "vault")}


def download(citizen: Citizen, file_id: str) -> str:
    found = hashlib.sha256()
    headers = {"Authorization": f"Bearer {citizen.client.token}"}
    with citizen.client.stream("GET", f"{API}/files/{file_id}/content", headers=headers) as response:
        assert response.status_code == 200
        for piece in response.iter_raw():
            found.update(piece)
    return found.hexdigest()


def test_eight_files_of_20_mb_at_once_raise_neither_process_by_more_than_16_mib(pids, resident):
    numbers = range(AT_ONCE)
    with ThreadPoolExecutor(AT_ONCE) as pool:
        with Watch(pids) as up:
            stored = list(pool.map(lambda n: resident.upload(lambda: pieces(n), f"{n}.txt", "own"), numbers))
        with Watch(pids) as down:
            fetched = list(pool.map(lambda row: download(resident, row["file_id"]), stored))
    wanted = [digest(n) for n in numbers]
    assert [row["sha256"] for row in stored] == wanted == fetched
    assert {row["size"] for row in stored} == {LIMIT}
    for direction, watch in (("up", up), ("down", down)):
        for name, grown in watch.grown.items():
            print(f"{direction}: {name} grew by {grown / 2**20:.1f} MiB from {watch.start[name] / 2**20:.0f} MiB")
            assert grown <= MOST, f"{direction}: {name} grew by {grown / 2**20:.1f} MiB"


def test_one_byte_more_is_refused(resident):
    response = resident.client.once(
        "POST", "/uploads", content=lambda: pieces(0, LIMIT + 1), params={"purpose": "own", "filename": "a.txt"},
        headers={"Content-Type": "application/octet-stream"},
    )  # fmt: skip
    assert response.status_code == 413
    assert response.json()["limit_bytes"] == LIMIT
