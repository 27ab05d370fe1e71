"""Our own mongod (a replica set of one, with users), and the question whether it is ready, without a driver."""

from __future__ import annotations

import os
import socket
import struct
import subprocess
from pathlib import Path
from typing import Any

from deploy.local.packages import library_path, unpacked
from deploy.local.paths import VENV, VENV_PYTHON, State
from deploy.local.table import DOMAIN_ROOMS, Ports
from deploy.local.trouble import Trouble

REPLICA_SET = "motcua"
_CACHE_GB = "0.25"


class Mongod:
    """Command line and environment of our mongod. The supervisor starts it."""

    def __init__(self, state: State, ports: Ports) -> None:
        self.state, self.ports = state, ports
        self.program = _program()
        self.extra = _libraries(self.program)

    def argv(self) -> list[str]:
        data = self.state.data / "database"
        data.mkdir(parents=True, exist_ok=True)
        return [
            str(self.program),
            *("--replSet", REPLICA_SET),
            *("--dbpath", str(data)),
            *("--bind_ip", "127.0.0.1"),
            *("--port", str(self.ports["database"])),
            *("--keyFile", str(self.state.secrets / "database.keyfile")),
            *("--wiredTigerCacheSizeGB", _CACHE_GB),
            *("--oplogSize", "512"),
            # its socket file would lie in /tmp, outside the checkout
            "--nounixsocket",
            "--quiet",
            *("--setParameter", "diagnosticDataCollectionEnabled=false"),
            # a process that was killed leaves its transaction open; ours take milliseconds, others wait for its rows
            *("--setParameter", "transactionLifetimeLimitSeconds=5"),
        ]

    def env(self) -> dict[str, str]:
        env = {
            "PATH": os.environ.get("PATH", "/usr/bin:/bin"),
            "HOME": str(self.state.home),
            "TMPDIR": str(self.state.tmp),
        }
        if self.extra:
            env["LD_LIBRARY_PATH"] = self.extra
        return env


def _program() -> Path:
    given = os.environ.get("MOTCUA_MONGOD")
    if given:
        return Path(given)
    for found in VENV.glob("lib/python3.*/site-packages/fiftyone/db/bin/mongod"):
        if not os.access(found, os.X_OK):
            found.chmod(0o755)
        return found
    raise Trouble(
        "The package with mongod is not in .motcua/venv",
        "remove .motcua/venv.* and run the same command again, or name a mongod 6 with MOTCUA_MONGOD",
    )


def _libraries(program: Path) -> str:
    """Library folders for mongod alone, where this machine lacks libcurl; empty where it runs as it is."""

    def runs(extra: str) -> subprocess.CompletedProcess[str]:
        env = {"PATH": "/usr/bin:/bin", **({"LD_LIBRARY_PATH": extra} if extra else {})}
        return subprocess.run([str(program), "--version"], env=env, capture_output=True, text=True)

    if runs("").returncode == 0:
        return ""
    extra = library_path(unpacked("curl", ["libcurl4"], "libcurl4"))
    tried = runs(extra)
    if tried.returncode != 0:
        raise Trouble(
            f"mongod does not run on this machine: {tried.stderr.strip()[-500:]}",
            "it needs x86-64 and OpenSSL 3 (Debian 12, Ubuntu 22.04 or newer); or give MOTCUA_DATABASE_URL",
        )
    return extra


def prepare_argv(arguments: list[str]) -> list[str]:
    """The helper that makes replica set and users; it needs pymongo, so it runs in the virtual environment."""
    return [str(VENV_PYTHON), "-m", "deploy.local.prepare_database", *arguments]


# BSON of {"hello": 1, "$db": "admin"}
_HELLO_BODY = b"\x10hello\x00\x01\x00\x00\x00" + b"\x02$db\x00\x06\x00\x00\x00admin\x00"
_HELLO = struct.pack("<i", len(_HELLO_BODY) + 5) + _HELLO_BODY + b"\x00"
_OP_MSG = 2013


def hello(port: int) -> bytes:
    """The raw answer of mongod to `hello`, empty where it does not answer. No driver, no login needed."""
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=1) as connection:
            connection.settimeout(1)
            connection.sendall(struct.pack("<iiiiiB", 21 + len(_HELLO), 1, 0, _OP_MSG, 0, 0) + _HELLO)
            head = connection.recv(4)
            if len(head) < 4:
                return b""
            length, answer = struct.unpack("<i", head)[0] - 4, b""
            while len(answer) < length:
                chunk = connection.recv(length - len(answer))
                if not chunk:
                    return b""
                answer += chunk
            return answer
    except OSError:
        return b""


def is_primary(port: int) -> bool:
    return b"\x08isWritablePrimary\x00\x01" in hello(port)


def external_address(url: str) -> dict[str, Any]:
    """Hosts and replica set of a database given by address (MOTCUA_DATABASE_URL, an administrator's mongodb:// URL)."""
    if not url.startswith("mongodb://"):
        raise Trouble(
            "MOTCUA_DATABASE_URL is not a mongodb:// address",
            "give mongodb://admin:password@host:27017/?replicaSet=NAME (transactions need a replica set)",
        )
    login, _, rest = url.removeprefix("mongodb://").rpartition("@")
    if login.partition(":")[0] in (*DOMAIN_ROOMS, "operator"):
        raise Trouble(
            "The database's administrator is called like one of the users that we make",
            "give another administrator in MOTCUA_DATABASE_URL: ours would get a new password",
        )
    hosts, _, tail = rest.partition("/")
    options = dict(part.split("=", 1) for part in tail.partition("?")[2].split("&") if "=" in part)
    if "replicaSet" not in options:
        raise Trouble("MOTCUA_DATABASE_URL names no replica set", "add ?replicaSet=NAME: transactions need one")
    return {"hosts": hosts, "replica_set": options["replicaSet"]}
