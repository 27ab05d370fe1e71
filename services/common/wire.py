"""The wire: names of exchanges and queues, headers, and the bodies of RPC messages.

The RPC bodies are nameko's own (`{"args", "kwargs"}` and `{"result", "error"}`, exchange
`nameko-rpc`, queue `rpc-<room>`), so any nameko client can call a room. What is ours travels in
headers beside them. No input or output here: the eventlet rooms and the asyncio gateway share it.
"""

from __future__ import annotations

import itertools
import os
import uuid
from typing import Any

import orjson

from services.common.problems import Problem

RPC_EXCHANGE = "nameko-rpc"
EVENTS_EXCHANGE = "motcua.events"
CONTROL_EXCHANGE = "motcua.control"

ROOMS = (
    "identity",
    "intake",
    "processing",
    "vault",
    "signing",
    "payment",
    "notifier",
    "oversight",
    "postal",
    "exchange",
)

# Headers of ours. The names carry no person, only ids and tokens.
H_ACTOR = "x-motcua-actor"
H_CORRELATION = "x-motcua-correlation"
H_CAUSATION = "x-motcua-causation"
H_COMMAND = "x-motcua-command"
H_TIMEOUT = "x-motcua-timeout-ms"
H_ATTEMPT = "x-motcua-attempt"
H_FAULTS = "x-motcua-faults"
H_REASON = "x-motcua-reason"
H_FIRST_FAILED = "x-motcua-first-failed"
H_CHANNEL = "x-motcua-channel"

# Retry queues exist per room, one per delay (a message's own TTL expires only at the head of its queue).
RETRY_DELAYS = (1, 5, 30)
# Which delay each further attempt waits, in seconds. A fault that passes by itself (broker, database or another room
# away) goes on at the last delay for ever and is not counted; of other faults one more than entries is dead. The sum
# leaves a neighbour that works off a backlog two minutes to catch up.
RETRY_SCHEDULE = (1, 1, 5, 5, 30, 30, 30, 30)
# Bounds of the queues: refused publishes are kept in the outbox, so nothing is lost when a bound is met.
LONGEST_DEADLINE = 30  # seconds that a caller may wait for a command
EVENT_QUEUE_LIMIT = 200_000
RPC_QUEUE_LIMIT = 10_000

_process = uuid.uuid4().hex[:12]
_counter = itertools.count(1)


def new_id() -> str:
    """An id unique in the whole system and cheap to make: process, then a counter."""
    return f"{_process}{os.getpid():x}-{next(_counter):x}"


def rpc_queue(room: str) -> str:
    return f"rpc-{room}"


def reply_queue(room: str) -> str:
    return f"rpc.reply-{room}-{uuid.uuid4().hex}"


def event_queue(room: str) -> str:
    return f"evt.{room}"


def retry_queue(room: str, delay: int) -> str:
    return f"evt.{room}.retry.{delay}s"


def dead_queue(room: str) -> str:
    return f"evt.{room}.dead"


def fan_queue(room: str) -> str:
    return f"fan.{room}.{uuid.uuid4().hex}"


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


def queue_declarations(room: str) -> list[tuple[str, dict[str, Any]]]:
    """Every durable queue of a room with its arguments; the kind is fixed at the first declare."""
    main = event_queue_arguments() | {"x-dead-letter-routing-key": dead_queue(room)}
    # An operator who lists the dead letters gives each of them back; newer brokers drop one given back 20 times.
    dead = {
        "x-queue-type": "quorum",
        "x-delivery-limit": 1_000_000,
        "x-max-length": EVENT_QUEUE_LIMIT,
        "x-overflow": "reject-publish",
    }
    rows: list[tuple[str, dict[str, Any]]] = [
        (dead_queue(room), dead),
        (event_queue(room), main),
    ]
    for delay in RETRY_DELAYS:
        rows.append(
            (
                retry_queue(room, delay),
                event_queue_arguments()
                | {
                    "x-message-ttl": delay * 1000,
                    "x-dead-letter-routing-key": event_queue(room),
                },
            )
        )
    rows.append((rpc_queue(room), {"x-max-length": RPC_QUEUE_LIMIT, "x-overflow": "reject-publish"}))
    return rows


def encode_call(kwargs: dict[str, Any]) -> bytes:
    return orjson.dumps({"args": [], "kwargs": kwargs})


def decode_call(body: bytes) -> dict[str, Any]:
    """The keyword arguments of a call. Raises ValueError when the body is not a call."""
    message = orjson.loads(body)
    if not isinstance(message, dict) or not isinstance(message.get("kwargs", {}), dict):
        raise ValueError("not an RPC call")
    if message.get("args"):
        raise ValueError("positional arguments are not part of any contract")
    kwargs: dict[str, Any] = message.get("kwargs", {})
    return kwargs


def encode_result(result: Any) -> bytes:
    return orjson.dumps({"result": result, "error": None})


def encode_problem(problem: Problem) -> bytes:
    """A problem travels as the exception's data, beside the fields that nameko's own clients read."""
    return orjson.dumps(
        {
            "result": None,
            "error": {
                "exc_type": "Problem",
                "exc_path": "services.common.problems.Problem",
                "exc_args": [problem.title_en],
                "value": problem.title_en,
                "data": problem.to_dict(),
            },
        }
    )


def decode_reply(body: bytes) -> Any:
    """The result of a reply; raises the Problem that the other side raised."""
    message = orjson.loads(body)
    error = message.get("error")
    if error is None:
        return message.get("result")
    if isinstance(error.get("data"), dict):
        raise Problem.from_dict(error["data"])
    raise RuntimeError(f"remote fault {error.get('exc_type')}")
