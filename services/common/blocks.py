"""Blocks of the two acts as oversight tells them, kept by the room that carries the act. Pure.

Telling and lifting a block are two events that may come in either order: the one that was told later counts.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from services.common.slips import Act

#: act -> {"blocked": bool, "recorded": when oversight told it}
Blocks = Mapping[str, Mapping[str, Any]]

_ACTS = {"guidance": Act.GUIDANCE, "supplement": Act.SUPPLEMENT_REQUEST, "supplement_request": Act.SUPPLEMENT_REQUEST}


def act_named(text: str) -> Act:
    """The act by its word in events. Raises ValueError for an unknown one."""
    try:
        return _ACTS[text.casefold()]
    except KeyError:
        raise ValueError(f"no such act: {text!r}") from None


def told(blocks: Blocks, act: str, *, blocked: bool, recorded: datetime) -> dict[str, Any] | None:
    """The blocks after an event about one act; None for news that is older than what is known."""
    name = act_named(act).value
    known = blocks.get(name)
    if known is not None and known["recorded"] >= recorded:
        return None
    return {**blocks, name: {"blocked": blocked, "recorded": recorded}}


def blocked_acts(blocks: Blocks) -> frozenset[Act]:
    """Acts that are blocked now."""
    return frozenset(Act(name) for name, block in blocks.items() if block["blocked"])
