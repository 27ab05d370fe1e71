"""The system on one machine, for an ordinary user: set-up, broker, database, processes (standard library only).

Nothing here may import a third-party package: these modules run before the virtual environment exists. The two helpers
that need one (`make_keys.py`, `prepare_database.py`) are programs of their own, executed with the environment's Python.
"""
