"""What becomes of a worker's report: when it stands, under which id it is kept, what of it is shown to whom. Pure."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

from services.common.rules import rule
from services.signing.verdict import Verdict

#: Purposes of files that are checked as they come in; the system's own forms carry no signature yet.
CHECKED = frozenset({"component", "slip", "result", "own"})

#: The one open verdict that the operator of this system can end: by bringing revocation lists or answers.
WAITS_FOR_REVOCATION = "no_revocation_data"
#: After so long such a file is counted with the others: data that its authority no longer gives out never come.
_WAITED_FOR = timedelta(days=7)

#: What a report speaks of, beside each verdict of a signed file.
SCOPE = ("chỉ xét chữ ký; ai phải ký do hồ sơ quyết định", "the signature alone; who had to sign, the dossier says")

_FIRST_PAUSE = timedelta(minutes=5)
_LONGEST_PAUSE = timedelta(days=1)
#: Asked for again sooner than this, an undecided file gets its known answer (unless the trust store changed).
_ASKED_AGAIN = timedelta(minutes=1)
_SHOWN_DIGITS = 4


@rule("SG-07", title="Kết luận “không xác định” không bao giờ là kết luận cuối cùng", cites="TB 94/TB-UBND §2")
def is_final(verdict: str) -> bool:
    """Whether a verdict stands. INDETERMINATE never does: it is neither a yes nor a no."""
    return verdict != Verdict.INDETERMINATE


def report_id(report: dict[str, Any], check: str = "") -> str:
    """One report per content, policy and version of the trust store; an undecided one does not take a decided one's
    place, so its outcome is part of the id. `check`: of the record of a check that an officer asked for, whose report
    stands beside the others."""
    parts = [report[name] for name in ("sha256", "policy", "trust_version", "verdict", "code")] + [check] * bool(check)
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:32]


def next_check(verdict: str, attempts: int, now: datetime) -> datetime | None:
    """When a file is looked at again by itself: after 5, 10, 20 … minutes, at most a day; None for what stands."""
    if is_final(verdict):
        return None
    return now + min(_FIRST_PAUSE * 2 ** min(attempts, 10), _LONGEST_PAUSE)


def waiting_since(now: datetime) -> datetime:
    """Files received before that are no longer counted as waiting for revocation data."""
    return now - _WAITED_FOR


def asks_anew(file: dict[str, Any], *, trust_version: str, now: datetime) -> bool:
    """Whether somebody who asks now should get a fresh look instead of the known answer."""
    if is_final(file["verdict"]):
        return False
    if file["code"] == "limit":
        # It cost a worker its life: not again for everybody who asks.
        return bool(now >= file["next_check_at"])
    return file["trust_version"] != trust_version or now - file["checked_at"] >= _ASKED_AGAIN


def outcome(report: dict[str, Any]) -> tuple[str, str | None, str]:
    """What counts as a change of the verdict: the verdict itself, its sub-indication and our own code."""
    return report["verdict"], report["sub_indication"], report["code"]


#: Personal number and name of a signer, and how a sealed text begins: reports of the first release have names in clear.
_PERSONAL = ("personal_number", "common_name")
_SEALED = "v1:"
#: (text, field) → the text sealed or opened; the field is bound to it.
Change = Callable[[str, str], str]


@rule("X-26", title="Tên và số định danh của người ký được mã hóa khi lưu", cites="Quyết định thiết kế X-26")
def sealed(report: dict[str, Any], seal: Change) -> dict[str, Any]:
    """The report as it is stored: names and personal numbers of signers encrypted."""
    return _changed(report, seal)


def shown(report: dict[str, Any], unseal: Change, *, whole: bool) -> dict[str, Any]:
    """The stored report as it is answered: personal numbers in full (`whole`) or their last digits."""

    def show(text: str, field: str) -> str:
        clear = unseal(text, field) if text.startswith(_SEALED) else text
        return masked(clear) if field == "personal_number" and not whole else clear

    vi, en = SCOPE if report["signatures"] else (None, None)
    return {**_changed(report, show), "scope_vi": vi, "scope_en": en}


def masked(number: str) -> str:
    """All but the last four digits hidden."""
    return "*" * (len(number) - _SHOWN_DIGITS) + number[-_SHOWN_DIGITS:]


def _changed(report: dict[str, Any], change: Change) -> dict[str, Any]:
    # A stamp made with a citizen's certificate names him like a signature; old reports list no stamps.
    return {**report, **{part: [_item(item, change) for item in report.get(part, ())] for part in _PARTS}}


_PARTS = ("signatures", "timestamps")


def _item(item: dict[str, Any], change: Change) -> dict[str, Any]:
    signer = item["signer"]
    return {**item, "signer": {**signer, **{n: change(signer[n], n) if signer.get(n) else None for n in _PERSONAL}}}
