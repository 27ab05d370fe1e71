"""The signing room's process: `python -m services.signing`."""

import eventlet

eventlet.monkey_patch()

import sys  # noqa: E402

from services.common.run import run  # noqa: E402
from services.signing.service import SPEC, SigningService  # noqa: E402

if __name__ == "__main__":
    sys.exit(run(SigningService, SPEC))
