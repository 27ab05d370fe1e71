"""Every field of every schema, as the documents show it, against what marshmallow takes: the same values, no others.

The generator is known to be wrong in places (engine.md: exclusive ranges, Decimal, nullability, unknown fields, nested
alternatives), and it is not asked here: values are made around every bound of a shape (just in, just out, of another
kind) and both sides must agree about each.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import jsonschema
import pytest
from marshmallow import RAISE, Schema, ValidationError, fields

from deploy.contracts import rooms
from deploy.contracts.shapes import Shapes

ROOMS = rooms.load()
SHAPES = Shapes()


def inputs() -> dict[str, type[Schema]]:
    """Schemas that something is read by: calls, and events by those who listen."""
    found: dict[str, type[Schema]] = {}
    for room in ROOMS:
        for schema in (*(m.schema for m in room.methods), *(x.schema for x in room.listens), *room.tells.values()):
            found[SHAPES.ref(schema)["$ref"].rsplit("/", 1)[1]] = schema
    for schema in list(found.values()):
        _nested(schema(), found)
    return dict(sorted(found.items()))


def _nested(schema: Schema, found: dict[str, type[Schema]]) -> None:
    for field in schema.fields.values():
        inner = field.inner if isinstance(field, fields.List) else field
        if isinstance(inner, fields.Nested):
            found[SHAPES.ref(type(inner.schema))["$ref"].rsplit("/", 1)[1]] = type(inner.schema)
            _nested(inner.schema, found)


INPUTS = inputs()
COMPONENTS = {"components": {"schemas": SHAPES.components()}}
FIELDS = [(name, key) for name, schema in INPUTS.items() for key in schema().fields]

#: What both sides are asked about every field, whatever its kind.
OF_ALL_KINDS: tuple[Any, ...] = (
    None, True, False, 0, 1, -1, 2, 7, 1.5, 2.0, 10**6, -(10**9), 10**20, "", "a", "0", "5", "1.5", "true", "x" * 40,
    "ệ" * 12, [], [1], ["a"], [None], {}, {"a": 1}, {"a": "b"}, "2024-03-11", "2024-02-30", "2024-03-11T09:00:00",
    "2024-03-11T09:00:00Z", "2024-03-11T09:00:00+07:00", "not a time", "000.05.07.H57-240311-0001",
    "0123456789abcdef0123456789abcdef", "0914000123", "046190000123",
)  # fmt: skip

#: Where more is taken than the document promises: "true", "yes" and 1 are read as true, and can mean nothing else.
WIDER = {("Boolean", "truth as text or number")}
#: And less: JSON Schema calls 2.0 a whole number, our JSON reader tells it from 2.
NARROWER = {("Integer", "float")}


def strings_of(shape: dict[str, Any]) -> Iterator[str]:
    low, high = shape.get("minLength", 0), shape.get("maxLength")
    for length in {low - 1, low, low + 1, *((high - 1, high, high + 1) if high else ())}:
        if 0 <= length <= 100_000:
            yield "x" * length
            yield "1" * length
    for choice in shape.get("enum", ()):
        if isinstance(choice, str):
            yield from (choice, choice + " ", choice.upper(), choice.swapcase())
    if "pattern" in shape:
        for length in re.findall(r"\{(\d+)(?:,(\d+))?\}", shape["pattern"]):
            for size in (int(part) for part in length if part):
                for letter in "0a":
                    yield from (letter * (size - 1), letter * size, letter * (size + 1))
        yield from ("a\n", "0\n", " a", "a b", "é")


def values_of(shape: dict[str, Any]) -> Iterator[Any]:
    """Values at and around the bounds of a shape."""
    yield from OF_ALL_KINDS
    for part in shape.get("anyOf", ()):
        yield from values_of(part)
    yield from strings_of(shape)
    bounds = {shape.get(name) for name in ("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum")} - {None}
    for bound in bounds:
        yield from (bound - 1, bound, bound + 1, bound + 0.5, str(bound))
    if "items" in shape:
        for item in {repr(v): v for v in values_of(shape["items"])}.values():
            yield [item]
        for size in {shape.get("minItems", 0), shape.get("maxItems", 0), shape.get("maxItems", 0) + 1}:
            yield ["a"] * min(size, 2000)
    if "additionalProperties" in shape and isinstance(shape["additionalProperties"], dict):
        for size in (1, shape.get("maxProperties", 0), shape.get("maxProperties", 0) + 1):
            yield {f"k{n}": "v" for n in range(min(size, 500))}
        yield {"k" * 65: "v"}
        for value in ("x" * 1001, 1, None, ["v"]):
            yield {"k": value}


def _as_javascript(_validator: Any, pattern: str, value: Any, _schema: Any) -> Iterator[jsonschema.ValidationError]:
    """A pattern as ECMA-262 reads it: there `$` is the end, in Python also the place before a last line break."""
    if isinstance(value, str) and not re.search(re.sub(r"\$(?=\Z|\))", r"\\Z", pattern), value):
        yield jsonschema.ValidationError(f"{value!r} does not match {pattern!r}")


CHECKER = jsonschema.FormatChecker(formats=())
VALIDATOR = jsonschema.validators.extend(jsonschema.Draft202012Validator, {"pattern": _as_javascript})


def validator(shape: Any) -> Any:
    return VALIDATOR({**COMPONENTS, "allOf": [shape]}, format_checker=CHECKER)


@CHECKER.checks("date-time")
def _is_moment(value: Any) -> bool:
    """RFC 3339, as the documents promise: a date, a T, a time with seconds, a zone."""
    if not isinstance(value, str):
        return True
    return bool(re.fullmatch(r"\d{4}-(0[1-9]|1[0-2])-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)", value))


@CHECKER.checks("date")
def _is_date(value: Any) -> bool:
    return not isinstance(value, str) or bool(re.fullmatch(r"\d{4}-\d\d-\d\d", value)) and value != "2024-02-30"


def taken(field: fields.Field, value: Any) -> bool:
    try:
        field.deserialize(value)
    except ValidationError:
        return False
    return True


def kind_of(field: fields.Field, value: Any) -> str:
    return "truth as text or number" if isinstance(field, fields.Boolean) else type(value).__name__


def plain(field: fields.Field, value: Any) -> tuple[fields.Field, Any]:
    """The innermost field and value of lists of one."""
    while isinstance(field, fields.List) and isinstance(value, list) and len(value) == 1:
        field, value = field.inner, value[0]
    return field, value


def disagreements(name: str, key: str) -> list[str]:
    field = INPUTS[name]().fields[key]
    shape = COMPONENTS["components"]["schemas"][name]["properties"][field.data_key or key]
    documented = validator(shape)
    found = []
    for value in {repr(value): value for value in values_of(shape)}.values():
        promised, is_taken = documented.is_valid(value), taken(field, value)
        if promised == is_taken:
            continue
        inner, one = plain(field, value)
        base = next((k.__name__ for k in type(inner).__mro__ if k in _BASES), type(inner).__name__)
        if (base, kind_of(inner, one)) in (WIDER if is_taken else NARROWER):
            continue
        found.append(f"{'promised, refused' if promised else 'taken, not promised'}: {value!r:.80}")
    return found


_BASES = (fields.Integer, fields.Float, fields.Boolean, fields.Date, fields.String, fields.Nested, fields.Dict)


@pytest.mark.parametrize(("name", "key"), FIELDS, ids=lambda part: part)
def test_the_document_and_marshmallow_agree_about_the_values_of_a_field(name: str, key: str):
    assert disagreements(name, key) == []


@pytest.mark.parametrize("name", INPUTS)
def test_the_document_and_marshmallow_agree_about_the_fields_of_a_schema(name: str):
    schema, shape = INPUTS[name](), COMPONENTS["components"]["schemas"][name]
    keys = {field.data_key or key for key, field in schema.fields.items()}
    assert set(shape.get("properties", {})) == keys
    assert set(shape.get("required", ())) == {f.data_key or k for k, f in schema.fields.items() if f.required}
    assert (shape.get("additionalProperties") is False) == (schema.unknown == RAISE)


def test_the_comparison_would_see_a_fault():
    """Control: the document of a field whose upper bound is one too high."""
    room = next(room for room in ROOMS if room.name == "intake")
    schema = next(method.schema for method in room.methods if method.name == "desk_queue")
    name = SHAPES.ref(schema)["$ref"].rsplit("/", 1)[1]
    shape = COMPONENTS["components"]["schemas"][name]["properties"]["limit"]
    shape["maximum"] += 1
    try:
        assert disagreements(name, "limit") == [f"promised, refused: {shape['maximum']}"]
    finally:
        shape["maximum"] -= 1
    assert disagreements(name, "limit") == []


def test_what_is_compared_here_is_what_the_documents_hold(openapi, asyncapi):
    """Whether they are as the program says now is for test_drift.py; here: under the same names, and many."""
    documented = set(asyncapi["components"]["schemas"]) | set(openapi["components"]["schemas"])
    given = {method.schema for room in ROOMS for method in room.methods}
    told = {schema for room in ROOMS for schema in room.tells.values()}
    assert {name for name, schema in INPUTS.items() if schema in given | told} <= documented
    assert len(FIELDS) > 500
