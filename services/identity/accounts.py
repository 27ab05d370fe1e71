"""Accounts: what one is, what state it is in, and what a person is told who may not use it.

An account is a way to sign in (phone and password, or an officer's username); the person behind it is a document of
its own, because a person may be known without an account and an account may turn out to be another person's.

Its states and what moves it between them: account_states.py.
"""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from services.common.problems import FieldError, Problem, field_error, not_found
from services.common.rules import rule
from services.identity import account_states
from services.identity.account_states import BY_OFFICE, BY_OWNER, DUPLICATE, HARM, Command, State, Who
from services.identity.grants import CITIZEN, Grant

HOTLINE = "19001075"
OLDEST = date(1900, 1, 1)

ACTIVE = str(State.ACTIVE)

#: Why an account cannot be used, as its owner is told, in both languages.
_REASONS = {
    DUPLICATE: (
        "Thông tin của tài khoản không đúng hoặc trùng với người đã chuẩn hóa tài khoản khác",
        "Its data is incorrect about, or duplicates, a person who has normalized another account",
    ),
    BY_OFFICE: (
        "Tài khoản bị khóa bởi đơn vị quản lý hệ thống",
        "The office that runs the system has locked the account",
    ),
    HARM: (
        "Tài khoản có hành vi gây hại cho hệ thống",
        "It behaved in a way that harms the system",
    ),
    BY_OWNER: (
        "Chủ tài khoản đã tạm dừng sử dụng",
        "Its owner has suspended it",
    ),
}
#: By state: the problem's type, what is said, and the rule.
_REFUSALS = {
    State.LOCKED: ("locked", "Tài khoản đã bị khóa", "The account is locked", "ID-27"),
    State.BLOCKED: ("blocked", "Tài khoản đã bị chặn", "The account is blocked", "ID-26"),
    State.SUSPENDED: ("suspended", "Tài khoản đang tạm dừng", "The account is suspended", "ID-24"),
    State.CANCELLED: ("cancelled", "Tài khoản đã bị hủy", "The account is cancelled", "ID-24"),
}
_CITATIONS = {
    "ID-24": "QĐ 08/2025/QĐ-UBND Đ7.4, Đ26.1",
    "ID-26": "QĐ 08/2025/QĐ-UBND Đ24.4",
    "ID-27": "TB 94/TB-UBND §1; CV 2740/STTTT-IOC §1–2",
}

Account = dict[str, Any]
Person = dict[str, Any]


def citizen(
    account_id: str,
    person_id: str,
    *,
    phone: str | None,
    phone_blind: str | None,
    password_hash: str | None,
    now: datetime,
) -> Account:
    """A new account, not normalized; `phone` is sealed. Without one: an account of the years before, see `lacks`."""
    return {
        "_id": account_id,
        "kind": "citizen",
        "state": ACTIVE,
        "person_id": person_id,
        "username": None,
        "grants": CITIZEN,
        "phone": phone,
        "phone_blind": phone_blind,
        "holds_phone": phone is not None,
        "password_hash": password_hash,
        "normalized": False,
        "normalized_at": None,
        "number_blind": None,
        "claimed_blind": None,
        "holds_number": False,
        "tax_blind": None,  # of a normalized organisation
        "holds_tax_number": False,
        "unit": None,  # of residence, once the population database told it
        "lacks": [],  # of a normalized account: "phone", "birth_date" (support case 5)
        "lock": None,
        "registered_at": now,
        "last_sign_in_at": None,
    }


def officer(
    account_id: str,
    person_id: str,
    *,
    username: str,
    grants: list[Grant],
    phone: str,
    phone_blind: str,
    password_hash: str | None,
    now: datetime,
) -> Account:
    """An officer's account; without a password it is signed in to through VNeID alone. It does not hold its phone: an
    officer is also a citizen, with an account of his own."""
    account = citizen(account_id, person_id, phone=phone, phone_blind=phone_blind, password_hash=password_hash, now=now)
    return account | {"kind": "officer", "username": username, "grants": grants, "holds_phone": False}


def person(
    person_id: str,
    *,
    full_name: str,
    birth_date: str | None,
    number: str | None = None,
    number_blind: str | None = None,
) -> Person:
    """What is known of a person; all values but the id and the index are sealed."""
    return {
        "_id": person_id,
        "kind": "person",
        "full_name": full_name,
        "birth_date": birth_date,
        "number": number,
        "number_blind": number_blind,
        "former_numbers": [],
        "tax_number": None,  # of an organisation, as is what follows
        "tax_blind": None,
        "representative": None,
        "issue_date": None,
        "verified_at": None,
        "merged_into": None,
    }


def check_declared(full_name: str, birth_date: date, today: date) -> list[FieldError]:
    """Faults of a declared name and birth date, as entries of a problem; `today` is the local business day."""
    faults = []
    if not is_name(full_name):
        faults.append(field_error("full_name", "Cần họ và tên đầy đủ.", "The full name is needed."))
    if not OLDEST <= birth_date <= today:
        faults.append(field_error("birth_date", "Ngày sinh không hợp lệ.", "Not a possible birth date."))
    return faults


def is_name(text: str) -> bool:
    """Whether a text may be a person's name: letters, spaces and what names carry between letters."""
    return any(c.isalpha() for c in text) and all(c.isalpha() or c in " '’-." or _combines(c) for c in text)


def _combines(letter: str) -> bool:
    return "\u0300" <= letter <= "\u036f"


@rule("X-23", title="Chỉ báo số điện thoại đã dùng sau khi có mã gửi đến số đó", cites="CV 2740/STTTT-IOC §2")
@rule(
    "ID-13",
    title="Số điện thoại đã đăng ký cho người khác có thông báo riêng",
    cites="CV 2740/STTTT-IOC §2, trường hợp 1",
)
@rule("ID-19", title="Mỗi trường hợp chỉ dẫn đến tổng đài 19001075", cites="CV 2740/STTTT-IOC §2")
def taken_phone() -> Problem:
    """409, told only to whom has proved possession of the phone: another account uses it."""
    return Problem(
        "/problems/phone-taken",
        "Số điện thoại này đã được dùng để đăng ký tài khoản khác",
        "This phone is used by another account already",
        409,
        rule="ID-13",
        citation="CV 2740/STTTT-IOC §2, trường hợp 1",
        extra={"support_case": 1, "hotline": HOTLINE},
    )


def wrong_credentials() -> Problem:
    """401: the same whether there is no such account or the password is wrong."""
    return Problem(
        "/problems/wrong-credentials",
        "Tên đăng nhập hoặc mật khẩu không đúng",
        "Wrong name or password",
        401,
    )


@rule("ID-27", title="Tài khoản bị khóa phải cho biết lý do và cách giải quyết", cites="TB 94/TB-UBND §1")
@rule("X-23", title="Lý do khóa chỉ báo sau mật khẩu đúng", cites="CV 2740/STTTT-IOC §2")
def refuse_locked(account: Account) -> None:
    """Raises Problem 403 with reason and way out for an account that is not active. Ask only after its password."""
    if account["state"] == ACTIVE:
        return
    word, vi, en, rule_id = _REFUSALS[State(account["state"])]
    reason = (account["lock"] or {}).get("reason", BY_OFFICE)
    way_vi, way_en, extra = f"Liên hệ tổng đài {HOTLINE}", f"Call {HOTLINE}", {"reason": reason, "hotline": HOTLINE}
    if account["state"] == State.SUSPENDED:
        way_vi, way_en = "Mở lại bằng mật khẩu và mã gửi về điện thoại", "Resume with the password and a code by SMS"
        extra["resume"] = "POST /api/v1/account/resumption"
    why = _REASONS.get(reason)
    raise Problem(
        f"/problems/account-{word}",
        f"{vi}: {why[0]}. {way_vi}" if why else f"{vi}. {way_vi}",
        f"{en}: {why[1]}. {way_en}" if why else f"{en}. {way_en}",
        403,
        rule=rule_id,
        citation=_CITATIONS[rule_id],
        extra=extra,
    )


def lock(account: Account, reason: str, by: str, now: datetime, *, note: str | None = None) -> None:
    """Locks a rival of an account that was normalized; `by` is that account."""
    account_states.move(account, Command.LOCK, Who.SYSTEM, reason=reason, by=by, now=now, note=note)


def must_be_active(account: Account | None) -> Account:
    """The account of somebody signed in. Raises Problem: 403 not active, 401 gone."""
    if account is None:
        raise wrong_credentials()
    refuse_locked(account)
    return account


def unknown() -> Problem:
    """404: there is no such account."""
    return not_found()


def too_often(seconds: int) -> Problem:
    """429 after too many wrong passwords or codes asked for."""
    return Problem(
        "/problems/too-many-requests",
        "Đã thử quá nhiều lần, hãy đợi rồi thử lại",
        "Tried too often, wait and try again",
        429,
        retry_after=seconds,
    )


def masked_number(number: str | None) -> str | None:
    """A personal number with its random digits hidden."""
    return None if number is None else number[:4] + "•" * (len(number) - 6) + number[-2:]


def masked_name(name: str) -> str:
    """A name with all but the first letter of each word hidden."""
    return " ".join(word[0] + "•••" for word in name.split())
