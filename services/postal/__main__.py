"""python -m services.postal"""
# ruff: noqa: E402

import eventlet

eventlet.monkey_patch()

import sys

from services.common.run import run
from services.postal.service import SPEC, PostalService

if __name__ == "__main__":
    sys.exit(run(PostalService, SPEC))
