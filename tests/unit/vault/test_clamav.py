"""The malware scanner at upload: what it knows is refused, and while it is away nothing passes."""

from __future__ import annotations

import os
import shutil
import socket
import struct
import subprocess
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from hashlib import md5
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from services.common.problems import Problem
from services.vault import uploads
from services.vault.adapters import clamav

pytestmark = pytest.mark.req("SE-04")

MARK = b"known-malware-of-this-test"
CLEAN, INFECTED = b"%PDF-1.7\n1 0 obj\n", b"%PDF-1.7\n1 0 obj\n" + MARK


class Daemon:
    """Speaks ClamAV's protocol: framed pieces, a zero length, one answer that ends with a zero byte."""

    def __init__(self, path: Path) -> None:
        self.answer: Callable[[bytes], bytes] = lambda data: (
            b"stream: Test.Malware-1 FOUND\0" if MARK in data else b"stream: OK\0"
        )
        self.seen: list[bytes] = []
        self._socket = socket.socket(socket.AF_UNIX)
        self._socket.bind(str(path))
        self._socket.listen()
        threading.Thread(target=self._serve, daemon=True).start()

    def close(self) -> None:
        self._socket.close()

    def _serve(self) -> None:
        while True:
            try:
                connection, _ = self._socket.accept()
            except OSError:
                return
            with connection, connection.makefile("rb") as source:
                try:
                    self._one(connection, source)
                except OSError:
                    continue

    def _one(self, connection: socket.socket, source: Any) -> None:
        command = b""
        while not command.endswith(b"\0"):
            letter = source.read(1)
            if not letter:
                return
            command += letter
        if command == b"zPING\0":
            connection.sendall(b"PONG\0")
            return
        assert command == b"zINSTREAM\0"
        data = b""
        while True:
            head = source.read(4)
            if len(head) < 4:
                return  # the upload was given up
            (size,) = struct.unpack(">I", head)
            if size == 0:
                break
            data += source.read(size)
        self.seen.append(data)
        connection.sendall(self.answer(data))


@pytest.fixture
def folder() -> Iterator[Path]:
    made = Path(tempfile.mkdtemp(prefix="clam"))  # short: a socket's path has 107 letters
    yield made
    shutil.rmtree(made)


@pytest.fixture
def daemon(folder: Path) -> Iterator[Daemon]:
    running = Daemon(folder / "s")
    yield running
    running.close()


def upload(data: bytes, where: str, monkeypatch: pytest.MonkeyPatch) -> Any:
    """One upload through the vault's own code; the database is a stand-in that must not be written for a refusal."""
    opening = {"_id": "0" * 32, "uploader": "u", "filename": "sealed"}
    kernel: Any = SimpleNamespace(
        settings=SimpleNamespace(scanner=where),
        store=SimpleNamespace(get=lambda collection, _id: opening if collection == "openings" else None),
        data_key=SimpleNamespace(open=lambda text, field: "don.pdf"),
    )
    stored = {"_id": "0" * 32, "sha256": "", "size": len(data), "media_type": "application/pdf", "purpose": "component"}
    monkeypatch.setattr(uploads, "_commit", lambda *_: stored)
    rest = iter([data, b""])
    return uploads.receive(kernel, "0" * 32, "u", lambda size: next(rest), len(data))


def test_clean_files_pass_and_infected_ones_do_not(
    daemon: Daemon, folder: Path, monkeypatch: pytest.MonkeyPatch, capfd: Any
) -> None:
    where = f"unix:{folder}/s"
    assert upload(CLEAN, where, monkeypatch)["size"] == len(CLEAN)
    with pytest.raises(Problem) as caught:
        upload(INFECTED, where, monkeypatch)
    assert (caught.value.status, caught.value.rule) == (422, "SE-04")
    assert caught.value.errors[0]["field"] == "content"
    assert daemon.seen == [CLEAN, INFECTED]
    told = "".join(capfd.readouterr())
    assert "don.pdf" not in told


def test_without_a_scanner_our_own_rules_stand_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    assert upload(INFECTED, "", monkeypatch)["size"] == len(INFECTED)
    with pytest.raises(Problem) as caught:
        upload(b"MZ" + b"\0" * 100, "", monkeypatch)
    assert caught.value.rule == "SE-04"


@pytest.mark.parametrize("answer", [b"INSTREAM size limit exceeded. ERROR\0", b"", b"stream: OK", b"x" * 9000, b"\0"])
def test_a_scanner_that_gives_no_verdict_lets_nothing_pass(
    daemon: Daemon, folder: Path, monkeypatch: pytest.MonkeyPatch, answer: bytes
) -> None:
    daemon.answer = lambda data: answer
    with pytest.raises(Problem) as caught:
        upload(CLEAN, f"unix:{folder}/s", monkeypatch)
    assert caught.value.status == 503
    assert caught.value.retry_after


def test_a_scanner_that_is_away_lets_nothing_pass(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for where in (f"unix:{folder}/nobody", "tcp://127.0.0.1:1"):
        with pytest.raises(Problem) as caught:
            upload(CLEAN, where, monkeypatch)
        assert caught.value.status == 503
        assert not clamav.Scanner(clamav.address(where) or clamav.Address()).answers()


def test_a_silent_scanner_has_a_deadline(daemon: Daemon, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    ended = threading.Event()
    daemon.answer = lambda data: b"\0" if ended.wait(10) else b""
    monkeypatch.setattr(clamav, "ANSWER_SECONDS", 0.1)
    with pytest.raises(Problem) as caught:
        upload(CLEAN, f"unix:{folder}/s", monkeypatch)
    ended.set()
    assert caught.value.status == 503


@pytest.mark.full
def test_the_real_daemon(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """ClamAV itself, from the distribution's packages, with a database of one signature."""
    from deploy.local.packages import library_path, unpacked

    root = unpacked("clamav", ["clamav-daemon"], "clamav|libclamav")
    (folder / "db").mkdir()
    (folder / "db" / "own.ndb").write_text(f"Own.Test.Malware:0:*:{MARK.hex()}\n")
    (folder / "db" / "own.hdb").write_text(f"{md5(b'%PDF-1.7 by hash').hexdigest()}:16:Own.Test.Hash\n")
    settings = folder / "clamd.conf"
    settings.write_text(
        f"LocalSocket {folder}/s\nDatabaseDirectory {folder}/db\nForeground yes\nStreamMaxLength 25M\n"
        f"LogFile {folder}/log\n"
    )
    environment = {**os.environ, "LD_LIBRARY_PATH": library_path(root)}
    program = subprocess.Popen([str(root / "usr/sbin/clamd"), "-c", str(settings)], env=environment)
    try:
        scanner = clamav.Scanner(clamav.Address(path=f"{folder}/s"))
        limit = time.monotonic() + 60
        while not scanner.answers():
            assert program.poll() is None
            assert time.monotonic() < limit
            time.sleep(0.05)
        where = f"unix:{folder}/s"
        assert upload(CLEAN, where, monkeypatch)["size"] == len(CLEAN)
        for data in (INFECTED, b"%PDF-1.7 by hash"):
            with pytest.raises(Problem) as caught:
                upload(data, where, monkeypatch)
            assert (caught.value.status, caught.value.rule) == (422, "SE-04")
    finally:
        program.terminate()
        program.wait(20)
