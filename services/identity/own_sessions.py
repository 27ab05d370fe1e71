"""What the owner of an account does with its sessions: sees them, ends this one, ends all of them at once."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from services.common.context import Context
from services.identity import sessions, store, tokens

MOST_SHOWN = 100


def shown(ctx: Context) -> dict[str, Any]:
    """The sessions that are open, the one used last first."""
    live = [s for s in store.live_sessions(ctx.store, ctx.actor.subject) if s["expires_at"] > datetime.now(UTC)]
    live.sort(key=lambda session: session["rotated_at"], reverse=True)
    return {"items": [sessions.shown(session, ctx.actor.session) for session in live[:MOST_SHOWN]]}


def sign_out(ctx: Context) -> dict[str, Any]:
    """Ends the session of the token in use; repeating it does no harm."""
    session = ctx.store.find_one("sessions", {"sid": ctx.actor.session, "ended_at": None})
    if session is not None:
        unit = ctx.unit()
        ended = tokens.end(unit, [session])
        ctx.commit(unit)
        tokens.tell(ctx.kernel, ended)
    return {"signed_out": True}


def sign_out_everywhere(ctx: Context) -> dict[str, Any]:
    """Ends every session of the account, on all channels, this one too; says how many there were."""
    live = store.live_sessions(ctx.store, ctx.actor.subject)
    unit = ctx.unit()
    ended = tokens.end(unit, live)
    ctx.commit(unit)
    tokens.tell(ctx.kernel, ended)
    return {"ended": len(ended)}
