"""Faults of the engine that rooms tell apart, under a name of ours: their logic knows no driver."""

from __future__ import annotations

from pymongo.errors import ConnectionFailure, PyMongoError

#: The database cannot be reached: whatever else is tried now would wait for it as long.
DatabaseAway = ConnectionFailure
_TRANSIENT = ("TransientTransactionError", "UnknownTransactionCommitResult", "RetryableWriteError")


def database_passes(exc: PyMongoError) -> bool:
    """Whether the database's state is to blame, which passes by itself, and not what was asked of it."""
    return isinstance(exc, ConnectionFailure) or exc.timeout or any(map(exc.has_error_label, _TRANSIENT))
