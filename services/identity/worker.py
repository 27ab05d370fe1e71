"""Worker program of identity: Argon2id hashing, away from the event loop.

{"do": "hash", "password": …}               -> {"hash": …}
{"do": "verify", "password": …, "hash": …}  -> {"right": bool}
"""

from __future__ import annotations

from typing import Any

from argon2 import PasswordHasher
from argon2.exceptions import VerifyMismatchError

from services.common.worker_program import Refused, serve

# 19 MiB, two passes, one lane: the first recommendation of OWASP's password storage sheet for Argon2id.
_hasher = PasswordHasher(time_cost=2, memory_cost=19 * 1024, parallelism=1)


def handle(job: dict[str, Any]) -> dict[str, Any]:
    """One job. A stored hash that cannot be read is an error, not a wrong password."""
    if job["do"] == "hash":
        return {"hash": _hasher.hash(job["password"])}
    if job["do"] == "verify":
        try:
            return {"right": _hasher.verify(job["hash"], job["password"])}
        except VerifyMismatchError:
            return {"right": False}
    raise Refused("unknown_job")


if __name__ == "__main__":
    serve(handle, memory_limit_bytes=512 * 1024 * 1024, cpu_limit_seconds=5, wall_limit_seconds=8)
