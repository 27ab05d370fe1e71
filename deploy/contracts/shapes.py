"""JSON Schema from marshmallow, by apispec, with what apispec gets wrong put right.

Put right here: the order of enums (apispec goes through a set, so it changes from run to run), patterns (Python's
anchors are not JavaScript's, and marshmallow anchors at the start), keys and sizes of dictionaries, null where a field
takes anything else.
"""

from __future__ import annotations

import re
import warnings
from typing import Any

from apispec import APISpec
from apispec.ext.marshmallow import MarshmallowPlugin
from marshmallow import Schema, fields, validate

Document = dict[str, Any]


class Shapes:
    """Collects the schemas that a document refers to."""

    def __init__(self) -> None:
        self._plugin = MarshmallowPlugin(schema_name_resolver=_name)
        self._spec = APISpec(title="-", version="-", openapi_version="3.1.0", plugins=[self._plugin])
        for function in (_choices, _pattern, _keys, _something):
            self._converter.add_attribute_function(function)

    @property
    def _converter(self) -> Any:
        return self._plugin.converter

    def ref(self, schema: type[Schema], *, many: bool = False) -> Document:
        """A reference to the schema's component, which is made where it is missing."""
        with warnings.catch_warnings():
            # two classes of one name in one room would get a number behind their name
            warnings.simplefilter("error")
            found: Document = self._converter.resolve_nested_schema(schema)
        return {"type": "array", "items": found} if many else found

    def whole(self, schema: type[Schema]) -> Document:
        """The schema itself: properties, required, additionalProperties."""
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            found: Document = self._converter.schema2jsonschema(schema())
        return found

    def without(self, schema: type[Schema], names: set[str]) -> Document | None:
        """The schema less some fields, as a component of its own; None where nothing is left."""
        whole = self.whole(schema)
        left = {name: value for name, value in whole.get("properties", {}).items() if name not in names}
        if not left:
            return None
        if len(left) == len(whole["properties"]):
            return self.ref(schema)
        required = [name for name in whole.get("required", []) if name in left]
        return self.add(
            f"{_name(schema)}Body",
            {**whole, "properties": left, **({"required": required} if required else {"required": []})},
        )

    def add(self, name: str, shape: Document) -> Document:
        """A component that no class has."""
        if not shape.get("required", True):
            shape = {key: value for key, value in shape.items() if key != "required"}
        known = self._spec.components.schemas.get(name)
        if known is None:
            self._spec.components.schema(name, shape)
        elif known != shape:
            raise ValueError(f"two shapes are called {name}")
        return {"$ref": f"#/components/schemas/{name}"}

    def components(self) -> Document:
        """All shapes, by name."""
        return {name: _sized(self._spec.components.schemas[name]) for name in sorted(self._spec.components.schemas)}


def _name(schema: Any) -> str:
    cls = schema if isinstance(schema, type) else type(schema)
    parts = cls.__module__.split(".")
    room = parts[1] if parts[0] == "services" and len(parts) > 2 else "common"
    return f"{room.capitalize()}{cls.__name__.lstrip('_')}"


def _choices(_self: Any, field: fields.Field, **_: Any) -> Document:
    for rule in field.validators:
        if isinstance(rule, validate.OneOf):
            choices = list(rule.choices)
            return {"enum": [*choices, None] if field.allow_none else choices}
    return {}


def _pattern(_self: Any, field: fields.Field, **_: Any) -> Document:
    for rule in field.validators:
        if isinstance(rule, validate.Regexp):
            return {"pattern": ecma(str(rule.regex.pattern))}
    return {}


def ecma(pattern: str) -> str:
    """A Python pattern as JavaScript reads it. marshmallow matches at the start without being told."""
    if re.search(r"\(\?[^:=!]", pattern):
        raise ValueError(f"this pattern has no like in JavaScript: {pattern}")
    text = pattern.replace(r"\A", "^").replace(r"\Z", "$")
    return text if text.startswith("^") else f"^(?:{text})" if "|" in text else f"^{text}"


def _keys(self: Any, field: fields.Field, **_: Any) -> Document:
    if isinstance(field, fields.Dict) and field.key_field is not None:
        shape = self.field2property(field.key_field)
        rules = {name: value for name, value in shape.items() if name != "type"}
        return {"propertyNames": rules} if rules else {}
    return {}


def _something(_self: Any, field: fields.Field, **_: Any) -> Document:
    """A field of any kind, which apispec leaves open, is still not null where null is refused."""
    if type(field) is fields.Raw and not field.allow_none:
        return {"type": ["array", "boolean", "number", "object", "string"]}
    return {}


_SIZES = {"minLength": "minProperties", "maxLength": "maxProperties"}


def _sized(shape: Any) -> Any:
    """apispec says `maxLength` of objects, too."""
    if isinstance(shape, list):
        return [_sized(item) for item in shape]
    if not isinstance(shape, dict):
        return shape
    kind = shape.get("type")
    is_object = kind == "object" or (isinstance(kind, list) and "object" in kind)
    return {(_SIZES.get(key, key) if is_object else key): _sized(value) for key, value in shape.items()}
