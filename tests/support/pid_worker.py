"""A worker that answers with its process id."""

from __future__ import annotations

import os

from services.common.worker_program import serve

if __name__ == "__main__":
    serve(lambda job: {"pid": os.getpid()}, memory_limit_bytes=512 * 1024 * 1024)
