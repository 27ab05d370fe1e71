"""The bus: valid AsyncAPI 3, nothing dangling, every queue and every call in it."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import jsonschema

from deploy.contracts.asyncapi import ORDER_FIELDS
from services.common import wire
from services.postal.orders import order_message
from services.postal.partner import queue_declarations

SPEC = Path(__file__).parent / "specs" / "asyncapi-3.0.0.json"


def test_the_document_is_valid(asyncapi):
    jsonschema.Draft7Validator(json.loads(SPEC.read_text())).validate(asyncapi)


def test_the_validator_would_see_a_fault(asyncapi):
    validator = jsonschema.Draft7Validator(json.loads(SPEC.read_text()))
    assert not validator.is_valid({**asyncapi, "operations": {"x": {"action": "shout"}}})


def test_no_reference_dangles(asyncapi):
    """The JSON schema does not look at references."""
    for reference in references(asyncapi):
        found: Any = asyncapi
        for part in reference.removeprefix("#/").split("/"):
            assert part in found, reference
            found = found[part]


def references(node: Any) -> list[str]:
    if isinstance(node, dict):
        own = [node["$ref"]] if isinstance(node.get("$ref"), str) else []
        return own + [ref for value in node.values() for ref in references(value)]
    return [ref for value in node for ref in references(value)] if isinstance(node, list) else []


def test_payloads_are_draft_7(asyncapi):
    for name, schema in asyncapi["components"]["schemas"].items():
        jsonschema.Draft7Validator.check_schema(schema), name


def test_every_queue_is_there_with_its_arguments(asyncapi):
    for room in wire.ROOMS:
        for name, arguments in wire.queue_declarations(room):
            assert asyncapi["channels"][f"queue.{name}"]["x-motcua-arguments"] == arguments
    for name, arguments in queue_declarations():
        channel = asyncapi["channels"][f"queue.{name}"]
        assert channel["x-motcua-arguments"] == arguments
        assert channel["servers"] == [{"$ref": "#/servers/partner"}]


def test_every_call_has_its_answer(asyncapi, every_room):
    for room in every_room:
        for method in room.methods:
            operation = asyncapi["operations"][f"{room.name}.answers.{method.name}"]
            assert operation["reply"]["messages"] == [{"$ref": f"#/channels/answers/messages/{method.full}.answer"}]
            assert operation["x-motcua-idempotent"] == method.idempotent


def test_every_event_has_one_teller_and_its_listeners(asyncapi, every_room):
    for room in every_room:
        for event in room.tells:
            assert f"{room.name}.tells.{event}" in asyncapi["operations"]
        for listener in room.listens:
            name = "all" if listener.event == "*" else listener.event
            operation = asyncapi["operations"][f"{room.name}.hears.{name}"]
            assert operation["x-motcua-ordered"] == listener.ordered


def test_the_partners_order_is_what_postal_sends():
    order = order_message(
        {"waybill": None, "code": "c", "procedure": "p"},
        {"receiver": "r", "address": "a", "phone": "0"},
        {},
        "customer",
        datetime(2024, 3, 11, tzinfo=UTC),
    )
    assert tuple(order) == ORDER_FIELDS
