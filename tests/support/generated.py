"""A client that a kept generator (openapi-python-client) makes of the OpenAPI document, once for each document."""

from __future__ import annotations

import fcntl
import hashlib
import shutil
import subprocess
from pathlib import Path

from deploy.local.paths import SHARED, VENV
from services.gateway.config import CONTRACTS

PACKAGE = "motcua_client"


def client_package() -> Path:
    """The folder to import `motcua_client` from. Fails where the generator does."""
    document = CONTRACTS / "openapi.json"
    target = SHARED / "generated" / hashlib.sha256(document.read_bytes()).hexdigest()[:12]
    target.parent.mkdir(parents=True, exist_ok=True)
    with open(target.with_suffix(".lock"), "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (target / "made").exists():
            shutil.rmtree(target, ignore_errors=True)
            target.mkdir()
            generator = [str(VENV / "bin" / "openapi-python-client"), "generate", "--meta", "none"]
            where = ["--path", str(document), "--output-path", str(target / PACKAGE)]
            done = subprocess.run([*generator, *where], cwd=target, capture_output=True, text=True)
            assert done.returncode == 0, (done.stdout + done.stderr)[-3000:]
            (target / "made").touch()
    return target
