"""Brings a backup back: python -m deploy.operate.restore {inspect|occupied|load|settle} DIR …

`./motcua restore DIR` runs these in turn. Nothing runs at `inspect`, broker and database do from `occupied` on, and no
room does until `settle`.
  inspect   reads every file of the backup and tries its key; prints what the backup is as JSON
  occupied  looks whether the databases hold something; prints which rooms' do as JSON
  load      replaces the databases of all rooms, their keys and the ledger's heads; empties the rooms' queues
  settle    waits until the rooms have told again what was on its way, then compares what is kept with what was told

From the first write of `load` to its last, `restore.json` in the state directory and a row in each database keep rooms
from starting. Run again, `load` begins from the start. Settings: MOTCUA_MONGO_URL_ADMIN, MOTCUA_AMQP_URL,
MOTCUA_STATE_DIR (`inspect` needs this one only).
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import bson
import pika
import pymongo
from bson.raw_bson import RawBSONDocument
from pymongo.errors import PyMongoError
from pymongo.write_concern import WriteConcern

from deploy.local.broker import listeners
from deploy.local.memory import RESTORE_MARKER
from deploy.local.paths import State, read_json, write_json
from deploy.operate import agreement, archive, at_rest, restored_ledger, restored_secrets
from deploy.operate.backup import Client
from deploy.operate.migrate import bring_forward, migrations_of, room_url, spec_of
from services.common import restored as kernel
from services.common import wire
from services.common.envelope import passes
from services.common.migrations import NewerDatabase
from services.common.restored import Restored
from services.common.store import Store

#: Numbers of a series (codes of an agency's day, receipts) that may have been given since the backup.
GAP = 2000
#: Comparisons at the end: what only one of them finds was under way. Seconds between two: longer than a handler takes.
COMPARISONS, BETWEEN = 4, 5.0
_BATCH_BYTES = 8 * 1024 * 1024
#: What the start of an empty system writes: schema, lease and clock; when a room's repeated work is due next.
_OF_EVERY_START = ("kernel", "timers")
#: …and where it writes a first row: what tells it from a later one.
_BEGUN = {"ledger_state": {"sequence": {"$ne": 0}}}
_COUNTERS = (("intake", "counters"), ("payment", "counters"))


class Refused(Exception):
    """The restore is not begun, or not gone on with; the message says why."""


# -- inspect ----------------------------------------------------------------------------------------------------------


def inspect(state: State, folder: Path, key_file: Path | None) -> dict[str, Any]:
    """Everything that can be known of the backup before anything is started. Raises Refused, archive.Damaged."""
    manifest = archive.read(folder)
    for room in wire.ROOMS:
        newest = max((step.number for step in migrations_of(room)), default=0)
        if manifest.schemas.get(room, 0) > newest:
            raise Refused(
                f"the backup was written by a newer release: {room} is at {manifest.schemas[room]}, this program knows "
                f"{newest}; install the newer release"
            )
    for room, name, _ in manifest.collections():
        rows = archive.documents(folder, room, name) if name == "kernel" else ()
        if any(bson.decode(raw)["_id"] == kernel.UNFINISHED for raw in rows):
            raise Refused("the backup was taken of a system whose restore was not completed: parts of it are missing")
    restored_secrets.look(state, folder, manifest, key_file)
    return {
        "rehearsal": manifest.rehearsal,
        "taken_at": manifest.taken_at,
        "documents": sum(count for _, _, count in manifest.collections()),
        "unfinished": (state.top / RESTORE_MARKER).exists(),
    }


def occupied(client: Client) -> list[str]:
    """Rooms whose database holds what an empty start did not put there: done, seeded, or by a stranger to us.

    A database that an unfinished restore was writing holds nothing.
    """
    return [room for room in wire.ROOMS if not _half(client, room) and any(_kept(client, room))]


def _half(client: Client, room: str) -> bool:
    return client[room]["kernel"].find_one({"_id": kernel.UNFINISHED}) is not None


def _kept(client: Client, room: str) -> Iterator[str]:
    """The room's collections that hold something of their own."""
    for name in client[room].list_collection_names(filter={"type": "collection"}):
        if name in _OF_EVERY_START or name.startswith("system."):
            continue
        if client[room][name].find_one(_BEGUN.get(name, {}), {"_id": 1}):
            yield name


def _worked(client: Client, room: str) -> bool:
    """Whether the room did anything there."""
    return any(client[room][name].find_one({}, {"_id": 1}) for name in ("told", "inbox", "idempotency"))


# -- load -------------------------------------------------------------------------------------------------------------


def load(client: Client, state: State, folder: Path, key_file: Path | None, gap: int) -> list[str]:
    """Replaces everything; returns what the operator should know. Raises Refused, archive.Damaged, PyMongoError."""
    manifest = archive.read(folder)
    marker = state.top / RESTORE_MARKER
    known = _known(client, read_json(marker) or {})
    write_json(marker, {"backup": manifest.backup, "folder": str(folder), "known": known}, 0o600)
    stores = {room: Store(room_url(os.environ["MOTCUA_MONGO_URL_ADMIN"], room), application="restore")
              for room in wire.ROOMS}  # fmt: skip
    try:
        for store in stores.values():
            kernel.begin(store, manifest.backup)
        restored_secrets.place(state, folder, manifest, key_file)
        for room in wire.ROOMS:
            load_room(client, folder, manifest, room)
        said = _make_good(client, state, stores, manifest, known, gap)
        statement = restored_ledger.take_back(client, state, folder, manifest)
        purge(os.environ["MOTCUA_AMQP_URL"])
        for store in stores.values():
            kernel.finish(store)
    finally:
        for store in stores.values():
            store.close()
    marker.unlink()
    return [*said, statement]


def _known(client: Client, before: dict[str, Any]) -> dict[str, Any]:
    """The highest numbers and the clock of what is replaced, as far as it can be read; kept over a second run."""
    known: dict[str, Any] = dict(before.get("known") or {"clock": None})
    if not any(_worked(client, room) and not _half(client, room) for room in wire.ROOMS):
        return known
    for room, name in _COUNTERS:
        for row in client[room][name].find({}):
            key = f"{room}/{row['_id']}"
            known[key] = max(int(row["value"]), known.get(key, 0))
    clock = client["oversight"]["kernel"].find_one({"_id": "clock"})
    if clock is not None:
        known["clock"] = float(clock["offset"])
    return known


def load_room(client: Client, folder: Path, manifest: archive.Manifest, room: str) -> None:
    """Replaces a room's documents and indexes by those of the backup. Raises archive.Damaged, PyMongoError."""
    database = client.get_database(room, write_concern=WriteConcern(1))
    for name in database.list_collection_names(filter={"type": "collection"}):
        if name == "kernel":
            database[name].delete_many({"_id": {"$ne": kernel.UNFINISHED}})
        elif not name.startswith("system."):
            database.drop_collection(name)
    for owner, name, count in manifest.collections():
        if owner != room:
            continue
        if name != "kernel":
            database.create_collection(name)
        loaded = 0
        for batch in _batches(archive.documents(folder, room, name)):
            database[name].insert_many(batch, ordered=False)
            loaded += len(batch)
        if loaded != count:
            raise archive.Damaged(f"{room}/{name}.bson.gz holds {loaded} documents, the manifest says {count}")
        indexes = manifest.indexes.get(room, {}).get(name, [])
        if indexes:
            made = [{**index, "key": dict(index["key"])} for index in indexes]
            database.command("createIndexes", name, indexes=made)


def _batches(documents: Iterator[bytes]) -> Iterator[list[RawBSONDocument]]:
    batch: list[RawBSONDocument] = []
    size = 0
    for raw in documents:
        if batch and size + len(raw) > _BATCH_BYTES:
            yield batch
            batch, size = [], 0
        batch.append(RawBSONDocument(raw))
        size += len(raw)
    if batch:
        yield batch


def _make_good(
    client: Client, state: State, stores: dict[str, Store], manifest: archive.Manifest, known: dict[str, Any], gap: int
) -> list[str]:
    """What must be otherwise than in the backup: clock, schema, numbers, sessions, and what is to be told again."""
    for room in wire.ROOMS:
        for _ in bring_forward(stores[room], migrations_of(room), dry_run=False):
            pass
    now = datetime.now(UTC)
    taken_at = datetime.fromisoformat(manifest.taken_at)
    since = datetime.fromisoformat(manifest.business_at)
    offset = (since - taken_at).total_seconds()
    if manifest.rehearsal:
        offset = max(offset, known["clock"] or offset)  # the business clock never goes back
        client["oversight"]["kernel"].update_one({"_id": "clock"}, {"$max": {"offset": offset}}, upsert=True)
        write_json(state.top / "clock.json", {"offset": offset, "start": manifest.business_at})
    said = []
    for room in wire.ROOMS:
        after = spec_of(room).after_restore
        if after is not None:
            numbers = {key.removeprefix(f"{room}/"): int(value) for key, value in known.items()
                       if key.startswith(f"{room}/")}  # fmt: skip
            about = Restored(manifest.backup, taken_at, since, now + timedelta(seconds=offset), gap, numbers)
            said += [f"{room}: {line}" for line in after(stores[room], about)]
    return [*said, _plan_retelling(client, manifest)]


def _plan_retelling(client: Client, manifest: archive.Manifest) -> str:
    """Lists for each room which of its events which others had not handled; the rooms tell them when they start."""
    now = listeners()
    # who listened then and listens still: what a room learnt to hear since is no business of a restore
    listens = {
        room: [key for key in keys if passes(now.get(room, ()), key) or key in now.get(room, ())]
        for room, keys in manifest.listens.items()
    }
    total = 0
    for room in wire.ROOMS:
        missing: dict[str, list[str]] = {}
        for event, _, to in agreement.unhandled(client, room, listens):
            missing.setdefault(event, []).append(to)
        kernel.tell_again(client[room], missing)
        total += len(missing)
    return f"{total} events were on their way when the backup was taken: they are told again"


def purge(url: str) -> None:
    """Empties every queue of the rooms: what lies there was told by a history that is gone, or is told again.

    The partner's virtual host is left as it is: those messages are between us and another house.
    """
    connection = pika.BlockingConnection(pika.URLParameters(url))
    try:
        for room in wire.ROOMS:
            for name, _ in wire.queue_declarations(room):
                channel = connection.channel()
                try:
                    channel.queue_purge(name)
                    channel.close()
                except pika.exceptions.ChannelClosedByBroker as exc:
                    if exc.reply_code != 404:
                        raise
    finally:
        connection.close()


# -- settle -----------------------------------------------------------------------------------------------------------


def settle(client: Client, amqp_url: str) -> list[str]:
    """Waits until nothing is on its way any more; returns what does not agree then.

    Rooms go on working while it compares (timers deliver notices, the portal answers), so what does not agree is what
    two comparisons in turn find alike; where no two do, what the last one found.
    """
    before: list[str] = []
    for _ in range(COMPARISONS):
        at_rest.come_to_rest(client, amqp_url)
        found = agreement.disagreements(client, listeners())
        alike = [line for line in found if line in before]
        if alike or not found:
            return alike
        before = found
        time.sleep(BETWEEN)
    return before


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="motcua restore", description="Bring a backup back.")
    parser.add_argument("what", choices=["inspect", "occupied", "load", "settle"])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--key", type=Path)
    parser.add_argument("--gap", type=int, default=GAP)
    return parser


def main(arguments: list[str] | None = None) -> int:
    """Runs one part; 1 with the reason on standard error."""
    given = _parser().parse_args(arguments)
    folder = given.folder.resolve()
    key_file: Path | None = given.key or folder.with_name(folder.name + ".key")
    state = State(Path(os.environ["MOTCUA_STATE_DIR"]))
    try:
        if given.what == "inspect":
            print(json.dumps(inspect(state, folder, key_file)))
            return 0
        client: Client = pymongo.MongoClient(
            os.environ["MOTCUA_MONGO_URL_ADMIN"], tz_aware=True, serverSelectionTimeoutMS=10_000
        )
        with client:
            return _with_stores(given, client, state, folder, key_file)
    except (Refused, archive.Damaged, NewerDatabase) as exc:
        print(f"motcua restore: {exc}", file=sys.stderr)
        return 1
    except (PyMongoError, bson.errors.BSONError, pika.exceptions.AMQPError, OSError) as exc:
        print(f"motcua restore: {type(exc).__name__}: {exc}", file=sys.stderr)
        return 1


def _with_stores(given: argparse.Namespace, client: Client, state: State, folder: Path, key_file: Path | None) -> int:
    if given.what == "occupied":
        print(json.dumps(occupied(client)))
        return 0
    if given.what == "load":
        for line in load(client, state, folder, key_file, given.gap):
            print(f"  {line}")
        return 0
    differing = settle(client, os.environ["MOTCUA_AMQP_URL"])
    for line in differing:
        print(f"  {line}")
    if differing:
        print("CÁC PHÒNG CHƯA KHỚP / THE ROOMS DO NOT AGREE")
    else:
        print("Các phòng khớp nhau, số đếm bằng số sự kiện")
        print("The rooms agree; every count equals the events")
    return 1 if differing else 0


if __name__ == "__main__":
    sys.exit(main())
