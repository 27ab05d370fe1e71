"""Debian packages without root: downloaded with apt into our own folder and unpacked there, nothing installed.

apt runs with its state, cache and status file pointed under `.motcua/cache/apt`. The status file is a copy of the
machine's, less the families that we want whole: apt then names exactly what this machine lacks.
"""

from __future__ import annotations

import os
import pwd
import re
import shutil
import subprocess
from pathlib import Path

from deploy.local.paths import CACHE, PACKAGES, TMP, write_atomically
from deploy.local.processes import end_with_parent
from deploy.local.trouble import Trouble, say

APT = CACHE / "apt"
_LISTS_FRESH = APT / "updated"


def _options() -> list[str]:
    user = pwd.getpwuid(os.getuid()).pw_name
    settings = {
        "Dir::State": str(APT / "state"),
        "Dir::State::status": str(APT / "status"),
        "Dir::Cache": str(APT / "cache"),
        "Debug::NoLocking": "1",
        "APT::Sandbox::User": user,
        "APT::Install-Recommends": "0",
        "Acquire::Languages": "none",
        "Acquire::Retries": "3",
    }
    return [part for key, value in settings.items() for part in ("-o", f"{key}={value}")]


def _apt(arguments: list[str], cwd: Path | None = None) -> str:
    if not shutil.which("apt-get") or not shutil.which("dpkg"):
        raise Trouble(
            "This machine has no apt-get and dpkg, so RabbitMQ cannot be fetched",
            "use Debian 12 or Ubuntu 24.04, install rabbitmq-server, or give MOTCUA_BROKER_URL and MOTCUA_DATABASE_URL",
        )
    # LC_ALL: the lines are parsed; DEBIAN_FRONTEND: nothing may ask; TMPDIR: a killed apt leaves its files behind
    environment = {**os.environ, "LC_ALL": "C", "DEBIAN_FRONTEND": "noninteractive", "TMPDIR": str(TMP)}
    done = subprocess.run(
        ["apt-get", *_options(), *arguments],
        cwd=cwd,
        env=environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        preexec_fn=end_with_parent,
    )
    if done.returncode != 0:
        raise Trouble(
            f"apt-get {' '.join(arguments[:3])} failed:\n{(done.stderr or done.stdout).strip()[-1500:]}",
            "check that the package lists in /etc/apt are reachable from here, then run the same command again",
        )
    return done.stdout


def _write_status(without: str) -> None:
    """A copy of the machine's list of installed packages, less those whose name matches: they are unpacked whole."""
    source = Path("/var/lib/dpkg/status")
    paragraphs = source.read_text(errors="replace").split("\n\n") if source.exists() else []
    keep = [p for p in paragraphs if not re.match(rf"Package: (?:{without})", p.strip())]
    write_atomically(APT / "status", "\n\n".join(keep))


def _update_lists() -> None:
    if _LISTS_FRESH.exists():
        return
    say("reading the distribution's package lists (once)")
    for folder in ("state/lists/partial", "cache/archives/partial"):
        (APT / folder).mkdir(parents=True, exist_ok=True)
    _apt(["update", "-qq"])
    write_atomically(_LISTS_FRESH, "")


def _download(wanted: list[str], whole: str) -> list[Path]:
    _write_status(whole)
    _update_lists()
    for attempt in (1, 2):
        try:
            plan = _apt(["-s", "install", *wanted])
            missing = re.findall(r"^Inst (\S+) (?:\[\S+\] )?\((\S+)", plan, re.MULTILINE)
            archives = APT / "archives"
            archives.mkdir(parents=True, exist_ok=True)
            absent = [
                f"{name}={version}"
                for name, version in missing
                if not list(archives.glob(f"{name}_{version.replace(':', '%3a')}_*.deb"))
            ]
            if absent:
                _apt(["download", "-qq", *absent], cwd=archives)
            return [next(archives.glob(f"{name}_{version.replace(':', '%3a')}_*.deb")) for name, version in missing]
        except Trouble:
            # the lists kept from an earlier set-up may name versions that the archive has dropped since
            if attempt == 2:
                raise
            _LISTS_FRESH.unlink(missing_ok=True)
            _update_lists()
    raise AssertionError("not reached")


def unpacked(name: str, wanted: list[str], whole: str) -> Path:
    """The folder with the unpacked packages `wanted` and what they need and this machine lacks.

    `whole` is a regular expression of package names to be unpacked even where the machine has them. The folder appears
    by a rename, so a kill in the middle leaves nothing that looks finished.
    """
    target = PACKAGES / name
    if target.exists():
        return target
    say(f"fetching packages: {', '.join(wanted)} (once; it can take minutes)")
    archives = _download(wanted, whole)
    say(f"unpacking {len(archives)} packages")
    building = PACKAGES / f".{name}.new"
    shutil.rmtree(building, ignore_errors=True)
    building.mkdir(parents=True)
    for archive in archives:
        done = subprocess.run(["dpkg", "-x", str(archive), str(building)], capture_output=True, text=True)
        if done.returncode != 0:
            archive.unlink(missing_ok=True)
            raise Trouble(f"{archive.name} could not be unpacked: {done.stderr.strip()}", "run the same command again")
    os.rename(building, target)
    return target


def library_path(root: Path) -> str:
    """LD_LIBRARY_PATH for programs that need the libraries unpacked under `root`."""
    folders = [f for pattern in ("usr/lib/*-linux-gnu", "lib/*-linux-gnu") for f in root.glob(pattern) if f.is_dir()]
    return ":".join(str(f) for f in folders)
