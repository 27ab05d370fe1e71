"""What was done with an account, as the ledger has it: each transaction with time and channel (ID-25).

The account is responsible for what it does (Đ22.2), so its owner can read all of it; IOC reads it with a reason, which
the ledger keeps as well. Nothing here can be altered: it is read from the chain that `ledger verify` proves.
"""

from __future__ import annotations

import uuid
from typing import Any

from services.common import problems
from services.common.context import Context
from services.common.envelope import name_of
from services.common.rules import rule
from services.oversight import answers

Document = dict[str, Any]
OTHER = ("Giao dịch trên hệ thống", "A transaction in the system")
#: Event → what the owner is told of it.
WHAT: dict[str, tuple[str, str]] = {
    "session.opened": ("Đăng nhập", "Signed in"),
    "session.ended": ("Kết thúc phiên đăng nhập", "A session ended"),
    "account.registered": ("Đăng ký tài khoản", "Account registered"),
    "account.normalized": ("Chuẩn hóa tài khoản", "Account normalized"),
    "account.locked": ("Khóa tài khoản", "Account locked"),
    "account.vneid_announced": ("Được báo thời điểm mở đăng nhập VNeID", "Told from when VNeID opens the account"),
    "account.certificate_registered": ("Đăng ký chứng thư số", "Certificate registered"),
    "account.certificate_removed": ("Gỡ chứng thư số", "Certificate removed"),
    "account.password_changed": ("Đặt mật khẩu mới bằng mã", "Password set anew by a code"),
    "account.unlocked": ("Mở khóa tài khoản", "Account unlocked"),
    "account.suspended": ("Tạm dừng tài khoản", "Account suspended"),
    "account.resumed": ("Mở lại tài khoản", "Account resumed"),
    "account.cancelled": ("Hủy tài khoản", "Account cancelled"),
    "account.blocked": ("Chặn tài khoản", "Account blocked"),
    "account.unblocked": ("Bỏ chặn tài khoản", "Account unblocked"),
    "account.granted": ("Được cấp quyền cán bộ", "Given a role as an officer"),
    "account.ungranted": ("Bị thu hồi quyền cán bộ", "A role as an officer taken away"),
    "support.opened": ("Mở vụ việc hỗ trợ về tài khoản", "A support case about the account opened"),
    "activity.disclosed": ("Nhật ký tài khoản được IOC xem", "IOC read this log"),
    "file.stored": ("Tải tệp lên", "File uploaded"),
    "holding.added": ("Dữ liệu vào kho", "Something came into the store"),
    "owndata.held": ("Dữ liệu tự số hóa chờ xác định chữ ký", "Data of one's own wait for their signature's verdict"),
    "owndata.refused": ("Dữ liệu tự số hóa không được nhận", "Data of one's own were refused"),
    "dossier.filed": ("Nộp hồ sơ", "Dossier filed"),
    "dossier.amended": ("Bổ sung, chỉnh sửa hồ sơ", "Dossier amended"),
    "dossier.withdrawn": ("Rút hồ sơ", "Dossier withdrawn"),
    "dossier.guided": ("Hướng dẫn hoàn thiện hồ sơ", "Guided to complete a dossier"),
    "dossier.accepted": ("Tiếp nhận hồ sơ", "Dossier accepted"),
    "dossier.refused": ("Từ chối tiếp nhận hồ sơ", "Dossier refused"),
    "dossier.returned": ("Trả kết quả", "Result returned"),
    "payment.ordered": ("Tạo khoản phải nộp", "Payment ordered"),
    "payment.settled": ("Thanh toán", "Paid"),
}


@rule(
    "ID-25",
    title="Mỗi giao dịch của tài khoản được ghi kèm thời gian, kênh; không sửa được",
    cites="QĐ 08/2025/QĐ-UBND Đ22.2, Đ26.2a",
)
def page(ctx: Context, account_id: str, cursor: str | None, limit: int) -> Document:
    """Transactions of an account, newest first: what it did, and what was done to it."""
    where: Document = {"$or": [{"body.actor_id": account_id}, {"body.data.account_id": account_id}]}
    before = answers.number_of(cursor)
    if before:
        where["_id"] = {"$lt": before}
    rows = list(ctx.store.find("ledger", where, sort=[("_id", -1)], limit=limit + 1))
    return answers.page(rows, limit, lambda row: shown(row, account_id))


def shown(row: Document, account_id: str) -> Document:
    """One transaction; `hash` is that of its entry, by which it can be found in the ledger. Pure."""
    body = row["body"]
    name = name_of(body["type"])
    vi, en = WHAT.get(name, OTHER)
    # Who signs in is nobody yet: the session's own word comes first.
    told = body["data"].get("channel") if name == "session.opened" else None
    return {
        "sequence": row["sequence"],
        "at": body["time"],
        "recorded_at": body["told_at"],
        "event": name,
        "what_vi": vi,
        "what_en": en,
        "by": _by(name, body["actor_id"], account_id),
        "channel": told or body.get("channel"),
        "subject": None if body["subject"] == account_id else body["subject"],
        "hash": row["hash"],
    }


def _by(name: str, actor: str, account_id: str) -> str:
    if actor == account_id:
        return "owner"
    if actor == "anonymous":  # proved by password or code; a session that nobody signed in ended was taken by theft
        return "system" if name == "session.ended" else "owner"
    return "system" if actor.startswith("service:") else "office"


@rule("SE-03", title="Việc xem nhật ký của người khác phải có lý do, được ghi lại", cites="QĐ 08/2025/QĐ-UBND Đ22.1")
def disclose(ctx: Context, account_id: str, reason: str, cursor: str | None, limit: int) -> Document:
    """The same for IOC; who read it and when is told, and so stands in the log itself. Raises Problem 404."""
    found = page(ctx, account_id, cursor, limit)
    if not found["items"] and cursor is None:
        raise problems.not_found()
    disclosure: Document = {
        "_id": f"dis-{uuid.uuid4().hex}",
        "account_id": account_id,
        "by": ctx.actor.subject,
        "reason": ctx.kernel.data_key.seal(reason, "disclosures.reason"),
        "at": ctx.now,
    }
    unit = ctx.unit()
    unit.insert("disclosures", disclosure)
    unit.tell(disclosure, "activity.disclosed", {"account_id": account_id}, subject=account_id)
    return dict(ctx.commit(unit, found))
