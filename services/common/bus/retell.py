"""After a restore: tells again what rooms had not handled when the backup was taken.

The restore lists those events in `retell`, because what lay in the broker's queues then is gone. In the order in which
they were told first each goes straight into the queue of the rooms that lack it, with confirm, before its row is
removed: a crash in between tells it once more, and the inbox of that room drops it.
"""

from __future__ import annotations

import eventlet
from pymongo.errors import PyMongoError

from services.common import logs, wire
from services.common.bus.publisher import Outgoing, Publisher, PublishFailed
from services.common.bus.relay import outgoing_of
from services.common.restored import RETELL
from services.common.store import Document, Store

_BATCH = 200
_PAUSE = 1.0  # seconds; a room that listens may not have made its queue yet


def retell(store: Store, publisher: Publisher) -> None:
    """Returns when nothing is left to be told again."""
    told = 0
    while True:
        try:
            # events that were kept at once have one time, and of each aggregate their own numbers
            rows = list(store.find(RETELL, {}, sort=[("told_at", 1), ("sequence", 1), ("_id", 1)], limit=_BATCH))
            if not rows:
                break
            publisher.publish(_messages(store, rows))
            store.collection(RETELL).delete_many({"_id": {"$in": [row["_id"] for row in rows]}})
            told += len(rows)
        except (PublishFailed, PyMongoError) as exc:
            logs.fault("retell_again", exc)
            eventlet.sleep(_PAUSE)
    if told:
        logs.info("retold", count=told)


def _messages(store: Store, rows: list[Document]) -> list[Outgoing]:
    told = {event["_id"]: event for event in store.find("told", {"_id": {"$in": [row["_id"] for row in rows]}})}
    messages = []
    for row in rows:
        event = told.get(row["_id"])
        if event is None:  # kept no longer
            continue
        del event["_id"], event["told_at"]
        messages += [outgoing_of(event, queue=wire.event_queue(room)) for room in row["to"]]
    return messages
