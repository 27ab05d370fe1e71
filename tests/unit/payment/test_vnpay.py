from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.payment import metrics, vnpay
from services.payment.vnpay import BadSignature, Notice, OrderView, Outcome, PayRequest, answer, read_notice

SECRET = b"SECRETKEY"
NOW = datetime(2024, 3, 11, 2, 0, tzinfo=UTC)
REFERENCE = (
    "vnp_Amount=1000000&vnp_Command=pay&vnp_CreateDate=20240311090000&vnp_CurrCode=VND&vnp_IpAddr=127.0.0.1"
    "&vnp_Locale=vn&vnp_OrderInfo=Thanh+toan+ho+so+H57.01&vnp_OrderType=other"
    "&vnp_ReturnUrl=https%3A%2F%2Fexample.test%2Freturn&vnp_TmnCode=DEMOTMN1&vnp_TxnRef=TX1&vnp_Version=2.1.0"
)
REFERENCE_HASH = (
    "6894ae19d8056746b14e7ec0323907fa0470a55cd436ef1bf1cf7736c2cf70c6"
    "41192b9b9a9a83d65f244d81bb42dae261b4e51139002e47df60200e8d82d9cf"
)


def request(**changes: Any) -> PayRequest:
    fields: dict[str, Any] = {
        "txn_ref": "TX1",
        "amount_vnd": 10000,
        "order_info": "Thanh toán hồ sơ H57.01",
        "return_url": "https://example.test/return",
        "client_ip": "127.0.0.1",
        **changes,
    }
    return PayRequest(**fields)


def signed(params: dict[str, str]) -> dict[str, str]:
    return {**params, "vnp_SecureHash": vnpay.sign(params, SECRET)}


def ipn(**changes: str) -> dict[str, str]:
    return signed(
        {
            "vnp_TmnCode": "DEMOTMN1",
            "vnp_Amount": "1000000",
            "vnp_BankCode": "NCB",
            "vnp_TxnRef": "TX1",
            "vnp_TransactionNo": "14422574",
            "vnp_BankTranNo": "VNP14422574",
            "vnp_CardType": "ATM",
            "vnp_PayDate": "20240311090500",
            "vnp_ResponseCode": "00",
            "vnp_TransactionStatus": "00",
            "vnp_OrderInfo": "Thanh toan",
            **changes,
        }
    )


# --- signature -------------------------------------------------------------------------------------------------------


def test_the_vector_of_the_reference() -> None:
    params = dict(parse_qsl(REFERENCE))
    assert vnpay.signed_text(params) == REFERENCE
    assert vnpay.sign(params, SECRET) == REFERENCE_HASH


def test_the_hash_itself_empty_values_and_foreign_names_are_not_signed() -> None:
    params = {
        **dict(parse_qsl(REFERENCE)),
        "vnp_SecureHash": "x",
        "vnp_SecureHashType": "HMACSHA512",
        "vnp_BankCode": "",
        "utm_source": "mail",
    }
    assert vnpay.sign(params, SECRET) == REFERENCE_HASH


def test_the_case_of_the_hash_does_not_matter() -> None:
    params = ipn()
    params["vnp_SecureHash"] = params["vnp_SecureHash"].upper()
    assert vnpay.is_signed(params, SECRET)


@pytest.mark.parametrize("hash", ["", "00", "x" * 128, "ｘ", REFERENCE_HASH])
def test_another_hash_is_refused(hash: str) -> None:
    assert not vnpay.is_signed({**ipn(), "vnp_SecureHash": hash}, SECRET)


@pytest.mark.req("PY-11")
def test_another_secret_or_no_hash_is_refused() -> None:
    params = ipn()
    assert not vnpay.is_signed(params, b"OTHERKEY")
    del params["vnp_SecureHash"]
    assert not vnpay.is_signed(params, SECRET)


# --- the payment page ------------------------------------------------------------------------------------------------


@pytest.mark.req("PY-03")
def test_the_parameters_of_a_payment_page() -> None:
    params = vnpay.pay_parameters(request(), tmn_code="DEMOTMN1", secret=SECRET, now=NOW)
    expected = dict(parse_qsl(REFERENCE))
    assert {name: params[name] for name in expected} == expected
    assert set(params) - set(expected) == {"vnp_ExpireDate", "vnp_SecureHash"}
    assert params["vnp_ExpireDate"] == "20240311091500"
    assert vnpay.is_signed(params, SECRET)


def test_the_address_of_a_payment_page_carries_the_parameters_unchanged() -> None:
    params = vnpay.pay_parameters(request(bank_code="NCB"), tmn_code="DEMOTMN1", secret=SECRET, now=NOW)
    url = vnpay.pay_url("https://pay.example.test/vpcpay.html", params)
    assert dict(parse_qsl(urlsplit(url).query, strict_parsing=True)) == params


@pytest.mark.parametrize(
    ("changes", "tmn_code"),
    [
        ({"amount_vnd": 0}, "DEMOTMN1"),
        ({"amount_vnd": -1}, "DEMOTMN1"),
        ({"txn_ref": ""}, "DEMOTMN1"),
        ({"txn_ref": "đ1"}, "DEMOTMN1"),
        ({"txn_ref": "x" * 101}, "DEMOTMN1"),
        ({"locale": "vi"}, "DEMOTMN1"),
        ({}, "SHORT"),
    ],
)
def test_what_the_provider_would_refuse(changes: dict[str, Any], tmn_code: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        vnpay.pay_parameters(request(**changes), tmn_code=tmn_code, secret=SECRET, now=NOW)


def test_order_information_without_diacritics() -> None:
    assert vnpay.plain("Đặt cọc: hồ sơ 000.05.07.H57-240311-0001 (phí & lệ phí)") == (
        "Dat coc: ho so 000.05.07.H57-240311-0001 phi le phi"
    )


@given(st.text())
def test_order_information_is_always_plain(text: str) -> None:
    plain = vnpay.plain(text)
    assert plain.isascii() and vnpay.plain(plain) == plain


# --- provider messages -----------------------------------------------------------------------------------------------


def test_a_notice_is_read() -> None:
    assert read_notice(ipn(), SECRET) == Notice(
        txn_ref="TX1",
        amount_vnd=10000,
        outcome=Outcome.PAID,
        response_code="00",
        transaction_status="00",
        transaction_no="14422574",
        bank_code="NCB",
    )


@pytest.mark.req("PY-11")
@pytest.mark.parametrize("name", ["vnp_Amount", "vnp_TxnRef", "vnp_ResponseCode", "vnp_TransactionStatus"])
def test_a_changed_message_is_not_even_read(name: str) -> None:
    with pytest.raises(BadSignature):
        read_notice({**ipn(), name: "1"}, SECRET)
    added = {**ipn(), "vnp_Extra": "1"}
    with pytest.raises(BadSignature):
        read_notice(added, SECRET)


@pytest.mark.parametrize(
    ("response", "status", "outcome"),
    [
        ("00", "00", Outcome.PAID),
        ("24", "02", Outcome.FAILED),
        ("51", "02", Outcome.FAILED),
        ("07", "00", Outcome.HELD),
        ("07", "07", Outcome.HELD),
        ("00", "02", Outcome.HELD),
        ("00", "", Outcome.HELD),
        ("", "00", Outcome.HELD),
        ("99", "00", Outcome.HELD),
        ("99", "01", Outcome.HELD),
        ("99", "04", Outcome.HELD),
        ("75", "", Outcome.FAILED),
    ],
)
def test_money_is_paid_only_when_both_codes_say_so(response: str, status: str, outcome: Outcome) -> None:
    params = ipn(vnp_ResponseCode=response, vnp_TransactionStatus=status)
    assert read_notice(params, SECRET).outcome is outcome


@pytest.mark.req("X-25")
def test_what_is_signed_but_not_the_providers_word_is_none() -> None:
    """Our own payment page's address is signed with the same secret, and so is a query's answer."""
    page = vnpay.pay_parameters(request(), tmn_code="DEMOTMN1", secret=SECRET, now=NOW)
    assert vnpay.is_signed(page, SECRET)
    refused = [page, ipn(vnp_Command="pay"), ipn(vnp_Command="querydr")]
    for name in ("vnp_ResponseCode", "vnp_TransactionStatus", "vnp_TransactionNo"):
        refused += [
            ipn(**{name: value}) for value in ("", "x", "0", "１２") if (name, value) != ("vnp_TransactionNo", "0")
        ]
        rest = {key: value for key, value in ipn().items() if key not in (name, "vnp_SecureHash")}
        refused.append(signed(rest))
    for params in refused:
        with pytest.raises(vnpay.NotOfTheProvider):
            vnpay.read_message(params, SECRET)
    with pytest.raises(BadSignature):  # the signature is looked at before anything else
        vnpay.read_message({**page, "vnp_Amount": "1"}, SECRET)
    cancelled = ipn(vnp_ResponseCode="24", vnp_TransactionStatus="02", vnp_TransactionNo="0", vnp_BankCode="")
    assert vnpay.read_message(cancelled, SECRET).outcome is Outcome.FAILED


@pytest.mark.parametrize("amount", ["", "-1000000", "1e6", "1000050", "١٠٠٠", "9" * 5000, "10000.00"])
def test_an_amount_that_is_none_equals_no_order(amount: str) -> None:
    notice = read_notice(ipn(vnp_Amount=amount), SECRET)
    assert notice.amount_vnd is None and answer(notice, OrderView(10000, False)).code == "04"


@pytest.mark.req("PY-11")
@pytest.mark.parametrize(
    ("order", "code", "record"),
    [
        (None, "01", False),
        (OrderView(10001, confirmed=False), "04", False),
        (OrderView(10001, confirmed=True), "04", False),
        (OrderView(10000, confirmed=True), "02", False),
        (OrderView(10000, confirmed=False), "00", True),
    ],
)
def test_the_order_of_the_answers(order: OrderView | None, code: str, record: bool) -> None:
    given_answer = answer(read_notice(ipn(), SECRET), order)
    assert (given_answer.code, given_answer.record) == (code, record)
    assert set(given_answer.to_dict()) == {"RspCode", "Message"}


@pytest.mark.req("PY-11")
def test_a_failed_payment_is_recorded_and_answered_with_success() -> None:
    notice = read_notice(ipn(vnp_ResponseCode="24", vnp_TransactionStatus="02"), SECRET)
    assert notice.outcome is Outcome.FAILED and answer(notice, OrderView(10000, False)).record


def test_each_response_code_has_words_in_both_languages() -> None:
    assert all(vi and en for vi, en in vnpay.RESPONSES.values())
    assert vnpay.response_text("24") == ("Khách hàng hủy giao dịch", "Cancelled by the customer")
    assert vnpay.response_text("??") == vnpay.response_text("99")


params = st.dictionaries(
    st.sampled_from(["vnp_Amount", "vnp_TxnRef", "vnp_OrderInfo", "vnp_PayDate", "vnp_ResponseCode", "x"]),
    st.text(max_size=12),
)


@given(params)
def test_any_signed_message_is_read_without_error(params: dict[str, str]) -> None:
    assert isinstance(read_notice(signed(params), SECRET), Notice)


@given(one=params, other=params)
def test_only_the_same_text_has_the_same_signature(one: dict[str, str], other: dict[str, str]) -> None:
    same = vnpay.signed_text(one) == vnpay.signed_text(other)
    assert (vnpay.sign(one, SECRET) == vnpay.sign(other, SECRET)) == same


@given(order=st.none() | st.builds(OrderView, st.integers(1, 100000), st.booleans()), paid=st.integers(1, 100000))
def test_only_an_unconfirmed_order_of_that_amount_is_recorded(order: OrderView | None, paid: int) -> None:
    notice = read_notice(ipn(vnp_Amount=str(paid * 100)), SECRET)
    expected = order is not None and order.amount_vnd == paid and not order.confirmed
    assert answer(notice, order).record == expected


def test_every_answer_to_the_provider_is_counted_from_the_first_scrape_on() -> None:
    answers = {each.code for each in vars(vnpay).values() if isinstance(each, vnpay.Answer)}
    assert set(metrics.MESSAGES) == answers
