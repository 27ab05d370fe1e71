"""States of an account: one table of who may move it from where to where, and which event tells of it.

active     may be used
locked     duplicates or misstates an identity, or an office locked it; keeps its phone; support may give it back
suspended  its owner put it to rest and may take it up again
blocked    harms the system; IOC alone ends it, and it goes back to what it was before
cancelled  gone for good: phone and number are free for another account, history and person stay

The owner of a state that refuses is told why after the right password only (X-23).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from services.common import problems
from services.common.rules import rule

Account = dict[str, Any]


class State(StrEnum):
    ACTIVE = "active"
    LOCKED = "locked"
    SUSPENDED = "suspended"
    BLOCKED = "blocked"
    CANCELLED = "cancelled"


class Command(StrEnum):
    LOCK = "lock"
    UNLOCK = "unlock"
    SUSPEND = "suspend"
    RESUME = "resume"
    CANCEL = "cancel"
    BLOCK = "block"
    UNBLOCK = "unblock"


class Who(StrEnum):
    OWNER = "owner"
    SUPPORT = "support"
    IOC = "ioc"
    SYSTEM = "system"  # a rival was normalized


#: Reason words of events and problems. What an officer wrote beside one is sealed in the account.
DUPLICATE = "duplicate_identity"
BY_OFFICE = "locked_by_office"
BY_OWNER = "by_owner"
HARM = "harmful_behaviour"
HARM_ENDED = "harm_ended"
VERIFIED = "verified_right"
CASES = {number: f"support_case_{number}" for number in range(1, 6)}
REASONS = (DUPLICATE, BY_OFFICE, BY_OWNER, HARM, HARM_ENDED, VERIFIED, *CASES.values())


@dataclass(frozen=True, slots=True)
class Guard:
    """What else must hold of the account, in words and as a test."""

    words: str
    holds: Callable[[Account], bool]


def _was(state: State) -> Guard:
    return Guard(f"was {state}", lambda account: account["lock"]["former"]["state"] == state)


@dataclass(frozen=True, slots=True)
class Transition:
    """One row: from, command, who, guard, to, event."""

    source: State
    command: Command
    who: frozenset[Who]
    target: State
    event: str
    guard: Guard | None = None


_OWNER, _SUPPORT, _IOC = frozenset({Who.OWNER}), frozenset({Who.SUPPORT}), frozenset({Who.IOC})
_OFFICE = frozenset({Who.SUPPORT, Who.IOC, Who.SYSTEM})

TABLE: tuple[Transition, ...] = (
    Transition(State.ACTIVE, Command.LOCK, _OFFICE, State.LOCKED, "account.locked"),
    Transition(State.SUSPENDED, Command.LOCK, _OFFICE, State.LOCKED, "account.locked"),
    Transition(State.LOCKED, Command.UNLOCK, _SUPPORT, State.ACTIVE, "account.unlocked"),
    Transition(State.ACTIVE, Command.SUSPEND, _OWNER, State.SUSPENDED, "account.suspended"),
    Transition(State.SUSPENDED, Command.RESUME, _OWNER, State.ACTIVE, "account.resumed"),
    Transition(State.ACTIVE, Command.CANCEL, _OWNER | _SUPPORT, State.CANCELLED, "account.cancelled"),
    Transition(State.LOCKED, Command.CANCEL, _SUPPORT, State.CANCELLED, "account.cancelled"),
    Transition(State.SUSPENDED, Command.CANCEL, _SUPPORT, State.CANCELLED, "account.cancelled"),
    Transition(State.ACTIVE, Command.BLOCK, _IOC, State.BLOCKED, "account.blocked"),
    Transition(State.LOCKED, Command.BLOCK, _IOC, State.BLOCKED, "account.blocked"),
    Transition(State.SUSPENDED, Command.BLOCK, _IOC, State.BLOCKED, "account.blocked"),
    Transition(State.BLOCKED, Command.UNBLOCK, _IOC, State.ACTIVE, "account.unblocked", _was(State.ACTIVE)),
    Transition(State.BLOCKED, Command.UNBLOCK, _IOC, State.LOCKED, "account.unblocked", _was(State.LOCKED)),
    Transition(State.BLOCKED, Command.UNBLOCK, _IOC, State.SUSPENDED, "account.unblocked", _was(State.SUSPENDED)),
)


def allowed(state: str, who: Who) -> frozenset[Command]:
    """What somebody may do to an account in a state."""
    return frozenset(row.command for row in TABLE if row.source == state and who in row.who)


@rule("ID-24", title="Chủ tài khoản tạm dừng, mở lại hoặc hủy tài khoản của mình", cites="QĐ 08/2025/QĐ-UBND Đ7.4")
@rule("ID-26", title="Chỉ IOC chặn và bỏ chặn tài khoản gây hại", cites="QĐ 08/2025/QĐ-UBND Đ24.4")
def find(account: Account, command: Command, who: Who) -> Transition:
    """The row that a command takes. Raises Problem 409 (not in this state) or 403 (not by this one)."""
    rows = [row for row in TABLE if row.source == account["state"] and row.command is command]
    if not rows:
        raise problems.conflict(
            "Trạng thái của tài khoản không cho phép việc này",
            "The state of the account does not allow this",
            extra={"state": str(account["state"])},
        )
    rows = [row for row in rows if who in row.who]
    if not rows:
        raise problems.forbidden()
    return next(row for row in rows if row.guard is None or row.guard.holds(account))


@rule("X-7", title="Hủy tài khoản giữ lịch sử, giải phóng số điện thoại và số định danh", cites="CV 2740/STTTT-IOC §2")
def move(
    account: Account, command: Command, who: Who, *, reason: str, by: str, now: datetime, note: str | None = None
) -> Transition:
    """Moves an account; `by` is the subject who did it, `note` what an officer wrote (sealed). Returns the row taken.

    Raises Problem 409 or 403. Whose sessions die: every state but active.
    """
    taken = find(account, command, who)
    before = {"state": account["state"], "lock": account["lock"]}
    if taken.command is Command.UNBLOCK:
        account["lock"] = account["lock"]["former"]["lock"]
    elif taken.target is State.ACTIVE:
        account["lock"] = None
    else:
        account["lock"] = {"reason": reason, "by": by, "at": now, "note": note}
    if taken.command is Command.BLOCK:
        account["lock"]["former"] = before
    if taken.target is State.CANCELLED:
        # Free for another account; the indexes stay with it, so that its history is found by phone and number.
        for field in [name for name in account if name.startswith("holds_")]:
            account[field] = False
    account["state"] = str(taken.target)
    return taken


def diagram() -> str:
    """The table as a diagram for the documents."""
    rows = ["stateDiagram-v2", "    [*] --> active: register / account.registered"]
    for row in TABLE:
        who = ", ".join(sorted(row.who))
        guard = f" [{row.guard.words}]" if row.guard else ""
        rows.append(f"    {row.source} --> {row.target}: {row.command} ({who}){guard} / {row.event}")
    return "\n".join([*rows, "    cancelled --> [*]"])
