"""Brings stored documents forward to what this release writes: python -m deploy.operate.migrate [run|plan] [--room R]

Runs the migrations of each room's SPEC that its database has not had yet, in order, as the operator. Forward only; safe
to repeat (a step that was cut short runs again). Rooms are imported, never started. A database ahead of this release is
reported and left alone, and so is one that holds half of a restore. Rooms may be running meanwhile, so a step may only
write what both releases can read.
"""

from __future__ import annotations

import argparse
import importlib
import os
import sys
import warnings
from collections.abc import Iterator
from urllib.parse import urlsplit, urlunsplit

from pymongo.errors import PyMongoError

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # eventlet says at import what docs/decisions/0001-engine.md knows
    from services.common.kernel import RoomSpec
from services.common import wire
from services.common.migrations import Migration, OtherDatabase, migrate, reached, refuse_half_restored, refuse_newer
from services.common.store import Store


def spec_of(room: str) -> RoomSpec:
    """What the room says of itself. Raises ImportError where this checkout has no such room."""
    found: RoomSpec = importlib.import_module(f"services.{room}.service").SPEC
    return found


def migrations_of(room: str) -> list[Migration]:
    """What the room's SPEC lists. Raises ImportError where this checkout has no such room."""
    return spec_of(room).migrations


def room_url(admin_url: str, room: str) -> str:
    """The operator's address, with the room's database as the one to work on."""
    parts = urlsplit(admin_url)
    return urlunsplit(parts._replace(path=f"/{room}"))


def bring_forward(store: Store, migrations: list[Migration], *, dry_run: bool) -> Iterator[str]:
    """Runs what is missing; yields one line a step, after it was done. Raises NewerDatabase."""
    refuse_newer(store, migrations)
    start = reached(store)
    missing = [m for m in sorted(migrations, key=lambda m: m.number) if m.number > start]
    if not missing:
        yield f"at {start}, nothing to do"
    for step in missing:
        if dry_run:
            yield f"would run {step.number} {step.title}"
        else:
            migrate(store, [step])
            yield f"done {step.number} {step.title}"


def parser() -> argparse.ArgumentParser:
    """What the command understands."""
    made = argparse.ArgumentParser(prog="motcua migrate", description="Bring stored documents forward.")
    made.add_argument("what", nargs="?", choices=("run", "plan"), default="run", help="plan: say what would be done")
    made.add_argument("--room", choices=wire.ROOMS)
    return made


def main(arguments: list[str], admin_url: str | None = None) -> int:
    """Migrate every room, or one; 1 when one could not be brought forward (the others are)."""
    given = parser().parse_args(arguments)
    url = admin_url or os.environ["MOTCUA_MONGO_URL_ADMIN"]
    failed = False
    for room in (given.room,) if given.room else wire.ROOMS:
        store = Store(room_url(url, room), application="migrate")
        try:
            refuse_half_restored(store)
            for line in bring_forward(store, migrations_of(room), dry_run=given.what == "plan"):
                print(f"{room:11} {line}", flush=True)
        except (OtherDatabase, PyMongoError, ImportError) as error:
            failed = True
            what = str(error) if isinstance(error, OtherDatabase | ImportError) else type(error).__name__
            print(f"{room:11} not migrated: {what}", file=sys.stderr)
        finally:
            store.close()
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
