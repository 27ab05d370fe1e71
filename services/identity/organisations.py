"""Organisations' accounts: tax number, name, representative; their form, what a match changes, what is refused. Pure.

An organisation is a person of its own in this system: opaque as any, never its representative. It is known by its tax
number (MST), and normalized once the business register confirms number, name and representative.
"""

from __future__ import annotations

from datetime import date
from typing import Any

from services.common import problems
from services.common.problems import FieldError, Problem, field_error
from services.common.rules import rule
from services.identity import numbers
from services.identity.account_states import DUPLICATE
from services.identity.accounts import HOTLINE, OLDEST, Account, Person, is_name, person
from services.identity.names import normalized_name
from services.identity.normalization import Outcome

KIND = "organisation"
CITES = "QĐ 08/2025/QĐ-UBND Đ2.5, Đ8"

_FIELDS = (
    ("organisation_name", "Tên tổ chức", "Organisation's name"),
    ("tax_number", "Mã số thuế", "Tax number"),
    ("full_name", "Họ và tên người đại diện", "Representative's full name"),
    ("id_number", "Số CCCD người đại diện", "Representative's citizen identity number"),
    ("phone", "Số điện thoại", "Phone number"),
)
_NOTICE = (
    "Tài khoản tổ chức chưa được chuẩn hóa. Vui lòng nhập đầy đủ, chính xác thông tin theo đăng ký doanh nghiệp.",
    "This organisation's account is not normalized. Please give all data exactly as in the business register.",
)


def form() -> dict[str, Any]:
    """The form that an organisation is shown until it is normalized."""
    return {
        "fields": [{"name": n, "label_vi": vi, "label_en": en, "required": True} for n, vi, en in _FIELDS],
        "notice_vi": _NOTICE[0],
        "notice_en": _NOTICE[1],
    }


@rule("ID-28", title="Tài khoản tổ chức theo mã số thuế hợp lệ", cites=CITES)
def check_declared(organisation_name: str, tax_number: str) -> list[FieldError]:
    """Faults of what an organisation declares of itself, as entries of a problem; nothing is asked of anybody."""
    found = []
    if not any(letter.isalpha() for letter in organisation_name):
        found.append(
            field_error("organisation_name", "Cần tên tổ chức.", "The organisation's name is needed.", "ID-28")
        )
    try:
        numbers.normalized_tax_number(tax_number)
    except numbers.NumberError as error:
        found.append(numbers.error_of(error.fault, "tax_number", "ID-28"))
    return found


def faults(
    organisation_name: str, tax_number: str, full_name: str, id_number: str, birth_date: date, today: date
) -> list[FieldError]:
    """What can be said wrong of the entered form; `today` is the local business day."""
    found = check_declared(organisation_name, tax_number)
    if not is_name(full_name):
        found.append(field_error("full_name", "Cần họ và tên đầy đủ.", "The full name is needed.", "ID-28"))
    try:
        numbers.parse_personal_number(id_number)
    except numbers.NumberError:
        found.append(
            field_error("id_number", "Số CCCD gồm 12 chữ số.", "A citizen identity number has 12 digits.", "ID-28")
        )
    if not OLDEST <= birth_date <= today:
        found.append(field_error("birth_date", "Ngày sinh không hợp lệ.", "Not a possible birth date.", "ID-28"))
    return found


def same_organisation(one: str, other: str) -> bool:
    """Whether two texts are one organisation's name: Unicode form, case, spaces and the place of a tone do not count;
    diacritics, digits and punctuation do. An empty name is nobody's."""
    left = normalized_name(one)
    return left != "" and left == normalized_name(other)


def declared(
    person_id: str, *, name: str, tax_number: str, representative: str, representative_birth_date: str
) -> Person:
    """An organisation as it registered, confirmed by nobody; all values are sealed."""
    return person(person_id, full_name=name, birth_date=None) | {
        "kind": KIND,
        "tax_number": tax_number,
        "representative": {"full_name": representative, "birth_date": representative_birth_date, "number": None},
    }


def must_be_one(account: Account) -> None:
    """Raises Problem 409 for a person's account, which has a form of its own."""
    if account["kind"] != KIND:
        raise problems.conflict(
            "Đây không phải tài khoản tổ chức", "This is not an organisation's account", rule="ID-28"
        )


def must_not_be_one(account: Account) -> None:
    """Raises Problem 409 for an organisation, which no population database knows."""
    if account["kind"] == KIND:
        raise problems.conflict(
            "Tài khoản tổ chức chuẩn hóa theo đăng ký doanh nghiệp",
            "An organisation's account is normalized against the business register",
            rule="ID-28",
            extra={"normalization": "/account/organisation-normalization"},
        )


def refusal(outcome: Outcome) -> Problem | None:
    """The problem that an outcome means, or None for a match. No outcome locks an account."""
    if outcome is Outcome.MATCH:
        return None
    if outcome is Outcome.UNAVAILABLE:
        return problems.unavailable(retry_after=30, detail="business register")
    return Problem(
        "/problems/no-business-match",
        "Không tìm thấy đăng ký doanh nghiệp trùng khớp với mã số thuế, tên tổ chức và người đại diện mà bạn cung cấp",
        "The business register matches no organisation with the tax number, name and representative that you gave",
        422,
        rule="ID-28",
        citation=CITES,
        extra={"hotline": HOTLINE},
    )


@rule("ID-06", title="Mỗi mã số thuế có tối đa một tài khoản tổ chức chuẩn hóa", cites=CITES)
def taken() -> Problem:
    """409: this tax number belongs to another normalized account; this one is locked as its duplicate."""
    return Problem(
        "/problems/identity-taken",
        "Mã số thuế này đã được chuẩn hóa cho một tài khoản khác; tài khoản này bị khóa vì trùng. "
        f"Nếu đây là mã số thuế của tổ chức bạn, hãy liên hệ tổng đài {HOTLINE}",
        "This tax number belongs to another normalized account, so this one is locked as its duplicate. "
        f"If the number is your organisation's, call {HOTLINE}",
        409,
        rule="ID-06",
        citation=CITES,
        extra={"support_case": 2, "hotline": HOTLINE, "reason": DUPLICATE},
    )
