"""Idempotent commands: the same key and body give the same answer, once, for 30 days.

A row is inserted as running under its unique key before the work, and finished in the business transaction by the
holder that started it; so of two holders (a restart, a redelivery) only one can commit. Refusals are not kept.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import orjson

from services.common import problems
from services.common.crypto import DataKey
from services.common.store import Store
from services.common.wire import new_id
from services.common.writes import Duplicate, Kind, Write

#: Real seconds beyond its caller's deadline that a holder keeps its turn. Of two holders the database lets one commit.
GRACE = 1.0


class LostHold(Exception):
    """Another holder took the row over; this one's work must not be committed."""


@dataclass(frozen=True)
class Hold:
    """The right to execute one command. `answer` is set when it was executed before."""

    key: str
    holder: str
    done: bool = False
    answer: Any = None


def key_of(actor: str, method: str, command: str) -> str:
    """Keys are scoped to actor and route."""
    return hashlib.sha256(f"{actor}\x00{method}\x00{command}".encode()).hexdigest()


def body_hash(kwargs: dict[str, Any], key: DataKey) -> str:
    """A keyed digest: bodies hold personal numbers, which a plain digest would let anybody test guesses against."""
    return key.blind(orjson.dumps(kwargs, option=orjson.OPT_SORT_KEYS).decode(), "idempotency.body")


def begin(store: Store, key: str, body: str, *, seconds: float, redelivered: bool) -> Hold:
    """Takes the hold on a command for `seconds` (what its caller still waits), or returns its kept answer.

    `redelivered` says that the broker gave us this request a second time: its former holder is gone or has lost its
    connection, and is shut out by the takeover. Raises Problem 422 (another body) or 409 (still running).
    """
    rows = store.collection("idempotency")
    holder = new_id()
    now = datetime.now(UTC)
    until = now + timedelta(seconds=seconds + GRACE)
    begun = {"_id": key, "body": body, "state": "running", "holder": holder, "until": until, "created_at": now}
    try:
        store.commit([Write("idempotency", Kind.INSERT, {}, lambda: begun)])
        return Hold(key, holder)
    except Duplicate:
        row = rows.find_one({"_id": key})
    if row is None:  # removed between the two: its command was refused; the caller may try again at once
        raise problems.still_running(retry_after=1)
    if row["body"] != body:
        raise problems.idempotency_mismatch()
    if row["state"] == "done":
        return Hold(key, row["holder"], done=True, answer=row["answer"])
    if not redelivered and row["until"] > now:
        raise problems.still_running(retry_after=1)
    taken = rows.update_one(
        {"_id": key, "state": "running", "holder": row["holder"]}, {"$set": {"holder": holder, "until": until}}
    )
    if taken.matched_count != 1:
        raise problems.still_running(retry_after=1)
    return Hold(key, holder)


def finishing(hold: Hold, answer: Any) -> Write:
    """Keeps the answer. Its commit raises LostHold when the hold was taken over meanwhile."""
    return Write(
        "idempotency",
        Kind.UPDATE,
        {"_id": hold.key, "holder": hold.holder, "state": "running"},
        lambda: {"$set": {"state": "done", "answer": answer}},
        must_match=True,
        missed=LostHold,
    )


def forget(store: Store, hold: Hold) -> None:
    """Removes the row of a refused command, so that a corrected attempt may use the key again."""
    store.collection("idempotency").delete_one({"_id": hold.key, "holder": hold.holder, "state": "running"})
