"""Brings revocation data into the trust folder: a program of its own, without broker, database or key of a room."""
