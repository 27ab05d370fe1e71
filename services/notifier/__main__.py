"""Runs notifier."""

import eventlet

eventlet.monkey_patch()

import sys  # noqa: E402

from services.common.run import run  # noqa: E402
from services.notifier.service import SPEC, NotifierService  # noqa: E402

sys.exit(run(NotifierService, SPEC))
