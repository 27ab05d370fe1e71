"""Starts the room: `python -m services.processing`."""

import eventlet

eventlet.monkey_patch()

import sys  # noqa: E402

from services.common.run import run  # noqa: E402
from services.processing.service import SPEC, ProcessingService  # noqa: E402

sys.exit(run(ProcessingService, SPEC))
