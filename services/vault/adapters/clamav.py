"""The malware scanner: ClamAV's own daemon, asked over its socket while a file streams in (command INSTREAM).

Where a scanner is named, it is needed: one that does not answer, runs out of its own limits or breaks off makes the
upload fail for now (503), never pass. The daemon runs beside the vault (a Unix socket or this machine's own address),
because what it gets is people's papers, in the clear.

Known limit: what ClamAV's signatures know. Its own limits (StreamMaxLength at least 20 MiB, MaxScanSize) are its
operator's; docs/operations/malware.md says how to set it up.
"""

from __future__ import annotations

import re
import socket
import struct
import time
from dataclasses import dataclass

from services.common import problems

#: One answer may take this long; a whole upload is bounded by the byte door.
ANSWER_SECONDS = 30.0
_RETRY_AFTER = 30
_LONGEST_ANSWER = 4096
_WORD = re.compile(r"[^A-Za-z0-9._-]")


@dataclass(frozen=True, slots=True)
class Address:
    """`path` of a Unix socket, or a port of this machine."""

    path: str = ""
    port: int = 0


def address(text: str) -> Address | None:
    """Reads MOTCUA_SCANNER, which the settings have checked: `unix:/path`, `tcp://127.0.0.1:3310`, or nothing."""
    if not text:
        return None
    if text.startswith("unix:"):
        return Address(path=text.removeprefix("unix:"))
    return Address(port=int(text.rpartition(":")[2]))


class Scanner:
    """Whether the scanner is there, and one scan for each upload."""

    def __init__(self, where: Address) -> None:
        self._where = where

    def begin(self) -> Scan:
        """A scan of one file. Raises Problem 503 where nobody listens."""
        try:
            return Scan(self._connected())
        except OSError as error:
            raise _away() from error

    def answers(self) -> bool:
        """Whether the scanner is there and says so (PING)."""
        try:
            with self._connected() as connection:
                connection.sendall(b"zPING\0")
                return _answer(connection) == "PONG"
        except OSError:
            return False

    def _connected(self) -> socket.socket:
        connection = socket.socket(socket.AF_UNIX if self._where.path else socket.AF_INET, socket.SOCK_STREAM)
        connection.settimeout(ANSWER_SECONDS)
        try:
            connection.connect(self._where.path or ("127.0.0.1", self._where.port))
        except OSError:
            connection.close()
            raise
        return connection


class Scan:
    """Pieces in their order, then the verdict. Close it whatever happens."""

    def __init__(self, connection: socket.socket) -> None:
        self._connection = connection
        self._begun = False

    def feed(self, piece: bytes) -> None:
        """The next piece. Raises Problem 503."""
        try:
            if not self._begun:
                self._connection.sendall(b"zINSTREAM\0")
                self._begun = True
            if piece:
                self._connection.sendall(struct.pack(">I", len(piece)) + piece)
        except OSError as error:
            raise _away() from error

    def finish(self) -> str | None:
        """The name of the malware that was found, None for a clean file. Raises Problem 503 for anything else."""
        try:
            self.feed(b"")
            self._connection.sendall(struct.pack(">I", 0))
            said = _answer(self._connection)
        except OSError as error:
            raise _away() from error
        if said == "stream: OK":
            return None
        if said.startswith("stream: ") and said.endswith(" FOUND"):
            return _WORD.sub("", said[len("stream: ") : -len(" FOUND")])[:80] or "unnamed"
        raise _away()

    def close(self) -> None:
        self._connection.close()


def _answer(connection: socket.socket) -> str:
    """One answer, which ends with a zero byte. Raises OSError where it does not come in time or whole."""
    said, limit = b"", time.monotonic() + ANSWER_SECONDS
    while not said.endswith(b"\0"):
        if time.monotonic() > limit or len(said) > _LONGEST_ANSWER:
            raise TimeoutError("the scanner does not end its answer")
        part = connection.recv(_LONGEST_ANSWER)
        if not part:
            raise ConnectionError("the scanner broke off")
        said += part
    return said.rstrip(b"\0").decode("utf-8", "replace").strip()


def _away() -> problems.Problem:
    return problems.unavailable(retry_after=_RETRY_AFTER, detail="the malware scanner does not answer")
