"""The shared set-up: virtual environment, locked dependencies, fonts. Each step is skipped where it is already done."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

from deploy.local.packages import unpacked
from deploy.local.paths import (
    CACHE,
    PKI,
    ROOT,
    SHARED,
    TMP,
    TRUST,
    VENV,
    VENV_PYTHON,
    digest_of,
    locked,
    write_atomically,
)
from deploy.local.processes import end_with_parent
from deploy.local.trouble import Trouble, say

LOCKS = {"runtime": ROOT / "deploy/requirements/runtime.txt", "test": ROOT / "deploy/requirements/test.txt"}
_INSTALLING = SHARED / "venv.installing"
_SYSTEM_FONTS = Path("/usr/share/fonts/truetype/dejavu")
_AUTHORITY = (ROOT / "deploy/rehearsal/authority.py", ROOT / "deploy/rehearsal/cast.py")


def set_up(lock: str = "runtime", *, fonts_too: bool = True, authority: bool = True) -> None:
    """Bring the environment, locked packages (`runtime`, or `test` which contains it), fonts, the test authority."""
    for folder in (SHARED, CACHE, TMP):
        folder.mkdir(parents=True, exist_ok=True)
    with locked(SHARED / "setup.lock"):
        for left in TMP.glob("pip-*"):  # of a set-up that was killed: the lock says that nobody uses them
            shutil.rmtree(left, ignore_errors=True)
        _environment()
        _dependencies(lock)
        if fonts_too:
            fonts()
        if authority:
            _test_authority()


def _run(command: list[str], what: str, advice: str, env: dict[str, str] | None = None) -> None:
    # ends with us: a killed set-up must not go on writing behind the back of the next one
    done = subprocess.run(
        command, env=env, cwd=ROOT, stdin=subprocess.DEVNULL, capture_output=True, text=True, preexec_fn=end_with_parent
    )
    if done.returncode != 0:
        raise Trouble(f"{what}:\n{(done.stderr or done.stdout).strip()[-2000:]}", advice)


def clean_environment() -> dict[str, str]:
    """The caller's environment, less what would lead Python elsewhere, with all caches inside the checkout."""
    drop = {"PYTHONHOME", "PYTHONPATH", "PYTHONDONTWRITEBYTECODE", "VIRTUAL_ENV", "PIP_REQUIRE_VIRTUALENV", "PIP_USER"}
    kept = {k: v for k, v in os.environ.items() if k not in drop}
    return {**kept, "PIP_CACHE_DIR": str(CACHE / "pip"), "TMPDIR": str(TMP), "PYTHONUNBUFFERED": "1"}


def _works() -> bool:
    if not VENV_PYTHON.exists() or _INSTALLING.exists():
        return False
    probe = "import sys, pip; sys.exit(sys.version_info < (3, 11))"
    return subprocess.run([VENV_PYTHON, "-c", probe], capture_output=True).returncode == 0


def _environment() -> None:
    if _works():
        return
    say("making the virtual environment")
    shutil.rmtree(VENV, ignore_errors=True)
    for stamp in SHARED.glob("venv.*"):
        stamp.unlink()
    plain = subprocess.run(
        [sys.executable, "-m", "venv", str(VENV)], env=clean_environment(), capture_output=True, text=True
    )
    if plain.returncode == 0 and _works():
        return
    # Debian and Ubuntu split ensurepip off into python3-venv: take pip's own wheel from python3-pip-whl instead
    shutil.rmtree(VENV, ignore_errors=True)
    _run(
        [sys.executable, "-m", "venv", "--without-pip", str(VENV)],
        "Python could not make a virtual environment",
        "install the package python3-venv, or use another Python 3.11+",
        clean_environment(),
    )
    root = unpacked("pip", ["python3-pip-whl"], "python3-pip-whl")
    wheel = next(root.glob("usr/share/python-wheels/pip-*.whl"))
    _run(
        [str(VENV_PYTHON), str(wheel / "pip"), "install", "--quiet", "--no-index", "--no-deps", str(wheel)],
        "pip could not be put into the virtual environment",
        "remove .motcua/venv and run the same command again",
        clean_environment(),
    )


def _dependencies(lock: str) -> None:
    """Install what the lock names, refusing every file whose hash it does not know; only when the lock has changed."""
    wanted = {name: digest_of(file) for name, file in LOCKS.items()}
    stamps = {name: SHARED / f"venv.{name}" for name in LOCKS}
    installed = {name: stamps[name].read_text() if stamps[name].exists() else "" for name in LOCKS}
    if installed[lock] == wanted[lock] or (lock == "runtime" and installed["test"] == wanted["test"]):
        return
    say(f"installing locked packages ({lock}; the first time takes up to a minute)")
    write_atomically(_INSTALLING, "")
    pip = [str(VENV_PYTHON), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-input"]
    _run(
        [*pip, "--require-hashes", "--only-binary", ":all:", "-r", str(LOCKS[lock])],
        "The locked packages could not be installed",
        "check that the package index is reachable from here (pip's own settings count), then run the same again",
        clean_environment(),
    )
    write_atomically(stamps[lock], wanted[lock])
    _INSTALLING.unlink()


def fonts() -> Path:
    """The folder with DejaVuSans.ttf and DejaVuSans-Bold.ttf (they have every Vietnamese letter)."""
    given = os.environ.get("MOTCUA_FONTS")
    for folder in [Path(given)] if given else [_SYSTEM_FONTS]:
        if (folder / "DejaVuSans.ttf").exists() and (folder / "DejaVuSans-Bold.ttf").exists():
            return folder
    return unpacked("fonts", ["fonts-dejavu-core"], "fonts-dejavu-core") / _SYSTEM_FONTS.relative_to("/")


def _test_authority() -> None:
    """The rehearsal's own certificate authority and its cast of signers, made again when their programs change."""
    if not all(program.exists() for program in _AUTHORITY):
        return
    stamp, digest = SHARED / "authority.stamp", digest_of(*_AUTHORITY)
    if stamp.exists() and stamp.read_text() == digest and TRUST.exists() and PKI.exists():
        return
    say("making the rehearsal's test certificate authority")
    stamp.unlink(missing_ok=True)
    command = [str(VENV_PYTHON), "-m", "deploy.rehearsal.authority", "build", "--out", str(PKI), "--trust", str(TRUST)]
    for folder in (PKI, TRUST):
        shutil.rmtree(folder, ignore_errors=True)
    _run(
        command,
        "The test authority could not be made",
        "remove .motcua/pki and .motcua/trust, try again",
        clean_environment(),
    )
    write_atomically(stamp, digest)
