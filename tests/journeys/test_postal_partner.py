"""The postal partner's queues: one order per result that goes by post, messages taken once, bad ones put aside."""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterator
from typing import Any

import pika
import pytest

from deploy.demo.client import TRAFFIC, eventually
from deploy.demo.people import BIRTH, refused
from deploy.demo.world import World
from deploy.local.system import System
from tests.journeys.scenes import Scenes


class PartnerLine:
    """The partner's own line to its virtual host: it may publish its messages and nothing else."""

    def __init__(self, system: System) -> None:
        self.connection = pika.BlockingConnection(pika.URLParameters(system.amqp_url("partner", "partner")))
        self.channel = self.connection.channel()
        self.channel.confirm_delivery()

    def send(self, body: bytes) -> None:
        properties = pika.BasicProperties(content_type="application/json", delivery_mode=2)
        self.channel.basic_publish("partner.events", "", body, properties, mandatory=True)
        TRAFFIC.count(messages=1)

    def tell(self, **message: Any) -> None:
        self.send(json.dumps(message).encode())


@pytest.fixture
def partner(journeys: System) -> Iterator[PartnerLine]:
    line = PartnerLine(journeys)
    yield line
    line.connection.close()


@pytest.fixture
def silent(world: World) -> Iterator[None]:
    """The partner takes orders and sends nothing by itself."""
    world.tell("partner", "/control", {"auto": []})
    yield
    world.tell("partner", "/control", {"auto": ["registered", "collected", "delivered"]})


def order_of(world: World, code: str) -> dict[str, Any] | None:
    return next((row for row in world.ask("partner", "/orders")["items"] if row["order_number"] == code), None)


def shipment(scenes: Scenes, code: str) -> dict[str, Any]:
    rows = scenes.citizen.client.get(f"/dossiers/{code}/shipments")["items"]
    assert len(rows) == 1
    return dict(rows[0])


@pytest.mark.req("PO-02")
def test_a_result_that_goes_by_post_becomes_one_order_with_a_waybill(scenes: Scenes, world, stranger):
    code = scenes.returned(BIRTH, pickup="post")
    order = eventually(lambda: order_of(world, code), what="the order at the partner")
    assert order["has_receiver"] and order["received"] >= 1
    eventually(lambda: shipment(scenes, code)["state"] == "DELIVERED", what="delivered")
    assert shipment(scenes, code)["waybill"] == order["item_code"]
    assert refused(lambda: stranger.client.get(f"/dossiers/{code}/shipments")).status == 404
    # Control: a result that is fetched online makes no order.
    online = scenes.returned(BIRTH)
    assert refused(lambda: scenes.citizen.client.get(f"/dossiers/{online}/shipments")).status == 404
    assert order_of(world, online) is None


@pytest.mark.req("PO-05")
def test_messages_are_taken_once_in_any_order_and_their_statuses_are_mapped(scenes: Scenes, world, partner, silent):
    code = scenes.returned(BIRTH, pickup="post")
    order = eventually(lambda: order_of(world, code), what="the order at the partner")
    facts = {"item_code": order["item_code"], "order_number": code, "post_office": "533000"}
    collected = {"message_id": uuid.uuid4().hex, "status": "6", "at": "2024-03-11T03:00:00Z", **facts}
    delivered = {"message_id": uuid.uuid4().hex, "status": "14", "at": "2024-03-11T05:00:00Z", **facts}
    for message in (delivered, collected, delivered, collected):
        partner.tell(**message)
    eventually(lambda: len(shipment(scenes, code)["steps"]) == 2, what="both steps")
    found = shipment(scenes, code)
    assert found["state"] == "DELIVERED"  # what is reported late takes nothing back
    assert sorted(step["status"] for step in found["steps"]) == ["collected", "delivered"]


@pytest.mark.req("PO-05")
def test_bad_messages_are_put_aside_with_their_ids_only_and_disturb_nothing(
    scenes: Scenes, world, partner, silent, journeys
):
    code = scenes.returned(BIRTH, pickup="post")
    eventually(lambda: order_of(world, code), what="the order at the partner")
    line = pika.BlockingConnection(pika.URLParameters(journeys.amqp_url("operator", "partner")))
    dead = line.channel()
    dead.queue_purge("partner.events.dead")
    name = "Người nhận phải được giữ kín"
    partner.send(b"\xff\xfe not json")
    partner.tell(message_id=uuid.uuid4().hex, order_number="000.00.00.H57-240311-9999", status="delivered",
                 at="2024-03-11T05:00:00Z", note=name)  # fmt: skip
    partner.tell(message_id=uuid.uuid4().hex, order_number=code, status="lost in space", at="2024-03-11T05:00:00Z")
    partner.tell(message_id=uuid.uuid4().hex, order_number=code, status="delivered", at="yesterday", note=name)

    def buried() -> list[str] | None:
        if dead.queue_declare("partner.events.dead", passive=True).method.message_count < 4:
            return None
        return [dead.basic_get("partner.events.dead", auto_ack=True)[2].decode() for _ in range(4)]

    bodies = eventually(buried, what="four dead letters")
    line.close()
    assert all(name not in body and "not json" not in body for body in bodies)
    assert shipment(scenes, code)["state"] == "ORDERED"
    partner.tell(message_id=uuid.uuid4().hex, order_number=code, status="delivered", at="2024-03-11T05:00:00Z")
    eventually(lambda: shipment(scenes, code)["state"] == "DELIVERED", what="the good message after the bad ones")
