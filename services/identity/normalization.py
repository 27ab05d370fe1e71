"""Normalization (chuẩn hóa tài khoản): matching an account to the population database.

The form asks four fields, and a birth date only of older accounts that lack it (X-28). Three values make the match,
the issue date counts where the population database gives it (X-6), and a code proves the phone (X-24).
"""

from __future__ import annotations

from datetime import date, datetime
from enum import StrEnum
from typing import Any

from services.common import problems
from services.common.problems import FieldError, Problem, field_error
from services.common.rules import rule
from services.identity import numbers
from services.identity.account_states import State
from services.identity.accounts import DUPLICATE, HOTLINE, OLDEST, Account, Person, is_name, lock

NO_MATCH_VI = (
    "Không tìm thấy dữ liệu dân cư trùng khớp với các thông tin họ tên, ngày sinh, số định danh mà bạn cung cấp. "
    "Bạn có chắc chắn các thông tin trên chính xác không?"
)
NO_MATCH_EN = (
    "No population data matches the full name, birth date and personal number that you gave. "
    "Are you sure that they are correct?"
)
_CITES = "TB 94/TB-UBND §1; CV 2740/STTTT-IOC §1"

_FIELDS = (
    ("full_name", "Họ và tên", "Full name"),
    ("id_number", "Số CCCD", "Citizen identity number"),
    ("issue_date", "Ngày cấp", "Date of issue"),
    ("phone", "Số điện thoại", "Phone number"),
)
_BIRTH_DATE = ("birth_date", "Ngày sinh", "Birth date")


_NOTICE = (
    "Tài khoản chưa được chuẩn hóa. Vui lòng nhập đầy đủ, chính xác các thông tin theo thẻ căn cước.",
    "This account is not normalized. Please give all data exactly as on the identity card.",
)
_OLD_NUMBER = (
    "Tài khoản đăng ký bằng CMND. Vui lòng cập nhật số CCCD để đồng bộ với dữ liệu dân cư.",
    "This account was registered with a CMND. Please give the CCCD, so that it agrees with the population data.",
)


class Outcome(StrEnum):
    """What the population database said."""

    MATCH = "MATCH"
    NO_MATCH = "NO_MATCH"
    NOT_FOUND = "NOT_FOUND"
    UNAVAILABLE = "UNAVAILABLE"


@rule("ID-01", title="Biểu mẫu chuẩn hóa gồm đúng 4 trường sau khi đăng nhập", cites=_CITES)
@rule("ID-02", title="Hiển thị liên tục đến khi đủ và đúng thông tin", cites=_CITES)
@rule("X-28", title="Chỉ tài khoản cũ thiếu ngày sinh có trường thứ năm", cites="CV 2740/STTTT-IOC §2, trường hợp 4, 5")
@rule("ID-15", title="Tài khoản CMND phải cập nhật CCCD", cites="CV 2740/STTTT-IOC §2, trường hợp 3")
def form(account: Account, *, has_birth_date: bool, has_old_number: bool = False) -> dict[str, Any] | None:
    """The form that this account is shown at every access; None once it is normalized.

    `has_old_number`: the account was registered with a CMND of nine digits.
    """
    if account["kind"] != "citizen" or account["normalized"]:
        return None  # an organisation's: organisations.form
    shown = _FIELDS if has_birth_date else (*_FIELDS, _BIRTH_DATE)
    notice_vi, notice_en = _OLD_NUMBER if has_old_number else _NOTICE
    return {
        "fields": [{"name": n, "label_vi": vi, "label_en": en, "required": True} for n, vi, en in shown],
        "notice_vi": notice_vi,
        "notice_en": notice_en,
    }


@rule("ID-02", title="Cả 4 thông tin phải đầy đủ, đúng định dạng", cites=_CITES)
def faults(full_name: str, id_number: str, issue_date: date, birth_date: date | None, today: date) -> list[FieldError]:
    """What can be said wrong of the entered data without asking anybody; `today` is the local business day.

    Whether number and birth date fit each other is the population database's answer, not told apart (ID-16).
    """
    found = []
    if not is_name(full_name):
        found.append(field_error("full_name", "Cần họ và tên đầy đủ.", "The full name is needed.", "ID-02"))
    try:
        numbers.parse_personal_number(id_number)
    except numbers.NumberError:
        found.append(
            field_error("id_number", "Số CCCD gồm 12 chữ số.", "A citizen identity number has 12 digits.", "ID-02")
        )
    if not OLDEST <= issue_date <= today:
        found.append(field_error("issue_date", "Ngày cấp không hợp lệ.", "Not a possible date of issue.", "ID-02"))
    if birth_date is None:
        found.append(field_error("birth_date", "Cần ngày sinh.", "The birth date is needed.", "X-28"))
    elif not OLDEST <= birth_date <= today:
        found.append(field_error("birth_date", "Ngày sinh không hợp lệ.", "Not a possible birth date.", "ID-02"))
    return found


@rule("ID-03", title="Dữ liệu phải trùng khớp với dữ liệu dân cư", cites=_CITES)
@rule("ID-17", title="Khóa đối chiếu: họ tên, ngày sinh, số định danh", cites="CV 2740/STTTT-IOC §2, trường hợp 4")
@rule("X-6", title="Ngày cấp chỉ đối chiếu khi cơ sở dữ liệu có", cites="CV 2740/STTTT-IOC §1–2")
def refusal(outcome: Outcome) -> Problem | None:
    """The problem that an outcome means, or None for a match. No outcome locks an account."""
    if outcome is Outcome.MATCH:
        return None
    if outcome is Outcome.UNAVAILABLE:
        return problems.unavailable(retry_after=30, detail="population database")
    return no_match()


@rule(
    "ID-16",
    title="Thông báo nguyên văn khi không trùng khớp dữ liệu dân cư",
    cites="CV 2740/STTTT-IOC §2, trường hợp 4",
)
def no_match() -> Problem:
    """422 with the prescribed text; the citizen corrects her data and tries again."""
    return Problem(
        "/problems/no-population-match",
        NO_MATCH_VI,
        NO_MATCH_EN,
        422,
        rule="ID-16",
        citation="CV 2740/STTTT-IOC §2, trường hợp 4",
        extra={"support_case": 4, "hotline": HOTLINE},
    )


@rule("ID-06", title="Mỗi số định danh có tối đa một tài khoản chuẩn hóa đang hoạt động", cites=_CITES)
def taken_identity() -> Problem:
    """409: this personal number belongs to another normalized account; this one is locked as its duplicate.

    The way out is the hotline: support case 2 verifies whose number it is.
    """
    return Problem(
        "/problems/identity-taken",
        "Số định danh này đã được chuẩn hóa cho một tài khoản khác; tài khoản này bị khóa vì trùng. "
        f"Nếu đây là số của bạn, hãy liên hệ tổng đài {HOTLINE}",
        "This personal number belongs to another normalized account, so this one is locked as its duplicate. "
        f"If the number is yours, call {HOTLINE}",
        409,
        rule="ID-06",
        citation="CV 2740/STTTT-IOC §2, trường hợp 2",
        extra={"support_case": 2, "hotline": HOTLINE, "reason": DUPLICATE},
    )


def already_done() -> Problem:
    """409: the account was normalized before."""
    return problems.conflict("Tài khoản đã được chuẩn hóa", "The account is normalized already", rule="ID-01")


@rule("X-24", title="Chuẩn hóa cần mã gửi đến số điện thoại trong biểu mẫu", cites=_CITES)
@rule("ID-04", title="Đăng nhập trước khi chuẩn hóa để không mất dữ liệu đã có", cites=_CITES)
def adopt(
    account: Account,
    person_id: str,
    blind: str,
    *,
    phone: str,
    phone_blind: str,
    unit: str | None,
    now: datetime,
) -> str:
    """Makes the account that of the matched person or organisation, with the proved phone; returns the person it stood
    for before.

    `blind` is the index of the personal or tax number, `unit` the commune of residence or seat, where it was told. What
    was filed under the former person follows by the event that names both.
    """
    former: str = account["person_id"]
    index, holds = _held(account)
    account["person_id"] = person_id
    account["normalized"] = True
    account["normalized_at"] = now
    account[index] = blind
    account["claimed_blind"] = blind
    account[holds] = True
    account["holds_phone"] = True
    account["lacks"] = []
    account["phone"] = phone
    account["phone_blind"] = phone_blind
    account["unit"] = unit
    return former


@rule("ID-15", title="Số CMND cũ được giữ làm định danh trước đây", cites="CV 2740/STTTT-IOC §2, trường hợp 3")
def keep_former_number(person: Person, number: str, blind: str) -> None:
    """Keeps what was known before the number that now matched (an old CMND): sealed, with its index."""
    if all(former["blind"] != blind for former in person["former_numbers"]):
        person["former_numbers"] = [*person["former_numbers"], {"number": number, "blind": blind}]


def identity_blind(account: Account) -> str:
    """The index of what a normalized account holds alone: a personal number, or an organisation's tax number."""
    held: str = account[_held(account)[0]]
    return held


def _held(account: Account) -> tuple[str, str]:
    """The fields of what an account holds alone: its index, and whether it holds it."""
    if account["kind"] == "organisation":
        return "tax_blind", "holds_tax_number"
    return "number_blind", "holds_number"


@rule("ID-05", title="Khóa tài khoản sai hoặc trùng thông tin sau khi một tài khoản được chuẩn hóa", cites=_CITES)
def lock_rivals(winner: Account, others: list[Account], now: datetime) -> list[Account]:
    """Locks the accounts that duplicate or misstate the winner's identity; returns those it locked.

    An account does so that claimed the number last, without or with matching data, or that stands for the same person
    without having matched (an account of the years before). What somebody claims locks nobody but himself: only a
    match, proved by data and phone, makes a winner (X-24).
    """
    rivals = [
        a
        for a in others
        if a["_id"] != winner["_id"]
        and a["kind"] == winner["kind"]
        and a["state"] in (State.ACTIVE, State.SUSPENDED)
        and not a["normalized"]
        and (a["claimed_blind"] == identity_blind(winner) or a["person_id"] == winner["person_id"])
    ]
    for rival in rivals:
        lock(rival, DUPLICATE, winner["_id"], now)
    return rivals
