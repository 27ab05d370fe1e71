"""The provider's other protocol (querydr), and the simulator that speaks both."""

import http.client
import json
import threading
import urllib.error
import urllib.request
from collections.abc import Iterator
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest

from services.payment import vnpay
from services.payment.adapters import provider_simulator as simulator
from services.payment.adapters.provider import (
    NoTransaction,
    Provider,
    ProviderUnavailable,
    UnreadableAnswer,
    answer_hash,
    question,
    read_answer,
)
from services.payment.vnpay import Outcome

SECRET = b"SECRETKEY"
NOW = datetime(2024, 3, 11, 2, 0, tzinfo=UTC)


def page(txn_ref: str = "TX01", amount: int = 20_000) -> str:
    request = vnpay.PayRequest(
        txn_ref=txn_ref, amount_vnd=amount, order_info="Nop phi", return_url="https://example.test/return",
        client_ip="127.0.0.1",
    )  # fmt: skip
    params = vnpay.pay_parameters(request, tmn_code="DEMOTMN1", secret=SECRET, now=NOW)
    return vnpay.pay_url("http://provider/paymentv2/vpcpay.html", params)


def answered(**changes: str) -> dict[str, str]:
    values = {
        "vnp_ResponseId": "r1",
        "vnp_Command": "querydr",
        "vnp_ResponseCode": "00",
        "vnp_TmnCode": "DEMOTMN1",
        "vnp_TxnRef": "TX01",
        "vnp_Amount": "2000000",
        "vnp_TransactionNo": "14000001",
        "vnp_TransactionStatus": "00",
        **changes,
    }
    return {**values, "vnp_SecureHash": answer_hash(values, SECRET)}


@pytest.mark.req("X-25")
@pytest.mark.parametrize(
    ("changes", "outcome"),
    [
        ({}, Outcome.PAID),
        ({"vnp_TransactionStatus": "02"}, Outcome.FAILED),
        ({"vnp_TransactionStatus": "07"}, Outcome.HELD),
        ({"vnp_TransactionStatus": "04"}, Outcome.HELD),
        ({"vnp_TransactionStatus": "01"}, None),  # not ended
        ({"vnp_ResponseCode": "91", "vnp_TransactionStatus": "", "vnp_TxnRef": "TX02"}, None),  # another one is unknown
        ({"vnp_TxnRef": "TX02"}, None),  # about another one
    ],
)
def test_an_answer_is_read_as_a_notice(changes: dict[str, str], outcome: Outcome | None) -> None:
    notice = read_answer(answered(**changes), "TX01", SECRET)
    assert (notice.outcome if notice else None) == outcome
    if notice:
        assert (notice.txn_ref, notice.amount_vnd) == ("TX01", 20_000)


@pytest.mark.req("X-25")
def test_a_signed_answer_may_say_that_there_is_no_such_transaction() -> None:
    unknown = answered(vnp_ResponseCode="91", vnp_TransactionStatus="")
    with pytest.raises(NoTransaction):
        read_answer(unknown, "TX01", SECRET)
    with pytest.raises(UnreadableAnswer):
        read_answer(unknown | {"vnp_SecureHash": "00"}, "TX01", SECRET)


@pytest.mark.req("X-25")
def test_an_unsigned_answer_says_nothing() -> None:
    forged = answered(vnp_TransactionStatus="02") | {"vnp_TransactionStatus": "00"}
    for values in (forged, {**answered(), "vnp_SecureHash": ""}, {}):
        with pytest.raises(UnreadableAnswer):
            read_answer(values, "TX01", SECRET)


def test_the_simulator_answers_only_signed_questions() -> None:
    played = simulator.Provider(SECRET, None)
    played.pay(page(), "success")
    asked = question("TX01", begun=NOW, request_id="r1", tmn_code="DEMOTMN1", secret=SECRET, now=NOW)
    notice = read_answer(played.query(asked), "TX01", SECRET)
    assert notice is not None
    assert notice.outcome is Outcome.PAID
    assert read_answer(played.query(asked | {"vnp_SecureHash": "00"}), "TX01", SECRET) is None
    other = question("TX09", begun=NOW, request_id="r1", tmn_code="DEMOTMN1", secret=SECRET, now=NOW)
    with pytest.raises(NoTransaction):
        read_answer(played.query(other), "TX09", SECRET)


@pytest.mark.parametrize(
    ("outcome", "expected"),
    [("success", Outcome.PAID), ("cancelled", Outcome.FAILED), ("suspicious", Outcome.HELD), ("65", Outcome.FAILED)],
)
def test_the_simulators_message_is_what_we_read(outcome: str, expected: Outcome) -> None:
    played = simulator.Provider(SECRET, None)
    record = played.pay(page(), outcome)
    notice = vnpay.read_notice(played.message(record), SECRET)
    assert (notice.outcome, notice.txn_ref, notice.amount_vnd) == (expected, "TX01", 20_000)
    assert played.message(played.pay(page(), outcome)) == played.message(record)
    with pytest.raises(vnpay.BadSignature):
        vnpay.read_notice(played.message(record, forge=True), SECRET)
    assert vnpay.read_notice(played.message(record, amount=1), SECRET).amount_vnd == 1


def test_a_failed_payment_may_succeed_later_and_a_paid_one_stays_paid(tmp_path: Path) -> None:
    played = simulator.Provider(SECRET, tmp_path / "journal")
    failed = played.pay(page(), "cancelled")
    paid = played.pay(page(), "success")
    assert (failed["code"], paid["code"]) == ("24", "00")
    assert played.pay(page(), "cancelled") == paid
    again = simulator.Provider(SECRET, tmp_path / "journal")
    assert again.transactions == played.transactions
    assert again.pay(page("TX02"), "success")["transaction_no"] > paid["transaction_no"]


@pytest.mark.parametrize("url", ["", "http://x/?vnp_Command=pay", page().replace("2000000", "1000000")])
def test_the_simulator_takes_only_our_pages(url: str) -> None:
    with pytest.raises(simulator.Refused):
        simulator.Provider(SECRET, None).pay(url, "success")


# --- over HTTP -------------------------------------------------------------------------------------------------------


class _Callback(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.server.heard.append(dict(parse_qsl(urlsplit(self.path).query)))  # type: ignore[attr-defined]
        body = json.dumps({"RspCode": "00", "Message": "Confirm Success"}).encode()
        busy = len(self.server.heard) == 1  # type: ignore[attr-defined]
        self.send_response(503 if busy else 200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:
        """Quiet."""


@pytest.fixture
def callback() -> Iterator[ThreadingHTTPServer]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Callback)
    server.heard = []  # type: ignore[attr-defined]
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield server
    server.shutdown()
    server.server_close()


@pytest.fixture
def door(callback: ThreadingHTTPServer) -> Iterator[str]:
    played = simulator.Provider(SECRET, None)
    target = f"http://127.0.0.1:{callback.server_address[1]}{simulator.IPN_PATH}"
    server = simulator.Simulator(("127.0.0.1", 0), played, target)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_address[1]}"
    server.shutdown()
    server.server_close()


def post(url: str, body: dict[str, Any]) -> dict[str, Any]:
    request = urllib.request.Request(url, json.dumps(body).encode(), {"Content-Type": "application/json"})
    with urllib.request.urlopen(request, timeout=10) as response:
        answer: dict[str, Any] = json.loads(response.read())
    return answer


def test_a_message_is_sent_as_often_as_asked_and_again_while_nobody_listens(
    door: str, callback: ThreadingHTTPServer
) -> None:
    answer = post(f"{door}/pay", {"url": page(), "outcome": "success", "times": 2})
    assert [sent["body"] for sent in answer["answers"]] == [{"RspCode": "00", "Message": "Confirm Success"}] * 2
    heard = callback.heard  # type: ignore[attr-defined]
    assert len(heard) == 3  # the first was answered 503
    assert heard == [answer["message"]] * 3
    assert vnpay.read_notice(heard[0], SECRET).outcome is Outcome.PAID


@pytest.mark.req("X-25")
def test_a_payment_whose_message_was_lost_is_found_by_asking(door: str) -> None:
    provider = Provider(door, "DEMOTMN1", SECRET)
    with pytest.raises(NoTransaction):
        provider.query("TX01", begun=NOW, request_id="r1", now=NOW)
    assert post(f"{door}/pay", {"url": page(), "outcome": "success", "send": False})["answers"] == []
    notice = provider.query("TX01", begun=NOW, request_id="r2", now=NOW)
    assert notice is not None
    assert notice.outcome is Outcome.PAID


def test_a_provider_that_is_away_is_unavailable_and_says_nothing() -> None:
    for url in ("http://127.0.0.1:1", ""):
        with pytest.raises(ProviderUnavailable):
            Provider(url, "DEMOTMN1", SECRET).query("TX01", begun=NOW, request_id="r1", now=NOW)


def test_the_payment_page_shows_the_amount_and_refuses_a_forged_address(door: str) -> None:
    path = urlsplit(page())
    with urllib.request.urlopen(f"{door}{path.path}?{path.query}", timeout=10) as response:
        assert "20.000 đồng" in response.read().decode()
    with pytest.raises(urllib.error.HTTPError) as refused:
        urllib.request.urlopen(f"{door}{path.path}?{path.query}x", timeout=10)
    assert refused.value.code == 400


@pytest.mark.parametrize("body", [b'{"a":' * 50_000, b'{"a":' + b"[" * 990 + b"]" * 990 + b"}", b"[]", b"\xff"])
def test_an_answer_that_cannot_be_read_is_no_answer(body: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    answer = SimpleNamespace(status=200, read=lambda _: body)
    monkeypatch.setattr(http.client.HTTPConnection, "request", lambda *_, **__: None)
    monkeypatch.setattr(http.client.HTTPConnection, "getresponse", lambda _: answer)
    with pytest.raises(UnreadableAnswer):
        Provider("http://127.0.0.1:1", "DEMOTMN1", SECRET).query("TX01", begun=NOW, request_id="r1", now=NOW)
