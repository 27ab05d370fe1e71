"""Receipts: numbers, amounts in words, what stands on the paper, and the paper itself."""

import base64
import io
from datetime import UTC, datetime
from typing import Any

import pytest
from pypdf import PdfReader

from deploy.local import bootstrap
from services.payment import receipt

AT = datetime(2024, 3, 11, 2, 0, tzinfo=UTC)
SERIES = {"template": "01BLP0-001", "series": "QT-{yy}E", "name": "UBND xã Quảng Thái", "tax_number": "3300100018"}
FONTS = bootstrap.fonts()


def order(**changes: Any) -> dict[str, Any]:
    return {
        "code": "000.05.07.H57-240311-0001",
        "unit": "000.05.07.H57",
        "procedure": "9.000001",
        "amount": 20_000,
        "items": [{"item": "phi-ban-sao", "name_vi": "Phí cấp bản sao", "amount": 20_000}],
        "settled": {"at": AT, "method": "vnpay", "transaction_no": "14000001"},
        "receipt": {"template": "01BLP0-001", "series": "QT-24E", "number": 7},
        **changes,
    }


@pytest.mark.parametrize(
    ("amount", "words"),
    [
        (0, "Không đồng"),
        (5, "Năm đồng"),
        (10, "Mười đồng"),
        (15, "Mười lăm đồng"),
        (21, "Hai mươi mốt đồng"),
        (24, "Hai mươi tư đồng"),
        (105, "Một trăm linh năm đồng"),
        (1_000, "Một nghìn đồng"),
        (2_000, "Hai nghìn đồng"),
        (20_000, "Hai mươi nghìn đồng"),
        (30_005, "Ba mươi nghìn không trăm linh năm đồng"),
        (200_000, "Hai trăm nghìn đồng"),
        (1_005_000, "Một triệu không trăm linh năm nghìn đồng"),
        (1_000_500, "Một triệu năm trăm đồng"),
        (12_345_678, "Mười hai triệu ba trăm bốn mươi lăm nghìn sáu trăm bảy mươi tám đồng"),
        (1_000_000_000, "Một tỷ đồng"),
        (1_011_000_001, "Một tỷ không trăm mười một triệu không trăm linh một đồng"),
    ],
)
def test_amounts_in_words(amount: int, words: str) -> None:
    assert receipt.in_words(amount) == words


@pytest.mark.parametrize("amount", [-1, 10**18])
def test_amounts_beyond_words(amount: int) -> None:
    with pytest.raises(ValueError, match="18 digits"):
        receipt.in_words(amount)


@pytest.mark.req("PY-11")
def test_numbers_have_seven_digits_and_a_series_of_the_year() -> None:
    assert receipt.series_of(SERIES, AT) == ("01BLP0-001", "QT-24E")
    # The year is the local one: 31 December 18:00 UTC is next year in Vietnam.
    assert receipt.series_of(SERIES, datetime(2024, 12, 31, 18, 0, tzinfo=UTC))[1] == "QT-25E"
    assert receipt.number_text("QT-24E", 7) == "QT-24E/0000007"
    assert receipt.number_text("QT-24E", 9_999_999) == "QT-24E/9999999"
    for wrong in (0, 10_000_000):
        with pytest.raises(ValueError, match="serials"):
            receipt.number_text("QT-24E", wrong)


@pytest.mark.req("PY-03")
def test_what_stands_on_a_receipt() -> None:
    said = receipt.content(order(), SERIES, payer="Nguyễn Thị An", kinds={"phi-ban-sao": "Phí"})
    assert (said["number"], said["total"], said["words"]) == ("0000007", "20.000 đồng", "Hai mươi nghìn đồng")
    assert said["items"] == [["Phí cấp bản sao", "Phí", "20.000 đồng"]]
    assert (said["agency"], said["tax_number"]) == ("UBND xã Quảng Thái", "3300100018")
    assert said["date"] == "Ngày 11 tháng 03 năm 2024"
    unknown = receipt.content(order(items=[]), None, payer=None, kinds={})
    assert (unknown["payer"], unknown["items"]) == ("", [["Phí, lệ phí", "", "20.000 đồng"]])


@pytest.mark.req("PY-03")
def test_the_paper_is_readable_and_always_the_same() -> None:
    from services.payment.worker import handle

    said = receipt.content(order(), SERIES, payer="Nguyễn Thị An", kinds={"phi-ban-sao": "Phí"})
    first, second = (handle({"receipt": said, "fonts": str(FONTS)})["pdf"] for _ in range(2))
    assert first == second
    text = "".join(page.extract_text() for page in PdfReader(io.BytesIO(base64.b64decode(first))).pages)
    for expected in ("BIÊN LAI THU PHÍ, LỆ PHÍ", "0000007", "Nguyễn Thị An", "Hai mươi nghìn đồng", "20.000 đồng"):
        assert expected in text
