"""The page of the API is made from the contract that is checked in, whatever media types it names."""

from __future__ import annotations

from typing import Any

import orjson
import pytest

from services.gateway.config import CONTRACTS
from services.gateway.reference import reference


@pytest.fixture(scope="module")
def contract() -> dict[str, Any]:
    return orjson.loads((CONTRACTS / "openapi.json").read_bytes())


def test_every_route_of_the_contract_is_on_the_page(contract):
    page = reference(contract)
    for path in contract["paths"]:
        assert f"<code>{path}</code>" in page, path


def test_a_body_of_bytes_has_no_schema_and_is_named_all_the_same(contract):
    # OpenAPI 3.1 describes a body of bytes by its media type alone.
    for item in contract["paths"].values():
        for operation in item.values():
            for content in (operation.get("requestBody") or {}).get("content", {}).values():
                content.pop("schema", None)
    assert "application/json" in reference(contract)
