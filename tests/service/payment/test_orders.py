"""Orders: made once, paid once, by whichever way, and what follows."""

from __future__ import annotations

import io
import threading
import uuid
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest
from pypdf import PdfReader

from deploy.local.system import System
from services.payment import vnpay
from tests.service.intake.conftest import OTHER_UNIT, fetch
from tests.support.bus import Bus, eventually


def told(database: Any, order_id: str) -> list[str]:
    """Names of the events of an order, in order, as payment told them."""
    rows = database["payment"]["told"].find({"aggregateid": order_id}).sort("sequence", 1)
    return [".".join(row["type"].split(".")[2:4]) for row in rows]


@pytest.mark.req("PY-11")
def test_a_fee_is_ordered_once_however_often_it_is_told(ordered: Any, tell: Any, database: Any) -> None:
    story = ordered()
    seen = story.order()
    assert (seen["amount"], seen["state"], seen["moment"]) == (20_000, "DUE", "thu_sau")
    assert [item["amount"] for item in seen["items"]] == [20_000]
    fee = {"mode": "thu_sau", "amount": 99_000, "items": []}
    again = {"code": story.code, "unit": OTHER_UNIT, "desk": OTHER_UNIT, "owner": "per-x", "fee": fee}
    for sequence in (2, 3):  # told already; the next of the dossier
        tell("dossier.accepted", again, subject=story.code, source="intake", sequence=sequence, queue="evt.payment")
    eventually(
        lambda: database["payment"]["inbox_positions"].find_one({"_id": f"/motcua/intake/{story.code}", "sequence": 3}),
        what="both handled",
    )
    assert story.order() == seen
    assert told(database, story.order_id) == ["payment.ordered"]


def test_orders_are_seen_by_owner_and_desk(ordered: Any, citizen: Any, officer: Any, room: Any) -> None:
    story = ordered()
    assert story.order(story.desk) == story.order()
    stranger, elsewhere = citizen(), officer(unit=OTHER_UNIT)
    assert stranger.refused("payment.orders", code=story.code).status == 404
    assert stranger.refused("payment.orders", code="000.05.07.H57-240311-9999").status == 404
    assert elsewhere.refused("payment.orders", code=story.code).status == 403
    for method in ("payment.pay", "payment.receipt"):
        assert stranger.refused(method, order_id=story.order_id).status == 404
        assert stranger.refused(method, order_id="khong-co").status == 404
    assert elsewhere.refused("payment.cash", order_id=story.order_id, amount=20_000).status == 403
    assert story.an.refused("payment.cash", order_id=story.order_id, amount=20_000).status == 403
    assert story.desk.refused("payment.pay", order_id=story.order_id).status == 403
    assert story.an.refused("payment.due", code=story.code).status == 403
    assert room("processing").call("payment.due", code=story.code) == {"due": True, "amount": 20_000, "ordered": True}
    unknown = room("processing").call("payment.due", code="khong-co")
    assert unknown == {"due": False, "amount": 0, "ordered": False}


@pytest.mark.req("PY-03", "PY-11", "X-25")
def test_a_signed_message_settles_once_and_issues_one_receipt(
    ordered: Any, provider: Any, room: Any, database: Any
) -> None:
    story = ordered()
    key = uuid.uuid4().hex
    page = story.an.do("payment.pay", key=key, order_id=story.order_id)
    assert story.an.do("payment.pay", key=key, order_id=story.order_id) == page
    # the page is still open: another key gives the same one, not a second way to pay
    assert story.an.do("payment.pay", order_id=story.order_id) == page
    assert page["qr"].startswith("000201")
    assert page["txn_ref"] in page["qr"]

    message = provider.message(page["url"])
    forged = provider.message(page["url"], forge=True)
    wrong_amount = provider.message(page["url"], amount=19_000)
    assert provider.send(forged) == "97"
    assert provider.send({**message, "vnp_Amount": "2000001"}) == "97"
    assert provider.send({}) == "97"
    assert provider.send(wrong_amount) == "04"
    assert story.order()["state"] == "DUE"
    assert provider.send(message) == "00"
    settled = story.order()
    assert (settled["state"], settled["method"], settled["settled_late"]) == ("SETTLED", "vnpay", False)
    assert provider.send(message) == "02"
    assert provider.send(wrong_amount) == "04"
    assert room("processing").call("payment.due", code=story.code)["due"] is False

    eventually(lambda: story.order()["receipt_ready"], within=40, what="receipt")
    paid = story.order()
    series, number = paid["receipt_no"].split("/")
    assert (series, len(number)) == ("QT-24E", 7)
    ticket = story.an.call("payment.receipt", order_id=story.order_id)
    text = "".join(p.extract_text() for p in PdfReader(io.BytesIO(fetch(ticket))).pages)
    assert number in text
    assert "Hai mươi nghìn đồng" in text
    assert provider.send(message) == "02"
    assert story.order()["receipt_no"] == paid["receipt_no"]
    eventually(lambda: "receipt.issued" in told(database, story.order_id), what="told")
    assert told(database, story.order_id) == ["payment.ordered", "payment.settled", "receipt.issued"]
    assert story.an.refused("payment.pay", order_id=story.order_id).rule == "PY-11"


@pytest.mark.req("PY-11")
def test_one_message_many_times_at_once_settles_once(
    ordered: Any, provider: Any, system: System, database: Any
) -> None:
    story = ordered()
    page = story.an.do("payment.pay", order_id=story.order_id)
    message = provider.message(page["url"])
    answers: list[str] = []

    def send() -> None:
        line = Bus(system.amqp_url("operator"))
        answers.append(line.call("payment.provider_message", params=message, timeout=20)["RspCode"])
        line.close()

    threads = [threading.Thread(target=send) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(answers) == ["00", "02", "02", "02", "02", "02"]
    assert database["payment"]["receipt_numbers"].count_documents({"_id": story.order_id}) == 1
    eventually(lambda: story.order()["receipt_ready"], within=40, what="receipt")
    assert told(database, story.order_id).count("payment.settled") == 1


@pytest.mark.req("X-25")
def test_a_failure_is_told_and_a_later_success_is_taken(ordered: Any, provider: Any, database: Any) -> None:
    story = ordered()
    page = story.an.do("payment.pay", order_id=story.order_id)
    failure = provider.message(page["url"], "cancelled")
    assert provider.send(failure) == "00"
    assert provider.send(failure) == "02"
    failed = story.order()
    assert (failed["state"], failed["last_response"]) == ("FAILED", "24")
    # she opens another page, and pays the first one after all
    second = story.an.do("payment.pay", order_id=story.order_id)
    assert second["txn_ref"] != page["txn_ref"]
    assert provider.send(provider.message(page["url"])) == "00"
    paid = story.order()
    assert (paid["state"], paid["settled_late"]) == ("SETTLED", True)
    # and the second too: kept as an overpayment, no second receipt
    assert provider.send(provider.message(second["url"])) == "00"
    assert story.order()["receipt_no"] == paid["receipt_no"]
    eventually(lambda: "payment.overpaid" in told(database, story.order_id), what="told")
    assert told(database, story.order_id).count("payment.settled") == 1


def test_a_doubtful_payment_is_held_and_still_due(ordered: Any, provider: Any, room: Any) -> None:
    story = ordered()
    page = story.an.do("payment.pay", order_id=story.order_id)
    assert provider.send(provider.message(page["url"], "suspicious")) == "00"
    assert story.order()["state"] == "HELD"
    assert room("processing").call("payment.due", code=story.code)["due"] is True
    assert story.desk.refused("payment.cash", order_id=story.order_id, amount=20_000).status == 409


@pytest.mark.req("X-25")
def test_the_address_of_the_payment_page_is_not_the_providers_word(ordered: Any, provider: Any) -> None:
    """It is signed with the same secret: sent to the provider's door it changes nothing."""
    story = ordered()
    page = story.an.do("payment.pay", order_id=story.order_id)
    query = dict(parse_qsl(urlsplit(page["url"]).query, keep_blank_values=True))
    assert provider.send(query) == "99"
    assert story.order()["state"] == "DUE"
    assert story.an.do("payment.pay", order_id=story.order_id) == page
    story.desk.do("payment.cash", order_id=story.order_id, amount=20_000)


@pytest.mark.req("X-25")
def test_an_order_in_doubt_is_freed_by_the_providers_answer(
    ordered: Any, provider: Any, bus: Any, tokens: Any, system: System, database: Any
) -> None:
    """A message says that money is in doubt, and asked about it the provider knows of no transaction."""
    story = ordered()
    page = story.an.do("payment.pay", order_id=story.order_id)
    secret = (system.state.secrets / "provider.secret").read_bytes().strip()
    params = {
        "vnp_TxnRef": page["txn_ref"], "vnp_Amount": "2000000", "vnp_ResponseCode": "07", "vnp_TransactionStatus": "07",
        "vnp_TransactionNo": "1",
    }  # fmt: skip
    assert provider.send({**params, "vnp_SecureHash": vnpay.sign(params, secret)}) == "00"
    assert story.order()["state"] == "HELD"
    asked_at = database["payment"]["orders"].find_one({"_id": story.order_id})["ask_at"]
    bus.call("oversight.move_clock", tokens.operator(), to=asked_at.isoformat())
    freed = eventually(lambda: (o := story.order())["state"] == "FAILED" and o, within=40, what="asked")
    assert (freed["last_response"], freed["last_response_en"]) == ("91", "The provider knows no such transaction")
    assert story.an.do("payment.pay", order_id=story.order_id)["txn_ref"] != page["txn_ref"]


@pytest.mark.req("PY-11")
def test_unknown_references_are_answered_01(provider: Any, system: System) -> None:
    secret = (system.state.secrets / "provider.secret").read_bytes().strip()
    params = {
        "vnp_TxnRef": "KHONGCO", "vnp_Amount": "2000000", "vnp_ResponseCode": "00", "vnp_TransactionStatus": "00",
        "vnp_TransactionNo": "1",
    }  # fmt: skip
    assert provider.send({**params, "vnp_SecureHash": vnpay.sign(params, secret)}) == "01"


def test_cash_at_the_desk_settles_with_a_receipt(ordered: Any) -> None:
    story = ordered()
    given = {"order_id": story.order_id, "amount": 20_000}
    wrong = story.desk.refused("payment.cash", **{**given, "amount": 10_000})
    assert (wrong.status, wrong.rule) == (422, "PY-11")
    for bad in ({"amount": "20000"}, {"amount": 0}, {"amount": True}, {"amount": 1.5}, {"x": 1}):
        assert story.desk.refused("payment.cash", **{**given, **bad}).status == 422
    key = uuid.uuid4().hex
    paid = story.desk.do("payment.cash", key=key, **given)
    assert (paid["state"], paid["method"]) == ("SETTLED", "cash")
    assert story.desk.do("payment.cash", key=key, **given) == paid
    assert story.desk.refused("payment.cash", **given).status == 409
    eventually(lambda: story.order()["receipt_ready"], within=40, what="receipt")


def test_a_withdrawn_dossier_is_refunded_or_owes_nothing(ordered: Any, provider: Any, database: Any) -> None:
    paid, unpaid = ordered(), ordered()
    page = unpaid.an.do("payment.pay", order_id=unpaid.order_id)
    paid.desk.do("payment.cash", order_id=paid.order_id, amount=20_000)
    for story in (paid, unpaid):
        version = story.an.call("intake.dossier", code=story.code)["version"]
        story.an.do("intake.withdraw", code=story.code, version=version)
    eventually(lambda: paid.order()["state"] == "REFUND", what="refund")
    eventually(lambda: unpaid.order()["state"] == "CANCELLED", what="cancelled")
    assert unpaid.an.refused("payment.pay", order_id=unpaid.order_id).status == 409
    # money that comes after all is to go back
    assert provider.send(provider.message(page["url"])) == "00"
    assert unpaid.order()["state"] == "REFUND"


@pytest.mark.req("X-25")
def test_a_lost_message_is_found_by_asking_the_provider(
    ordered: Any, provider: Any, bus: Any, tokens: Any, database: Any
) -> None:
    story = ordered()
    page = story.an.do("payment.pay", order_id=story.order_id)
    provider.pay(page["url"])  # and its message never comes
    asked_at = database["payment"]["orders"].find_one({"_id": story.order_id})["ask_at"]
    bus.call("oversight.move_clock", tokens.operator(), to=asked_at.isoformat())
    eventually(lambda: story.order()["state"] == "SETTLED", within=40, what="asked")
    kept = database["payment"]["provider_messages"].find_one({"order_id": story.order_id})
    assert (kept["source"], kept["outcome"]) == ("query", "PAID")
    assert provider.send(provider.message(page["url"])) == "02"


def test_a_provider_message_that_is_none_is_refused(bus: Any) -> None:
    for params in (None, [], "x", {"vnp_Amount": 5}, {"a": "x" * 1_001}, {f"k{n}": "v" for n in range(61)}):
        assert bus.refused("payment.provider_message", params=params).status == 422
