"""The roles of domain.md §2.6: the one table from which permissions, grants and docs/operations/roles.md come.

What each method of a room allows to a role stands in permissions.py; here stands who somebody is, over which units the
role reaches, and what it is for. Roles are kept apart on purpose: who runs the system decides no dossier (RO-03), who
controls changes nothing (RO-05), who supports accounts sees no dossier.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Scope(StrEnum):
    """How far a role reaches. A grant names its unit; within it the room checks each dossier, case or list."""

    OWN = "own"  # what is one's own, or was filed for somebody, alone
    UNIT = "unit"  # the unit of the grant
    ALL = "all"  # every unit


@dataclass(frozen=True, slots=True)
class Role:
    """One row. `cites` is where the role's rights come from."""

    name: str
    title: tuple[str, str]
    scope: Scope
    may: tuple[str, str]
    cites: str


_ROWS = (
    Role("citizen", ("Công dân, tổ chức", "Citizen or organisation"), Scope.OWN, (
        "nộp, bổ sung khi được yêu cầu, nộp tiền, theo dõi, đánh giá, phản ánh, tạm dừng hoặc hủy tài khoản của mình, "
        "quản lý kho dữ liệu của mình",
        "file, amend on request, pay, follow, rate, petition, suspend or cancel the own account, keep the own store"),
        "QĐ 08/2025/QĐ-UBND Đ20.1a"),
    Role("newcomer", ("Chủ tài khoản chưa chuẩn hóa (từ 17/02/2025)", "Owner of an account that is not normalized"),
        Scope.OWN, ("chuẩn hóa tài khoản, tạm dừng hoặc hủy tài khoản", "normalize, suspend or cancel the account"),
        "QĐ 08/2025/QĐ-UBND Đ7.2"),
    Role("desk_officer", ("Cán bộ tiếp nhận và trả kết quả", "Desk officer"), Scope.UNIT, (
        "kiểm tra, hướng dẫn, tiếp nhận, từ chối, thu phí, chuyển, trả kết quả, hỗ trợ đăng ký định danh mức 1",
        "check, guide, accept, refuse, collect fees, forward, return results, help with level-1 registration"),
        "QĐ 08/2025/QĐ-UBND Đ20.1b"),
    Role("specialist", ("Cán bộ chuyên môn", "Specialist"), Scope.UNIT, (
        "giải quyết bước được giao, yêu cầu bổ sung, lấy ý kiến, đề xuất",
        "work assigned steps, request supplements, consult, propose"), "QĐ 08/2025/QĐ-UBND Đ20.1b"),
    Role("leader", ("Lãnh đạo phòng, cơ quan", "Leader"), Scope.UNIT, (
        "phân công, phê duyệt, ký, xin lỗi và hẹn lại, quyết định từ chối",
        "assign, approve, sign, apologise and reschedule, decide refusals"), "QĐ 08/2025/QĐ-UBND Đ20.1b"),
    Role("control_officer", ("Cán bộ đầu mối kiểm soát TTHC", "Control officer"), Scope.UNIT, (
        "theo dõi, thống kê, báo cáo hồ sơ của cơ quan mình; không thay đổi gì",
        "follow, count and report the dossiers of the own agency; changes nothing"), "QĐ 08/2025/QĐ-UBND Đ25.2e"),
    Role("office", ("Văn phòng UBND", "Office of the People's Committee"), Scope.ALL, (
        "kiểm soát quy trình, theo dõi tất cả, báo cáo quý", "control processes, watch all, report each quarter"),
        "QĐ 08/2025/QĐ-UBND Đ16, Đ25"),
    Role("ioc", ("IOC, Sở Thông tin và Truyền thông", "IOC, department of information"), Scope.ALL, (
        "vận hành kỹ thuật, quản lý đơn vị và tài khoản, giám sát phiếu, chặn tài khoản; không quyết định hồ sơ",
        "run the system, keep units and accounts, review slips, block accounts; decides no dossier"),
        "QĐ 08/2025/QĐ-UBND Đ20.1c, Đ24.4"),
    Role("support", ("Hỗ trợ tài khoản", "Account support"), Scope.ALL, (
        "xử lý năm trường hợp hỗ trợ có lý do và căn cứ; không xem hồ sơ, mã, mật khẩu",
        "handle the five support cases with reason and evidence; sees no dossier, code or password"),
        "CV 2740/STTTT-IOC §2"),
    Role("postal_officer", ("Nhân viên bưu chính công ích", "Officer of the postal partner"), Scope.UNIT, (
        "đăng ký trực tuyến hộ, giao nhận, phát kết quả", "register online on behalf, hand over, deliver"),
        "QĐ 45/2016/QĐ-TTg"),
    Role("police", ("Công an", "Police"), Scope.ALL, (
        "kiểm tra việc khai thác dữ liệu dân cư", "check how the population data are used"),
        "QĐ 08/2025/QĐ-UBND Đ25.4"),
)  # fmt: skip

ROLES: dict[str, Role] = {row.name: row for row in _ROWS}

CITIZEN = "citizen"
#: Who signs in with a local account that is not normalized, since only e-ID accounts act (X-8): may become a citizen.
NEWCOMER = "newcomer"
OFFICERS = frozenset(ROLES) - {CITIZEN, NEWCOMER}
SIGNED_IN = OFFICERS | {CITIZEN}
#: Everybody with a token, whatever it allows.
HOLDERS = SIGNED_IN | {NEWCOMER}
