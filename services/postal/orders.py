"""The order message to the postal partner and the partner's messages to us: fields of the VNPost connector. Pure.

Both hold or may hold a person's data and live on the partner's own queues only; dead letters keep ids (X-26).
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any

import orjson

from services.common.calendar import local
from services.common.rules import rule

_ID = re.compile(r"[A-Za-z0-9._:\-]{1,64}")


@rule("PO-02", title="Trả kết quả qua dịch vụ bưu chính công ích", cites="CV 2658/UBND-CNTT §6; QĐ 45/2016/QĐ-TTg")
def order_message(
    shipment: Mapping[str, Any],
    delivery: Mapping[str, Any],
    sender: Mapping[str, Any],
    customer: str,
    ordered_at: datetime,
) -> dict[str, Any]:
    """The order of one delivery. `delivery`: intake's receiver, phone and address; `sender`: the agency's own data.

    The partner gives the waybill (`ItemCode`) in its first answer. Nothing is collected on delivery: fees are paid
    before a result is returned.
    """
    return {
        "CustomerCode": customer,
        "ItemCode": shipment["waybill"] or "",
        "OrderNumber": shipment["code"],
        "OrderTime": local(ordered_at).isoformat(timespec="seconds"),
        "CODAmount": 0,
        "SenderName": str(delivery.get("sender_name") or sender.get("name") or ""),
        "SenderAddress": str(sender.get("address") or ""),
        "SenderTel": str(sender.get("phone") or ""),
        "SenderEmail": str(sender.get("email") or ""),
        "SenderProvince": str(sender.get("province") or ""),
        "SenderDistrict": str(sender.get("district") or ""),
        "SenderDesc": "Kết quả giải quyết thủ tục hành chính",
        "Description": f"{shipment['procedure']} · {shipment['code']}",
        "ReceiverName": str(delivery["receiver"]),
        "ReceiverAddress": str(delivery["address"]),
        "ReceiverTel": str(delivery["phone"]),
        "ReceiverEmail": "",
        "ReceiverProvince": str(delivery.get("province") or ""),
        "ReceiverDistrict": str(delivery.get("district") or ""),
        "FlagConfig": "DELIVERY_RESULT",
    }


def ids_of(body: bytes) -> dict[str, str]:
    """What a dead letter may keep of a message that could not be taken: ids that look like ids, and a digest."""
    kept = {"sha256": hashlib.sha256(body).hexdigest()}
    try:
        document = orjson.loads(body)
    except orjson.JSONDecodeError:
        return kept
    if isinstance(document, dict):
        for name in ("message_id", "item_code", "order_number"):
            value = document.get(name)
            if isinstance(value, str) and _ID.fullmatch(value):
                kept[name] = value
    return kept
