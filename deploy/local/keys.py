"""Secrets of one system, made once and kept 0600: passwords, signing keys, data keys, the secrets shared with
the payment provider and with VNeID."""

from __future__ import annotations

import base64
import os
import secrets
import subprocess
from collections.abc import Callable
from pathlib import Path

from deploy.local.bootstrap import clean_environment
from deploy.local.paths import ROOT, VENV_PYTHON, State, read_json, write_atomically, write_json
from deploy.local.table import DOMAIN_ROOMS, ROOMS
from deploy.local.trouble import Trouble

KEY_OWNERS = (*ROOMS, "operator")


def ensure(state: State) -> dict[str, str]:
    """Make whatever secret is missing; returns the passwords (`broker.<user>`, `database.<user>`, `broker.cookie`)."""
    passwords = _passwords(state)
    for room in ROOMS:
        _once(state.secrets / "data" / f"{room}.key", lambda: base64.b64encode(os.urandom(32)) + b"\n")
    _once(state.secrets / "provider.secret", lambda: secrets.token_hex(32).encode() + b"\n")
    _once(state.secrets / "vneid.secret", lambda: secrets.token_hex(32).encode() + b"\n")
    # mongod takes base64 letters only, and refuses a file that others may read
    _once(state.secrets / "database.keyfile", lambda: base64.b64encode(os.urandom(96)) + b"\n", 0o400)
    _signing_keys(state)
    return passwords


def _once(target: Path, make: Callable[[], bytes], mode: int = 0o600) -> None:
    if not target.exists():
        write_atomically(target, make(), mode)


def _passwords(state: State) -> dict[str, str]:
    file = state.secrets / "passwords.json"
    known: dict[str, str] = read_json(file) or {}
    wanted = [f"broker.{user}" for user in (*ROOMS, "partner", "operator", "cookie")]
    wanted += [f"database.{user}" for user in (*DOMAIN_ROOMS, "operator")]
    missing = {name: secrets.token_urlsafe(24) for name in wanted if name not in known}
    if missing:
        known |= missing
        write_json(file, known, 0o600)
    return known


def _signing_keys(state: State) -> None:
    folder = state.secrets / "keys"
    missing = [
        owner
        for owner in KEY_OWNERS
        if not (folder / f"{owner}-1.pem").exists() or not (state.public_keys / f"{owner}-1.pem").exists()
    ]
    if not missing:
        return
    folder.mkdir(exist_ok=True)
    command = [str(VENV_PYTHON), "-m", "deploy.local.make_keys", str(folder), str(state.public_keys), *missing]
    done = subprocess.run(command, cwd=ROOT, env=clean_environment(), capture_output=True, text=True)
    if done.returncode != 0:
        raise Trouble(f"The signing keys could not be made: {done.stderr.strip()[-500:]}", "run the same command again")
