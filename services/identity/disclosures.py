"""To whom a person's data were disclosed, for what and on what legal ground: a closed list, and who reads the log.

Rooms read a person (`people.read`) only for a purpose of this list; each reading is a row of `access_log`. The person
sees them all; the police's and IOC's report counts them and names nobody.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from services.common import cursors
from services.common.context import Context
from services.common.rules import rule
from services.identity import figures, store

_NEWEST: cursors.Order = {"at": datetime, "_id": str}


@dataclass(frozen=True, slots=True)
class Purpose:
    """What somebody's data are read for, and which law says that they may be."""

    text_vi: str
    text_en: str
    ground: str


PURPOSES: Mapping[str, Purpose] = {
    "receipt": Purpose(
        "Lập giấy tiếp nhận hồ sơ và hẹn trả kết quả", "Drawing up the receipt with the appointment",
        "NĐ 61/2018/NĐ-CP Đ17.3; QĐ 08/2025/QĐ-UBND Đ13.2",
    ),
    "signature of a component": Purpose(
        "Đối chiếu người ký một thành phần hồ sơ", "Comparing who signed a component of a dossier",
        "TB 94/TB-UBND §2; NĐ 130/2018/NĐ-CP Đ9",
    ),
    "fee receipt": Purpose("Lập biên lai thu phí, lệ phí", "Drawing up a receipt of payment", "TT 303/2016/TT-BTC Đ3"),
    "sms notice": Purpose(
        "Gửi tin nhắn báo trạng thái hồ sơ", "Sending a message about a dossier", "QĐ 08/2025/QĐ-UBND Đ9.6",
    ),
    "national_portal_sync": Purpose(
        "Đồng bộ hồ sơ lên Cổng dịch vụ công quốc gia", "Telling the national portal of a dossier",
        "QĐ 08/2025/QĐ-UBND Đ28.2",
    ),
}  # fmt: skip
#: Of readings that a former release wrote down with another word.
_UNNAMED = Purpose("Mục đích ghi trước khi có danh mục", "A purpose from before this list", "QĐ 08/2025/QĐ-UBND Đ22.1")


@rule("SE-06", title="Mỗi lần dùng dữ liệu cá nhân có mục đích trong danh mục", cites="QĐ 08/2025/QĐ-UBND Đ4.6")
def purpose_of(word: str) -> Purpose:
    """The purpose behind a word of the log."""
    return PURPOSES.get(word, _UNNAMED)


@rule("SE-03", title="Người dân xem được ai đã đọc dữ liệu của mình, theo căn cứ nào", cites="QĐ 08/2025/QĐ-UBND Đ22.1")
def page(ctx: Context, data: dict[str, Any]) -> dict[str, Any]:
    """Readings of the actor's own data, newest first."""
    ids = store.ids_of_person(ctx.store, ctx.actor.person_id)
    mine = {"person_id": {"$in": ids}}
    shown, following = cursors.read(
        ctx.store, "access_log", mine, _NEWEST, data["cursor"], data["limit"], newest_first=True
    )
    return {"items": [_shown(row) | {"at": row["at"]} for row in shown], "next_cursor": following}


@rule("SE-03", title="Báo cáo việc cung cấp dữ liệu cá nhân theo mục đích và căn cứ", cites="QĐ 08/2025/QĐ-UBND Đ22.1")
def report(ctx: Context, data: dict[str, Any]) -> dict[str, Any]:
    """How often was read, by room, purpose and ground, on local days `since` to `until` (the last month where none is
    given); no person is named. Raises Problem 422."""
    since, until = figures.period(data["since"], data["until"], ctx.now)
    grouped: list[dict[str, Any]] = [
        {"$match": {"at": {"$gte": since, "$lt": until}}},
        {"$group": {"_id": {"caller": "$caller", "purpose": "$purpose"}, "number": {"$sum": 1}}},
        {"$sort": {"_id.purpose": 1, "_id.caller": 1}},
    ]
    found = ctx.store.collection("access_log").aggregate(grouped)
    rows = [_shown(row["_id"]) | {"number": row["number"]} for row in found]
    return {"total": sum(row["number"] for row in rows), "rows": rows}


def _shown(row: dict[str, Any]) -> dict[str, Any]:
    purpose = purpose_of(row["purpose"])
    return {
        "reader": row["caller"].removeprefix("service:"),
        "purpose": row["purpose"],
        "purpose_vi": purpose.text_vi,
        "purpose_en": purpose.text_en,
        "legal_ground": purpose.ground,
    }
