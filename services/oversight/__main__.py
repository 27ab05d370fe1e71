"""python -m services.oversight"""
# ruff: noqa: E402

import eventlet

eventlet.monkey_patch()

import os
import sys

# The ledger is one chain: events are entered one after the other, whatever the rest of the system is set to.
os.environ["MOTCUA_EVENT_PREFETCH"] = "1"

from services.common.run import run
from services.oversight.service import SPEC, OversightService

if __name__ == "__main__":
    sys.exit(run(OversightService, SPEC))
