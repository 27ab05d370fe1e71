import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.identity.phones import Fault, PhoneError, is_mobile, masked, national_form, normal_mobile, normal_phone


@pytest.mark.parametrize(
    "text",
    ["0912345678", "+84912345678", "84912345678", "0084912345678", "0912 345 678", "0912.345.678", "(+84) 912-345-678",
     "+84 (0) 912 345 678", "0912–345–678"],
)  # fmt: skip
def test_one_mobile_number_has_one_normal_form(text: str) -> None:
    assert normal_phone(text) == normal_mobile(text) == "+84912345678"


@pytest.mark.parametrize("text", ["0312345678", "0512345678", "0712345678", "0812345678", "0912345678"])
def test_prefixes_of_mobile_numbers(text: str) -> None:
    assert is_mobile(normal_phone(text))


@pytest.mark.parametrize("text", ["02343822666", "0234382266", "+842343822666"])
def test_a_landline_is_a_number_but_receives_no_code(text: str) -> None:
    assert not is_mobile(normal_phone(text))
    with pytest.raises(PhoneError) as refused:
        normal_mobile(text)
    assert refused.value.fault is Fault.NOT_MOBILE


@pytest.mark.parametrize(
    "text",
    ["", "0", "091234567", "09123456789", "0412345678", "0612345678", "19001075", "912345678", "+1 202 555 0100",
     "09123x5678", "٠٩١٢٣٤٥٦٧٨", "0912345678;ext=1", "++84912345678", "00912345678"],
)  # fmt: skip
def test_what_is_no_number(text: str) -> None:
    with pytest.raises(PhoneError) as refused:
        normal_phone(text)
    assert refused.value.fault is Fault.FORMAT and refused.value.message_vi and refused.value.message_en


def test_an_old_mobile_number_is_told_apart() -> None:
    with pytest.raises(PhoneError) as refused:
        normal_phone("01234567890")
    assert refused.value.fault is Fault.OLD_MOBILE and "01234567890" not in str(refused.value)


def test_shown_forms() -> None:
    assert national_form("+84912345678") == "0912345678"
    assert masked("+84912345678") == "•••••••678"


mobiles = st.from_regex(r"0[35789][0-9]{8}", fullmatch=True)


@given(mobiles)
def test_the_normal_form_is_stable_and_reversible(national: str) -> None:
    phone = normal_mobile(national)
    assert normal_mobile(phone) == phone and national_form(phone) == national
    assert national[:7] not in masked(phone)


@given(st.text() | st.text("0123456789+-. ()"))
def test_any_text_is_read_or_refused(text: str) -> None:
    try:
        phone = normal_phone(text)
    except PhoneError:
        return
    assert normal_phone(phone) == phone and phone.startswith("+84") and phone[1:].isdigit()
