from datetime import UTC, date, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.intake.codes import DossierCode, as_typed, code_for, counter_key, parse

PREFIX = "000.05.07.H57"


@pytest.mark.req("IN-15")
def test_the_code_of_the_reference() -> None:
    filed_at = datetime(2024, 3, 11, 2, 0, tzinfo=UTC)
    assert str(code_for(PREFIX, filed_at, 1)) == "000.05.07.H57-240311-0001"


def test_the_date_is_the_local_one() -> None:
    late = datetime(2024, 3, 11, 17, 0, tzinfo=UTC)
    assert str(code_for(PREFIX, late, 1)) == "000.05.07.H57-240312-0001"
    assert counter_key(PREFIX, late) == "000.05.07.H57-240312"


def test_after_9999_the_serial_has_five_digits() -> None:
    day = date(2024, 3, 11)
    assert str(DossierCode(PREFIX, day, 9999)).endswith("-9999")
    assert str(DossierCode(PREFIX, day, 10000)).endswith("-10000")
    assert parse("H57-240311-10000").serial == 10000


@pytest.mark.parametrize(
    "text", ["000.05.07.H57-240311-0001", "00.00.H57-240311-0001", "H57-240229-0001", "H57.242-250101-0001"]
)
def test_forms_that_are_accepted(text: str) -> None:
    assert str(parse(text)) == text


@pytest.mark.parametrize(
    "text",
    [
        "",
        "H57-240311-001",
        "H57-240311-000001",
        "H57-240311-0000",
        "H57-240311-00001",
        "H57-240230-0001",
        "H57-241301-0001",
        "h57-240311-0001",
        "05.07.000.H57-240311-0001",
        "0000.05.07.H57-240311-0001",
        "H57-240311-0001\n",
        " H57-240311-0001",
        "H57-240311-000\u0661",
        "H57–240311–0001",
        "H57.-240311-0001",
    ],
)
def test_forms_that_are_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        parse(text)


def test_a_typed_code_is_forgiven() -> None:
    assert str(as_typed(" 000.05.07.h57 – 240311 – 0001\n")) == "000.05.07.H57-240311-0001"
    with pytest.raises(ValueError, match="not a dossier code"):
        as_typed("H57 240311 0001")


@pytest.mark.parametrize(
    ("prefix", "day", "serial"),
    [
        ("H5", date(2024, 3, 11), 1),
        (PREFIX, date(1999, 3, 11), 1),
        (PREFIX, date(2024, 3, 11), 0),
        (PREFIX, date(2024, 3, 11), 100000),
    ],
)
def test_parts_that_make_no_code(prefix: str, day: date, serial: int) -> None:
    with pytest.raises(ValueError, match=r"."):
        DossierCode(prefix, day, serial)


codes = st.builds(
    DossierCode,
    st.sampled_from([PREFIX, "00.00.H57", "H57", "H57.242", "H57.1.22"]),
    st.dates(date(2000, 1, 1), date(2099, 12, 31)),
    st.integers(1, 99999),
)


@given(codes)
def test_what_is_printed_is_read_back(code: DossierCode) -> None:
    assert parse(str(code)) == code == as_typed(str(code).lower())


@given(codes, codes)
def test_two_codes_are_never_printed_alike(one: DossierCode, other: DossierCode) -> None:
    assert (str(one) == str(other)) == (one == other)


@given(st.text())
def test_reading_anything_refuses_or_reads_back(text: str) -> None:
    try:
        read = parse(text)
    except ValueError:
        return
    assert str(read) == text
