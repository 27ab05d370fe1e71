"""Forward-only migrations of one room's documents.

A room lists its migrations in order; the database remembers the number it has reached. `motcua migrate` runs what
is missing. A program refuses to start on a database that another release wrote.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime

from services.common.restored import unfinished
from services.common.store import Document, Store


@dataclass(frozen=True)
class Migration:
    """One step. `run` must be safe to repeat: a crash in the middle runs it again."""

    number: int
    title: str
    run: Callable[[Store], None]


class OtherDatabase(Exception):
    """The database was written by another release than this program, or holds half of a restore."""


class NewerDatabase(OtherDatabase):
    """The database was written by a newer release."""


def reached(store: Store) -> int:
    """The number of the last migration that this database has."""
    row: Document | None = store.get("kernel", "schema")
    return int(row["number"]) if row else 0


def refuse_newer(store: Store, migrations: list[Migration]) -> None:
    """Raises NewerDatabase when the database is ahead of this program."""
    found, newest = reached(store), _newest(migrations)
    if found > newest:
        raise NewerDatabase(f"the database is at {found}, this program knows {newest}: install the newer release")


def refuse_half_restored(store: Store) -> None:
    """Raises OtherDatabase where a restore was begun and not completed: a part of the documents is not the backup's."""
    backup = unfinished(store)
    if backup is not None:
        raise OtherDatabase(f"the restore of backup {backup} into this database was not completed: run it again")


def refuse_other(store: Store, migrations: list[Migration]) -> None:
    """Marks an empty database as up to date.

    Raises OtherDatabase when the database is ahead of this program, or behind it (then `motcua migrate` comes first),
    or half restored.
    """
    refuse_half_restored(store)
    if store.get("kernel", "schema") is None and not store.db.list_collection_names(filter={"name": "told"}):
        _mark(store, _newest(migrations))
    refuse_newer(store, migrations)
    found, newest = reached(store), _newest(migrations)
    if found < newest:
        raise OtherDatabase(
            f"the database is at {found}, this program needs {newest}: run ./motcua migrate first, with the --state of "
            "this system unless it is main"
        )


def _newest(migrations: list[Migration]) -> int:
    return max((m.number for m in migrations), default=0)


def _mark(store: Store, number: int) -> None:
    store.collection("kernel").update_one(
        {"_id": "schema"}, {"$set": {"number": number, "at": datetime.now(UTC)}}, upsert=True
    )


def migrate(store: Store, migrations: list[Migration]) -> list[Migration]:
    """Runs what is missing, in order; returns what was run."""
    done = []
    for migration in sorted(migrations, key=lambda m: m.number):
        if migration.number <= reached(store):
            continue
        migration.run(store)
        _mark(store, migration.number)
        done.append(migration)
    return done
