"""Starts the room: `python -m services.payment`."""

import eventlet

eventlet.monkey_patch()

import sys  # noqa: E402

from services.common.run import run  # noqa: E402
from services.payment.service import SPEC, PaymentService  # noqa: E402

sys.exit(run(PaymentService, SPEC))
