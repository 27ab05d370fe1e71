"""docker-compose.yml and the image, without a Docker engine: held to the specification and to the process table."""

from __future__ import annotations

import base64
import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import threading

# by name: the package's attribute is a green copy once eventlet's server was loaded in this process
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import jsonschema
import pytest
import yaml

from deploy.images import healthy, prepare
from deploy.local import broker, containers, database
from deploy.local.observability import scrape_configuration
from deploy.local.paths import State
from deploy.local.table import DOMAIN_ROOMS, JOBS, ROOMS, SIMULATORS, Addresses, Ports, table
from services.postal.partner import queue_declarations
from tests.architecture.source import ROOT

COMPOSE = ROOT / "docker-compose.yml"
SCHEMA = ROOT / "tests/contract/specs/compose-spec.json"
DOCKERFILE = ROOT / "deploy/images/Dockerfile"
PROCESSES = (*ROOMS, *JOBS, *(f"{name}-simulator" for name in SIMULATORS))


@pytest.fixture(scope="module")
def compose() -> dict[str, Any]:
    return yaml.safe_load(COMPOSE.read_text())


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What the set-up step writes, made as it is in a container but for the user."""
    folder = tmp_path_factory.mktemp("compose")
    command = [sys.executable, "-m", "deploy.images.prepare", "--to", str(folder), "--rehearsal"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stdout + done.stderr
    return folder


def env_file(made: Path, name: str) -> dict[str, str]:
    lines = (made / "env" / f"{name}.env").read_text().splitlines()
    return dict(line.split("=", 1) for line in lines)


def mounted(compose: dict[str, Any], name: str) -> dict[str, str]:
    """Path in the container -> path in the set-up's folder, of every secret of a service."""
    found = {}
    for secret in compose["services"][name].get("secrets", []):
        row = {"source": secret, "target": f"/run/secrets/{secret}"} if isinstance(secret, str) else secret
        file = compose["secrets"][row["source"]]["file"]
        assert file.startswith(".motcua/compose/")
        found[row["target"]] = file.removeprefix(".motcua/compose/")
    return found


# --- the compose file


def test_it_fits_the_specification(compose):
    jsonschema.validate(compose, json.loads(SCHEMA.read_text()))


def test_the_schema_refuses_what_is_none(compose):
    broken = {**compose, "services": {**compose["services"], "intake": {"image": "motcua:local", "comand": []}}}
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(broken, json.loads(SCHEMA.read_text()))


def test_docker_compose_itself_reads_it():
    if not shutil.which("docker") or subprocess.run(["docker", "compose", "version"], capture_output=True).returncode:
        pytest.skip("the docker client here has no compose plugin")
    every = [part for profile in ("core", "observability", "simulators") for part in ("--profile", profile)]
    done = subprocess.run(["docker", "compose", *every, "config", "--quiet"], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_each_process_is_there_in_its_profile(compose):
    services = compose["services"]
    profiles: dict[str, set[str]] = {}
    for name, service in services.items():
        [profile] = service["profiles"]
        profiles.setdefault(profile, set()).add(name)
    assert profiles["core"] == {"broker", "database", "database-setup", *ROOMS, *JOBS}
    assert profiles["simulators"] == {f"{name}-simulator" for name in SIMULATORS}
    assert profiles["observability"] == {"prometheus", "grafana"}
    assert set(profiles) == {"core", "simulators", "observability", "setup", "tools"}
    for room in ROOMS:
        assert services[room]["command"] == [f"services.{room}"]
    for name, module in JOBS.items():
        assert services[name]["command"] == [module]
    for name, module in SIMULATORS.items():
        assert services[f"{name}-simulator"]["command"] == [module]


@pytest.mark.parametrize("name", [*PROCESSES, "operator"])
def test_a_process_sees_its_own_environment_and_nobody_elses(compose, made, name):
    service = compose["services"][name]
    assert service["env_file"] == [{"path": f".motcua/compose/env/{name}.env", "required": False}]
    assert "environment" not in service
    env, files = env_file(made, name), mounted(compose, name)
    # each secret that its settings name is mounted, and no other
    named = {value for value in env.values() if value.startswith("/run/motcua/secrets/")}
    assert set(files) == named
    for file in files.values():
        assert (made / file).is_file(), file
    # what it can read holds no password and no key of anybody else
    passwords = json.loads((made / "secrets/passwords.json").read_text())
    own = {"partner": {"broker.partner"}}.get(name.removesuffix("-simulator"), {f"broker.{name}", f"database.{name}"})
    own |= {"broker.postal"} if name == "postal" else set()
    seen = "\n".join([*env.values(), *((made / file).read_text() for file in files.values())])
    assert {key for key, value in passwords.items() if value in seen} == own & set(passwords)
    if name.endswith("-simulator") or name in JOBS:
        assert "MOTCUA_KEY" not in env and "MOTCUA_MONGO_URL" not in env


@pytest.mark.parametrize("name", PROCESSES)
def test_settings_are_those_of_one_machine_at_other_addresses(made, tmp_path, name):
    state = State(tmp_path)
    state.make()
    passwords = json.loads((made / "secrets/passwords.json").read_text())
    here = table(state, Ports(state), Addresses("127.0.0.1:1", "127.0.0.1:2"), passwords, True)
    [local] = [row.env for row in here if row.name == name]
    kept = {key for key in local if key.startswith("MOTCUA_")} - {"MOTCUA_FONTS"}
    env = env_file(made, name)
    assert set(env) == kept | {"MOTCUA_CLOCK_OFFSET"}
    for key, value in env.items():
        assert "127.0.0.1" not in value and str(ROOT) not in value and str(made) not in value, key
        assert "$" not in value and "#" not in value and "'" not in value, f"{key}: compose would change it"
        if key.startswith("MOTCUA_SEED"):
            assert (ROOT / value.removeprefix("/motcua/")).is_file()


def test_addresses_are_names_of_services(compose, made):
    for name in (*PROCESSES, "operator"):
        for key, value in env_file(made, name).items():
            host = urlsplit(value).hostname if "://" in value else None
            assert host is None or host in compose["services"] or key == "MOTCUA_PUBLIC_URL", f"{name}: {key}"


def test_only_doors_are_open(compose):
    services = compose["services"]
    published = {name: service["ports"] for name, service in services.items() if service.get("ports")}
    assert set(published) == {"gateway", "prometheus", "grafana"}
    for ports in published.values():
        assert all("127.0.0.1:" in port for port in ports)
    assert compose["networks"]["inside"]["internal"] is True
    outside = {name for name, service in services.items() if "outside" in service.get("networks", [])}
    # whoever asks an outside system over HTTP, and whoever has a door
    assert outside == {"fetcher", "identity", "notifier", "exchange", "payment", "gateway", "prometheus", "grafana"}


@pytest.mark.parametrize("name", [*PROCESSES, "operator", "database-setup"])
def test_a_process_may_do_little(compose, name):
    service = compose["services"][name]
    assert service["read_only"] is True and service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert "user" not in service and "privileged" not in service
    writable = {v.split(":")[0] for v in service.get("volumes", []) if not v.endswith(":ro")}
    allowed = {"simulators"} if name.endswith("-simulator") else {"ledger-heads"} if name == "oversight" else set()
    allowed |= {"./.motcua/compose/trust"} if name == "fetcher" else set()
    assert writable == allowed


def test_broker_and_database_are_as_on_one_machine(compose, tmp_path):
    services = compose["services"]
    assert services["broker"]["image"] == containers.BROKER_IMAGE
    assert services["database"]["image"] == containers.DATABASE_IMAGE
    script = services["database"]["entrypoint"][-1]
    state = State(tmp_path)
    state.make()
    mongod = database.Mongod(state, Ports(state)).argv()
    for flag in ("--replSet", "--wiredTigerCacheSizeGB", "--oplogSize"):
        assert f"{flag} {mongod[mongod.index(flag) + 1]}" in script
    for setting in [mongod[n + 1] for n, word in enumerate(mongod) if word == "--setParameter"]:
        assert f"--setParameter {setting}" in script
    assert "--keyFile" in script
    prepared = services["database-setup"]["entrypoint"][-1]
    assert prepared.split("<")[0].split()[-len(DOMAIN_ROOMS) :] == list(DOMAIN_ROOMS)
    assert all(line in prepare.broker_configuration() for line in broker.limits())


def test_prometheus_asks_every_room_at_its_container():
    shipped = yaml.safe_load((ROOT / "deploy/prometheus/prometheus.yml").read_text())
    targets = [(room, f"{room}:{prepare.HEALTH_PORT}") for room in (*ROOMS, *JOBS)]
    assert shipped == yaml.safe_load(scrape_configuration(targets, "/etc/prometheus/rules/*.yml", 15))


# --- what is made once


def test_definitions_are_those_of_one_machine(made):
    passwords = json.loads((made / "secrets/passwords.json").read_text())
    written = json.loads((made / "broker/definitions.json").read_text())
    expected = broker.definitions(passwords)
    for user, same in zip(written["users"], expected["users"], strict=True):
        salted = base64.b64decode(user.pop("password_hash"))
        same.pop("password_hash")
        secret = passwords[f"broker.{user['name']}"].encode()
        assert hashlib.sha256(salted[:4] + secret).digest() == salted[4:], user["name"]
    assert written == json.loads(json.dumps(expected))
    text = (made / "broker/definitions.json").read_text()
    assert [name for name, secret in passwords.items() if secret in text] == []
    assert queue_declarations()  # the partner's queues are postal's to declare


def test_made_again_it_keeps_every_secret(made):
    before = {path: path.read_bytes() for path in (made / "secrets").rglob("*") if path.is_file()}
    before |= {path: path.read_bytes() for path in (made / "env").iterdir()}
    prepare.prepare(made, True, "http://localhost:8080")
    assert {path: path.read_bytes() for path in before} == before


def test_secrets_are_closed_to_others(made):
    for path in [*(made / "secrets").rglob("*"), *(made / "env").iterdir()]:
        if path.is_file():
            assert path.stat().st_mode & 0o077 == 0, path.name


# --- the image


def instructions() -> list[tuple[str, str]]:
    text = re.sub(r"^\s*#.*\n", "", DOCKERFILE.read_text(), flags=re.MULTILINE).replace("\\\n", " ")
    return [(line.split()[0], line.split(maxsplit=1)[1]) for line in text.splitlines() if line.strip()]


def test_the_image_has_an_ordinary_user_and_locked_packages():
    rows = instructions()
    assert [word for word, _ in rows].count("FROM") == 2
    last = rows[max(n for n, (word, _) in enumerate(rows) if word == "FROM") :]
    assert [rest for word, rest in last if word == "USER"] == [f"{prepare.USER}:{prepare.USER}"]
    installs = [rest for word, rest in rows if word == "RUN" and "pip install" in rest]
    assert len(installs) == 1 and "--require-hashes" in installs[0] and "runtime.txt" in installs[0]
    assert not [rest for _, rest in last if "pip " in rest]
    assert [word for word, _ in last].count("HEALTHCHECK") == 1
    env = " ".join(rest for word, rest in last if word == "ENV")
    assert "MOTCUA_HEALTH_HOST=0.0.0.0" in env and "fonts-dejavu-core" in " ".join(rest for _, rest in last)


def test_what_is_copied_is_enough_for_every_process(tmp_path):
    """The COPY lines, made here: each module is found and loads from nothing but what they bring."""
    for word, rest in instructions():
        if word == "COPY" and not rest.startswith(("--from", "deploy/requirements")):
            source, target = rest.split()
            left_out = shutil.ignore_patterns("__pycache__", "*.pyc")
            shutil.copytree(ROOT / source, tmp_path / target, ignore=left_out)
    # a room's __main__ runs it, so that it is only looked for; what it runs is loaded
    rooms = [f"services.{room}.service" for room in DOMAIN_ROOMS] + ["services.gateway.program"]
    mains = [f"services.{room}.__main__" for room in ROOMS] + [f"{module}.__main__" for module in JOBS.values()]
    tools = [f"deploy.operate.{name}" for name in ("dead_letters", "ledger", "migrate", "clock", "trust")]
    tools += ["deploy.images.prepare", "deploy.images.healthy", "deploy.local.prepare_database"]
    tools += ["services.intake.worker", "services.payment.worker", "services.signing.worker"]
    tools += ["deploy.rehearsal.authority", "deploy.rehearsal.trust_folder", *SIMULATORS.values()]
    look = "assert importlib.util.find_spec(name), name"
    load = "importlib.import_module(name)"
    env = {"PATH": os.environ["PATH"], "MOTCUA_ROOM": "nobody"}
    for names, act in ((mains, look), (rooms, load), (tools, load)):
        code = f"import importlib, importlib.util\nfor name in {names!r}:\n    {act}"
        done = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, env=env, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr[-1500:]
    assert (tmp_path / "contracts").is_dir()


def test_the_context_holds_no_data_and_no_secrets():
    lines = [line for line in (ROOT / ".dockerignore").read_text().splitlines() if not line.startswith("#")]
    assert lines[0] == "*"
    assert {line[1:] for line in lines if line.startswith("!")} == {"services", "contracts", "deploy"}


@pytest.fixture
def room_port():
    """A door that answers /healthz/ready with the status in `answers`."""
    answers = {"status": 200}

    class Door(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(answers["status"] if self.path == "/healthz/ready" else 404)
            self.end_headers()

        def log_message(self, *_: Any) -> None:
            """Quiet."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Door)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield str(server.server_address[1]), answers
    server.shutdown()
    server.server_close()


def test_the_health_check_asks_for_readiness(room_port, monkeypatch):
    port, answers = room_port
    monkeypatch.setenv("MOTCUA_HEALTH_PORT", port)
    monkeypatch.setenv("MOTCUA_HTTP_PORT", port)
    monkeypatch.setenv("MOTCUA_ROOM", "intake")
    assert healthy.main() == 0
    answers["status"] = 503
    assert healthy.main() == 1
    # an outside system's own door is enough, if it is open
    monkeypatch.setenv("MOTCUA_ROOM", "sms-simulator")
    assert healthy.main() == 0
    monkeypatch.setenv("MOTCUA_HTTP_PORT", "1")
    assert healthy.main() == 1
