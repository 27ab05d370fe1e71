"""`python -m services.intake`: the room as a process."""

import eventlet

eventlet.monkey_patch()

import sys  # noqa: E402

from services.common.run import run  # noqa: E402
from services.intake.service import SPEC, IntakeService  # noqa: E402

sys.exit(run(IntakeService, SPEC))
