"""The wire: names of exchanges and queues (those that last: `queues`), headers, and the bodies of RPC messages.

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
from services.common.queues import (
    CONTROL_EXCHANGE,
    EVENT_QUEUE_LIMIT,
    EVENTS_EXCHANGE,
    RETRY_DELAYS,
    RPC_EXCHANGE,
    dead_queue,
    event_queue,
    queue_declarations,
    retry_queue,
    rpc_queue,
)

__all__ = [  # the lasting queues' names again: who speaks on the wire needs both
    "CONTROL_EXCHANGE", "EVENTS_EXCHANGE", "EVENT_QUEUE_LIMIT", "H_ACTOR", "H_ATTEMPT", "H_CAUSATION", "H_CHANNEL",
    "H_COMMAND", "H_CORRELATION", "H_FAULTS", "H_FIRST_FAILED", "H_NEAR", "H_REASON", "H_TIMEOUT", "LONGEST_DEADLINE",
    "RETRY_DELAYS", "RETRY_SCHEDULE", "ROOMS", "RPC_EXCHANGE", "dead_queue", "decode_call", "decode_reply",
    "encode_call", "encode_problem", "encode_result", "event_queue", "fan_queue", "new_id", "queue_declarations",
    "reply_queue", "retry_queue", "rpc_queue",
]  # fmt: skip

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
H_NEAR = "x-motcua-near"  # a keyed digest of the caller's neighbourhood, where tries are counted

# Which delay each further attempt waits, in seconds. A fault that passes by itself (broker, database or another room
# away) goes on at the last delay for ever and is not counted; of other faults one more than entries is dead. The sum
# leaves a neighbour that works off a backlog two minutes to catch up.
RETRY_SCHEDULE = (1, 1, 5, 5, 30, 30, 30, 30)
LONGEST_DEADLINE = 30  # seconds that a caller may wait for a command

_process = uuid.uuid4().hex[:12]
_counter = itertools.count(1)


def new_id() -> str:
    """An id unique in the whole system and cheap to make: process, then a counter."""
    return f"{_process}{os.getpid():x}-{next(_counter):x}"


def reply_queue(room: str) -> str:
    return f"rpc.reply-{room}-{uuid.uuid4().hex}"


def fan_queue(room: str) -> str:
    return f"fan.{room}.{uuid.uuid4().hex}"


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
