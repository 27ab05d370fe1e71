"""Programs of other makers, from the distribution's packages: pdfsig (poppler with NSS), pdftocairo, qpdf, openssl.

They are fetched once and unpacked in our own folder, nothing is installed. Where they cannot be had (no distribution,
no network), the files that they would make are left out; `why()` says so.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from functools import cache
from pathlib import Path

from deploy.local.packages import library_path, unpacked
from deploy.local.trouble import Trouble

_WANTED = ["poppler-utils", "libnss3-tools", "qpdf"]
_WHOLE = r"(?:poppler-utils|libnss3-tools|qpdf)\n"


@cache
def _root() -> tuple[Path | None, str]:
    try:
        return unpacked("pdf-tools", _WANTED, _WHOLE), ""
    except (Trouble, OSError) as trouble:
        return None, str(trouble)


def why() -> str:
    """Why the programs cannot be had; empty where they can."""
    return _root()[1]


def has_openssl() -> bool:
    return shutil.which("openssl") is not None


def run(program: str, *arguments: str | Path, cwd: Path | None = None) -> subprocess.CompletedProcess[bytes]:
    """Run one of the programs; whoever calls looks at the result."""
    root, missing = _root()
    assert root is not None, missing
    environment = {**os.environ, "LD_LIBRARY_PATH": library_path(root), "LC_ALL": "C.UTF-8"}
    return subprocess.run(
        [str(root / "usr/bin" / program), *map(str, arguments)],
        cwd=cwd,
        env=environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
    )


def made(program: str, *arguments: str | Path, result: Path) -> bytes:
    """What the program wrote to `result`. Raises RuntimeError where it did not."""
    done = run(program, *arguments)
    if not result.is_file():
        raise RuntimeError(f"{program}: {done.stderr.decode(errors='replace')[-500:]}")
    return result.read_bytes()
