"""Faults of the engine that rooms tell apart, under a name of ours: their logic knows no driver."""

from __future__ import annotations

from pymongo.errors import ConnectionFailure

#: The database cannot be reached: whatever else is tried now would wait for it as long.
DatabaseAway = ConnectionFailure
