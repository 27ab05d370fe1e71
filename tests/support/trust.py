"""Trust folders for tests: one root under a manifest that the rehearsal's two signers have signed."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from deploy.local.paths import PKI, TRUST
from deploy.local.system import System
from deploy.operate import trust as command
from deploy.rehearsal import trust_folder


def signed_folder(folder: Path) -> str:
    """Makes the folder; what MOTCUA_TRUST_KEYS says of its signers."""
    template = folder.with_name("template")
    (template / "anchors" / "public").mkdir(parents=True)
    shutil.copy(next((TRUST / "anchors" / "public").iterdir()), template / "anchors" / "public" / "root.pem")
    trust_folder.build(PKI, template, folder, "https://ca.example.vn", 1)
    return (PKI / "trust-keys").read_text()


def change(system: System, *lines: list[str], signers: tuple[str, ...] = trust_folder.SIGNERS) -> list[int]:
    """Changes who is trusted in a running rehearsal, as `./motcua trust` does; the statuses of the commands."""
    signed = [["sign", "--key", str(PKI / "trust-signers" / f"{name}.pem")] for name in signers]
    with _settings(system):
        return [command.main(line) for line in (*lines, *signed)]


@contextmanager
def _settings(system: System) -> Iterator[None]:
    env = system.process("fetcher").env
    before = {name: os.environ.get(name) for name in ("MOTCUA_TRUST", "MOTCUA_TRUST_KEYS")}
    try:
        os.environ.update({name: env[name] for name in before})
        yield
    finally:
        for name, value in before.items():
            os.environ.pop(name)
            if value is not None:
                os.environ[name] = value
