"""What a sign-in gives on which day. Pure.

Until 16 February 2025 a local account acts whether it is normalized or not. Since then one that is not may only become
one: its tokens name the role `newcomer`, whom services/common/permissions.py lets nothing but that. An account that is
normalized is connected with an e-ID; how its owner signs in makes no difference (docs/decisions/0020-sign-in.md).
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from services.common.eid import CITES, EID_ONLY_SINCE, eid_only
from services.common.roles import NEWCOMER
from services.common.rules import rule
from services.identity.sessions import Rights

_NEWCOMER: Rights = [[NEWCOMER, "*"]]


@rule("X-8", title="Đăng nhập bằng tài khoản chưa chuẩn hóa chỉ để chuẩn hóa", cites=CITES, since=EID_ONLY_SINCE)
@rule("ID-21", title="Quyền của người dùng đi cùng tài khoản định danh điện tử", cites=CITES, since=EID_ONLY_SINCE)
@rule("X-27", title="Quy tắc đăng nhập theo ngày đăng nhập", cites=CITES)
def rights(account: dict[str, Any], held: Rights, now: datetime) -> Rights:
    """What of the grants that an account holds its tokens may say at this business moment."""
    if account["kind"] != "officer" and not account["normalized"] and eid_only(now):
        return _NEWCOMER
    return held
