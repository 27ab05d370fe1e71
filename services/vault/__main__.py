"""The vault's process: `python -m services.vault`."""

import eventlet

eventlet.monkey_patch()

import sys  # noqa: E402

from services.common.run import run  # noqa: E402
from services.vault.service import SPEC, VaultService  # noqa: E402

if __name__ == "__main__":
    sys.exit(run(VaultService, SPEC))
