"""What `./motcua status` and `./motcua logs` print."""

from __future__ import annotations

import contextlib
import time
from pathlib import Path

from deploy.local.system import System


def status(system: System) -> int:
    """Prints processes, addresses and health; 1 where one is not ready."""
    rows = system.status()
    print(f"{'process':22} {'state':10} {'pid':>8} {'restarts':>8}  addresses")
    for row in rows:
        where = "  ".join(f"{key} {row[key]}" for key in ("http", "health") if row[key])
        print(f"{row['name']:22} {row['state']:10} {row['pid'] or '–':>8} {row['restarts']:>8}  {where}")
    print(f"portal  {system.base_url}")
    return 0 if all(row["state"] in ("ready", "by address") for row in rows if row["name"] != "epmd") else 1


def logs(files: list[Path], follow: bool) -> int:
    """Prints logs, each line after its process where there are several; `follow`: until Ctrl-C."""
    with contextlib.ExitStack() as stack:
        opened = [(file.stem, stack.enter_context(open(file, errors="replace"))) for file in files]
        while True:
            quiet = True
            for name, handle in opened:
                for line in handle:
                    quiet = False
                    print(line if len(opened) == 1 else f"{name}: {line}", end="" if line.endswith("\n") else "\n")
            if not follow:
                return 0
            if quiet:
                time.sleep(0.3)
