"""The postal partner, played: python -m services.postal.adapters.partner_simulator (rehearsal only).

A program of its own with the partner's own broker user on the partner's virtual host: it consumes `partner.orders` and
publishes to the exchange `partner.events`. On MOTCUA_HTTP_PORT, for tests and the demo:
  GET  /orders             what it received: order number, waybill, message id, how often, statuses sent
  GET  /healthz/ready
  POST /control            {"auto": ["registered", "collected", "delivered"]}: statuses that it sends on each new order
                           {"send": {"order_number": …, "status": …, "message_id"?, "at"?, "note"?}}: one message now
                           {"send_raw": "text"}: that text as a message
It remembers orders across restarts in a file of the state directory, as the real one would.
"""

from __future__ import annotations

import json
import os
import queue
import sys
import threading
import time
import uuid
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pika
from pika.exceptions import AMQPError

Document = dict[str, Any]
ORDERS, EVENTS = "partner.orders", "partner.events"
AUTO = ["registered", "collected", "delivered"]
_OFFICE = "533000"  # synthetic code of a post office
_WEIGHTS = (8, 6, 4, 2, 3, 5, 9, 7)  # UPU S10 check digit


def waybill(number: int) -> str:
    """An item identifier after UPU S10: two letters, eight digits, a check digit, VN."""
    digits = f"{number:08d}"
    check = 11 - sum(int(digit) * weight for digit, weight in zip(digits, _WEIGHTS, strict=True)) % 11
    return f"RH{digits}{ {10: 0, 11: 5}.get(check, check) }VN"


class Partner:
    """What the partner knows. Receivers' data are not kept: the rehearsal needs ids only."""

    def __init__(self, journal: Path | None) -> None:
        self.lock = threading.Lock()
        self.orders: dict[str, Document] = {}
        self.auto = list(AUTO)
        self.commands: queue.Queue[tuple[bytes, threading.Event]] = queue.Queue()
        self.connected = False
        self._journal = journal
        self._offset = timedelta(seconds=float(os.environ.get("MOTCUA_CLOCK_OFFSET") or 0))
        if journal is not None and journal.exists():
            for line in journal.read_text().splitlines():
                order = json.loads(line)
                self.orders[order["order_number"]] = order

    def take(self, body: Document, message_id: str) -> tuple[Document, bool]:
        """Keeps an order; returns it, and whether it is new (the reply's Status: 100 created, 101 exists)."""
        with self.lock:
            number = str(body["OrderNumber"])
            known = self.orders.get(number)
            if known is not None:
                known["received"] += 1
                return known, False
            order: Document = {
                "order_number": number, "item_code": waybill(len(self.orders) + 10_000_001), "message_id": message_id,
                "customer_code": body.get("CustomerCode"), "order_time": body.get("OrderTime"), "received": 1,
                "has_receiver": all(body.get(name) for name in ("ReceiverName", "ReceiverAddress", "ReceiverTel")),
                "sent": [],
            }  # fmt: skip
            self.orders[number] = order
            return order, True

    def keep(self, order: Document) -> None:
        """Writes a new order to the journal, once its messages are out."""
        if self._journal is not None:
            self._journal.parent.mkdir(parents=True, exist_ok=True)
            with open(self._journal, "a") as out:
                out.write(json.dumps(order) + "\n")

    def message(self, order: Document, status: str, given: Document | None = None) -> bytes:
        """One message about an order; its time is business time as far as the partner knows it."""
        given = given or {}
        now = datetime.now(UTC) + self._offset
        if order.get("order_time"):
            now = max(now, datetime.fromisoformat(order["order_time"])) + timedelta(seconds=len(order["sent"]))
        order["sent"].append(status)
        return json.dumps({
            "message_id": given.get("message_id") or uuid.uuid4().hex,
            "item_code": order["item_code"],
            "order_number": order["order_number"],
            "status": status,
            "at": given.get("at") or now.isoformat(),
            "post_office": _OFFICE,
            "note": given.get("note"),
        }).encode()  # fmt: skip


class Line(threading.Thread):
    """The connection to the broker: consumes orders, publishes what the control asks for. Reconnects."""

    def __init__(self, partner: Partner, url: str) -> None:
        super().__init__(daemon=True)
        self._partner = partner
        self._url = url

    def run(self) -> None:
        while True:
            try:
                self._serve()
            except (AMQPError, OSError) as exc:
                print(f"partner simulator: {type(exc).__name__}, again in a second", file=sys.stderr)
            self._partner.connected = False
            time.sleep(1)  # also where postal has not declared the queues yet

    def _serve(self) -> None:
        connection = pika.BlockingConnection(pika.URLParameters(self._url))
        try:
            channel = connection.channel()
            channel.confirm_delivery()
            channel.basic_qos(prefetch_count=8)
            for method, properties, body in channel.consume(ORDERS, inactivity_timeout=0.05):
                self._partner.connected = True
                if method is not None:
                    self._work(channel, body, properties.message_id or "")
                    channel.basic_ack(method.delivery_tag)
                self._send_asked(channel)
        finally:
            if connection.is_open:
                connection.close()

    def _work(self, channel: Any, body: bytes, message_id: str) -> None:
        partner = self._partner
        try:
            order, new = partner.take(json.loads(body), message_id)
        except (ValueError, KeyError, TypeError):
            print("partner simulator: an order that cannot be read", file=sys.stderr)
            return
        # An order that exists already is answered as registered again; its journey is not begun twice.
        for status in partner.auto if new else partner.auto[:1]:
            _publish(channel, partner.message(order, status))
        if new:
            partner.keep(order)

    def _send_asked(self, channel: Any) -> None:
        while True:
            try:
                body, done = self._partner.commands.get_nowait()
            except queue.Empty:
                return
            _publish(channel, body)
            done.set()


def _publish(channel: Any, body: bytes) -> None:
    properties = pika.BasicProperties(content_type="application/json", delivery_mode=2)
    channel.basic_publish(EVENTS, "", body, properties, mandatory=True)


class Handler(BaseHTTPRequestHandler):
    """One request of a test or of the supervisor."""

    partner: Partner
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True  # head and body go out apart: on a kept connection the second would wait 40 ms

    def do_GET(self) -> None:
        if self.path == "/healthz/ready":
            # The door is open; whether postal has made the queues yet is another matter.
            self._answer(200, {"ready": True, "connected": self.partner.connected})
        elif self.path == "/orders":
            with self.partner.lock:
                self._answer(200, {"items": list(self.partner.orders.values())})
        else:
            self._answer(404, {})

    def do_POST(self) -> None:
        try:
            length = int(self.headers.get("Content-Length") or 0)
            body = json.loads(self.rfile.read(length)) if length else {}
            if self.path != "/control" or not isinstance(body, dict):
                self._answer(404, {})
                return
            self._control(body)
        except (ValueError, KeyError, TypeError) as exc:
            self._answer(400, {"error": type(exc).__name__})

    def _control(self, body: Document) -> None:
        partner = self.partner
        if "auto" in body:
            partner.auto = [str(status) for status in body["auto"]]
        if "send_raw" in body:
            self._send(str(body["send_raw"]).encode())
        elif "send" in body:
            asked = body["send"]
            with partner.lock:
                order = partner.orders[asked["order_number"]]
                message = partner.message(order, asked["status"], asked)
            self._send(message)
        else:
            self._answer(200, {"auto": partner.auto})

    def _send(self, message: bytes) -> None:
        done = threading.Event()
        self.partner.commands.put((message, done))
        self._answer(200 if done.wait(10) else 503, {"sent": done.is_set()})

    def _answer(self, status: int, document: Document) -> None:
        body = json.dumps(document).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:
        """Nothing: tests poll."""


def main() -> int:
    state = os.environ.get("MOTCUA_STATE_DIR")
    Handler.partner = Partner(Path(state) / "data" / "simulators" / "partner.jsonl" if state else None)
    Line(Handler.partner, os.environ["MOTCUA_PARTNER_AMQP_URL"]).start()
    host = os.environ.get("MOTCUA_HTTP_HOST") or "127.0.0.1"
    ThreadingHTTPServer((host, int(os.environ["MOTCUA_HTTP_PORT"])), Handler).serve_forever()
    return 0


if __name__ == "__main__":
    sys.exit(main())
