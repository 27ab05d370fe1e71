"""Vietnamese telephone numbers: one normal form (`+84…`), and which of them can receive a code.

Mobile numbers have ten digits since 2018 (`03 05 07 08 09` + 8); landlines begin with 02. No error repeats a number.
"""

from __future__ import annotations

import re
from enum import StrEnum

_PUNCTUATION = re.compile(r"[\s.\-()\u2010-\u2015\u00a0]+")
_MOBILE = re.compile(r"0[35789][0-9]{8}")
_LANDLINE = re.compile(r"02[0-9]{8,9}")
_OLD_MOBILE = re.compile(r"01[0-9]{9}")


class Fault(StrEnum):
    """Why a text is no telephone number that we take."""

    FORMAT = "FORMAT"
    OLD_MOBILE = "OLD_MOBILE"
    NOT_MOBILE = "NOT_MOBILE"


_TEXT = {
    Fault.FORMAT: ("Số điện thoại không hợp lệ", "Not a Vietnamese telephone number"),
    Fault.OLD_MOBILE: (
        "Số di động 11 chữ số đã ngừng dùng từ 2018, nhập số 10 chữ số",
        "11-digit mobile numbers ended in 2018, give the 10-digit one",
    ),
    Fault.NOT_MOBILE: ("Cần số di động để nhận mã", "A mobile number is needed to receive codes"),
}


class PhoneError(ValueError):
    """A text that is no number that we take; `fault` says why, `message_vi` and `message_en` for whom typed it."""

    def __init__(self, fault: Fault) -> None:
        self.fault = fault
        self.message_vi, self.message_en = _TEXT[fault]
        super().__init__(self.message_en)


def _national(text: str) -> str:
    """As dialled inside the country, with a leading 0."""
    bare = _PUNCTUATION.sub("", text)
    for prefix in ("+84", "0084"):
        if bare.startswith(prefix):
            # "+84 (0) 912 …" is how many people write it.
            return "0" + bare[len(prefix) :].removeprefix("0")
    return "0" + bare[2:] if bare.startswith("84") else bare


def normal_phone(text: str) -> str:
    """The normal form `+84…` of a mobile or landline number. Raises PhoneError."""
    national = _national(text)
    if _MOBILE.fullmatch(national) or _LANDLINE.fullmatch(national):
        return "+84" + national[1:]
    raise PhoneError(Fault.OLD_MOBILE if _OLD_MOBILE.fullmatch(national) else Fault.FORMAT)


def normal_mobile(text: str) -> str:
    """The normal form of a mobile number; codes are sent to no other. Raises PhoneError."""
    phone = normal_phone(text)
    if not is_mobile(phone):
        raise PhoneError(Fault.NOT_MOBILE)
    return phone


def is_mobile(phone: str) -> bool:
    """Tell whether a number in normal form is a mobile one."""
    return phone.startswith("+84") and _MOBILE.fullmatch("0" + phone[3:]) is not None


def national_form(phone: str) -> str:
    """A number in normal form as people read it: `0912345678`."""
    return "0" + phone.removeprefix("+84")


def masked(phone: str) -> str:
    """A number in normal form with all but its last three digits hidden, for "we sent a code to …"."""
    national = national_form(phone)
    return "•" * (len(national) - 3) + national[-3:]
