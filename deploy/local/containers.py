"""Broker and database as containers, where a Docker engine answers and the user asks with --containers.

Known limit: not exercised by our own tests, the machines that run them have no Docker engine. The containers run in the
foreground as children of the supervisor, on host networking, with the same users, permissions and memory
limits as our own node and mongod; oplog size, Erlang schedulers and heartbeat are the images' own.
"""

from __future__ import annotations

import shutil
import subprocess

from deploy.local.paths import State, write_atomically, write_json
from deploy.local.table import Ports
from deploy.local.trouble import Trouble

BROKER_IMAGE, DATABASE_IMAGE = "rabbitmq:3.13", "mongo:6"
_STAMP = "containers"


def _name(state: State, what: str) -> str:
    return f"motcua-{state.top.name}-{what}"


def require_engine() -> None:
    """Raises Trouble where no Docker engine answers."""
    if shutil.which("docker") and subprocess.run(["docker", "info"], capture_output=True).returncode == 0:
        return
    raise Trouble(
        "No Docker engine answers", "start it (docker info must work for your user), or leave --containers out"
    )


def _run(state: State, what: str, options: list[str], image: str, command: list[str]) -> list[str]:
    require_engine()
    name = _name(state, what)
    subprocess.run(["docker", "rm", "--force", name], capture_output=True)
    write_atomically(state.run / _STAMP, "")
    return ["docker", "run", "--rm", "--name", name, "--network", "host", *options, image, *command]


def broker_argv(state: State, ports: Ports, passwords: dict[str, str]) -> list[str]:
    """A RabbitMQ with our definitions; its data is a named volume."""
    from deploy.local.broker import definitions, limits

    folder = state.home / "container"
    write_json(folder / "definitions.json", definitions(passwords), 0o644)
    lines = [
        f"listeners.tcp.1 = 127.0.0.1:{ports['broker.amqp']}",
        "load_definitions = /etc/motcua/definitions.json",
        *limits(),
    ]
    write_atomically(folder / "rabbitmq.conf", "\n".join(lines) + "\n")
    options = [
        *("--volume", f"{folder}:/etc/motcua:ro"),
        *("--volume", f"{_name(state, 'broker')}:/var/lib/rabbitmq"),
        *("--env", "RABBITMQ_CONFIG_FILE=/etc/motcua/rabbitmq.conf"),
        *("--env", "RABBITMQ_NODENAME=motcua@localhost"),
        *("--env", f"RABBITMQ_DIST_PORT={ports['broker.distribution']}"),
        *("--env", f"ERL_EPMD_PORT={ports['broker.epmd']}"),
    ]
    return _run(state, "broker", options, BROKER_IMAGE, [])


def database_argv(state: State, ports: Ports) -> list[str]:
    """A mongod with our key file; the image's own start script copies it to where mongod may own it."""
    keyfile = state.secrets / "database.keyfile"
    script = (
        "install -m 400 -o mongodb -g mongodb /run/motcua.keyfile /tmp/keyfile && exec docker-entrypoint.sh mongod "
        f"--replSet motcua --bind_ip 127.0.0.1 --port {ports['database']} "
        "--keyFile /tmp/keyfile --wiredTigerCacheSizeGB 0.25 --setParameter transactionLifetimeLimitSeconds=5"
    )
    options = [
        *("--volume", f"{keyfile}:/run/motcua.keyfile:ro"),
        *("--volume", f"{_name(state, 'database')}:/data/db"),
    ]
    return _run(state, "database", options, DATABASE_IMAGE, ["bash", "-c", script])


def in_use(state: State) -> bool:
    """Whether this start's broker is a container: a run that was killed leaves its stamp behind."""
    stamp, own = state.run / _STAMP, state.home / "broker" / "rabbitmq.conf"
    return stamp.exists() and not (own.exists() and own.stat().st_mtime > stamp.stat().st_mtime)


def inside_broker(state: State) -> list[str]:
    """The start of a command that runs inside the broker's container."""
    return ["docker", "exec", _name(state, "broker")]


def remove(state: State) -> None:
    """Remove the containers of this system, if it had any (their volumes stay)."""
    stamp = state.run / _STAMP
    if stamp.exists():
        for what in ("broker", "database"):
            subprocess.run(["docker", "rm", "--force", _name(state, what)], capture_output=True)
        stamp.unlink()
