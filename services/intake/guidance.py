"""Guidance (hướng dẫn hoàn thiện): what the desk may ask to complete before acceptance, and asking for paper. Pure.

The rules that guidance shares with supplement requests are in `services.common.slips`.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any

from services.common import problems
from services.common.expected_signer import Signing
from services.common.rules import rule
from services.common.slips import Act, normalized_text, refuse_if_blocked, round_number, validate

Slip = dict[str, Any]
ACT = "guidance"


@rule("GU-02", title="Hướng dẫn có nội dung và chọn thành phần", cites="TB 94/TB-UBND §3")
@rule("GU-07", title="Hướng dẫn đếm riêng với yêu cầu bổ sung", cites="TB 94/TB-UBND §3; CV 252/UBND-HCC, phụ lục")
def new_slip(
    code: str,
    given: Sequence[Slip],
    *,
    text: str,
    components: Sequence[str],
    of_procedure: Collection[str],
    blocked: Collection[Act],
    failure_statement: str | None,
    officer: str,
    officer_person: str,
    now: datetime,
    dossier_version: int,
) -> Slip:
    """The slip as it will be kept. A missing or unsigned file is not refused here: oversight judges it (X-17).

    Raises Problem 409 (MO-11, guidance is blocked) or 422 (GU-02, empty text, no or unknown component).
    """
    refuse_if_blocked(Act.GUIDANCE, blocked)
    validate(text, components, of_procedure)
    number = round_number(Act.GUIDANCE, [Act.GUIDANCE] * len(given))
    return {
        "slip_id": f"{code}-HD{number}",
        "act": ACT,
        "round": number,
        "text": text.strip(),
        "components": sorted(set(components)),
        "failure_statement": (failure_statement or "").strip() or None,
        "file_id": None,
        "file_sha256": None,
        "officer": officer,
        "officer_person": officer_person,  # who decides on a slip may have another account (MO-16)
        "at": now,
        "dossier_version": dossier_version,
        "answered_by_version": None,
    }


def text_hash(text: str) -> str:
    """Digest of a text as it is compared, for events, which carry no text."""
    return hashlib.sha256(normalized_text(text).encode()).hexdigest()


def open_slip(given: Sequence[Slip]) -> Slip | None:
    """The guidance that waits for an answer."""
    return given[-1] if given and given[-1]["answered_by_version"] is None else None


@rule("IN-03", title="Không yêu cầu bản giấy với thành phần đã ký số hợp lệ",
      cites="TB 94/TB-UBND §2; CV 2658/UBND-CNTT §4; NĐ 45/2020/NĐ-CP Đ6.2b")  # fmt: skip
@rule("SG-02", title="Chữ ký số đã xác nhận thì không đòi thêm bản giấy", cites="TB 94/TB-UBND §2")
def refuse_paper(component: Mapping[str, Any], signing: Signing) -> None:
    """Refuse to demand paper for a component that the applicant or an agency signed validly (409).

    Anybody else's valid signature keeps no paper away: such a file is a plain copy.
    """
    if signing.is_right:
        raise problems.conflict(
            "Thành phần đã ký số hợp lệ, không được yêu cầu bản giấy",
            "The component is validly signed; paper may not be demanded",
            rule="IN-03",
            citation="TB 94/TB-UBND §2; CV 2658/UBND-CNTT §4; NĐ 45/2020/NĐ-CP Đ6.2b",
            extra={"component": component["component"], "verdict": "TOTAL_PASSED", "signing": signing.value},
        )
