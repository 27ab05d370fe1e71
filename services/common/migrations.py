"""Forward-only migrations of one room's documents.

A room lists its migrations in order; the database remembers the number it has reached. `motcua migrate` runs what
is missing. A program older than its database refuses to start.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime

from services.common.store import Document, Store


@dataclass(frozen=True)
class Migration:
    """One step. `run` must be safe to repeat: a crash in the middle runs it again."""

    number: int
    title: str
    run: Callable[[Store], None]


class NewerDatabase(Exception):
    """The database was written by a newer release."""


def reached(store: Store) -> int:
    """The number of the last migration that this database has."""
    row: Document | None = store.get("kernel", "schema")
    return int(row["number"]) if row else 0


def refuse_newer(store: Store, migrations: list[Migration]) -> None:
    """Raises NewerDatabase when the database is ahead of this program."""
    newest = max((m.number for m in migrations), default=0)
    if reached(store) > newest:
        raise NewerDatabase(f"database is at {reached(store)}, this program knows {newest}")


def migrate(store: Store, migrations: list[Migration]) -> list[Migration]:
    """Runs what is missing, in order; returns what was run."""
    done = []
    for migration in sorted(migrations, key=lambda m: m.number):
        if migration.number <= reached(store):
            continue
        migration.run(store)
        store.collection("kernel").update_one(
            {"_id": "schema"}, {"$set": {"number": migration.number, "at": datetime.now(UTC)}}, upsert=True
        )
        done.append(migration)
    return done
