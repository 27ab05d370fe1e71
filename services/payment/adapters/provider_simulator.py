"""The payment provider, played: python -m services.payment.adapters.provider_simulator (rehearsal only).

Speaks VNPAY's protocol on MOTCUA_HTTP_PORT and signs with the secret of MOTCUA_PROVIDER_SECRET:
  GET  /paymentv2/vpcpay.html?vnp_…        the payment page, with buttons for each outcome
  POST /merchant_webapi/api/transaction    answers `querydr`
Beside it, for tests and the demo:
  POST /pay  {"url", "outcome": "success", "times": 1, "send": true, "patience": 10}
             pays by a payment page's address and sends the signed message (IPN, a GET) that often; answers the
             provider's own record, the message's parameters and what each sending was answered. Outcomes: success,
             cancelled, insufficient, suspicious, expired, or any two-digit code. A paid transaction stays paid: paying
             again sends the same message again. "send": false keeps the money and says nothing. "amount": in đồng,
             overrides; "forge": true breaks the signature.
  GET  /transactions                       what it knows, by reference
  GET  /healthz/ready
It remembers across restarts in a file of the state directory, as the real one would.
"""

from __future__ import annotations

import html
import json
import os
import sys
import threading
import time
import urllib.error
import urllib.request
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

from services.common.simulator_program import serve_until_told
from services.payment import vnpay
from services.payment.adapters.provider import PAY_PATH, QUERY_PATH, answer_hash, question_hash

Document = dict[str, Any]
IPN_PATH = "/api/v1/payments/vnpay/ipn"
_CODES = {"success": "00", "cancelled": "24", "insufficient": "51", "suspicious": "07", "expired": "11"}
_STATUS = {"00": "00", "07": "07"}
_MOST = 64 * 1024  # bytes of a request's body
_RETRY = 0.3  # seconds between two tries to reach the callback

_opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))


class Refused(ValueError):
    """The request is not one that the provider would take; the message says why."""


class Provider:
    """What the provider knows. Methods that change it are called under the lock."""

    def __init__(self, secret: bytes, journal: Path | None) -> None:
        self.lock = threading.Lock()
        self.secret = secret
        self._journal = journal
        self.transactions: dict[str, Document] = {}
        self._last = 14_000_000
        if journal is not None and journal.exists():
            for line in journal.read_text().splitlines():
                self._apply(json.loads(line))

    def opened(self, url: str) -> dict[str, str]:
        """The signed parameters of a payment page's address. Raises Refused."""
        params = dict(parse_qsl(urlsplit(url).query, keep_blank_values=True))
        if not vnpay.is_signed(params, self.secret) or params.get("vnp_Command") != "pay":
            raise Refused("signature")
        return params

    def pay(self, url: str, outcome: str) -> Document:
        """Ends a payment with that outcome; a paid one stays as it is."""
        params = self.opened(url)
        code = _CODES.get(outcome, outcome)
        if len(code) != 2 or not code.isdigit():
            raise Refused("outcome")
        known = self.transactions.get(params["vnp_TxnRef"])
        if known is not None and known["code"] in ("00", code):
            return known
        record = {
            "txn_ref": params["vnp_TxnRef"],
            "tmn_code": params["vnp_TmnCode"],
            "amount": params["vnp_Amount"],
            "order_info": params["vnp_OrderInfo"],
            # The business day of the page: the provider's own clock may be another in a rehearsal.
            "pay_date": params["vnp_CreateDate"],
            "code": code,
            "status": _STATUS.get(code, "02"),
            "transaction_no": str(self._last + 1),
        }
        self._apply(record)
        if self._journal is not None:
            with self._journal.open("a") as file:
                file.write(json.dumps(record) + "\n")
        return record

    def _apply(self, record: Document) -> None:
        self.transactions[record["txn_ref"]] = record
        self._last = max(self._last, int(record["transaction_no"]))

    def message(self, record: Document, *, amount: int | None = None, forge: bool = False) -> dict[str, str]:
        """The provider message (IPN) about a transaction; the same every time."""
        params = {
            "vnp_TmnCode": record["tmn_code"],
            "vnp_Amount": record["amount"] if amount is None else str(amount * 100),
            "vnp_BankCode": "NCB",
            "vnp_BankTranNo": f"VNP{record['transaction_no']}",
            "vnp_CardType": "ATM",
            "vnp_PayDate": record["pay_date"],
            "vnp_OrderInfo": record["order_info"],
            "vnp_TransactionNo": record["transaction_no"],
            "vnp_ResponseCode": record["code"],
            "vnp_TransactionStatus": record["status"],
            "vnp_TxnRef": record["txn_ref"],
        }
        signed = vnpay.sign(params, self.secret)
        params["vnp_SecureHash"] = ("0" if signed[0] != "0" else "1") + signed[1:] if forge else signed
        return params

    def query(self, asked: Document) -> Document:
        """Answers `querydr`."""
        values = {str(name): str(value) for name, value in asked.items()}
        answer = {
            "vnp_ResponseId": values.get("vnp_RequestId", ""),
            "vnp_Command": "querydr",
            "vnp_TmnCode": values.get("vnp_TmnCode", ""),
            "vnp_TxnRef": values.get("vnp_TxnRef", ""),
        }
        record = self.transactions.get(values.get("vnp_TxnRef", ""))
        if values.get("vnp_SecureHash", "").lower() != question_hash(values, self.secret):
            answer |= {"vnp_ResponseCode": "97", "vnp_Message": "Invalid checksum"}
        elif record is None:
            answer |= {"vnp_ResponseCode": "91", "vnp_Message": "Transaction not found"}
        else:
            answer |= {
                "vnp_ResponseCode": "00",
                "vnp_Message": "QueryDR Success",
                "vnp_Amount": record["amount"],
                "vnp_BankCode": "NCB",
                "vnp_PayDate": record["pay_date"],
                "vnp_TransactionNo": record["transaction_no"],
                "vnp_TransactionType": "01",
                "vnp_TransactionStatus": record["status"],
                "vnp_OrderInfo": record["order_info"],
            }
        return {**answer, "vnp_SecureHash": answer_hash(answer, self.secret)}


def deliver(callback: str, message: dict[str, str], patience: float) -> Document:
    """Sends a message once, trying again while the callback cannot be reached or fails; its answer."""
    limit = time.monotonic() + patience
    while True:
        try:
            with _opener.open(f"{callback}?{urlencode(message)}", timeout=10) as response:
                return {"status": response.status, "body": json.loads(response.read(_MOST))}
        except urllib.error.HTTPError as error:
            answer: Document = {"status": error.code, "body": None}
            if error.code < 500 and error.code != 429:
                return answer
        except (urllib.error.URLError, OSError, ValueError) as error:
            answer = {"status": 0, "body": None, "fault": type(error).__name__}
        if time.monotonic() > limit:
            return answer
        time.sleep(_RETRY)


class Simulator(ThreadingHTTPServer):
    """The provider behind its door."""

    daemon_threads = True

    def __init__(self, address: tuple[str, int], provider: Provider, callback: str) -> None:
        super().__init__(address, Handler)
        self.provider = provider
        self.callback = callback


class Handler(BaseHTTPRequestHandler):
    server: Simulator
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True  # head and body go out apart: on a kept connection the second would wait 40 ms

    def do_GET(self) -> None:
        path = urlsplit(self.path).path
        if path in ("/healthz/ready", "/healthz/live"):
            self._json(200, {"ready": True})
        elif path == "/transactions":
            with self.server.provider.lock:
                self._json(200, dict(self.server.provider.transactions))
        elif path == PAY_PATH:
            self._page()
        else:
            self._json(404, {})

    def do_POST(self) -> None:
        length = int(self.headers.get("Content-Length") or 0)
        if not 0 < length <= _MOST:
            self.close_connection = True
            self._json(413 if length else 400, {"error": "length"})
            return
        raw = self.rfile.read(length)
        try:
            if self.headers.get_content_type() == "application/x-www-form-urlencoded":
                self._pay_by_form(dict(parse_qsl(raw.decode())))
                return
            body = json.loads(raw)
            if not isinstance(body, dict):
                raise Refused("body")
            if self.path == QUERY_PATH:
                with self.server.provider.lock:
                    self._json(200, self.server.provider.query(body))
            elif self.path == "/pay":
                self._json(200, self._pay(body))
            else:
                self._json(404, {})
        except Refused as error:
            self._json(422, {"error": str(error)})
        except (ValueError, KeyError):
            self._json(400, {"error": "body"})

    def _pay(self, body: Document) -> Document:
        provider = self.server.provider
        with provider.lock:
            record = provider.pay(str(body["url"]), str(body.get("outcome", "success")))
        message = provider.message(record, amount=body.get("amount"), forge=bool(body.get("forge")))
        times = int(body.get("times", 1)) if body.get("send", True) else 0
        patience = min(float(body.get("patience", 10)), 60)
        answers = [deliver(self.server.callback, message, patience) for _ in range(min(times, 20))]
        return {"transaction": record, "message": message, "answers": answers}

    def _pay_by_form(self, form: dict[str, str]) -> None:
        result = self._pay({"url": form["url"], "outcome": form["outcome"]})
        back = self.server.provider.opened(form["url"])["vnp_ReturnUrl"]
        self.send_response(303)
        self.send_header("Location", f"{back}?{urlencode(result['message'])}")
        self.send_header("Content-Length", "0")
        self.end_headers()

    def _page(self) -> None:
        try:
            params = self.server.provider.opened(self.path)
        except Refused:
            self._html(400, "<h1>Sai chữ ký / Invalid signature</h1>")
            return
        amount = f"{int(params['vnp_Amount']) // 100:,}".replace(",", ".")
        buttons = "".join(f'<button name="outcome" value="{name}">{name}</button> ' for name in _CODES)
        self._html(
            200,
            "<h1>Cổng thanh toán DIỄN TẬP / Rehearsal payment page</h1>"
            f"<p>{html.escape(params['vnp_OrderInfo'])}</p><p><b>{amount} đồng</b></p>"
            f'<form method="post" action="/pay"><input type="hidden" name="url" value="{html.escape(self.path)}">'
            f"{buttons}</form>",
        )

    def _html(self, status: int, body: str) -> None:
        document = f'<!doctype html><html lang="vi"><meta charset="utf-8"><title>DIỄN TẬP</title>{body}</html>'
        self._send(status, "text/html; charset=utf-8", document.encode())

    def _json(self, status: int, body: Any) -> None:
        self._send(status, "application/json", json.dumps(body).encode())

    def _send(self, status: int, media_type: str, data: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Type", media_type)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, format: str, *args: Any) -> None:
        """Requests are not logged: they are about people's payments."""


def main() -> int:
    """Serves until SIGTERM or SIGINT."""
    secret = Path(os.environ["MOTCUA_PROVIDER_SECRET"]).read_bytes().strip()
    state = os.environ.get("MOTCUA_STATE_DIR")
    journal = Path(state) / "data" / "simulators" / "provider.jsonl" if state else None
    if journal is not None:
        journal.parent.mkdir(parents=True, exist_ok=True)
    callback = os.environ["MOTCUA_PUBLIC_URL"].rstrip("/") + IPN_PATH
    host = os.environ.get("MOTCUA_HTTP_HOST") or "127.0.0.1"
    server = Simulator((host, int(os.environ["MOTCUA_HTTP_PORT"])), Provider(secret, journal), callback)
    return serve_until_told(server)


if __name__ == "__main__":
    sys.exit(main())
