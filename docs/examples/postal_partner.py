"""A postal partner in one file: pika and nothing of ours, written from contracts/asyncapi.json alone.

    python postal_partner.py amqp://partner:PASSWORD@HOST:5672/partner [ORDERS]

Takes that many orders (default 1) from `partner.orders` and reports each as registered, collected and delivered through
Takes that many orders (default 1) from `partner.orders`, reports each as registered, collected and delivered through
`message_id` counts once. One line of JSON a step on standard output; exit status 0 when all was confirmed.
"""

from __future__ import annotations

import json
import sys
import uuid
from datetime import UTC, datetime, timedelta
from typing import Any

import pika

ORDERS, EVENTS = "partner.orders", "partner.events"
REPORTED = ("registered", "collected", "delivered")
PERSISTENT = 2


def waybill() -> str:
    return f"RH{uuid.uuid4().int % 10**9:09d}VN"


def report(channel: Any, order: dict[str, Any], item_code: str, status: str, at: datetime) -> None:
    """One message about an order, twice under one id."""
    body = json.dumps({
        "message_id": uuid.uuid4().hex, "item_code": item_code, "order_number": order["OrderNumber"],
        "status": status, "at": at.isoformat(), "post_office": "530000",
    }).encode()  # fmt: skip
    properties = pika.BasicProperties(content_type="application/json", delivery_mode=PERSISTENT)
    for _ in range(2):
        channel.basic_publish(EVENTS, "message", body, properties, mandatory=True)
    print(json.dumps({"order": order["OrderNumber"], "waybill": item_code, "reported": status}), flush=True)


def serve(channel: Any, wanted: int) -> None:
    """Takes orders one by one; an order is acknowledged when everything about it has been confirmed."""
    channel.confirm_delivery()
    channel.basic_qos(prefetch_count=1)
    for method, _properties, body in channel.consume(ORDERS):
        order = json.loads(body)
        item_code = order["ItemCode"] or waybill()
        # the order's own time is the sender's business time, which in a rehearsal is not today
        at = datetime.fromisoformat(order["OrderTime"]).astimezone(UTC)
        for minutes, status in enumerate(REPORTED, start=1):
            report(channel, order, item_code, status, at + timedelta(minutes=minutes))
        channel.basic_ack(method.delivery_tag)
        wanted -= 1
        if not wanted:
            return


def main(arguments: list[str]) -> int:
    if not arguments:
        print(__doc__, file=sys.stderr)
        return 2
    connection = pika.BlockingConnection(pika.URLParameters(arguments[0]))
    try:
        serve(connection.channel(), int(arguments[1]) if len(arguments) > 1 else 1)
    finally:
        connection.close()
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
