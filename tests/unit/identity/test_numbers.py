from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.identity.numbers import (
    Fault,
    Kind,
    NumberError,
    Sex,
    error_of,
    faults_of_personal_number,
    kind_of,
    normalized_number,
    normalized_tax_number,
    parse_personal_number,
)

TODAY = date(2024, 3, 11)


@pytest.mark.parametrize(
    ("digit", "sex", "century"),
    [(0, Sex.MALE, 1900), (1, Sex.FEMALE, 1900), (2, Sex.MALE, 2000), (3, Sex.FEMALE, 2000), (4, Sex.MALE, 2100),
     (5, Sex.FEMALE, 2100), (6, Sex.MALE, 2200), (7, Sex.FEMALE, 2200), (8, Sex.MALE, 2300), (9, Sex.FEMALE, 2300)],
)  # fmt: skip
def test_century_and_sex_share_a_digit(digit: int, sex: Sex, century: int) -> None:
    number = parse_personal_number(f"046{digit}90123456")
    assert (number.place, number.sex, number.birth_year) == (46, sex, century + 90)


@pytest.mark.req("ID-03")
@pytest.mark.parametrize(
    ("number", "birth_date", "sex", "faults"),
    [
        ("046190123456", date(1990, 5, 1), Sex.FEMALE, ()),
        ("046 190 123 456", date(1990, 5, 1), None, ()),
        ("046190123456", None, None, ()),
        ("046190123456", date(1991, 5, 1), None, (Fault.BIRTH_YEAR,)),
        ("046390123456", date(1990, 5, 1), None, (Fault.BIRTH_YEAR,)),
        ("046190123456", None, Sex.MALE, (Fault.SEX,)),
        ("046190123456", date(1989, 5, 1), Sex.MALE, (Fault.BIRTH_YEAR, Fault.SEX)),
        ("046325123456", None, None, (Fault.BIRTH_IN_FUTURE,)),
        ("046324123456", date(2024, 3, 12), None, (Fault.BIRTH_IN_FUTURE,)),
        ("046324123456", date(2024, 3, 11), None, ()),
        ("0461901234", date(2030, 1, 1), None, (Fault.FORMAT, Fault.BIRTH_IN_FUTURE)),
    ],
)
def test_a_number_beside_what_else_was_declared(
    number: str, birth_date: date | None, sex: Sex | None, faults: tuple[Fault, ...]
) -> None:
    assert faults_of_personal_number(number, today=TODAY, birth_date=birth_date, sex=sex) == faults


@pytest.mark.parametrize("text", ["", "04619012345", "0461901234567", "04619012345a", "٠٤٦١٩٠١٢٣٤٥٦", "-46190123456"])
def test_what_is_no_personal_number(text: str) -> None:
    assert faults_of_personal_number(text, today=TODAY) == (Fault.FORMAT,)
    with pytest.raises(NumberError):
        parse_personal_number(text)


def test_an_unknown_place_is_not_refused() -> None:
    assert faults_of_personal_number("003190123456", today=TODAY) == ()


@pytest.mark.req("DF-05")
def test_nine_and_twelve_digits_are_taken() -> None:
    assert kind_of("191234567") is Kind.CMND and kind_of("046190123456") is Kind.CCCD
    assert normalized_number("191 234 567") == normalized_number("191.234.567") == "191234567"
    for text in ("1912345678", "19123456", "", "19123456x"):
        with pytest.raises(NumberError) as refused:
            normalized_number(text)
        assert refused.value.fault is Fault.FORMAT


def test_nothing_repeats_the_number() -> None:
    assert "046190" not in repr(parse_personal_number("046190123456"))
    with pytest.raises(NumberError) as refused:
        parse_personal_number("0461901234567")
    assert "046" not in str(refused.value)
    for fault in Fault:
        error = error_of(fault, "number", "ID-03")
        assert error["message_vi"] and error["message_en"] and error["rule"] == "ID-03"


@pytest.mark.req("ID-28")
@pytest.mark.parametrize("text", ["0100109106", "0300588569", "0100047516", "0301464823", "0100109106-001"])
def test_tax_numbers_that_exist(text: str) -> None:
    assert normalized_tax_number(text) == text
    assert normalized_tax_number(f" {text[:3]} {text[3:]}") == text


@pytest.mark.req("ID-28")
@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("3300100088", Fault.CHECK_DIGIT),
        ("0100109107", Fault.CHECK_DIGIT),
        ("010010910", Fault.FORMAT),
        ("0100109106-000", Fault.FORMAT),
        ("0100109106-01", Fault.FORMAT),
        ("010010910x", Fault.FORMAT),
        ("", Fault.FORMAT),
        ("٠١٠٠١٠٩١٠٦", Fault.FORMAT),
    ],
)
def test_tax_numbers_that_are_refused(text: str, fault: Fault) -> None:
    with pytest.raises(NumberError) as refused:
        normalized_tax_number(text)
    assert refused.value.fault is fault


def test_a_branch_may_be_typed_without_the_hyphen() -> None:
    assert normalized_tax_number("0100109106001") == "0100109106-001"


@given(
    place=st.integers(0, 999),
    born=st.dates(date(1900, 1, 1), TODAY),
    sex=st.sampled_from(Sex),
    tail=st.integers(0, 999999),
)
def test_a_number_made_for_a_person_fits_that_person_only(place: int, born: date, sex: Sex, tail: int) -> None:
    digit = (born.year // 100 - 19) * 2 + (sex is Sex.FEMALE)
    text = f"{place:03}{digit}{born.year % 100:02}{tail:06}"
    assert faults_of_personal_number(text, today=TODAY, birth_date=born, sex=sex) == ()
    other = Sex.MALE if sex is Sex.FEMALE else Sex.FEMALE
    assert faults_of_personal_number(text, today=TODAY, birth_date=born, sex=other) == (Fault.SEX,)
    assert normalized_number(text) == text


@given(st.text())
def test_any_text_is_read_or_refused(text: str) -> None:
    for read in (normalized_number, normalized_tax_number):
        try:
            number = read(text)
        except NumberError:
            continue
        assert read(number) == number


@given(st.from_regex(r"[0-9]{10}(-?[0-9]{3})?", fullmatch=True))
def test_one_digit_wrong_is_found(text: str) -> None:
    try:
        number = normalized_tax_number(text)
    except NumberError:
        return
    wrong = str((int(number[9]) + 1) % 10)
    with pytest.raises(NumberError):
        normalized_tax_number(number[:9] + wrong + number[10:])
