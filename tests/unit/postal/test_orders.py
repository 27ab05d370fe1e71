from datetime import UTC, datetime
from pathlib import Path

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.postal.adapters.partner_simulator import Partner, waybill
from services.postal.orders import ids_of, order_message
from services.postal.shipments import new_shipment

AT = datetime(2024, 3, 14, 2, 0, tzinfo=UTC)
SHIPMENT = new_shipment(code="c", owner="p", unit="u", desk="d", procedure="9", post_office="o", ordered_at=AT)
DELIVERY = {"receiver": "Nguyễn Thị An", "phone": "0914000123", "address": "Thôn 1", "sender_name": "UBND xã"}
SENDER = {"name": "UBND", "address": "Quảng Thái", "phone": "19001075", "province": "Huế", "district": "Quảng Điền"}


@pytest.mark.req("PO-02")
def test_an_order_has_the_fields_of_the_partners_connector() -> None:
    message = order_message(SHIPMENT, DELIVERY, SENDER, "H57-05-07", AT)
    assert set(message) >= {
        "CustomerCode", "ItemCode", "OrderNumber", "CODAmount", "SenderProvince", "SenderDistrict", "SenderAddress",
        "SenderName", "SenderEmail", "SenderTel", "SenderDesc", "Description", "ReceiverName", "ReceiverAddress",
        "ReceiverTel", "ReceiverProvince", "ReceiverDistrict", "ReceiverEmail", "FlagConfig",
    }  # fmt: skip
    assert (message["OrderNumber"], message["CODAmount"], message["CustomerCode"]) == ("c", 0, "H57-05-07")
    assert (message["ReceiverName"], message["ReceiverTel"]) == ("Nguyễn Thị An", "0914000123")
    assert message["SenderName"] == "UBND xã"
    assert message["OrderTime"] == "2024-03-14T09:00:00+07:00"


@pytest.mark.req("X-26")
def test_a_dead_letter_keeps_what_looks_like_an_id_and_a_digest() -> None:
    body = {"message_id": "m-1", "item_code": "Nguyễn Thị An", "order_number": "c", "note": "0914000123"}
    kept = ids_of(orjson.dumps(body))
    assert ids_of(orjson.dumps(body)) == kept
    assert len(kept.pop("sha256")) == 64
    assert kept == {"message_id": "m-1", "order_number": "c"}


@given(st.binary(max_size=200))
def test_any_bytes_can_be_buried(body: bytes) -> None:
    assert set(ids_of(body)) <= {"sha256", "message_id", "item_code", "order_number"}


@given(st.integers(0, 99_999_999))
def test_waybills_have_the_check_digit_of_s10(number: int) -> None:
    item = waybill(number)
    assert len(item) == 13
    weighted = sum(int(digit) * weight for digit, weight in zip(item[2:10], (8, 6, 4, 2, 3, 5, 9, 7), strict=True))
    assert int(item[10]) == {10: 0, 11: 5}.get(11 - weighted % 11, 11 - weighted % 11)


def test_a_known_waybill() -> None:
    assert waybill(47312482) == "RH473124829VN"  # digits of the worked example in the S10 standard


def test_the_simulator_keeps_no_receiver_and_knows_an_order_again(tmp_path: Path) -> None:
    partner = Partner(tmp_path / "partner.jsonl")
    message = order_message(SHIPMENT, DELIVERY, SENDER, "H57", AT)
    order, new = partner.take(message, "c:result")
    assert new
    assert order["has_receiver"]
    partner.keep(order)
    again, new = partner.take(message, "c:result")
    assert not new
    assert again["item_code"] == order["item_code"]
    assert "Nguyễn" not in (tmp_path / "partner.jsonl").read_text()
    assert Partner(tmp_path / "partner.jsonl").orders["c"]["item_code"] == order["item_code"]
