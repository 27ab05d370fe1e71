"""Opening, renewing and ending sessions: the part of them that touches the database and the other rooms."""

from __future__ import annotations

import time
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from services.common import problems
from services.common.context import Context
from services.common.kernel import Kernel
from services.common.store import Document
from services.common.unit import UnitOfWork
from services.identity import accounts, grants, sessions, sign_in_rule, store
from services.identity.sessions import Method, RefreshVerdict, Rights


def open_session(ctx: Context, unit: UnitOfWork, account: Document, channel: str, method: Method) -> dict[str, Any]:
    """A session in the unit and the answer that carries its tokens.

    The account is touched in the same unit, so a lock, a removed grant or a new password that is written meanwhile
    sees this session or stops it.
    """
    session, refresh_token = sessions.opened(account, channel, method, datetime.now(UTC))
    unit.insert("sessions", session)
    opened = {"account_id": account["_id"], "channel": channel, "method": str(method)}
    unit.tell(session, "session.opened", opened, subject=account["_id"])
    as_read = {name: account[name] for name in ("person_id", "grants", "password_hash")}
    unit.change(
        "accounts",
        {"_id": account["_id"], "state": accounts.ACTIVE, **as_read},
        {"$set": {"last_sign_in_at": ctx.now}, "$inc": {"version": 1}},
    )
    return answer(ctx.kernel, account, session, refresh_token)


def refresh(ctx: Context, refresh_token: str) -> dict[str, Any]:
    """New tokens for a refresh token. Raises Problem 401; a token that was rotated away ends its session."""
    session_id, digest = sessions.split(refresh_token)
    session = ctx.store.get("sessions", session_id) if session_id else None
    now = datetime.now(UTC)
    verdict = sessions.judge_refresh(session, digest, now)
    if session is None or verdict is RefreshVerdict.ENDED:
        raise problems.unauthorized()
    if verdict is RefreshVerdict.STOLEN:
        unit = ctx.unit()
        ended = end(unit, [session])
        unit.commit()
        tell(ctx.kernel, ended)
        raise problems.unauthorized()
    account = ctx.store.get("accounts", session["account_id"])
    if account is None or account["state"] != accounts.ACTIVE:
        raise problems.unauthorized()
    refuse_ungranted(ctx.kernel, account)
    token = sessions.rotate(session, now)
    unit = ctx.unit()
    unit.save("sessions", session)
    ctx.commit(unit)
    return answer(ctx.kernel, account, session, token)


def renew(unit: UnitOfWork, found: list[Document]) -> list[Document]:
    """Ends the access tokens of sessions that go on; returns the revocations to tell after the commit."""
    now = datetime.now(UTC)
    return [_revoke(unit, session, sessions.revocation(sessions.renew_sid(session), now)) for session in found]


def end(unit: UnitOfWork, found: list[Document]) -> list[Document]:
    """Ends sessions in the unit; returns the revocations to tell after the commit."""
    now = datetime.now(UTC)
    rows = []
    for session in found:
        session["ended_at"] = now
        unit.tell(session, "session.ended", {"account_id": session["account_id"]}, subject=session["account_id"])
        rows.append(_revoke(unit, session, sessions.revocation(session["sid"], now)))
    return rows


def tell(kernel: Kernel, revocations: list[Document]) -> None:
    """Says to every process that these sessions end. What is not heard is repeated by a timer while it matters."""
    for row in revocations:
        kernel.verifier.revoke_session(row["_id"], row["until"])
        kernel.broadcast("session.revoked", {"session": row["_id"], "until": row["until"]})


def refuse_ungranted(kernel: Kernel, account: Document) -> None:
    """Raises Problem 403 for an officer of whose grants none holds now. Ask only after what proves who it is."""
    if account["kind"] == "officer" and not _said(kernel, account).rights:
        raise grants.none_held()


@dataclass(frozen=True, slots=True)
class _Said:
    """What a token that is signed now may say, and for how many seconds."""

    rights: Rights
    seconds: int


def _said(kernel: Kernel, account: Document) -> _Said:
    """The account's grants as far as they hold and the day's rules let them act, and no longer than they do."""
    now = kernel.now()
    closed = store.closed_units(kernel.store, account["grants"])
    held = grants.held(account["grants"], closed, now)
    left = grants.seconds_left(held, closed, now)
    seconds = sessions.ACCESS_LIFETIME if left is None else min(sessions.ACCESS_LIFETIME, max(1, int(left)))
    return _Said(sign_in_rule.rights(account, grants.rights(held), now), seconds)


def access_token(kernel: Kernel, account: Document, session: Document) -> str:
    return _signed(kernel, account, session, _said(kernel, account))


def answer(kernel: Kernel, account: Document, session: Document, refresh_token: str) -> dict[str, Any]:
    """Tokens as sign-in and refresh answer them."""
    said = _said(kernel, account)
    return {
        "access_token": _signed(kernel, account, session, said),
        "token_type": "Bearer",
        "expires_in": said.seconds,
        "refresh_token": refresh_token,
        "account": {
            "account_id": account["_id"],
            "person_id": account["person_id"],
            "normalized": account["normalized"],
        },
        "grants": grants.as_answer(said.rights),
    }


def _signed(kernel: Kernel, account: Document, session: Document, said: _Said) -> str:
    return kernel.signer.sign(sessions.claims(account, session, said.rights), said.seconds)


def revoked(kernel: Kernel) -> dict[str, Any]:
    """Sessions whose access tokens may still be about, for a process that starts."""
    now = time.time()
    rows = [row for row in store.live_revocations(kernel.store) if row["until"] > now]
    return {"sessions": [{"session": row["_id"], "until": row["until"]} for row in rows]}


def _revoke(unit: UnitOfWork, session: Document, row: Document) -> Document:
    unit.save("sessions", session)
    unit.insert("revocations", row)
    return row
