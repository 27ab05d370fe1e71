"""The life of an account after it was registered: put to rest and taken up again, cancelled, locked, blocked.

What is allowed says account_states.py. Here: the proof that is asked for, the write with its event and its row in the
account log, and the end of the sessions.
"""

from __future__ import annotations

from typing import Any

from services.common import problems
from services.common.context import Context
from services.common.store import Document
from services.common.unit import UnitOfWork
from services.identity import account_states, accounts, audit, challenges, passwords, secrecy, signing_in, store, tokens
from services.identity.account_states import Command, State, Who
from services.identity.codes import Purpose, Verdict, refusal
from services.identity.passwords import Passwords

_OWN_CODES = {
    "suspension": Purpose.SUSPENSION,
    "cancellation": Purpose.CANCELLATION,
    "password": Purpose.PASSWORD_CHANGE,
}


#: By the word of the event, that of the account log.
_PASSWORD_ACTS = {"change": "change_password", "recovery": "recover"}


def change(
    ctx: Context,
    unit: UnitOfWork,
    account: Document,
    command: Command,
    who: Who,
    *,
    reason: str,
    text: str | None = None,
    case: int | None = None,
    case_id: str | None = None,
) -> list[Document]:
    """A change of state in the unit, with its event and log row; returns the revocations to tell after the commit.

    `reason` is the word that the event carries, `text` what an officer wrote. Raises Problem 409 or 403.
    """
    note = secrecy.key_of(ctx.kernel).seal(text, secrecy.NOTE) if text else None
    taken = account_states.move(account, command, who, reason=reason, by=ctx.actor.subject, now=ctx.now, note=note)
    unit.save("accounts", account)
    unit.tell(account, taken.event, event_of(account, reason))
    audit.record(ctx, unit, str(command), account["_id"], reason=text, case=case, case_id=case_id)
    if taken.target is State.ACTIVE:
        return []
    return tokens.end(unit, store.live_sessions(ctx.store, account["_id"]))


def event_of(account: Document, reason: str) -> dict[str, Any]:
    """What an event about an account's state carries: ids and a reason word, no text."""
    return {"account_id": account["_id"], "person_id": account["person_id"], "reason": reason}


# --- the owner's own ------------------------------------------------------------------------------------------------


def request_code(ctx: Context, act: str) -> dict[str, Any]:
    """Sends a code for an act on one's own account, to that account's phone. Raises Problem 409, 429 or 503."""
    account = accounts.must_be_active(ctx.store.get("accounts", ctx.actor.subject))
    challenge = challenges.ask(ctx, _OWN_CODES[act], phone_of(ctx, account), account_id=account["_id"])
    return {"sent": True, "expires_at": challenge["expires_at"]}


def phone_of(ctx: Context, account: Document) -> str:
    """The account's phone. Raises Problem 409 where it has none."""
    phone = secrecy.opened(secrecy.key_of(ctx.kernel), account["phone"], secrecy.PHONE)
    if phone is None:
        raise _no_phone()
    return phone


def suspend(ctx: Context, code: str) -> dict[str, Any]:
    """The owner puts the account to rest: its sessions end, signing in is refused until it is resumed."""
    return _own(ctx, Command.SUSPEND, Purpose.SUSPENSION, code)


def cancel(ctx: Context, code: str) -> dict[str, Any]:
    """The owner gives the account up. Dossiers stay with the person; phone and number are free."""
    return _own(ctx, Command.CANCEL, Purpose.CANCELLATION, code)


def change_password(ctx: Context, hasher: Passwords, code: str, new_password: str) -> dict[str, Any]:
    """A new password by a code to the account's phone; every other session ends. Raises Problem 422."""
    account = accounts.must_be_active(ctx.store.get("accounts", ctx.actor.subject))
    passwords.refuse_weak(new_password, phone_of(ctx, account))
    challenge = _entered(ctx, account, Purpose.PASSWORD_CHANGE, code)
    others = [row for row in store.live_sessions(ctx.store, account["_id"]) if row["sid"] != ctx.actor.session]
    set_password(ctx, hasher, account, challenge, new_password, "change", others)
    return {"changed": True}


def set_password(
    ctx: Context,
    hasher: Passwords,
    account: Document,
    challenge: Document,
    password: str,
    act: str,
    ending: list[Document],
) -> None:
    """Gives the account a new password for a code that was right and ends these sessions; `act`: change, recovery."""
    account["password_hash"] = hasher.hash(password)
    unit = ctx.unit()
    unit.save("accounts", account)
    challenges.use(unit, challenge, ctx.now)
    told = {"account_id": account["_id"], "person_id": account["person_id"], "act": act}
    unit.tell(account, "account.password_changed", told)
    audit.record(ctx, unit, _PASSWORD_ACTS[act], account["_id"])
    ended = tokens.end(unit, ending)
    ctx.commit(unit)
    tokens.tell(ctx.kernel, ended)


def request_resumption(ctx: Context, hasher: Passwords, phone_text: str, password: str) -> dict[str, Any]:
    """Phone and password of a suspended account: a code goes to that phone.

    Raises Problem 401 (alike for no account and a wrong password), 403 (locked, blocked), 409 (not suspended), 429.
    """
    key = secrecy.key_of(ctx.kernel)
    phone = challenges.read_phone(phone_text)
    blind = key.blind(phone, secrecy.PHONE)
    account = signing_in.prove(ctx, hasher, f"phone/{blind}", store.account_of_phone(ctx.store, blind), password)
    if account["state"] != State.SUSPENDED:
        accounts.refuse_locked(account)
    account_states.find(account, Command.RESUME, Who.OWNER)
    challenge = challenges.ask(ctx, Purpose.RESUMPTION, phone, account_id=account["_id"])
    return {"resumption_id": challenge["_id"], "expires_at": challenge["expires_at"]}


def resume(ctx: Context, resumption_id: str, code: str) -> dict[str, Any]:
    """Takes a suspended account up again by the code. Raises Problem 422 (code) or 409 (not suspended any more)."""
    challenge = challenges.enter_named(ctx, resumption_id, Purpose.RESUMPTION, code)
    account = ctx.store.get("accounts", challenge["account_id"])
    if account is None:
        raise refusal(Verdict.ENDED)
    unit = ctx.unit()
    change(ctx, unit, account, Command.RESUME, Who.OWNER, reason=account_states.BY_OWNER)
    challenges.use(unit, challenge, ctx.now)
    answer: dict[str, Any] = ctx.commit(unit, _answer(account, account_states.BY_OWNER))
    return answer


def _own(ctx: Context, command: Command, purpose: Purpose, code: str) -> dict[str, Any]:
    account = accounts.must_be_active(ctx.store.get("accounts", ctx.actor.subject))
    challenge = _entered(ctx, account, purpose, code)
    unit = ctx.unit()
    ended = change(ctx, unit, account, command, Who.OWNER, reason=account_states.BY_OWNER)
    challenges.use(unit, challenge, ctx.now)
    answer: dict[str, Any] = ctx.commit(unit, _answer(account, account_states.BY_OWNER))
    tokens.tell(ctx.kernel, ended)
    return answer


def _entered(ctx: Context, account: Document, purpose: Purpose, code: str) -> Document:
    latest = store.latest_challenge(ctx.store, purpose, account["phone_blind"], account["_id"])
    return challenges.enter(ctx, latest, code)


# --- the office's ---------------------------------------------------------------------------------------------------


def lock(ctx: Context, account_id: str, reason: str) -> dict[str, Any]:
    """Locks an account by hand; its sessions die. Locking it again changes nothing. Raises Problem 403, 404 or 409.

    Support works for citizens (domain.md §2.6); an officer's account only IOC locks, and nobody their own.
    """
    account = _of_others(ctx, account_id)
    if account["kind"] == "officer" and "ioc" not in ctx.actor.roles:
        raise _harm_forbidden()
    if account["state"] != State.LOCKED:
        who = Who.IOC if "ioc" in ctx.actor.roles else Who.SUPPORT
        _by_office(ctx, account, Command.LOCK, who, account_states.BY_OFFICE, reason)
    return _answer(account, account["lock"]["reason"])


def block(ctx: Context, account_id: str, reason: str) -> dict[str, Any]:
    """IOC blocks an account that harms the system; its sessions die. Raises Problem 403, 404 or 409."""
    account = _of_others(ctx, account_id)
    return _by_office(ctx, account, Command.BLOCK, Who.IOC, account_states.HARM, reason)


def unblock(ctx: Context, account_id: str, reason: str) -> dict[str, Any]:
    """IOC ends a block; the account is again what it was before. Raises Problem 403, 404 or 409."""
    account = _of_others(ctx, account_id)
    return _by_office(ctx, account, Command.UNBLOCK, Who.IOC, account_states.HARM_ENDED, reason)


def _by_office(ctx: Context, account: Document, command: Command, who: Who, word: str, text: str) -> dict[str, Any]:
    unit = ctx.unit()
    ended = change(ctx, unit, account, command, who, reason=word, text=text)
    answer: dict[str, Any] = ctx.commit(unit, _answer(account, word))
    tokens.tell(ctx.kernel, ended)
    return answer


def _of_others(ctx: Context, account_id: str) -> Document:
    account: Document | None = ctx.store.get("accounts", account_id)
    if account is None:
        raise accounts.unknown()
    if account_id == ctx.actor.subject or account["person_id"] == ctx.actor.person_id:
        raise _harm_forbidden()
    return account


def _harm_forbidden() -> problems.Problem:
    return problems.forbidden(rule="ID-26", citation="QĐ 08/2025/QĐ-UBND Đ24.4")


def _no_phone() -> problems.Problem:
    return problems.conflict(
        f"Tài khoản không có số điện thoại. Liên hệ tổng đài {accounts.HOTLINE}",
        f"The account has no phone. Call {accounts.HOTLINE}",
        rule="ID-18",
        extra={"support_case": 5, "hotline": accounts.HOTLINE},
    )


def _answer(account: Document, reason: str) -> dict[str, Any]:
    return {"account_id": account["_id"], "state": str(account["state"]), "reason": reason}
