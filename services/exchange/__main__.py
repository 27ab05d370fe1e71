"""python -m services.exchange"""
# ruff: noqa: E402

import eventlet

eventlet.monkey_patch()

import sys

from services.common.run import run
from services.exchange.service import SPEC, ExchangeService

if __name__ == "__main__":
    sys.exit(run(ExchangeService, SPEC))
