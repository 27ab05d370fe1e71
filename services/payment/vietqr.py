"""VietQR (NAPAS, EMVCo TLV): the text of a payment QR code. Pure.

Two digits of id, two of length, then the value; contents stay ASCII, so characters and bytes are the same number. The
purpose carries the payment's reference: by it a bank statement finds its order.
"""

from __future__ import annotations

from dataclasses import dataclass

from services.payment.vnpay import plain

_NAPAS = "A000000727"
_TO_ACCOUNT = "QRIBFTTA"
_VND = "704"


@dataclass(frozen=True, slots=True)
class Account:
    """Where the money goes: the bank's BIN (6 digits), account number, and name and city as printed (ASCII)."""

    bin: str
    number: str
    name: str = ""
    city: str = ""


def crc(text: str) -> str:
    """CRC-16/CCITT-FALSE (0x1021, init 0xFFFF) as four upper-case hex digits."""
    value = 0xFFFF
    for byte in text.encode("ascii"):
        value ^= byte << 8
        for _ in range(8):
            value = (value << 1) ^ 0x1021 if value & 0x8000 else value << 1
            value &= 0xFFFF
    return f"{value:04X}"


def _field(number: str, value: str) -> str:
    if not value.isascii() or not 0 < len(value) <= 99:
        raise ValueError(f"field {number} has 1 to 99 ASCII characters")
    return f"{number}{len(value):02d}{value}"


def text(account: Account, amount_vnd: int, reference: str) -> str:
    """The QR's text for one payment. Raises ValueError for what no bank would read."""
    if not (len(account.bin) == 6 and account.bin.isdigit()) or not 0 < len(account.number) <= 19:
        raise ValueError("a BIN has 6 digits, an account number at most 19 characters")
    if amount_vnd <= 0:
        raise ValueError("an amount is a positive number of đồng")
    if not 0 < len(reference) <= 25:
        raise ValueError("a reference has at most 25 characters")
    beneficiary = _field("00", account.bin) + _field("01", account.number)
    parts = [
        _field("00", "01"),
        _field("01", "12"),
        _field("38", _field("00", _NAPAS) + _field("01", beneficiary) + _field("02", _TO_ACCOUNT)),
        _field("53", _VND),
        _field("54", str(amount_vnd)),
        _field("58", "VN"),
    ]
    if account.name:
        parts.append(_field("59", plain(account.name)[:25]))
    if account.city:
        parts.append(_field("60", plain(account.city)[:15]))
    parts.append(_field("62", _field("08", reference)))
    body = "".join(parts) + "6304"
    return body + crc(body)
