"""Holds what the gateway answered against its OpenAPI document: operation, status, type and shape.

Used by hand on the journeys' own traffic; answers to generated requests are checked by schemathesis.
"""

from __future__ import annotations

import json
import re
from collections import Counter, defaultdict
from dataclasses import dataclass, field
from typing import Any

import httpx
import jsonschema
from referencing import Registry, Resource
from referencing.jsonschema import DRAFT202012

from services.gateway.config import CONTRACTS

Document = dict[str, Any]
_AT = "urn:openapi"
_DONE = range(200, 300)
_NOT_ALLOWED = 405  # of a path: there is no such operation


def openapi() -> Document:
    document: Document = json.loads((CONTRACTS / "openapi.json").read_text())
    return document


@dataclass
class Operations:
    """What was seen of each operation (`GET /api/v1/clock`): how often which status; and what is not documented."""

    document: Document = field(default_factory=openapi)
    seen: dict[str, Counter[int]] = field(default_factory=lambda: defaultdict(Counter))
    undocumented: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        resource = Resource(contents=self.document, specification=DRAFT202012)
        self._registry = Registry().with_resource(_AT, resource)
        self._paths = [(re.compile(re.sub(r"\{\w+\}", "[^/]+", path) + r"\Z"), path) for path in self.document["paths"]]
        # what is written out goes before what is a place: /sessions/current
        self._paths.sort(key=lambda row: row[1].count("{"))

    @property
    def names(self) -> list[str]:
        """Every operation of the document."""
        return [f"{method.upper()} {path}" for path, item in self.document["paths"].items() for method in item]

    def done(self) -> set[str]:
        """Operations of which somebody got a 2xx."""
        return {name for name, statuses in self.seen.items() if any(status in _DONE for status in statuses)}

    def look(self, response: httpx.Response) -> None:
        """Notes one answer whose body has been read."""
        method, path = response.request.method, response.request.url.raw_path.decode().partition("?")[0]
        template = next((template for pattern, template in self._paths if pattern.match(path)), None)
        operation = self.document["paths"].get(template, {}).get(method.lower()) if template else None
        if operation is None:
            return  # a page, or a request that is in no document: nothing was promised
        name = f"{method} {template}"
        self.seen[name][response.status_code] += 1
        if response.status_code != _NOT_ALLOWED:
            self.undocumented += [f"{name}: {fault}" for fault in self.faults(operation, response)]

    def faults(self, operation: Document, response: httpx.Response) -> list[str]:
        """What of an answer is not in the operation, in words."""
        told = operation["responses"].get(str(response.status_code))
        if told is None:
            return [f"status {response.status_code}"]
        told = self._resolved(told)
        content = told.get("content", {})
        kind = response.headers.get("content-type", "").partition(";")[0]
        if not content:
            return [f"{response.status_code} with a body"] if response.content else []
        if kind not in content:
            return [f"{response.status_code} as {kind}"]
        schema = content[kind].get("schema")
        if not schema or "json" not in kind:
            return []
        validator = jsonschema.Draft202012Validator(_absolute(schema), registry=self._registry)
        return [
            f"{response.status_code} at {'/'.join(map(str, error.absolute_path)) or 'the top'}: {error.message[:200]}"
            for error in validator.iter_errors(response.json())
        ]

    def _resolved(self, node: Document) -> Document:
        found: Any = node
        while "$ref" in found:
            reference, found = found["$ref"], self.document
            for part in reference.removeprefix("#/").split("/"):
                found = found[part]
        return dict(found)


def _absolute(node: Any) -> Any:
    """References into the document, written so that they are found from anywhere."""
    if isinstance(node, dict):
        return {
            key: _AT + value if key == "$ref" and isinstance(value, str) and value.startswith("#") else _absolute(value)
            for key, value in node.items()
        }
    return [_absolute(item) for item in node] if isinstance(node, list) else node
