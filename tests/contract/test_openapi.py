"""The public interface: valid OpenAPI 3.1, complete, and in agreement with rooms and permissions."""

from __future__ import annotations

import re
from typing import Any

import pytest
from openapi_spec_validator import validate

from deploy.contracts.shapes import ecma
from services.common import permissions
from services.gateway.routes import ROUTES, Kind, Route

PLACE = re.compile(r"\{(\w+)\}")
CALLING = [route for route in ROUTES if route.rpc]


def label(route: Route) -> str:
    return f"{route.method} {route.path}"


@pytest.fixture(scope="session")
def methods(every_room):
    return {method.full: method for room in every_room for method in room.methods}


def test_the_document_is_valid(openapi):
    validate(openapi)


def test_no_reference_dangles(openapi):
    for reference in references(openapi):
        found: Any = openapi
        for part in reference.removeprefix("#/").split("/"):
            assert part in found, reference
            found = found[part]


def references(node: Any) -> list[str]:
    if isinstance(node, dict):
        own = [node["$ref"]] if isinstance(node.get("$ref"), str) else []
        return own + [ref for value in node.values() for ref in references(value)]
    return [ref for value in node for ref in references(value)] if isinstance(node, list) else []


@pytest.mark.parametrize("route", CALLING, ids=label)
def test_route_gives_exactly_what_its_method_takes(route, methods):
    method = methods[route.rpc]
    places = PLACE.findall(route.path)
    names = set(method.schema().fields)
    given = {*places, *(entry.partition(":")[0] for entry in route.query), *route.hidden}
    if route.kind is Kind.PROVIDER:
        assert names == {"params"}
        return
    assert given <= names, f"{sorted(given - names)} are no inputs of {route.rpc}"
    if not route.has_body:
        assert given == names, f"no way to give {sorted(names - given)}"


@pytest.mark.parametrize("route", CALLING, ids=label)
def test_numbers_in_the_query_are_read_as_numbers(route, methods):
    """A room that is strict about numbers would refuse the text of an address."""
    fields = methods[route.rpc].schema().fields
    for entry in route.query:
        name, _, kind = entry.partition(":")
        expected = {"Integer": "int", "Boolean": "bool"}.get(type(fields[name]).__name__, "")
        assert kind == expected, f"{route.path}: {entry}"


@pytest.mark.parametrize("route", CALLING, ids=label)
def test_gateway_and_room_agree_on_keys(route, methods):
    assert route.idempotent == methods[route.rpc].idempotent


def test_every_method_of_a_room_has_a_row_in_permissions_and_the_other_way(methods):
    assert set(methods) == set(permissions.ALLOWED)


def test_every_operation_says_who_may_call_it(openapi):
    for path, operations in openapi["paths"].items():
        for method, operation in operations.items():
            public = operation["security"] == []
            roles = operation.get("x-motcua-roles", [])
            assert public or (roles and "anonymous" not in roles), f"{method} {path}"


def test_what_needs_a_key_says_so(openapi):
    for route in ROUTES:
        operation = openapi["paths"][route.pattern][route.method.lower()]
        names = [parameter.get("$ref", "") for parameter in operation["parameters"]]
        assert ("#/components/parameters/IdempotencyKey" in names) == route.idempotent, route.path


def test_commands_refuse_unknown_fields_in_the_document_too(openapi):
    seen = 0
    for operations in openapi["paths"].values():
        for operation in operations.values():
            body = operation.get("requestBody", {}).get("content", {}).get("application/json")
            if body:
                name = body["schema"]["$ref"].rsplit("/", 1)[-1]
                assert openapi["components"]["schemas"][name]["additionalProperties"] is False, name
                seen += 1
    assert seen > 20


def test_no_ticket_and_no_inner_address_is_documented_for_people(openapi):
    shown = set()
    for operations in openapi["paths"].values():
        for operation in operations.values():
            for answer in operation["responses"].values():
                for content in answer.get("content", {}).values():
                    shown |= set(references(content))
    names = {reference.rsplit("/", 1)[-1] for reference in shown}
    for name in names:
        assert "ticket" not in openapi["components"]["schemas"].get(name, {}).get("properties", {}), name


class TestWhatApispecGetsWrong:
    """engine.md: nullability, enums, keys of dictionaries, ranges; looked at field by field."""

    def test_null_is_allowed_where_the_schema_allows_it(self, openapi):
        schemas = openapi["components"]["schemas"]
        assert schemas["IntakeFile"]["properties"]["unit"]["type"] == ["string", "null"]
        assert {"type": "null"} in schemas["IntakeFile"]["properties"]["delivery"]["anyOf"]
        assert schemas["IdentityHome"]["properties"]["normalization_form"]["anyOf"][1] == {"type": "null"}

    def test_enums_keep_their_order(self, openapi):
        assert openapi["components"]["schemas"]["IntakeFile"]["properties"]["pickup"]["enum"] == [
            "online",
            "desk",
            "post",
        ]

    def test_a_statement_must_be_true(self, openapi):
        assert openapi["components"]["schemas"]["IntakeFile"]["properties"]["statement"]["enum"] == [True]

    def test_sizes_and_keys_of_dictionaries(self, asyncapi):
        params = asyncapi["components"]["schemas"]["PaymentProviderMessage"]["properties"]["params"]
        assert params["maxProperties"] == 60
        assert params["propertyNames"] == {"maxLength": 64}
        assert params["additionalProperties"] == {"type": "string", "maxLength": 1000}

    def test_no_object_has_a_length(self, openapi):
        def look(node: Any, path: str) -> None:
            if isinstance(node, dict):
                if node.get("type") == "object":
                    assert "maxLength" not in node, path
                for key, value in node.items():
                    look(value, f"{path}/{key}")
            elif isinstance(node, list):
                for value in node:
                    look(value, path)

        look(openapi["components"]["schemas"], "")

    def test_times_are_times(self, openapi):
        at = openapi["components"]["schemas"]["IntakeDossierAnswer"]["properties"]["filed_at"]
        assert at == {"type": "string", "format": "date-time"}

    @pytest.mark.parametrize(
        ("python", "javascript"),
        [
            (r"[a-z]+\Z", "^[a-z]+$"),
            (r"\A[0-9]{6}\Z", "^[0-9]{6}$"),
            (r"^[0-9a-f]{64}$", "^[0-9a-f]{64}$"),
            ("a|b", "^(?:a|b)"),
        ],
    )
    def test_patterns_are_anchored_as_marshmallow_anchors_them(self, python, javascript):
        assert ecma(python) == javascript

    def test_patterns_that_javascript_cannot_read_are_refused(self):
        with pytest.raises(ValueError, match="no like in JavaScript"):
            ecma(r"(?P<year>\d{4})")


def test_every_answer_that_is_json_is_described(openapi):
    bare = []
    for path, operations in openapi["paths"].items():
        for method, operation in operations.items():
            for status, answer in operation["responses"].items():
                content = answer.get("content", {}).get("application/json")
                if content is not None and not content.get("schema"):
                    bare.append(f"{method} {path} {status}")
    assert bare == []
