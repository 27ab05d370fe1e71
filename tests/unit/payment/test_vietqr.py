"""VietQR against the vectors of the domain facts."""

import pytest

from services.payment import vietqr
from services.payment.vietqr import Account

KHO_BAC = Account("970415", "0000330010001", "Kho bạc diễn tập", "Huế")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("123456789", "29B1"),
        (
            "00020101021138480010A00000072701300006970403011621129950446040255204581253037045802VN5910PHUONG CAC"
            "6005HANOI62110307NPS68696304",
            "5802",
        ),
        (
            "00020101021238560010A0000007270126000697041501121133666688880208QRIBFTTA53037045405790005802VN"
            "62220818Ung Ho Quy Vac Xin6304",
            "3ACF",
        ),
    ],
)
def test_the_checksum(text: str, expected: str) -> None:
    assert vietqr.crc(text) == expected


def test_a_whole_code_as_the_vector_writes_it() -> None:
    account = Account("970415", "113366668888")
    assert vietqr.text(account, 79_000, "Ung Ho Quy Vac Xin") == (
        "00020101021238560010A0000007270126000697041501121133666688880208QRIBFTTA53037045405790005802VN"
        "62220818Ung Ho Quy Vac Xin63043ACF"
    )


def fields(text: str) -> dict[str, str]:
    found, rest = {}, text
    while rest:
        number, length = rest[:2], int(rest[2:4])
        found[number], rest = rest[4 : 4 + length], rest[4 + length :]
    return found


def test_a_code_reads_back() -> None:
    found = fields(vietqr.text(KHO_BAC, 20_000, "ABC123"))
    assert (found["54"], found["53"], found["58"], found["01"]) == ("20000", "704", "VN", "12")
    assert (found["59"], found["60"]) == ("Kho bac dien tap", "Hue")
    assert fields(found["62"]) == {"08": "ABC123"}
    assert fields(fields(found["38"])["01"]) == {"00": "970415", "01": "0000330010001"}


@pytest.mark.parametrize(
    ("account", "amount", "reference"),
    [
        (Account("97041", "1"), 1, "A"),
        (Account("97041x", "1"), 1, "A"),
        (Account("970415", "1" * 20), 1, "A"),
        (Account("970415", ""), 1, "A"),
        (KHO_BAC, 0, "A"),
        (KHO_BAC, -5, "A"),
        (KHO_BAC, 1, ""),
        (KHO_BAC, 1, "A" * 26),
        (KHO_BAC, 1, "Đ"),
    ],
)
def test_what_no_bank_would_read_is_refused(account: Account, amount: int, reference: str) -> None:
    with pytest.raises(ValueError, match="."):
        vietqr.text(account, amount, reference)
