"""python -m services.oversight"""
# ruff: noqa: E402

import eventlet

eventlet.monkey_patch()

import sys

from services.common.run import run
from services.oversight.service import SPEC, OversightService

if __name__ == "__main__":
    sys.exit(run(OversightService, SPEC))
