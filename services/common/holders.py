"""Asking identity whose certificates the signatures of a report were made with.

The numbers of a report go to identity and only yes or no comes back: what other rooms keep about people holds no
number, and what identity keeps does not leave it for this.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime

from services.common.context import Context
from services.common.expected_signer import NOBODY, Holder, Report, questions

#: Signatures about which identity is asked; a file with more is refused by signing long before.
MOST = 20


def holders(
    ctx: Context,
    report: Report,
    *,
    persons: Collection[str] = (),
    officer: str = "",
    units: Collection[str] = (),
    at: datetime | None = None,
    timeout: float | None = None,
) -> list[Holder]:
    """One holder a signature, in their order: which of `persons` it is, and whether it is the account `officer` or an
    officer of one of the `units` at that time (now, where none is named).

    Raises Problem 503 while identity is away: nobody is taken for anybody on a guess.
    """
    asked = questions(report)[:MOST]
    if not any(any(signer.values()) for signer in asked):
        return [NOBODY] * len(asked)
    answer = ctx.call(
        "identity.signers", as_service=True, timeout=timeout, signers=asked, persons=sorted(set(persons) - {""}),
        officer=officer, units=sorted(set(units) - {""}), at=at.isoformat() if at else None,
    )  # fmt: skip
    return [Holder(frozenset(item["persons"]), bool(item["officer"])) for item in answer["items"]]
