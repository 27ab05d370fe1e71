"""docker-compose.yml without Docker: each container becomes a network namespace with a root of its own.

That takes root, iproute2 and util-linux. What is like a container: its own address and name, ports 8080 and 9100, the
environment file and the image's ENV, exactly the mounted secrets and folders, user 10001 without capabilities, and no
file of this checkout but what the image copies. What is not: the base image, the images of broker and database (this
machine's programs run with the same settings), limits of memory.
"""

from __future__ import annotations

import itertools
import json
import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import yaml

from deploy.images import prepare
from deploy.local import broker, database
from deploy.local.bootstrap import fonts
from deploy.local.paths import ROOT, VENV, State
from deploy.local.table import Ports

_TOOLS = ("ip", "unshare", "setpriv", "chroot")
_FONTS = "/usr/share/fonts/truetype/dejavu"
_STORES = ("broker", "database")


def impossible() -> str:
    """Why namespaces cannot be made here, or nothing."""
    if os.geteuid() != 0:
        return "it needs root"
    missing = [tool for tool in _TOOLS if shutil.which(tool) is None]
    if missing:
        return f"there is no {', '.join(missing)}"
    probe = "motcua-probe"
    made = subprocess.run(["ip", "netns", "add", probe], capture_output=True)
    subprocess.run(["ip", "netns", "del", probe], capture_output=True)
    return "" if made.returncode == 0 else "this machine lets nobody make network namespaces"


class Boxes:
    """All services of the profiles core and simulators. `folder` must lie outside of the checkout."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.made = folder / "compose"
        self.compose: dict[str, Any] = yaml.safe_load((ROOT / "docker-compose.yml").read_text())
        self.processes = [
            name
            for name, service in self.compose["services"].items()
            if service["image"] == "motcua:local" and service["profiles"][0] in ("core", "simulators")
            and name != "database-setup"
        ]  # fmt: skip
        self._numbers = itertools.count(1)
        self._mark = f"mc{os.getpid() % 10000}"
        names = [*_STORES, *self.processes, "client"]
        self._address = {name: f"10.77.0.{number}" for number, name in enumerate(names, 1)}
        self._children: dict[str, subprocess.Popen[bytes]] = {}

    # -- life

    def start(self) -> None:
        """Everything is made, started and healthy, in the order that `depends_on` says."""
        prepare.prepare(self.made, True, "http://gateway:8080")
        self._copy_image()
        self._network()
        self._start_stores()
        setup = self.compose["services"]["database-setup"]
        done = self.run("database-setup", setup["entrypoint"], within="database")
        assert done.returncode == 0, done.stdout.decode()
        for name in self.processes:
            self._spawn(name, self._script(name, ["python", "-m", *self.compose["services"][name]["command"]]), name)
        waiting, limit = set(self.processes), time.monotonic() + 120
        while waiting:
            waiting -= {name for name in waiting if self.healthy(name)}
            late = {name: self.log(name)[-1500:] for name in waiting if self._children[name].poll() is not None}
            assert time.monotonic() < limit and not late, late or waiting

    def stop(self) -> dict[str, int]:
        """Ends processes, then stores; returns the exit status of each process that ran."""
        for names in (self.processes, ["database", "broker"], ["epmd"]):
            running = {name: self._children[name] for name in names if name in self._children}
            for child in running.values():
                child.send_signal(signal.SIGTERM)
            for child in running.values():
                try:
                    child.wait(30)
                except subprocess.TimeoutExpired:
                    child.kill()
        for name in ("hub", *self._address):
            pids = subprocess.run(["ip", "netns", "pids", self._space(name)], capture_output=True, text=True).stdout
            for pid in pids.split():
                os.kill(int(pid), signal.SIGKILL)
            subprocess.run(["ip", "netns", "del", self._space(name)], capture_output=True)
        return {name: self._children[name].wait() for name in self.processes if name in self._children}

    # -- what a test asks

    def healthy(self, name: str) -> bool:
        """The image's own health check, in the container."""
        return self.run(name, ["python", "-m", "deploy.images.healthy"]).returncode == 0

    def run(self, name: str, argv: list[str], within: str = "") -> subprocess.CompletedProcess[bytes]:
        """Run a command as service `name` (in the network of another one) to its end."""
        script = self._script(name, argv)
        command = self._enter(within or name, script)
        return subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=120)

    def client(self, argv: list[str], env: dict[str, str]) -> subprocess.CompletedProcess[str]:
        """Run a program of this checkout where it reaches every container by its name, as somebody outside."""
        lines = [*self._hosts("/etc/hosts"), f"cd {ROOT}", f"exec env {_pairs(env)} {shlex.join(argv)}"]
        command = self._enter("client", self._write("client", lines))
        return subprocess.run(command, capture_output=True, text=True, timeout=300)

    def log(self, name: str) -> str:
        return (self.folder / f"{name}.log").read_text(errors="replace")

    # -- how it is made

    def _space(self, name: str) -> str:
        return f"{self._mark}-{name}"

    def _network(self) -> None:
        """A bridge in a namespace of its own, and a line to each container: this machine's network is untouched."""
        hub = self._space("hub")
        lines = [f"ip netns add {hub}", f"ip -n {hub} link add br0 type bridge", f"ip -n {hub} link set br0 up"]
        for number, (name, address) in enumerate(self._address.items()):
            space = self._space(name)
            lines += [
                f"ip netns add {space}",
                f"ip -n {hub} link add v{number} type veth peer name eth0 netns {space}",
                f"ip -n {hub} link set v{number} master br0 up",
                f"ip -n {space} addr add {address}/24 dev eth0",
                f"ip -n {space} link set eth0 up",
                f"ip -n {space} link set lo up",
            ]
        subprocess.run(["bash", "-e", self._write("network", lines)], check=True, capture_output=True)

    def _hosts(self, target: str) -> list[str]:
        file = self.folder / "hosts"
        rows = ["127.0.0.1 localhost", *(f"{address} {name}" for name, address in self._address.items())]
        file.write_text("\n".join(rows) + "\n")
        return ["set -e", "mount --make-rprivate /", f"mount --bind {file} {target}"]

    def _copy_image(self) -> None:
        """The image's files: what the COPY lines bring, and the environment that is installed here."""
        text = (ROOT / "deploy/images/Dockerfile").read_text().replace("\\\n", " ")
        for source, target in re.findall(r"^COPY ([a-z]+) ([a-z]+)$", text, re.MULTILINE):
            shutil.copytree(ROOT / source, self.folder / "image" / target, ignore=shutil.ignore_patterns("__pycache__"))
        (self.folder / "image/.motcua/venv").mkdir(parents=True)
        [settings] = re.findall(r"^ENV (.*)$", text, re.MULTILINE)
        self._image_env = dict(part.split("=", 1) for part in settings.split())

    def _script(self, name: str, argv: list[str]) -> str:
        """The file that makes the container's root, mounts what the compose file says, and becomes the command."""
        service, root = self.compose["services"][name], self.folder / "root" / name
        root.mkdir(parents=True, exist_ok=True)
        lines = ["set -e", "mount --make-rprivate /", f"mount -t tmpfs -o mode=755 tmpfs {root}"]
        for entry in [Path("/", name) for name in ("bin", "sbin", "lib", "lib64")]:
            if entry.is_symlink():
                lines.append(f"ln -s {os.readlink(entry)} {root}{entry}")
            elif entry.exists():
                lines.append(_bind(entry, f"{root}{entry}"))
        lines += [_bind(f"/{entry}", f"{root}/{entry}") for entry in ("usr", "etc", "proc", "dev")]
        lines += [_bind(self.folder / "image", f"{root}/motcua"), _bind(VENV, f"{root}/motcua/.motcua/venv")]
        if not sys.base_prefix.startswith("/usr"):
            lines.append(_bind(sys.base_prefix, f"{root}{sys.base_prefix}"))
        if not Path(_FONTS).exists():
            lines.append(f"mount -t tmpfs tmpfs {root}/usr/share/fonts && {_bind(fonts(), root / _FONTS[1:])}")
        lines.append(f"mount --bind {self.folder / 'hosts'} {root}/etc/hosts")
        lines.append(f"mkdir -p {root}/run/motcua/data {root}/tmp && chmod 1777 {root}/tmp")
        lines.append(f"chown -R {prepare.USER}:{prepare.USER} {root}/run/motcua")
        for source, target in self._mounts(service):
            if source.is_dir():
                lines.append(_bind(source, f"{root}{target}"))
            else:
                lines.append(f"mkdir -p {Path(f'{root}{target}').parent} && touch {root}{target}")
                lines.append(f"mount --bind {source} {root}{target}")
        env = {**self._image_env}
        for row in service.get("env_file", []):
            text = (self.made / row["path"].removeprefix(".motcua/compose/")).read_text()
            env |= dict(line.split("=", 1) for line in text.splitlines())
        drop = f"--reuid {prepare.USER} --regid {prepare.USER} --clear-groups --bounding-set=-all --inh-caps=-all"
        inner = f"cd /motcua && exec env -i {_pairs(env)} setpriv {drop} --no-new-privs {shlex.join(argv)}"
        lines.append(f"exec chroot {root} /bin/bash -c {shlex.quote(inner)}")
        return self._write(name, lines)

    def _mounts(self, service: dict[str, Any]) -> list[tuple[Path, str]]:
        found = []
        for secret in service.get("secrets", []):
            row = {"source": secret, "target": f"/run/secrets/{secret}"} if isinstance(secret, str) else secret
            file = self.compose["secrets"][row["source"]]["file"]
            found.append((self.made / file.removeprefix(".motcua/compose/"), row["target"]))
        for volume in service.get("volumes", []):
            source, target = volume.split(":")[:2]
            if source.startswith("./.motcua/compose/"):
                found.append((self.made / source.removeprefix("./.motcua/compose/"), target))
                continue
            kept = self.folder / "volumes" / source
            kept.mkdir(parents=True, exist_ok=True)
            os.chown(kept, prepare.USER, prepare.USER)
            found.append((kept, target))
        return found

    def _start_stores(self) -> None:
        """This machine's broker and mongod, with the containers' configuration, definitions and flags."""
        state = State(self.folder / "stores")
        state.make()
        ports = Ports(state)
        node = broker.Node(state, ports, json.loads((self.made / "secrets/passwords.json").read_text()))
        node.configure()
        configuration = (self.made / "broker/rabbitmq.conf").read_text()
        file = Path(node.env()["RABBITMQ_CONFIG_FILE"])
        file.write_text(configuration.replace("/etc/motcua", str(self.made / "broker")))
        self._spawn("epmd", self._plain("epmd", node.epmd_argv(), node.env()), "broker")
        self._spawn("broker", self._plain("broker", node.argv(), node.env()), "broker")
        mongod = database.Mongod(state, ports)
        (state.data / "database").mkdir()
        keyfile = self.folder / "keyfile"
        shutil.copy(self.made / "secrets/database.keyfile", keyfile)
        os.chown(keyfile, 0, 0)
        flags = self.compose["services"]["database"]["entrypoint"][-1].partition("docker-entrypoint.sh mongod ")[2]
        argv = [str(mongod.program), *flags.replace("/tmp/keyfile", str(keyfile)).split()]
        argv += ["--dbpath", str(state.data / "database"), "--nounixsocket"]
        self._spawn("database", self._plain("database", argv, mongod.env()), "database")
        for name, port in (("broker", 5672), ("database", 27017)):
            limit = time.monotonic() + 60
            probe = f"import socket; socket.create_connection(({name!r}, {port}), 1)"
            while self.client([sys.executable, "-c", probe], {}).returncode != 0:
                assert time.monotonic() < limit and self._children[name].poll() is None, self.log(name)[-1500:]
                time.sleep(0.2)

    def _plain(self, name: str, argv: list[str], env: dict[str, str]) -> str:
        lines = [*self._hosts("/etc/hosts"), f"exec env -i {_pairs(env)} {shlex.join(argv)}"]
        return self._write(name, lines)

    def _write(self, name: str, lines: list[str]) -> str:
        # a name of its own each time: bash reads a script as it goes
        file = self.folder / f"{name}-{next(self._numbers)}.sh"
        file.write_text("\n".join(lines) + "\n")
        return str(file)

    def _enter(self, name: str, script: str) -> list[str]:
        return ["ip", "netns", "exec", self._space(name), "unshare", "--mount", "bash", script]

    def _spawn(self, name: str, script: str, within: str) -> None:
        with open(self.folder / f"{name}.log", "ab") as out:
            self._children[name] = subprocess.Popen(
                self._enter(within, script), stdin=subprocess.DEVNULL, stdout=out, stderr=out
            )


def _bind(source: Any, target: Any) -> str:
    return f"mkdir -p {target} && mount --rbind {source} {target}"


def _pairs(env: dict[str, str]) -> str:
    return " ".join(shlex.quote(f"{key}={value}") for key, value in env.items())
