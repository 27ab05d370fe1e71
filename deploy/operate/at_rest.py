"""Whether anything is still on its way between the rooms, as far as indexes and the broker tell it at once.

It reads through nothing, so it may be asked again and again; what one look misses (a message that a handler holds just
now) the next one sees the effects of. The exact answer, event by event, is agreement.waiting.
"""

from __future__ import annotations

import time
from collections.abc import Iterable
from typing import Any

import pika

from deploy.local.broker import listeners
from deploy.operate.migrate import spec_of
from services.common import wire
from services.common.restored import RETELL

#: Unfinished work of rooms that is no outbox: database, collection, what is still open. Each tells events when done.
OPEN_WORK: tuple[tuple[str, str, dict[str, Any]], ...] = (
    ("notifier", "notices", {"state": "waiting"}),
    ("exchange", "deliveries", {}),
    ("exchange", "syncs", {"waits_since": {"$ne": None}}),
    ("postal", "shipments", {"sent_at": None}),
)
#: Seconds without any change after which it is waited no longer: for events, and for work that only an outside holds
#: up, which may be unreachable for days.
EVENTS_WITHIN, OUTSIDE_WITHIN = 60.0, 15.0
_PAUSE = 0.5
_LOOKS = 2  # that must find nothing, one after the other: between two deliveries of one timer nothing is on its way


def depths(amqp_url: str, names: Iterable[str]) -> dict[str, int]:
    """Messages ready in these queues. Raises AMQPError where there is none of that name."""
    connection = pika.BlockingConnection(pika.URLParameters(amqp_url))
    try:
        channel = connection.channel()
        return {name: int(channel.queue_declare(name, passive=True).method.message_count) for name in names}
    finally:
        connection.close()


def events_under_way(client: Any, amqp_url: str) -> dict[str, int]:
    """Where events are that have not come to all their rooms: how many are to be told again or published, how many
    lie in queues; dead letters are none."""
    found: dict[str, int] = {}
    for room in wire.ROOMS:
        found[f"{room}, to be told again"] = client[room][RETELL].count_documents({})
        for name in spec_of(room).aggregates:
            unsent = client[room][name].count_documents({"outbox_mark": {"$exists": True}})
            found[f"{room}.{name}, not published"] = unsent
    found |= depths(amqp_url, (name for room in listeners() for name in _ways_to(room)))
    return {place: count for place, count in found.items() if count}


def _ways_to(room: str) -> list[str]:
    return [wire.event_queue(room), *(wire.retry_queue(room, delay) for delay in wire.RETRY_DELAYS)]


def open_work(client: Any) -> dict[str, int]:
    """Work that rooms have not done yet, by collection."""
    found = {f"{room}.{name}": client[room][name].count_documents(work) for room, name, work in OPEN_WORK}
    return {place: count for place, count in found.items() if count}


def come_to_rest(client: Any, amqp_url: str) -> None:
    """Returns when nothing is on its way any more, or nothing has changed for a while: then that is no help."""
    before: Any = None
    since, looks = time.monotonic(), 0
    while looks < _LOOKS:
        events, work = events_under_way(client, amqp_url), open_work(client)
        looks = 0 if events or work else looks + 1
        if (events, work) != before:
            before, since = (events, work), time.monotonic()
        elif (events or work) and time.monotonic() - since > (EVENTS_WITHIN if events else OUTSIDE_WITHIN):
            return
        time.sleep(_PAUSE)
