"""Paying a fee online: one order, one receipt, whatever the provider repeats, forges or gets wrong."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from deploy.demo.client import API, eventually
from deploy.demo.people import BIRTH, COPY, Citizen, pay, refused
from tests.journeys.scenes import Scenes


@pytest.fixture
def ordered(scenes: Scenes, resident: Citizen) -> Callable[[], tuple[str, dict[str, Any]]]:
    """A freshly accepted dossier and its one unpaid order."""

    def make() -> tuple[str, dict[str, Any]]:
        code = scenes.accepted(COPY)
        rows = eventually(lambda: resident.orders(code), what="the order")
        assert len(rows) == 1 and rows[0]["receipt_no"] is None
        return code, rows[0]

    return make


def paid(citizen: Citizen, code: str) -> dict[str, Any]:
    """The dossier's order once its receipt was made."""

    def look() -> dict[str, Any] | None:
        row = citizen.orders(code)[0]
        return row if row["receipt_ready"] else None

    return eventually(look, what="the receipt")


@pytest.mark.req("PY-03")
def test_an_order_is_paid_online_and_gives_an_electronic_receipt(ordered, world, resident, stranger):
    code, order = ordered()
    receipt = f"/orders/{order['order_id']}/receipt"
    assert refused(lambda: resident.client.fetch(receipt)).status == 404  # control: not paid yet
    answers = pay(world, resident, order["order_id"])["answers"]
    assert [(a["status"], a["body"]["RspCode"]) for a in answers] == [(200, "00")]
    row = paid(resident, code)
    assert (row["method"], row["amount"]) == ("vnpay", order["amount"]) and row["receipt_no"]
    assert resident.client.fetch(receipt).startswith(b"%PDF-")
    assert refused(lambda: stranger.client.fetch(receipt)).status == 404


@pytest.mark.req("PY-11")
def test_the_same_message_three_times_makes_one_receipt(ordered, world, resident, auditor):
    code, order = ordered()
    told = pay(world, resident, order["order_id"], times=3)
    assert [a["body"]["RspCode"] for a in told["answers"]] == ["00", "02", "02"]
    first = paid(resident, code)
    again = world.anybody.get("/payments/vnpay/ipn", **told["message"])
    assert again["RspCode"] == "02"
    assert resident.orders(code) == [first]
    auditor.rest()
    events = auditor.events_of(code)
    assert (events["payment.settled"], events["receipt.issued"]) == (1, 1)


@pytest.mark.req("PY-11")
@pytest.mark.parametrize(
    ("wrong", "answer"), [({"forge": True}, "97"), ({"amount": 10_000}, "04"), ({"amount": 30_000}, "04")]
)
def test_a_wrong_amount_or_signature_is_refused_and_changes_nothing(ordered, world, resident, wrong, answer):
    code, order = ordered()
    told = pay(world, resident, order["order_id"], **wrong)
    assert [a["body"]["RspCode"] for a in told["answers"]] == [answer]
    row = resident.orders(code)[0]
    assert (row["state"], row["receipt_no"]) == (order["state"], None)
    assert [a["body"]["RspCode"] for a in pay(world, resident, order["order_id"])["answers"]] == ["00"]
    assert paid(resident, code)["receipt_no"]


@pytest.mark.req("PY-11")
def test_an_unknown_reference_and_the_return_page_change_nothing(ordered, world, resident):
    code, order = ordered()
    page = resident.client.post(f"/orders/{order['order_id']}/payment")
    assert resident.client.post(f"/orders/{order['order_id']}/payment")["txn_ref"] == page["txn_ref"]
    told = world.tell("provider", "/pay", {"url": page["url"], "send": False})
    shown = world.anybody.once("GET", f"{API}/payments/vnpay/return", params=told["message"])
    assert shown.status_code == 200
    assert resident.orders(code)[0]["receipt_no"] is None
    strange = {**told["message"], "vnp_TxnRef": "KHONGCO"}
    assert world.anybody.get("/payments/vnpay/ipn", **strange)["RspCode"] == "97"
    assert world.anybody.get("/payments/vnpay/ipn", **told["message"])["RspCode"] == "00"
    assert paid(resident, code)["receipt_no"]


@pytest.mark.req("PY-03")
def test_a_free_procedure_orders_nothing(scenes: Scenes, resident):
    assert resident.orders(scenes.accepted(BIRTH)) == []
