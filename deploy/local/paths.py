"""Where everything lies. What every system on this checkout shares is under `.motcua/`; what one system owns is under
its state directory (`.motcua/state/main` unless said otherwise), so that several systems can run beside each other.

.motcua/
  venv/  packages/  fonts/  cache/  pki/  trust/  tmp/      shared: environment, unpacked packages, test authority
  state/<name>/
    ports.json  system.json  made_by                        chosen once, remembered
    settings.env                                            MOTCUA_… settings that an operator wrote down
    secrets/                                                0600: passwords, keys, cookies
    public-keys/<kid>.pem                                   public halves, readable by all rooms
    data/{broker,database}  ledger-heads/                   what must survive a restart
    trust/  rehearsal-trust/                                who is believed, and the lists of what was revoked
    run/<process>.json  run/hold/<process>                  pid, start time, state; who is held stopped
    logs/<process>.log  home/  tmp/
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import json
import os
import re
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from deploy.local.trouble import Trouble

ROOT = Path(__file__).resolve().parents[2]
SHARED = ROOT / ".motcua"
VENV = SHARED / "venv"
VENV_PYTHON = VENV / "bin" / "python"
PACKAGES = SHARED / "packages"
CACHE = SHARED / "cache"
PKI = SHARED / "pki"
TRUST = SHARED / "trust"
TMP = SHARED / "tmp"
_PLAIN_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]*")


@dataclass(frozen=True)
class State:
    """The folders of one system."""

    top: Path

    @property
    def name(self) -> str:
        """What --state takes for it: state_of gives it back."""
        return self.top.name if self.top.parent == SHARED / "state" else str(self.top)

    @property
    def ports(self) -> Path:
        return self.top / "ports.json"

    @property
    def system(self) -> Path:
        return self.top / "system.json"

    @property
    def secrets(self) -> Path:
        return self.top / "secrets"

    @property
    def public_keys(self) -> Path:
        return self.top / "public-keys"

    @property
    def data(self) -> Path:
        return self.top / "data"

    @property
    def ledger_heads(self) -> Path:
        return self.top / "ledger-heads"

    @property
    def rehearsal_trust(self) -> Path:
        """A rehearsal's own copy of what the test authority wrote, signed for it (deploy/local/rehearsed_trust.py)."""
        return self.top / "rehearsal-trust"

    @property
    def run(self) -> Path:
        return self.top / "run"

    @property
    def hold(self) -> Path:
        return self.run / "hold"

    @property
    def logs(self) -> Path:
        return self.top / "logs"

    @property
    def home(self) -> Path:
        return self.top / "home"

    @property
    def tmp(self) -> Path:
        return self.top / "tmp"

    def _heads_away(self) -> bool:
        return self.ledger_heads.is_symlink() and not self.ledger_heads.exists()

    def refuse_heads_away(self) -> None:
        """Raises Trouble where the ledger's signed heads are kept elsewhere, and that place is not there."""
        if self._heads_away():
            raise Trouble(
                f"The ledger's signed heads are kept in {self.ledger_heads.readlink()}, and that is not there",
                f"see that its disk is mounted, then run the same again ({self.ledger_heads} is a link to it)",
            )

    def make(self) -> None:
        """Create the folders; what holds secrets or data is closed to other users of the machine."""
        try:
            for folder in (self.top, self.public_keys, self.run, self.hold, self.logs, self.tmp):
                folder.mkdir(parents=True, exist_ok=True)
            for folder in (self.secrets, self.data, self.home, *(() if self._heads_away() else (self.ledger_heads,))):
                folder.mkdir(parents=True, exist_ok=True)
                folder.chmod(0o700)
        except OSError as exc:
            raise Trouble(
                f"{self.top} cannot be a state directory: {exc.strerror or type(exc).__name__}",
                "--state (or MOTCUA_STATE) takes a plain name, for .motcua/state/NAME, or a folder that you may write",
            ) from None


def state_of(given: str | os.PathLike[str] | None, default: str) -> State:
    """The state directory by command line, else by MOTCUA_STATE, else `.motcua/state/<default>`.

    A plain name means `.motcua/state/<name>`; whatever has a slash or a dot is a path.
    """
    chosen = str(given or os.environ.get("MOTCUA_STATE") or default)
    return State(SHARED / "state" / chosen if _PLAIN_NAME.fullmatch(chosen) else Path(chosen).resolve())


def write_atomically(path: Path, content: str | bytes, mode: int = 0o644) -> None:
    """Write beside and rename, so that a kill leaves the old content or the new, never half of it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(handle, "wb") as out:
            out.write(content.encode() if isinstance(content, str) else content)
        os.chmod(name, mode)
        os.replace(name, path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise


def read_json(path: Path) -> Any:
    """The content of a JSON file, None where there is none or it is broken (then it is made again)."""
    try:
        return json.loads(path.read_text())
    except (FileNotFoundError, ValueError):
        return None


def write_json(path: Path, value: Any, mode: int = 0o644) -> None:
    write_atomically(path, json.dumps(value, indent=1, sort_keys=True) + "\n", mode)


def digest_of(*files: Path) -> str:
    """One SHA-256 over the contents of the files, in the given order."""
    total = hashlib.sha256()
    for file in files:
        total.update(file.read_bytes() + b"\0")
    return total.hexdigest()


@contextlib.contextmanager
def locked(path: Path) -> Iterator[None]:
    """Hold an advisory lock; the kernel gives it back when the holder dies, however it dies."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with open(path, "w") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
