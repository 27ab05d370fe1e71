"""Numbers of persons and organisations: 12-digit personal number (CCCD), 9-digit CMND, tax number (MST).

Personal number: three digits for the place of birth registration, one for century and sex, two for the year of birth,
six at random, no check digit (NĐ 137/2015 Đ13, TT 07/2016/TT-BCA Đ7). An unknown place is told but never refused:
numbers outlive the merging of provinces. No error or explanation here repeats a number, so that they may be logged.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from stdnum.vn import mst

from services.common.problems import FieldError, field_error
from services.common.rules import rule


class Sex(StrEnum):
    """As the population database gives it."""

    MALE = "male"
    FEMALE = "female"


class Kind(StrEnum):
    """Kind of a person's number."""

    CCCD = "CCCD"
    CMND = "CMND"


class Fault(StrEnum):
    """What is wrong with a number."""

    FORMAT = "FORMAT"
    BIRTH_YEAR = "BIRTH_YEAR"
    SEX = "SEX"
    BIRTH_IN_FUTURE = "BIRTH_IN_FUTURE"
    CHECK_DIGIT = "CHECK_DIGIT"


_TEXT = {
    Fault.FORMAT: ("Số không đúng định dạng", "The number is malformed"),
    Fault.BIRTH_YEAR: ("Số định danh không khớp năm sinh", "The number does not fit the year of birth"),
    Fault.SEX: ("Số định danh không khớp giới tính", "The number does not fit the sex"),
    Fault.BIRTH_IN_FUTURE: ("Ngày sinh ở tương lai", "The birth date lies in the future"),
    Fault.CHECK_DIGIT: ("Mã số thuế sai chữ số kiểm tra", "The tax number's check digit is wrong"),
}


def error_of(fault: Fault, field: str, rule_id: str | None = None) -> FieldError:
    """A fault as an entry of a problem's `errors`."""
    return field_error(field, *_TEXT[fault], rule_id)


class NumberError(ValueError):
    """A number that cannot be read; `fault` says why."""

    def __init__(self, fault: Fault) -> None:
        super().__init__(_TEXT[fault][1])
        self.fault = fault


@dataclass(frozen=True, slots=True)
class PersonalNumber:
    """A 12-digit personal number in parts. Not shown by `repr`: it would end up in logs."""

    digits: str
    place: int
    sex: Sex
    birth_year: int

    def __repr__(self) -> str:
        return "PersonalNumber(…)"


def _digits(text: str) -> str:
    """Digits of a number as typed: spaces and dots between groups fall away. ASCII digits only."""
    bare = "".join(text.split()).replace(".", "")
    if not (bare.isascii() and bare.isdigit()):
        raise NumberError(Fault.FORMAT)
    return bare


def parse_personal_number(text: str) -> PersonalNumber:
    """Read a 12-digit number. Raises NumberError(FORMAT)."""
    digits = _digits(text)
    if len(digits) != 12:
        raise NumberError(Fault.FORMAT)
    century, sex = divmod(int(digits[3]), 2)
    return PersonalNumber(
        digits, int(digits[:3]), Sex.FEMALE if sex else Sex.MALE, 1900 + 100 * century + int(digits[4:6])
    )


def kind_of(text: str) -> Kind:
    """CCCD for 12 digits, CMND for 9. Raises NumberError(FORMAT) for anything else."""
    match len(_digits(text)):
        case 12:
            return Kind.CCCD
        case 9:
            return Kind.CMND
        case _:
            raise NumberError(Fault.FORMAT)


@rule("DF-05", title="Chấp nhận CMND 9 số và CCCD 12 số", cites="CV 2658/UBND-CNTT §3")
def normalized_number(text: str) -> str:
    """The bare digits of a CCCD or CMND, as stored and compared. Raises NumberError(FORMAT)."""
    kind_of(text)
    return _digits(text)


def faults_of_personal_number(
    text: str, *, today: date, birth_date: date | None = None, sex: Sex | None = None
) -> tuple[Fault, ...]:
    """Everything wrong with a 12-digit number beside what else was declared; empty when it fits.

    `today` is the local business day. Only the population database can tell whether the number exists.
    """
    faults = []
    if birth_date is not None and birth_date > today:
        faults.append(Fault.BIRTH_IN_FUTURE)
    try:
        number = parse_personal_number(text)
    except NumberError as error:
        return (error.fault, *faults)
    if birth_date is None:
        # The number itself names a year: nobody is born in one to come.
        if number.birth_year > today.year:
            faults.append(Fault.BIRTH_IN_FUTURE)
    elif number.birth_year != birth_date.year:
        faults.append(Fault.BIRTH_YEAR)
    if sex is not None and number.sex is not sex:
        faults.append(Fault.SEX)
    return tuple(faults)


def normalized_tax_number(text: str) -> str:
    """An organisation's tax number as `0100109106` or `0100109106-001`. Raises NumberError(FORMAT or CHECK_DIGIT)."""
    bare = "".join(text.split())
    if not (bare.isascii() and bare.replace("-", "").isdigit()):
        raise NumberError(Fault.FORMAT)
    try:
        number = mst.validate(bare)
    except mst.InvalidChecksum as error:
        raise NumberError(Fault.CHECK_DIGIT) from error
    except mst.ValidationError as error:
        raise NumberError(Fault.FORMAT) from error
    return str(mst.format(number))
