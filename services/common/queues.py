"""The durable queues of the rooms: names, kinds and bounds. Standard library only: the broker's definitions are made
from it before anything is installed, and rooms declare the same when they connect (`wire` names all of this again)."""

from __future__ import annotations

from typing import Any

RPC_EXCHANGE = "nameko-rpc"
EVENTS_EXCHANGE = "motcua.events"
CONTROL_EXCHANGE = "motcua.control"
#: On the postal partner's own virtual host: what postal could not take.
PARTNER_DEAD = "partner.events.dead"

# Retry queues exist per room, one per delay (a message's own TTL expires only at the head of its queue).
RETRY_DELAYS = (1, 5, 30)
# Bounds of the queues: refused publishes are kept in the outbox, so nothing is lost when a bound is met.
EVENT_QUEUE_LIMIT = 200_000
RPC_QUEUE_LIMIT = 10_000

#: Which events a room tells: names, or `stream.*` for every event of a stream.
TELLS = {
    "identity": "account.* eid.* session.* support.* unit.*",
    "intake": "dossier.*",
    "processing": "case.* result.* step.* supplement.*",
    "vault": "file.stored holding.* owndata.*",
    "signing": "file.checked",
    "payment": "payment.* receipt.*",
    "notifier": "notice.*",
    "oversight": "activity.* intake.late slip.* slips.*",
    "postal": "postal.*",
    "exchange": "exchange.*",
}
_TELLER = {key: room for room, keys in TELLS.items() for key in keys.split()}


def teller_of(event: str) -> str | None:
    """The one room that tells events of this name; None where the name is nobody's."""
    return _TELLER.get(event) or _TELLER.get(f"{event.partition('.')[0]}.*")


def rpc_queue(room: str) -> str:
    return f"rpc-{room}"


def event_queue(room: str) -> str:
    return f"evt.{room}"


def retry_queue(room: str, delay: int) -> str:
    return f"evt.{room}.retry.{delay}s"


def dead_queue(room: str) -> str:
    return f"evt.{room}.dead"


def event_queue_arguments() -> dict[str, Any]:
    """Durable quorum queue; its delivery limit is high because a crash of the consumer counts towards it,
    failures of handlers are counted in our own header (RabbitMQ quorum queues, poison message handling)."""
    return {
        "x-queue-type": "quorum",
        "x-delivery-limit": 50,
        "x-max-length": EVENT_QUEUE_LIMIT,
        "x-overflow": "reject-publish",
        "x-dead-letter-exchange": "",
        "x-dead-letter-strategy": "at-least-once",
    }


def event_queue_declarations(room: str) -> list[tuple[str, dict[str, Any]]]:
    """The queues that a room's events go through; the kind is fixed at the first declare."""
    main = event_queue_arguments() | {"x-dead-letter-routing-key": dead_queue(room)}
    # An operator who lists the dead letters gives each of them back; newer brokers drop one given back 20 times.
    dead = {
        "x-queue-type": "quorum",
        "x-delivery-limit": 1_000_000,
        "x-max-length": EVENT_QUEUE_LIMIT,
        "x-overflow": "reject-publish",
    }
    rows: list[tuple[str, dict[str, Any]]] = [(dead_queue(room), dead), (event_queue(room), main)]
    for delay in RETRY_DELAYS:
        waiting = {"x-message-ttl": delay * 1000, "x-dead-letter-routing-key": event_queue(room)}
        rows.append((retry_queue(room, delay), event_queue_arguments() | waiting))
    return rows


def queue_declarations(room: str) -> list[tuple[str, dict[str, Any]]]:
    """Every durable queue of a room with its arguments: those of its events, then that of its requests."""
    requests = {"x-max-length": RPC_QUEUE_LIMIT, "x-overflow": "reject-publish"}
    return [*event_queue_declarations(room), (rpc_queue(room), requests)]
