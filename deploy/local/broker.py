"""Our own RabbitMQ node: found or unpacked, configured by one definitions file, private to this system.

Own node name, ports, cookie, data and name service (epmd), all bound to 127.0.0.1; a RabbitMQ that runs on the machine
already is not touched.
"""

from __future__ import annotations

import base64
import hashlib
import json
import os
import re
import secrets
import shutil
import socket
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from deploy.local.packages import library_path, unpacked
from deploy.local.paths import State, write_atomically, write_json
from deploy.local.table import ROOMS, Ports
from deploy.local.trouble import Trouble
from services.common import queues
from services.common.queues import TELLS

VHOST, PARTNER_VHOST = "motcua", "partner"
_INSTALLED = Path("/usr/lib/rabbitmq/bin/rabbitmq-server")
_MEMORY, _DISK = "512MB", "200MB"
# a delivery that is not acknowledged for this long is a lost one; handlers have far shorter deadlines
_CONSUMER_TIMEOUT_MS = 30 * 60 * 1000


def users() -> tuple[str, ...]:
    return (*ROOMS, "partner", "operator")


#: Which keys a room's event queue is bound with, letter by letter: a room that may hear `case.*` binds just that.
HEARS = {
    "intake": "account.normalized case.* file.checked payment.ordered payment.settled result.* slips.blocked "
    "slips.unblocked step.* supplement.*",
    "processing": "account.normalized dossier.accepted file.checked slips.blocked slips.unblocked",
    "vault": "account.normalized dossier.returned file.checked",
    "signing": "file.stored",
    "payment": "account.normalized dossier.* payment.settled",
    "notifier": "account.blocked account.cancelled account.locked account.normalized account.registered "
    "account.resumed account.suspended account.unblocked account.unlocked account.vneid_announced case.opened "
    "case.rescheduled case.resumed case.stopped dossier.accepted dossier.amended dossier.filed dossier.guided "
    "dossier.refused dossier.returned dossier.withdrawn holding.added intake.late owndata.refused payment.failed "
    "payment.ordered payment.refunded payment.settled postal.attempted postal.collected postal.delivered "
    "postal.registered postal.returned result.asked result.ready slip.confirmed slip.violated "
    "slips.blocked slips.unblocked supplement.requested",
    "oversight": "#",
    "postal": "account.normalized dossier.returned",
    "exchange": "account.normalized case.* dossier.* payment.* receipt.* result.* step.* supplement.*",
}
#: Who moves the clock and ends sessions: the owners of the control messages.
_BROADCASTS = ("identity", "oversight")


def room_permissions(room: str) -> dict[str, str]:
    """What a room's broker user may configure, write and read on the system's virtual host, as regular expressions.

    Own queues: `rpc-R` (requests), `rpc.reply-R-…` (answers), `evt.R`, `evt.R.retry.<n>s`, `evt.R.dead` (events),
    `fan.R.…` (fan-out of one process). The exchanges are made by the definitions: no room declares or deletes one.
    A binding needs write on the queue and read on the exchange; which keys, `room_topics` says. Retries, dead letters
    and control answers go through the default exchange, which the broker cannot narrow to one queue
    (docs/decisions/0010-broker-permissions.md).
    """
    name = re.escape(room)
    queues = rf"rpc-{name}|rpc\.reply[-.]{name}[-.].*|evt\.{name}(\..*)?|fan\.{name}\..*"
    writes, reads = [queues, r"amq\.default", "nameko-rpc"], [queues, "nameko-rpc", r"motcua\.control"]
    if room in TELLS:
        writes.append(r"motcua\.events")
    if room in HEARS:
        reads.append(r"motcua\.events")
    if room in _BROADCASTS:
        writes.append(r"motcua\.control")
    return {"configure": f"^({queues})$", "write": f"^({'|'.join(writes)})$", "read": f"^({'|'.join(reads)})$"}


def room_topics(room: str) -> dict[str, dict[str, str]]:
    """Which routing keys a room may publish under (write) and bind with (read), by topic exchange.

    Requests and answers: it binds its own methods and reply queues only, so it hears nobody else's. It may send any
    key: whom a request comes from is proven by its signed token, and an answer goes where its request asked for; a
    refusal would close the channel and let a caller with an odd `reply_to` cut the room off. Events: its own names out,
    the keys that it listens to in. The broker matches a binding's key as it is written, wildcards and all.
    """
    name = re.escape(room)
    told = [re.escape(key).replace(r"\*", r"[^.]+") for key in TELLS.get(room, "").split()]
    heard = [re.escape(key) for key in HEARS.get(room, "").split()]
    return {
        "nameko-rpc": {"write": ".*", "read": rf"^({name}\..*|rpc\.reply-{name}-.*)$"},
        "motcua.events": {"write": _one_of(told), "read": _one_of(heard)},
    }


def _one_of(patterns: list[str]) -> str:
    return f"^({'|'.join(patterns)})$" if patterns else "^$"


def topic_permissions() -> list[dict[str, str]]:
    """The topic permissions of all rooms. A user without a row (the operator) may use every key."""
    return [
        {"user": room, "vhost": VHOST, "exchange": exchange, **keys}
        for room in ROOMS
        for exchange, keys in room_topics(room).items()
    ]


def permissions() -> list[dict[str, str]]:
    """Every permission on both virtual hosts; which routing keys go with them: `topic_permissions`."""
    everything = {"configure": ".*", "write": ".*", "read": ".*"}
    rows = [{"user": room, "vhost": VHOST, **room_permissions(room)} for room in ROOMS]
    rows.append({"user": "operator", "vhost": VHOST, **everything})
    # the partner's own virtual host: orders come to the partner, its messages go to the exchange that postal listens to
    rows.append({"user": "postal", "vhost": PARTNER_VHOST, **everything})
    rows.append({"user": "operator", "vhost": PARTNER_VHOST, **everything})
    partner = {"configure": "^$", "write": r"^partner\.events$", "read": r"^partner\.orders$"}
    rows.append({"user": "partner", "vhost": PARTNER_VHOST, **partner})
    return rows


def listeners() -> dict[str, list[str]]:
    """Each room that hears events, and the routing keys with which it does."""
    return {room: keys.split() for room, keys in HEARS.items()}


def event_bindings() -> list[tuple[str, str]]:
    """(queue, routing key) of every binding to the exchange of events."""
    return [(queues.event_queue(room), key) for room, keys in listeners().items() for key in keys]


def definitions(passwords: dict[str, str]) -> dict[str, Any]:
    """Virtual hosts, users, permissions, the exchanges that all rooms share and the queues of events with their
    bindings, as RabbitMQ imports them at start.

    A room declares its queues too; but a room that never ran would have none, and what the others tell it would be lost
    on the way: on the first start, and after the broker lost its data. A definition takes nothing away: bindings that
    are no longer in the table end by `deploy.local.bindings`.
    """

    def exchange(name: str, kind: str) -> dict[str, Any]:
        return {
            "name": name,
            "vhost": VHOST,
            "type": kind,
            "durable": True,
            "auto_delete": False,
            "internal": False,
            "arguments": {},
        }

    return {
        "vhosts": [{"name": VHOST}, {"name": PARTNER_VHOST}],
        "users": [
            {
                "name": user,
                "password_hash": password_hash(passwords[f"broker.{user}"]),
                "hashing_algorithm": "rabbit_password_hashing_sha256",
                "tags": ["administrator"] if user == "operator" else [],
                "limits": {},
            }
            for user in users()
        ],
        "permissions": permissions(),
        "topic_permissions": topic_permissions(),
        "exchanges": [
            exchange(queues.RPC_EXCHANGE, "topic"),
            exchange(queues.EVENTS_EXCHANGE, "topic"),
            exchange(queues.CONTROL_EXCHANGE, "fanout"),
        ],
        "queues": [
            {"name": name, "vhost": VHOST, "durable": True, "auto_delete": False, "arguments": arguments}
            for room in HEARS
            for name, arguments in queues.event_queue_declarations(room)
        ],
        "bindings": [
            {
                "source": queues.EVENTS_EXCHANGE,
                "vhost": VHOST,
                "destination": queue,
                "destination_type": "queue",
                "routing_key": key,
                "arguments": {},
            }
            for queue, key in event_bindings()
        ],
    }


def password_hash(password: str) -> str:
    """RabbitMQ's salted SHA-256: four bytes of salt before the digest, base64."""
    salt = secrets.token_bytes(4)
    return base64.b64encode(salt + hashlib.sha256(salt + password.encode()).digest()).decode()


def limits() -> list[str]:
    """Lines of rabbitmq.conf that hold for every broker that we start, as a process or as a container."""
    return [
        f"vm_memory_high_watermark.absolute = {_MEMORY}",
        f"disk_free_limit.absolute = {_DISK}",
        f"consumer_timeout = {_CONSUMER_TIMEOUT_MS}",
        "heartbeat = 30",
    ]


def _installed() -> Path:
    return Path(os.environ.get("MOTCUA_RABBITMQ_SERVER", str(_INSTALLED)))


def fetched() -> Path | None:
    """The folder of the distribution's packages, fetched where they are not there; None: RabbitMQ is installed."""
    if _installed().exists() and shutil.which("erl"):
        return None
    return unpacked("rabbitmq", ["rabbitmq-server"], "(?:erlang|rabbitmq)")


class Node:
    """Command lines and environment of our node and its epmd. Nothing is started here: the supervisor does that."""

    def __init__(self, state: State, ports: Ports, passwords: dict[str, str]) -> None:
        self.state, self.ports, self.passwords = state, ports, passwords
        self.unpacked = fetched()
        if self.unpacked is None:
            self.server = _installed()
            self.epmd = Path(shutil.which("epmd") or "epmd")
        else:
            self.server = self.unpacked / "usr/lib/rabbitmq/bin/rabbitmq-server"
            self._patch_erlang(self.unpacked / "usr/lib/erlang")
            self.epmd = next((self.unpacked / "usr/lib/erlang").glob("erts-*/bin/epmd"))

    @staticmethod
    def _patch_erlang(erlang: Path) -> None:
        """Debian writes Erlang's folder into its start script; ours is known only now (a checkout may move)."""
        for script in [erlang / "bin/erl", *erlang.glob("erts-*/bin/erl")]:
            text = script.read_text()
            right = re.sub(r"^(\s*)ROOTDIR=.*$", rf"\1ROOTDIR='{erlang}'", text, flags=re.MULTILINE)
            if right != text:
                write_atomically(script, right, 0o755)

    def configure(self) -> None:
        """Write the node's configuration and definitions; safe to repeat before each start."""
        folder = self.state.home / "broker"
        folder.mkdir(parents=True, exist_ok=True)
        write_json(folder / "definitions.json", definitions(self.passwords), 0o600)
        lines = [
            f"listeners.tcp.1 = 127.0.0.1:{self.ports['broker.amqp']}",
            f"load_definitions = {folder / 'definitions.json'}",
            *limits(),
            "log.console = true",
            "log.console.level = warning",
            "log.file = false",
        ]
        write_atomically(folder / "rabbitmq.conf", "\n".join(lines) + "\n")
        write_atomically(folder / "enabled_plugins", "[].\n")
        write_atomically(folder / "env.conf", "")
        write_atomically(self.state.home / ".erlang.cookie", self.passwords["broker.cookie"], 0o400)

    def env(self) -> dict[str, str]:
        folder, data = self.state.home / "broker", self.state.data / "broker"
        data.mkdir(parents=True, exist_ok=True)
        path = os.environ.get("PATH", "/usr/bin:/bin") + ":/usr/sbin:/sbin"
        env = {
            "PATH": path,
            "HOME": str(self.state.home),
            "LANG": "C.UTF-8",
            "TMPDIR": str(self.state.tmp),
            "ERL_EPMD_PORT": str(self.ports["broker.epmd"]),
            "ERL_EPMD_ADDRESS": "127.0.0.1",
            "ERL_CRASH_DUMP": str(self.state.logs / "erl_crash.dump"),
            "RABBITMQ_NODENAME": "motcua@localhost",
            "RABBITMQ_DIST_PORT": str(self.ports["broker.distribution"]),
            "RABBITMQ_MNESIA_BASE": str(data),
            "RABBITMQ_MNESIA_DIR": str(data / "node"),
            "RABBITMQ_LOG_BASE": str(self.state.logs),
            "RABBITMQ_LOGS": "-",
            "RABBITMQ_CONFIG_FILE": str(folder / "rabbitmq.conf"),
            "RABBITMQ_ADVANCED_CONFIG_FILE": str(folder / "advanced.config"),
            "RABBITMQ_CONF_ENV_FILE": str(folder / "env.conf"),
            "RABBITMQ_ENABLED_PLUGINS_FILE": str(folder / "enabled_plugins"),
            "RABBITMQ_FEATURE_FLAGS_FILE": str(data / "feature_flags"),
            "RABBITMQ_GENERATED_CONFIG_DIR": str(folder / "generated"),
            # no proxy shell between us and the node: our signals reach it
            "RUNNING_UNDER_SYSTEMD": "true",
            # two schedulers that sleep instead of spinning: the cores belong to the rooms
            "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS": "-kernel inet_dist_use_interface {127,0,0,1} "
            "+S 2:2 +sbwt none +sbwtdcpu none +sbwtdio none",
        }
        if self.unpacked:
            env["PATH"] = f"{self.unpacked}/usr/lib/erlang/bin:{path}"
            env["LD_LIBRARY_PATH"] = library_path(self.unpacked)
        return env

    def epmd_argv(self) -> list[str]:
        return [str(self.epmd), "-address", "127.0.0.1", "-port", str(self.ports["broker.epmd"])]

    def argv(self) -> list[str]:
        return [str(self.server)]


def accepts(port: int, host: str = "127.0.0.1") -> bool:
    """Whether a broker answers: connect, send the AMQP header, expect Connection.Start (class 10, method 10)."""
    try:
        with socket.create_connection((host, port), timeout=1) as connection:
            connection.sendall(b"AMQP\x00\x00\x09\x01")
            connection.settimeout(1)
            return connection.recv(11)[7:11] == b"\x00\x0a\x00\x0a"
    except OSError:
        return False


def listens(port: int) -> bool:
    """Whether something accepts connections on a local port."""
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=1):
            return True
    except OSError:
        return False


def prepare_external(url: str, passwords: dict[str, str]) -> str:
    """Load our definitions into a broker given by the address of its management interface; returns AMQP host:port.

    `url` is http(s)://admin:password@host:15672; AMQP is at the same host, port 5672, unless MOTCUA_BROKER_AMQP says
    host:port. Raises Trouble where the broker refuses.
    """
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise Trouble(
            "MOTCUA_BROKER_URL is not an HTTP address",
            "give the management interface: http://admin:password@host:15672",
        )
    if parts.username in users():
        raise Trouble(
            f"The broker's administrator is called {parts.username}, like one of the users that we make",
            "give another administrator in MOTCUA_BROKER_URL: ours would get a new password",
        )
    where = f"{parts.scheme}://{parts.hostname}:{parts.port or 15672}{parts.path.rstrip('/')}/api/definitions"
    login = base64.b64encode(f"{parts.username or ''}:{parts.password or ''}".encode()).decode()
    body = json.dumps(definitions(passwords)).encode()
    headers = {"Authorization": f"Basic {login}", "Content-Type": "application/json"}
    request = urllib.request.Request(where, data=body, method="POST", headers=headers)
    try:
        with urllib.request.urlopen(request, timeout=15):
            pass
    except (urllib.error.URLError, OSError) as error:
        raise Trouble(
            f"The broker at {parts.hostname} refused our users and virtual hosts: {error}",
            "check MOTCUA_BROKER_URL (an administrator's name and password, the management plugin switched on)",
        ) from error
    return os.environ.get("MOTCUA_BROKER_AMQP", f"{parts.hostname}:5672")
