"""Makes once what the containers of docker-compose.yml need: keys, passwords, the broker's definitions, one environment
file per process. Safe to repeat: what is there is kept, the rest is written again.

  docker compose --profile setup run --rm setup [--rehearsal]

Who may do what is decided where it is for a system on one machine: users and rights in `deploy/local/broker.py` and
`prepare_database.py`, the environment of each process in `deploy/local/table.py`. Here only addresses and paths change.
"""

from __future__ import annotations

import argparse
import os
import secrets
import subprocess
import sys
from pathlib import Path

from deploy.local import broker, keys
from deploy.local.memory import clock_offset
from deploy.local.paths import ROOT, State, write_atomically, write_json
from deploy.local.table import DOMAIN_ROOMS, SIMULATORS, Addresses, Ports, operator_env, table
from deploy.local.trouble import Trouble, complain

#: Where the parts lie inside of a container; docker-compose.yml mounts them there.
INSIDE = State(Path("/run/motcua"))
PROGRAM = Path("/motcua")
HEALTH_PORT, HTTP_PORT = 9100, 8080
ADDRESSES = Addresses("broker:5672", "database:27017")
USER, GRAFANA_USER = 10001, 472
#: Settings of a system on one machine that the image has already, or that no container needs.
_DROPPED = {"MOTCUA_FONTS", "MOTCUA_PKI"}


class _Ports(Ports):
    """The same two ports in every container."""

    def __init__(self) -> None:
        """Nothing is drawn and nothing remembered."""

    def __getitem__(self, name: str) -> int:
        return HEALTH_PORT if name.endswith(".health") else HTTP_PORT


def environments(
    passwords: dict[str, str], rehearsal: bool, public_url: str, offset: float, trust_keys: str
) -> dict[str, dict[str, str]]:
    """The settings of every process by its name, and of `operator`: what `table` gives, other addresses."""
    ports = _Ports()
    rows = {row.name: row.env for row in table(INSIDE, ports, ADDRESSES, passwords, rehearsal)}
    rows["operator"] = operator_env(INSIDE, ports, ADDRESSES, passwords, rehearsal)
    outside = {f"MOTCUA_{name.upper()}_URL": f"http://{name}-simulator:{HTTP_PORT}" for name in SIMULATORS}
    made = {}
    for name, env in rows.items():
        own = {key: value for key, value in env.items() if key.startswith("MOTCUA_") and key not in _DROPPED}
        own |= {key: url for key, url in outside.items() if rehearsal and key in own}
        own |= {
            "MOTCUA_VAULT_URL": f"http://vault:{HTTP_PORT}",
            "MOTCUA_TRUST": str(INSIDE.top / "trust"),
            "MOTCUA_TRUST_KEYS": trust_keys,
            # the provider's simulator calls back; what is public is not reachable from inside
            "MOTCUA_PUBLIC_URL": f"http://gateway:{HTTP_PORT}" if name == "provider-simulator" else public_url,
        }
        if name == "authority-simulator":
            own["MOTCUA_PKI"] = str(INSIDE.top / "pki")
        if rehearsal:
            own["MOTCUA_CLOCK_OFFSET"] = str(offset)
        if "MOTCUA_SEED" in own:
            own["MOTCUA_SEED"] = str(PROGRAM / Path(own["MOTCUA_SEED"]).relative_to(ROOT))
        made[name] = own
    return made


def broker_configuration() -> str:
    """rabbitmq.conf of the container; its definitions lie beside it."""
    lines = ["listeners.tcp.default = 5672", "load_definitions = /etc/motcua/definitions.json", *broker.limits()]
    return "\n".join([*lines, "log.console = true", "log.console.level = warning"]) + "\n"


def prepare(to: Path, rehearsal: bool, public_url: str) -> None:
    """Write everything under `to`. Raises Trouble."""
    state = State(to)
    state.make()
    passwords = keys.ensure(state)
    offset = clock_offset(state) if rehearsal else 0.0
    trust_keys = _authority(to) if rehearsal else os.environ.get("MOTCUA_TRUST_KEYS", "")
    for name, env in environments(passwords, rehearsal, public_url, offset, trust_keys).items():
        text = "".join(f"{key}={value}\n" for key, value in sorted(env.items()))
        write_atomically(to / "env" / f"{name}.env", text, 0o600)
    wanted = {name: passwords[f"database.{name}"] for name in (*DOMAIN_ROOMS, "operator")}
    write_json(state.secrets / "database-passwords.json", wanted, 0o600)
    grafana = state.secrets / "grafana-admin.password"
    if not grafana.exists():
        write_atomically(grafana, secrets.token_urlsafe(24), 0o600)
    # hashes of long random passwords: whoever runs the broker's image may read them
    write_json(to / "broker" / "definitions.json", broker.definitions(passwords), 0o644)
    write_atomically(to / "broker" / "rabbitmq.conf", broker_configuration())
    (to / "trust").mkdir(exist_ok=True)
    if os.geteuid() == 0:
        _hand_over(to)


def _authority(to: Path) -> str:
    """The rehearsal's own certificate authority, its trust folder and who signs it: MOTCUA_TRUST_KEYS.

    A real system gets its trust anchors from whoever runs it.
    """
    pki, template, trust = to / "pki", to / "trust-template", to / "trust"
    if not (trust / "manifest.json").exists():
        _run("deploy.rehearsal.authority", "build", "--out", str(pki), "--trust", str(template))
        address = f"http://authority-simulator:{HTTP_PORT}"
        _run("deploy.rehearsal.trust_folder", "--pki", str(pki), "--from", str(template), "--to", str(trust),
             "--authority", address)  # fmt: skip
    return (pki / "trust-keys").read_text()


def _run(module: str, *arguments: str) -> None:
    done = subprocess.run([sys.executable, "-m", module, *arguments], cwd=ROOT, capture_output=True, text=True)
    if done.returncode != 0:
        raise Trouble(f"The test authority could not be made: {done.stderr.strip()[-500:]}", "run the same again")


def _hand_over(to: Path) -> None:
    """Secrets belong to the user of the containers, environment files to whoever the folder belongs to."""
    owner = to.stat()
    for path in to.rglob("*"):
        if path.is_relative_to(to / "env"):
            os.chown(path, owner.st_uid, owner.st_gid)
        elif path.name == "grafana-admin.password":
            os.chown(path, GRAFANA_USER, 0)
        else:
            os.chown(path, USER, USER)


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="deploy.images.prepare", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--to", type=Path, default=Path("/setup"))
    parser.add_argument("--rehearsal", action="store_true", help="movable clock, simulators, test authority")
    parser.add_argument("--public-url", default=os.environ.get("MOTCUA_PUBLIC_URL") or "http://localhost:8080")
    given = parser.parse_args(arguments)
    try:
        prepare(given.to.resolve(), given.rehearsal, given.public_url)
    except Trouble as trouble:
        complain(str(trouble))
        return 1
    print(f"ready: {given.to}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
