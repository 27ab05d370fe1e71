"""Runs identity."""

import eventlet

eventlet.monkey_patch()

import sys  # noqa: E402

from services.common.run import run  # noqa: E402
from services.identity.service import SPEC, IdentityService  # noqa: E402

sys.exit(run(IdentityService, SPEC))
