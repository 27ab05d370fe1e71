"""VNPAY protocol 2.1.0: signing, the parameters of a payment page, reading provider messages (IPN), answering them.

Pure: the secret and the order are arguments. Amounts are whole đồng here and đồng × 100 on the wire. The citizen's
return page is read with the same functions and changes nothing (X-25).
"""

from __future__ import annotations

import hashlib
import hmac
import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from urllib.parse import quote_plus, urlencode

from services.common.calendar import local
from services.common.rules import rule

VERSION = "2.1.0"
_UNSIGNED = frozenset({"vnp_SecureHash", "vnp_SecureHashType"})
_STAMP = "%Y%m%d%H%M%S"

#: vnp_ResponseCode in both languages.
RESPONSES: dict[str, tuple[str, str]] = {
    "00": ("Giao dịch thành công", "Paid"),
    "07": ("Trừ tiền thành công, giao dịch bị nghi ngờ", "Money taken, the transaction is suspicious"),
    "09": ("Thẻ/tài khoản chưa đăng ký Internet Banking", "Card or account not registered for internet banking"),
    "10": ("Xác thực thông tin thẻ/tài khoản sai quá 3 lần", "Wrong card or account data more than 3 times"),
    "11": ("Hết hạn chờ thanh toán", "The time to pay has expired"),
    "12": ("Thẻ/tài khoản bị khóa", "Card or account locked"),
    "13": ("Nhập sai mật khẩu xác thực (OTP)", "Wrong one-time password"),
    "24": ("Khách hàng hủy giao dịch", "Cancelled by the customer"),
    "51": ("Tài khoản không đủ số dư", "Insufficient balance"),
    "65": ("Vượt hạn mức giao dịch trong ngày", "Over the limit of the day"),
    "75": ("Ngân hàng thanh toán đang bảo trì", "The bank is under maintenance"),
    "91": ("Nhà cung cấp không có giao dịch này", "The provider knows no such transaction"),
    "79": ("Nhập sai mật khẩu thanh toán quá số lần quy định", "Wrong payment password too often"),
    "99": ("Lỗi khác", "Other error"),
}


def response_text(code: str) -> tuple[str, str]:
    """Vietnamese and English meaning of a vnp_ResponseCode; an unknown one reads as "other error"."""
    return RESPONSES.get(code, RESPONSES["99"])


# --- signature -------------------------------------------------------------------------------------------------------


def signed_text(params: Mapping[str, str]) -> str:
    """What is signed: all non-empty vnp_ parameters but the hash itself, sorted by name, form-encoded."""
    names = sorted(n for n, value in params.items() if n.startswith("vnp_") and n not in _UNSIGNED and value != "")
    return "&".join(f"{quote_plus(name)}={quote_plus(params[name])}" for name in names)


def sign(params: Mapping[str, str], secret: bytes) -> str:
    """HMAC-SHA512 of `signed_text`, hex in lower case."""
    return hmac.new(secret, signed_text(params).encode(), hashlib.sha512).hexdigest()


def is_signed(params: Mapping[str, str], secret: bytes) -> bool:
    """Tell whether `vnp_SecureHash` is the signature of the other parameters (any case, compared in constant time)."""
    given = params.get("vnp_SecureHash", "").lower().encode("utf-8", "replace")
    return hmac.compare_digest(given, sign(params, secret).encode())


# --- the payment page ------------------------------------------------------------------------------------------------


#: Where the payer's address is wanted. It is not handed on: nobody needs it to pay, it is personal data, and a command
#: repeated from another network would be another command. The provider's own page sees from where it is opened.
NO_ADDRESS = "127.0.0.1"


@dataclass(frozen=True, slots=True)
class PayRequest:
    """What a payment page is asked for. `txn_ref` is unique per merchant and day; `order_info` names no person."""

    txn_ref: str
    amount_vnd: int
    order_info: str
    return_url: str
    client_ip: str
    locale: str = "vn"
    order_type: str = "other"
    bank_code: str = ""
    minutes_to_pay: int = 15


def plain(text: str) -> str:
    """Text as VNPAY wants it in vnp_OrderInfo: ASCII without diacritics, other characters as spaces."""
    bare = unicodedata.normalize("NFD", text.replace("đ", "d").replace("Đ", "D"))
    letters = (c for c in bare if not unicodedata.combining(c))
    return " ".join("".join(c if c.isascii() and (c.isalnum() or c in " .-:") else " " for c in letters).split())


def pay_parameters(request: PayRequest, *, tmn_code: str, secret: bytes, now: datetime) -> dict[str, str]:
    """Signed parameters of the redirect. `now` is aware. Raises ValueError for what the provider would refuse."""
    if request.amount_vnd <= 0:
        raise ValueError("an amount is a positive number of đồng")
    if len(tmn_code) != 8:
        raise ValueError("a terminal code has 8 characters")
    if not 1 <= len(request.txn_ref) <= 100 or not request.txn_ref.isascii():
        raise ValueError("a transaction reference has 1 to 100 ASCII characters")
    if request.locale not in ("vn", "en"):
        raise ValueError("the locale is vn or en")
    params = {
        "vnp_Version": VERSION,
        "vnp_Command": "pay",
        "vnp_TmnCode": tmn_code,
        "vnp_Amount": str(request.amount_vnd * 100),
        "vnp_BankCode": request.bank_code,
        "vnp_CreateDate": local(now).strftime(_STAMP),
        "vnp_ExpireDate": local(now + timedelta(minutes=request.minutes_to_pay)).strftime(_STAMP),
        "vnp_CurrCode": "VND",
        "vnp_IpAddr": request.client_ip,
        "vnp_Locale": request.locale,
        "vnp_OrderInfo": plain(request.order_info),
        "vnp_OrderType": request.order_type,
        "vnp_ReturnUrl": request.return_url,
        "vnp_TxnRef": request.txn_ref,
    }
    params = {name: value for name, value in params.items() if value != ""}
    params["vnp_SecureHash"] = sign(params, secret)
    return params


def pay_url(base: str, params: Mapping[str, str]) -> str:
    """Address of the payment page."""
    return f"{base}?{urlencode(params)}"


# --- provider messages -----------------------------------------------------------------------------------------------


class Outcome(StrEnum):
    """What a provider message says of the money. HELD = neither paid nor failed for sure: ask again, or a person."""

    PAID = "PAID"
    FAILED = "FAILED"
    HELD = "HELD"


@dataclass(frozen=True, slots=True)
class Notice:
    """A signed provider message. `amount_vnd` is None where it is missing or not a whole number of đồng."""

    txn_ref: str
    amount_vnd: int | None
    outcome: Outcome
    response_code: str
    transaction_status: str
    transaction_no: str
    bank_code: str


class BadSignature(ValueError):
    """The message was not signed with our secret; nothing in it may be believed."""


class NotOfTheProvider(ValueError):
    """Signed, but it is not a message about a payment: nothing in it may be taken for one."""


#: What the provider alone can know, and in which form it says so. Our own payment pages are signed with the same
#: secret and carry none of these.
_SAID = {
    "vnp_ResponseCode": re.compile(r"[0-9]{2}"),
    "vnp_TransactionStatus": re.compile(r"[0-9]{2}"),
    "vnp_TransactionNo": re.compile(r"[0-9]{1,20}"),
}


@rule("X-25", title="Đường dẫn đã ký của chính hệ thống không phải lời của nhà cung cấp",
      cites="QĐ 08/2025/QĐ-UBND Đ12.2")  # fmt: skip
def read_message(params: Mapping[str, str], secret: bytes) -> Notice:
    """Read a provider message (IPN). Raises BadSignature, and NotOfTheProvider where a field that only the provider
    sets is missing or has another form, or where it is a command (`pay`, `querydr`): no outcome is ever guessed."""
    notice = read_notice(params, secret)
    if "vnp_Command" in params or not all(form.fullmatch(params.get(name, "")) for name, form in _SAID.items()):
        raise NotOfTheProvider("not a message about a payment")
    return notice


def read_notice(params: Mapping[str, str], secret: bytes) -> Notice:
    """Read what is signed as a message or as a query's answer. Raises BadSignature before all else."""
    if not is_signed(params, secret):
        raise BadSignature("vnp_SecureHash does not fit")
    response, status = params.get("vnp_ResponseCode", ""), params.get("vnp_TransactionStatus", "")
    return Notice(
        txn_ref=params.get("vnp_TxnRef", ""),
        amount_vnd=_amount(params.get("vnp_Amount", "")),
        outcome=_outcome(response, status),
        response_code=response,
        transaction_status=status,
        transaction_no=params.get("vnp_TransactionNo", ""),
        bank_code=params.get("vnp_BankCode", ""),
    )


def _amount(text: str) -> int | None:
    # Longer than any amount of money: not worth turning into a number.
    if not (text.isascii() and text.isdigit()) or len(text) > 18 or int(text) % 100:
        return None
    return int(text) // 100


def _outcome(response: str, status: str) -> Outcome:
    """Paid only when both codes say so; failed only when neither leaves money in doubt.

    Status 01 is not ended, 04 money taken and reversed, 07 suspected fraud; a success beside a failure is a
    contradiction. In each of these "failed" could later turn out wrong.
    """
    if response == "00" and status == "00":
        return Outcome.PAID
    doubtful = response in ("", "00", "07") or status in ("00", "01", "04", "07")
    return Outcome.HELD if doubtful else Outcome.FAILED


@dataclass(frozen=True, slots=True)
class Answer:
    """The JSON that answers an IPN; `record` tells whether the room records the notice's outcome."""

    code: str
    message: str
    record: bool = False

    def to_dict(self) -> dict[str, str]:
        """As the provider reads it."""
        return {"RspCode": self.code, "Message": self.message}


CONFIRMED = Answer("00", "Confirm Success", record=True)
ORDER_NOT_FOUND = Answer("01", "Order not found")
ALREADY_CONFIRMED = Answer("02", "Order already confirmed")
INVALID_AMOUNT = Answer("04", "Invalid amount")
INVALID_SIGNATURE = Answer("97", "Invalid signature")
NOT_A_MESSAGE = Answer("99", "Input data required")


@dataclass(frozen=True, slots=True)
class OrderView:
    """What the answer needs to know of our order; `confirmed`: an outcome of this attempt is final already."""

    amount_vnd: int
    confirmed: bool


@rule("PY-11", title="Không thanh toán hai lần; thông báo lặp không tạo biên lai mới", cites="QĐ 08/2025/QĐ-UBND Đ4.3")
@rule("X-25", title="Chỉ thông báo có chữ ký của nhà cung cấp đổi trạng thái", cites="QĐ 08/2025/QĐ-UBND Đ12.2")
def answer(notice: Notice, order: OrderView | None) -> Answer:
    """Answer a notice whose signature holds, in the provider's order: order exists, amount equal, not yet confirmed.

    A failed payment that is recorded is also "00": the provider asks whether we took note, not whether it was paid.
    """
    if order is None:
        return ORDER_NOT_FOUND
    if notice.amount_vnd != order.amount_vnd:
        return INVALID_AMOUNT
    return ALREADY_CONFIRMED if order.confirmed else CONFIRMED
