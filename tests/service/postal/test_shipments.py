"""Orders to the partner and its messages back, over the partner's own virtual host."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import orjson
import pymongo
import pytest

from services.postal.partner import DEAD, EVENTS, queue_declarations
from tests.support.bus import Bus, eventually
from tests.support.watchers import POST, UNIT, Story, Watchers

RECEIVER = {"receiver": "Nguyễn Thị An", "phone": "0914000123", "address": "Thôn 1, xã Quảng Thái"}


@pytest.fixture(autouse=True)
def partner(watchers: Watchers) -> None:
    watchers.intake.answers["delivery"] = lambda asked: RECEIVER | {"code": asked["code"]}
    watchers.http("partner-simulator", "/control", {"auto": ["registered", "collected", "delivered"]})


@pytest.fixture
def partner_line(watchers: Watchers) -> Iterator[Bus]:
    """The operator on the partner's virtual host."""
    import pika

    class PartnerBus(Bus):
        def _open(self) -> None:
            self.connection = pika.BlockingConnection(pika.URLParameters(self._url + "?heartbeat=0"))
            self.channel = self.connection.channel()

    bus = PartnerBus(watchers.system.amqp_url("operator", "partner"))
    yield bus
    bus.close()


def received(watchers: Watchers, code: str) -> dict[str, Any] | None:
    items = watchers.http("partner-simulator", "/orders")[1]["items"]
    return next((item for item in items if item["order_number"] == code), None)


def shipment(data: pymongo.MongoClient, code: str) -> dict[str, Any] | None:
    return data["postal"]["shipments"].find_one({"code": code})


def told(data: pymongo.MongoClient, code: str) -> list[str]:
    rows = data["oversight"]["ledger"].find(
        {"body.source": "/motcua/postal", "body.subject": code}, sort=[("body.sequence", 1)]
    )
    return [row["body"]["type"].split(".")[3] for row in rows]


def message(story: Story, status: str, **more: Any) -> bytes:
    body = {
        "message_id": uuid.uuid4().hex, "item_code": "RH100000001VN", "order_number": story.code, "status": status,
        "at": (story.now + timedelta(hours=1)).isoformat(), "post_office": "533000", "note": None,
    }  # fmt: skip
    return orjson.dumps(body | more)


@pytest.mark.req("PO-02")
def test_a_result_that_goes_by_post_is_ordered_registered_collected_and_delivered(
    story: Story, watchers: Watchers, line: Bus, data: pymongo.MongoClient
) -> None:
    story.returned()
    control = Story(watchers, line)
    control.returned(pickup="online")
    order = eventually(lambda: received(watchers, story.code), what="the partner's order")
    assert order["message_id"] == f"{story.code}:result"
    assert order["has_receiver"] is True
    assert order["customer_code"] == "H57-05-07"
    eventually(lambda: told(data, story.code) == ["registered", "collected", "delivered"], what="custody told")
    owner = watchers.tokens.person("citizen", person_id=story.owner)
    (shown,) = line.call("postal.shipments", owner, code=story.code)["items"]
    assert (shown["waybill"], shown["state"], shown["state_vi"]) == (order["item_code"], "DELIVERED", "Đã phát")
    assert [step["status"] for step in shown["steps"]] == ["registered", "collected", "delivered"]
    assert shipment(data, control.code) is None
    assert received(watchers, control.code) is None


@pytest.mark.req("PO-02")
def test_the_receiver_stands_in_the_partners_queue_and_nowhere_else(
    story: Story, watchers: Watchers, data: pymongo.MongoClient
) -> None:
    story.returned()
    eventually(lambda: told(data, story.code)[-1:] == ["delivered"], what="delivered")
    for room in ("postal", "oversight"):
        for name in data[room].list_collection_names():
            for row in data[room][name].find({}):
                assert RECEIVER["receiver"] not in str(row), (room, name)
                assert RECEIVER["phone"] not in str(row), (room, name)
    log = (watchers.system.state.logs / "postal.log").read_text()
    assert RECEIVER["receiver"] not in log
    assert RECEIVER["phone"] not in log


@pytest.mark.req("PO-02")
def test_an_order_waits_for_a_room_that_is_away(story: Story, watchers: Watchers, data: pymongo.MongoClient) -> None:
    watchers.intake.away = True
    story.returned()
    eventually(lambda: (row := shipment(data, story.code)) and row["attempts"] >= 1, what="a try")
    assert received(watchers, story.code) is None
    watchers.intake.away = False
    eventually(lambda: received(watchers, story.code), what="the order")


@pytest.mark.req("PO-05")
def test_a_message_twice_has_one_effect_and_codes_of_the_connector_are_understood(
    story: Story, watchers: Watchers, partner_line: Bus, data: pymongo.MongoClient
) -> None:
    watchers.http("partner-simulator", "/control", {"auto": ["registered"]})
    story.returned()
    eventually(lambda: told(data, story.code) == ["registered"], what="registered")
    collected = message(story, "6")
    partner_line.publish(EVENTS, "", collected)
    partner_line.publish(EVENTS, "", collected)
    first = message(story, "15", at=(story.now + timedelta(hours=2)).isoformat(), note="Vắng nhà")
    second = message(story, "15", at=(story.now + timedelta(days=2)).isoformat())
    for body in (first, first, second, message(story, "14", at=(story.now + timedelta(days=2, hours=1)).isoformat())):
        partner_line.publish(EVENTS, "", body)
    wanted = ["registered", "collected", "attempted", "attempted", "delivered"]
    eventually(lambda: told(data, story.code) == wanted, what=f"{told(data, story.code)}")
    partner_line.publish(EVENTS, "", message(story, "delivered"))
    partner_line.publish(EVENTS, "", message(story, "collected"))
    eventually(lambda: partner_line.depth(EVENTS) == 0, what="taken")
    row = shipment(data, story.code)
    assert row is not None
    assert row["state"] == "DELIVERED"
    assert told(data, story.code) == wanted
    assert "Vắng nhà" not in str(row), "a note may name people: it lies sealed"


@pytest.mark.req("PO-05", "X-26")
@pytest.mark.parametrize(("body", "reason", "ids"), [
    (b'{"message_id": "m-1", "receiver": "Nguy\xe1\xbb\x85n Th\xe1\xbb\x8b An", "order_number": 7}', "schema",
     {"message_id": "m-1"}),
    (b"Nguy\xe1\xbb\x85n Th\xe1\xbb\x8b An 0914000123", "unreadable", {}),
    (b'{"message_id": "m-2", "order_number": "nobody", "status": "delivered", "at": "2024-03-11T10:00:00+07:00"}',
     "unknown order", {"message_id": "m-2", "order_number": "nobody"}),
    (b'{"message_id": "m-3", "order_number": "nobody", "status": "eaten by goats", "at": "2024-03-11T10:00:00Z"}',
     "status", {"message_id": "m-3", "order_number": "nobody"}),
])  # fmt: skip
def test_a_message_that_cannot_be_taken_is_buried_with_ids_only(
    watchers: Watchers, partner_line: Bus, body: bytes, reason: str, ids: dict[str, str]
) -> None:
    partner_line.publish(EVENTS, "", body)
    letter = eventually(lambda: partner_line.get(DEAD), what="dead letter")
    headers, kept, _ = letter
    assert headers["x-motcua-reason"] == reason
    assert {name: value for name, value in kept.items() if name != "sha256"} == ids
    assert len(kept["sha256"]) == 64


@pytest.mark.req("PO-05")
def test_delivered_and_returned_at_once_is_not_believed(
    story: Story, watchers: Watchers, partner_line: Bus, data: pymongo.MongoClient
) -> None:
    story.returned()
    eventually(lambda: told(data, story.code)[-1:] == ["delivered"], what="delivered")
    partner_line.publish(EVENTS, "", message(story, "19"))
    headers, kept, _ = eventually(lambda: partner_line.get(DEAD), what="dead letter")
    assert headers["x-motcua-reason"] == "contradiction"
    assert kept["order_number"] == story.code
    row = shipment(data, story.code)
    assert row is not None
    assert row["state"] == "DELIVERED"


@pytest.mark.req("PO-08")
def test_who_may_see_shipments_and_orders(
    story: Story, watchers: Watchers, line: Bus, data: pymongo.MongoClient
) -> None:
    story.returned()
    eventually(lambda: shipment(data, story.code), what="shipment")
    tokens = watchers.tokens
    # a stranger hears what an owner hears before there is any: nothing tells the two apart
    stranger = line.refused("postal.shipments", tokens.person("citizen"), code=story.code)
    nobody = line.refused("postal.shipments", tokens.person("citizen"), code="000.05.07.H57-240311-9999")
    assert stranger.to_dict() == nobody.to_dict()
    assert (stranger.status, "no shipment" in str(stranger.detail)) == (404, True)
    foreign = tokens.person("desk_officer", "000.05.08.H57")
    assert line.refused("postal.shipments", foreign, code=story.code).status == 403
    assert line.refused("postal.shipments", tokens.person("postal_officer", POST), code=story.code).status == 403
    assert line.call("postal.shipments", tokens.person("desk_officer", UNIT), code=story.code)["items"]
    assert line.refused("postal.orders", tokens.person("citizen")).status == 403
    own = line.call("postal.orders", tokens.person("postal_officer", POST), limit=100)["items"]
    assert story.code in [item["code"] for item in own]
    assert not any(name in str(own) for name in RECEIVER.values())
    assert line.call("postal.orders", tokens.person("postal_officer", "000.00.31.H57"))["items"] == []


def test_a_kill_between_order_and_answer_doubles_nothing(
    story: Story, watchers: Watchers, line: Bus, data: pymongo.MongoClient
) -> None:
    stories = [story, *(Story(watchers, line) for _ in range(9))]
    for each in stories:
        each.returned()
    eventually(lambda: any(received(watchers, each.code) for each in stories), what="the first order")
    watchers.system.kill("postal")
    watchers.system.wait_ready("postal")
    wanted = ["registered", "collected", "delivered"]
    for each in stories:
        eventually(lambda code=each.code: told(data, code) == wanted, within=40, what=each.code)


def test_a_shipment_belongs_to_the_person_whom_its_owner_turned_out_to_be(
    story: Story, watchers: Watchers, line: Bus, data: pymongo.MongoClient
) -> None:
    """Before and after the normalization: an event or a session may still name the former person."""
    before, lasting = Story(watchers, line), f"per-new-{story.code}"
    before.owner = story.owner
    before.returned()
    eventually(lambda: shipment(data, before.code), what="the first shipment")
    line.tell(
        "account.normalized",
        {"account_id": "a", "person_id": lasting, "former_person_id": story.owner},
        subject="a-" + story.code, source="identity",
    )  # fmt: skip
    eventually(lambda: (shipment(data, before.code) or {})["owner"] == lasting, what="moved")
    story.returned()
    row = eventually(lambda: shipment(data, story.code), what="the second shipment")
    assert row["owner"] == lasting
    for person_id in (lasting, story.owner):
        owner = watchers.tokens.person("citizen", person_id=person_id)
        for each in (before, story):
            assert line.call("postal.shipments", owner, code=each.code)["items"]


def test_partner_queues_are_durable_quorum_with_dead_letters(partner_line: Bus) -> None:
    for name, arguments in queue_declarations():
        assert arguments["x-queue-type"] == "quorum"
        assert arguments["x-overflow"] == "reject-publish"
        partner_line.channel.queue_declare(name, durable=True, arguments=arguments)  # refused where it differs
