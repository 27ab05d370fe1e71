"""The process table: one row per process of the system, with its ports and exactly the environment that it may see.

A room gets its own broker user, its own database user and its own keys; a simulator plays an outside system and so gets
neither database nor keys of a room.
"""

from __future__ import annotations

import json
import os
import random
import socket
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import quote

from deploy.local.bootstrap import clean_environment, fonts
from deploy.local.paths import PKI, ROOT, VENV_PYTHON, State, read_json, write_json
from deploy.local.trouble import Trouble

DOMAIN_ROOMS = (
    "identity",
    "intake",
    "processing",
    "vault",
    "signing",
    "payment",
    "notifier",
    "oversight",
    "postal",
    "exchange",
)
ROOMS = (*DOMAIN_ROOMS, "gateway")

SIMULATORS = {
    "population": "services.identity.adapters.population_simulator",
    "sms": "services.notifier.adapters.sms_simulator",
    "national": "services.exchange.adapters.national_portal_simulator",
    "provider": "services.payment.adapters.provider_simulator",
    "partner": "services.postal.adapters.partner_simulator",
    "vneid": "services.identity.adapters.vneid_simulator",
    "authority": "services.signing.adapters.authority_simulator",
}
#: Programs that are neither a room nor an outside system: no broker, no database, no keys.
JOBS = {"fetcher": "services.signing.fetcher"}
REHEARSAL_START = "2024-03-11T09:00:00+07:00"
#: What a rehearsal says to identity and the provider's simulator, where the operator says nothing.
_REHEARSED = {"MOTCUA_VNEID_CLIENT_ID": "motcua", "MOTCUA_VNEID_FROM": "2024-03-01T00:00:00+07:00"}

# what the broker and the database ask beside the processes; order matters only for MOTCUA_PORT_BASE, new names go last
_INFRASTRUCTURE_PORTS = ("broker.amqp", "broker.distribution", "broker.epmd", "database", "prometheus")
#: Simulators that came after the infrastructure, so that the numbers of the others stay.
_LATER = ("vneid.", "authority.")
_BLOCK = 64
#: Where Debian's clamd listens. It starts only with a database of signatures.
_CLAMD = Path("/run/clamav/clamd.ctl")

# What a process gets of the environment in which the system was started, beside LC_* and PYTHON*. All else stays out:
# the caller's environment may hold tokens and passwords that are no business of ours.
_PASSED = frozenset({"PATH", "HOME", "LANG", "LANGUAGE", "TZ", "TMPDIR", "LD_LIBRARY_PATH"})

#: Settings of an operator that processes get as they were given: the one list of them. Where a process listens is the
#: gateway's own matter (GATEWAY_ONLY): what stands open for the world is its door alone.
HANDED_ON = (
    "MOTCUA_CORS_ORIGINS",
    "MOTCUA_EVENTS_DAYS",
    "MOTCUA_EVENT_PREFETCH",
    "MOTCUA_HEALTH_HOST",
    "MOTCUA_MAX_WORKERS",
    "MOTCUA_RATE_LIMIT",
    "MOTCUA_RETRY_SCHEDULE",
    "MOTCUA_TRUSTED_PROXIES",
    "MOTCUA_VNEID_CLIENT_ID",
    "MOTCUA_VNEID_FROM",
)
GATEWAY_ONLY = ("MOTCUA_HTTP_HOST",)
#: Addresses of outside systems; in a rehearsal they are those of the simulators.
OUTSIDE = (
    "MOTCUA_POPULATION_URL",
    "MOTCUA_SMS_URL",
    "MOTCUA_NATIONAL_URL",
    "MOTCUA_PROVIDER_URL",
    "MOTCUA_VNEID_URL",
)
#: Read here or by the command line itself.
READ_HERE = (
    "MOTCUA_BROKER_AMQP",
    "MOTCUA_BROKER_URL",
    "MOTCUA_DATABASE_URL",
    "MOTCUA_FONTS",
    "MOTCUA_LEDGER_HEADS",
    "MOTCUA_LOG_LEVEL",
    "MOTCUA_PORT_BASE",
    "MOTCUA_PROMETHEUS",
    "MOTCUA_PUBLIC_URL",
    "MOTCUA_REHEARSAL_START",
    "MOTCUA_SCANNER",
    "MOTCUA_STATE",
    "MOTCUA_TEST_STATE",
    "MOTCUA_TRUST",
    "MOTCUA_TRUST_KEYS",
)


class Ports:
    """Ports by name, chosen free once and remembered, so that addresses survive a restart.

    With MOTCUA_PORT_BASE they are numbered from there; otherwise a free block is drawn from below the range that the
    kernel gives to outgoing connections.
    """

    def __init__(self, state: State) -> None:
        self._file = state.ports
        known = read_json(self._file) or {}
        self._ports: dict[str, int] = {str(k): int(v) for k, v in known.items()}
        self._base = _given_base() or self._ports.get("base", 0)
        if self._base and self._ports.get("base") != self._base:
            self._ports = {}
        if not self._base:
            self._base = self._free_block()
        self._ports["base"] = self._base

    def __getitem__(self, name: str) -> int:
        if name not in self._ports:
            if name not in _names():
                raise KeyError(name)
            self._ports[name] = self._base + _names().index(name)
            write_json(self._file, self._ports)
        return self._ports[name]

    def forget_if_taken(self) -> bool:
        """After a sweep nobody of ours listens: a port that is taken then is a stranger's, so draw a new block."""
        taken = [p for name, p in self._ports.items() if name != "base" and not _free(p)]
        if not taken:
            return False
        if os.environ.get("MOTCUA_PORT_BASE"):
            raise Trouble(
                f"Port {taken[0]} is in use by another program", "choose another MOTCUA_PORT_BASE, or end that program"
            )
        self._base = self._free_block()
        self._ports = {"base": self._base}
        write_json(self._file, self._ports)
        return True

    @staticmethod
    def _free_block() -> int:
        for _ in range(200):
            base = random.randrange(20000, 32000, _BLOCK)
            if all(_free(base + offset) for offset in range(_BLOCK)):
                return base
        raise Trouble("No block of free ports was found", "give one yourself: MOTCUA_PORT_BASE=21000 ./motcua …")


def _given_base() -> int:
    """MOTCUA_PORT_BASE, 0 where it is not given. Raises Trouble: all 64 ports must be open to an ordinary user."""
    given = os.environ.get("MOTCUA_PORT_BASE", "")
    most = 65535 - (_BLOCK - 1)
    if not given:
        return 0
    if not (given.isascii() and given.isdigit() and 1024 <= int(given) <= most):
        raise Trouble(
            f"MOTCUA_PORT_BASE={given[:40]} is not the first of {_BLOCK} ports",
            f"give a whole number from 1024 to {most}, e.g. MOTCUA_PORT_BASE=21000",
        )
    return int(given)


def _free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
        return True


def _names() -> tuple[str, ...]:
    # the gateway's public port comes first: with MOTCUA_PORT_BASE=8400 the portal is at 8400
    rooms = [name for room in ROOMS for name in (f"{room}.health", f"{room}.http")]
    simulators = [name for simulator in SIMULATORS for name in (f"{simulator}.health", f"{simulator}.http")]
    later = [name for name in simulators if name.startswith(_LATER)]
    jobs = [f"{job}.health" for job in JOBS]
    first = [name for name in simulators if not name.startswith(_LATER)]
    return ("gateway.http", *(n for n in rooms if n != "gateway.http"), *first, *_INFRASTRUCTURE_PORTS, *later, *jobs)


@dataclass(frozen=True)
class Addresses:
    """Where broker and database are: our own, or those given by address."""

    broker: str  # host:port of AMQP
    database: str  # host:port[,host:port…]
    replica_set: str = "motcua"


@dataclass(frozen=True)
class Process:
    """One row of the table: a program, its environment and its ports."""

    name: str
    module: str
    env: dict[str, str]
    health_port: int
    http_port: int | None = None
    simulator: bool = False
    argv: list[str] = field(default_factory=list)


def amqp_url(addresses: Addresses, passwords: dict[str, str], user: str, vhost: str = "motcua") -> str:
    return f"amqp://{user}:{quote(passwords['broker.' + user], safe='')}@{addresses.broker}/{vhost}"


def mongo_url(addresses: Addresses, passwords: dict[str, str], user: str) -> str:
    """A room's user lives in the room's own database; the operator's in `admin`."""
    database = "admin" if user == "operator" else user
    secret = quote(passwords["database." + user], safe="")
    options = f"replicaSet={addresses.replica_set}&authSource={database}"
    return f"mongodb://{user}:{secret}@{addresses.database}/{database}?{options}"


def common_env(state: State, ports: Ports, rehearsal: bool) -> dict[str, str]:
    """What every process and every operator's command may know: addresses, public keys, no secrets."""
    env = {k: v for k, v in clean_environment().items() if k in _PASSED or k.startswith(("LC_", "PYTHON"))}
    env.update(
        TMPDIR=str(state.tmp),
        MOTCUA_STATE_DIR=str(state.top),
        MOTCUA_PUBLIC_KEYS=str(state.public_keys),
        MOTCUA_VAULT_URL=f"http://127.0.0.1:{ports['vault.http']}",
        MOTCUA_PUBLIC_URL=os.environ.get("MOTCUA_PUBLIC_URL", f"http://127.0.0.1:{ports['gateway.http']}"),
        **trust_env(state, rehearsal),
        MOTCUA_FONTS=str(fonts()),
        MOTCUA_REHEARSAL="1" if rehearsal else "0",
        MOTCUA_LOG_LEVEL=os.environ.get("MOTCUA_LOG_LEVEL", "INFO"),
    )
    env.update(_REHEARSED if rehearsal else {})
    env.update({name: os.environ[name] for name in HANDED_ON if os.environ.get(name)})
    for name in OUTSIDE:
        simulator = name.removeprefix("MOTCUA_").removesuffix("_URL").lower()
        env[name] = f"http://127.0.0.1:{ports[simulator + '.http']}" if rehearsal else os.environ.get(name, "")
    return env


def trust_env(state: State, rehearsal: bool) -> dict[str, str]:
    """The trust folder and who may sign its configuration.

    The test authority is for rehearsals: its keys, and those of the rehearsal's signers, lie in every checkout.
    """
    keys = PKI / "trust-keys"
    rehearsed = keys.read_text() if rehearsal and not os.environ.get("MOTCUA_TRUST") and keys.is_file() else ""
    own = state.rehearsal_trust if rehearsal else state.top / "trust"
    return {
        "MOTCUA_TRUST": os.environ.get("MOTCUA_TRUST") or str(own),
        "MOTCUA_TRUST_KEYS": os.environ.get("MOTCUA_TRUST_KEYS") or rehearsed,
    }


def operator_env(
    state: State, ports: Ports, addresses: Addresses, passwords: dict[str, str], rehearsal: bool
) -> dict[str, str]:
    """What an operator's command, the demo and the tests get: the operator's own users and key."""
    return {
        **common_env(state, ports, rehearsal),
        "MOTCUA_ROOM": "operator",
        "MOTCUA_AMQP_URL": amqp_url(addresses, passwords, "operator"),
        "MOTCUA_MONGO_URL": mongo_url(addresses, passwords, "operator"),
        "MOTCUA_MONGO_URL_ADMIN": mongo_url(addresses, passwords, "operator"),
        "MOTCUA_KEY": str(state.secrets / "keys" / "operator-1.pem"),
        "MOTCUA_HEALTH_PORT": "0",
        "MOTCUA_LEDGER_HEADS": str(state.ledger_heads),
        "MOTCUA_PROVIDER_SECRET": str(state.secrets / "provider.secret"),
        "MOTCUA_PKI": str(PKI),
    }


def table(
    state: State, ports: Ports, addresses: Addresses, passwords: dict[str, str], rehearsal: bool
) -> list[Process]:
    """Every process of the system, in the order in which `status` shows them."""
    common = common_env(state, ports, rehearsal)
    rows = [_room_row(room, common, state, ports, addresses, passwords, rehearsal) for room in ROOMS]
    rows += [_job_row(job, common, ports) for job in JOBS]
    if rehearsal:
        rows += [_simulator_row(name, common, state, ports, addresses, passwords) for name in SIMULATORS]
    return rows


def _room_row(
    room: str,
    common: dict[str, str],
    state: State,
    ports: Ports,
    addresses: Addresses,
    passwords: dict[str, str],
    rehearsal: bool,
) -> Process:
    env = {
        **common,
        "MOTCUA_ROOM": room,
        "MOTCUA_AMQP_URL": amqp_url(addresses, passwords, room),
        "MOTCUA_HEALTH_PORT": str(ports[f"{room}.health"]),
        "MOTCUA_KEY": str(state.secrets / "keys" / f"{room}-1.pem"),
        "MOTCUA_DATA_KEY": str(state.secrets / "data" / f"{room}.key"),
    }
    http_port = ports[f"{room}.http"] if room in ("gateway", "vault") else None
    if http_port:
        env["MOTCUA_HTTP_PORT"] = str(http_port)
    if room == "gateway":
        env.update({name: os.environ[name] for name in GATEWAY_ONLY if name in os.environ})
    else:
        env["MOTCUA_MONGO_URL"] = mongo_url(addresses, passwords, room)
    if room == "vault":
        env["MOTCUA_SCANNER"] = scanner()
    if room == "payment":
        env["MOTCUA_PROVIDER_SECRET"] = str(state.secrets / "provider.secret")
    if room == "identity":
        env["MOTCUA_VNEID_SECRET"] = str(state.secrets / "vneid.secret")
    if room == "oversight":
        env["MOTCUA_LEDGER_HEADS"] = str(state.ledger_heads)
    if room == "postal":
        env["MOTCUA_PARTNER_AMQP_URL"] = amqp_url(addresses, passwords, "postal", "partner")
    seed = _seed(room)
    if rehearsal and seed:
        env["MOTCUA_SEED"] = str(seed)
    module = f"services.{room}"
    return Process(room, module, env, ports[f"{room}.health"], http_port, argv=[str(VENV_PYTHON), "-m", module])


def scanner() -> str:
    """The malware scanner: the one that the operator names, else the distribution's own daemon where it runs here."""
    named = os.environ.get("MOTCUA_SCANNER")
    if named is not None:
        return named
    return f"unix:{_CLAMD}" if _CLAMD.is_socket() else ""


def _job_row(name: str, common: dict[str, str], ports: Ports) -> Process:
    health = ports[f"{name}.health"]
    env = {**common, "MOTCUA_ROOM": name, "MOTCUA_HEALTH_PORT": str(health)}
    return Process(name, JOBS[name], env, health, argv=[str(VENV_PYTHON), "-m", JOBS[name]])


def _simulator_row(
    name: str, common: dict[str, str], state: State, ports: Ports, addresses: Addresses, passwords: dict[str, str]
) -> Process:
    env = {
        **common,
        "MOTCUA_ROOM": f"{name}-simulator",
        "MOTCUA_HEALTH_PORT": str(ports[f"{name}.health"]),
        "MOTCUA_HTTP_PORT": str(ports[f"{name}.http"]),
    }
    if name == "provider":
        env["MOTCUA_PROVIDER_SECRET"] = str(state.secrets / "provider.secret")
    if name == "partner":
        url = amqp_url(addresses, passwords, "partner", "partner")
        env.update(MOTCUA_PARTNER_AMQP_URL=url, MOTCUA_AMQP_URL=url)
    if name == "authority":
        env["MOTCUA_PKI"] = str(PKI)
    if name == "vneid":
        env["MOTCUA_VNEID_SECRET"] = str(state.secrets / "vneid.secret")
    # the e-ID accounts are those of the people whom the population database knows
    seed = _seed("population-simulator" if name == "vneid" else f"{name}-simulator")
    if seed:
        env["MOTCUA_SEED"] = str(seed)
    module = SIMULATORS[name]
    argv = [str(VENV_PYTHON), "-m", module]
    return Process(
        f"{name}-simulator", module, env, ports[f"{name}.health"], ports[f"{name}.http"], simulator=True, argv=argv
    )


def _seed(name: str) -> Path | None:
    for candidate in (name, name.replace("-", "_")):
        file = ROOT / "deploy/rehearsal/seeds" / f"{candidate}.json"
        if file.exists():
            return file
    return None


def describe(state: State) -> dict[str, object]:
    """What was chosen for this system at its last start: rehearsal, addresses. Empty where it never started."""
    return dict(json.loads(state.system.read_text())) if state.system.exists() else {}
