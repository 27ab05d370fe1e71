"""How often a password may be tried and a code sent: per name and neighbourhood, and per name from everywhere.

A name is what is tried: a phone's or a username's blind index, whether or not there is such an account (X-23). A
neighbourhood is the gateway's digest of an address (`Context.near`). Somebody who guesses from one place uses up that
place's tries and leaves the owner hers; somebody who guesses from many meets the ceiling of all together, under which
a neighbourhood where the owner has signed in before does not stand: nobody locks her out of her own home.

Each slot is taken by one update, before the password is looked at or the code is sent: of many requests at once no
more than the limit pass. Passwords count in real time, codes in business time.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from services.common import wire
from services.common.rules import rule
from services.common.store import Document, Store
from services.identity.store import update_throttle

WINDOW = timedelta(minutes=15)
MOST_WRONG = 10  # of one neighbourhood
MOST_WRONG_TOGETHER = 50
REMEMBERED = timedelta(days=90)  # where somebody has signed in
TOGETHER = 2  # times as many codes go to one phone for all neighbourhoods together as for one


@rule("SE-04", title="Hạn chế thử mật khẩu theo tài khoản và theo địa chỉ", cites="QĐ 08/2025/QĐ-UBND Đ26.2c")
def take_attempt(store: Store, name: str, near: str) -> tuple[int, str]:
    """Takes a try of a password: (0, the try) when there was one, else the seconds until there are tries again.

    `forget_attempts` after a right password, `give_back` when it could not be looked at.
    """
    now = datetime.now(UTC)
    for known in (False, True):
        row, mine = _take(store, name, near, now, known=known)
        if row["taken_by"] == mine:
            return 0, mine
        if sum(tried["near"] == near for tried in row["tries"]) >= MOST_WRONG or not is_known(store, name, near):
            break
    return max(1, int((row["purge_at"] - now).total_seconds())), ""


def _take(store: Store, name: str, near: str, now: datetime, *, known: bool) -> tuple[Document, str]:
    mine = wire.new_id()
    passed: Any = {"$lte": [{"$ifNull": ["$purge_at", now]}, now]}
    own: Any = _of("$tries", near)
    free: list[Any] = [{"$lt": [{"$size": own}, MOST_WRONG]}]
    if not known:
        free.append({"$lt": [{"$size": "$tries"}, MOST_WRONG_TOGETHER]})
    update = [
        {
            "$set": {
                "schema_version": 1,
                "tries": {"$cond": [passed, [], {"$ifNull": ["$tries", []]}]},
                "purge_at": {"$cond": [passed, now + WINDOW, "$purge_at"]},
            }
        },
        *_add("tries", {"$and": free}, {"near": near, "id": mine}, mine),
    ]
    return update_throttle(store, name, update), mine


def give_back(store: Store, name: str, tried: str) -> None:
    """Takes back a try of which nothing came: the password was not looked at."""
    store.collection("throttles").update_one({"_id": name}, {"$pull": {"tries": {"id": tried}}})


def forget_attempts(store: Store, name: str, near: str) -> None:
    """A right password, or a code of the owner's phone, ends the count of this neighbourhood and makes it known. What
    others tried elsewhere stays counted."""
    store.collection("throttles").update_one({"_id": name}, {"$pull": {"tries": {"near": near}}})
    if near:
        store.collection("throttles").update_one(
            {"_id": _known(name, near)},
            {"$set": {"schema_version": 1, "purge_at": datetime.now(UTC) + REMEMBERED}},
            upsert=True,
        )


def is_known(store: Store, name: str, near: str) -> bool:
    """Whether the owner of the name has signed in from this neighbourhood lately."""
    return bool(near) and store.get("throttles", _known(name, near)) is not None


def take_sending(
    store: Store, purpose: str, phone_blind: str, near: str, now: datetime, window: timedelta, most: int
) -> list[datetime]:
    """Takes a sending of a code to a phone: of `most` within `window` for one neighbourhood, of TOGETHER times as many
    for all of them. Returns nothing when there was one, else the times of those that must pass first."""
    for known in (False, True):
        row, mine = _take_sending(store, purpose, phone_blind, near, now, window, most, known=known)
        if row["taken_by"] == mine:
            return []
        own = [sent["at"] for sent in row["sent"] if sent["near"] == near]
        if len(own) >= most:
            return own[-most:]
        if not is_known(store, f"phone/{phone_blind}", near):
            break
    return [sent["at"] for sent in row["sent"]][-TOGETHER * most :]


def _take_sending(
    store: Store, purpose: str, phone_blind: str, near: str, now: datetime, window: timedelta, most: int, *, known: bool
) -> tuple[Document, str]:
    mine = wire.new_id()
    recent: Any = {
        "$filter": {"input": {"$ifNull": ["$sent", []]}, "as": "one", "cond": {"$gt": ["$$one.at", now - window]}}
    }
    free: list[Any] = [{"$lt": [{"$size": _of("$sent", near)}, most]}]
    if not known:
        free.append({"$lt": [{"$size": "$sent"}, TOGETHER * most]})
    update = [
        # Business time runs no slower than real time: after a real window nothing of this counts.
        {"$set": {"schema_version": 1, "sent": recent, "purge_at": datetime.now(UTC) + window}},
        *_add("sent", {"$and": free}, {"near": near, "at": now}, mine),
    ]
    return update_throttle(store, f"code/{purpose}/{phone_blind}", update), mine


def _of(rows: str, near: str) -> Document:
    return {"$filter": {"input": rows, "as": "one", "cond": {"$eq": ["$$one.near", {"$literal": near}]}}}


def _add(name: str, free: Document, one: Document, mine: str) -> list[Document]:
    """Stages that append `one` to a list where it is free, and say in `taken_by` whose turn that was."""
    return [
        {"$set": {"free": free}},
        {
            "$set": {
                name: {"$cond": ["$free", {"$concatArrays": [f"${name}", [{"$literal": one}]]}, f"${name}"]},
                "taken_by": {"$cond": ["$free", mine, {"$ifNull": ["$taken_by", None]}]},
            }
        },
        {"$unset": "free"},
    ]


def _known(name: str, near: str) -> str:
    return f"known/{name}/{near}"
