"""Programs of other people: a postal partner with pika alone, and a client that a generator made of the document."""

from __future__ import annotations

import ast
import json
import subprocess
import sys
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pika
import pytest

from deploy.demo.client import TRAFFIC, eventually
from deploy.demo.people import BIRTH
from deploy.local.paths import ROOT
from deploy.local.system import System
from services.gateway.config import CONTRACTS
from tests.journeys.scenes import Scenes
from tests.support.generated import client_package

PROGRAM = ROOT / "docs" / "examples" / "postal_partner.py"


@pytest.fixture
def away(journeys: System) -> Iterator[None]:
    """The simulator of the partner does not run: its orders are there for somebody else."""
    journeys.hold("partner-simulator")
    yield
    journeys.release("partner-simulator")
    journeys.wait_ready("partner-simulator")


def shipment(scenes: Scenes, code: str) -> dict[str, Any] | None:
    answer = scenes.citizen.client.once("GET", f"/dossiers/{code}/shipments")
    return answer.json()["items"][0] if answer.status_code == 200 else None


@pytest.mark.req("PO-02", "PO-05")
def test_a_program_with_pika_alone_plays_the_postal_partner(scenes: Scenes, journeys: System, away, tmp_path: Path):
    code = scenes.returned(BIRTH, pickup="post")
    command = [sys.executable, "-I", str(PROGRAM), journeys.amqp_url("partner", "partner")]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    TRAFFIC.count(messages=6)
    steps = [json.loads(line) for line in done.stdout.splitlines()]
    assert [step["reported"] for step in steps] == ["registered", "collected", "delivered"]
    assert {step["order"] for step in steps} == {code}
    found = eventually(
        lambda: (row := shipment(scenes, code)) and row["state"] == "DELIVERED" and row, what="delivered"
    )
    # each was sent twice
    assert [step["status"] for step in found["steps"]] == ["registered", "collected", "delivered"]
    assert found["waybill"] == steps[0]["waybill"]


@pytest.mark.req("PO-05")
def test_what_the_program_gets_wrong_is_put_aside(scenes: Scenes, journeys: System):
    operator = pika.BlockingConnection(pika.URLParameters(journeys.amqp_url("operator", "partner")))
    look = operator.channel()
    look.queue_purge("partner.events.dead")
    connection = pika.BlockingConnection(pika.URLParameters(journeys.amqp_url("partner", "partner")))
    channel = connection.channel()
    channel.confirm_delivery()
    lost = {"message_id": uuid.uuid4().hex, "order_number": "000.05.07.H57-240311-9998", "status": "delivered",
            "at": "2024-03-11T05:00:00Z"}  # fmt: skip
    bodies = [b"{", json.dumps(lost).encode(), json.dumps({**lost, "at": None}).encode()]
    for body in bodies:
        channel.basic_publish("partner.events", "message", body, pika.BasicProperties(delivery_mode=2), mandatory=True)
        TRAFFIC.count(messages=1)
    connection.close()

    def letters() -> bool:
        return look.queue_declare("partner.events.dead", passive=True).method.message_count == len(bodies)

    eventually(letters, what="three dead letters")
    dead = [look.basic_get("partner.events.dead", auto_ack=True) for _ in bodies]
    operator.close()
    assert sorted(row[1].headers["x-motcua-reason"] for row in dead) == ["schema", "unknown order", "unreadable"]


def test_the_program_knows_nothing_of_ours_and_all_it_names_is_in_the_document():
    tree = ast.parse(PROGRAM.read_text())
    imported = {
        name.partition(".")[0] for node in ast.walk(tree) if isinstance(node, (ast.Import, ast.ImportFrom))
        for name in ([node.module or ""] if isinstance(node, ast.ImportFrom) else [one.name for one in node.names])
    }  # fmt: skip
    assert imported - set(sys.stdlib_module_names) == {"pika"}
    document = json.loads((CONTRACTS / "asyncapi.json").read_text())
    assert document["channels"]["queue.partner.orders"]["address"] == "partner.orders"
    exchange = document["channels"]["partner.events"]["bindings"]["amqp"]["exchange"]
    assert (exchange["name"], exchange["vhost"]) == ("partner.events", "partner")
    statuses = document["components"]["messages"]["partner.message"]["x-motcua-statuses"]
    assert {"registered", "collected", "delivered"} <= set(statuses)


SCRIPT = Path(__file__).parent / "generated_filing.py"


def test_a_client_made_of_the_document_files_a_dossier(scenes: Scenes, journeys: System, tmp_path: Path):
    package = client_package()
    world, form = scenes.world, tmp_path / "to-khai.pdf"
    scan = tmp_path / "giay-chung-sinh.pdf"
    form.write_bytes(world.signed(world.paper("Tờ khai", "máy khách sinh ra"), "citizen-chi", world.now()))
    scan.write_bytes(world.paper("Giấy chứng sinh", "máy khách sinh ra"))
    command = [
        sys.executable,
        "-W",
        "ignore",
        str(SCRIPT),
        journeys.base_url,
        world.simulator("sms"),
        str(form),
        str(scan),
    ]
    done = subprocess.run(
        command, cwd=tmp_path, capture_output=True, text=True, timeout=120, env={"PYTHONPATH": str(package)}
    )
    assert done.returncode == 0, done.stderr[-3000:]
    TRAFFIC.count(requests=8)
    told = json.loads(done.stdout)
    assert told["status"] and told["listed"] == [told["code"]]
    assert scenes.desk.dossier(told["code"])["code"] == told["code"]
    assert {row["component"] for row in told["components"]} == {"to-khai", "giay-chung-sinh"}
