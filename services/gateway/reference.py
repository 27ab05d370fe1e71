"""The readable page of the interface, made from the OpenAPI document."""

from __future__ import annotations

from html import escape
from typing import Any

_MOST_DEPTH = 4


def reference(document: dict[str, Any]) -> str:
    """HTML of all operations by tag, with their parameters, bodies and answers."""
    parts = [
        f"<h1>{escape(document['info']['title'])}</h1>",
        "".join(f"<p>{escape(text)}</p>" for text in document["info"]["description"].split("\n\n")),
    ]
    operations: dict[str, list[tuple[str, str, dict[str, Any]]]] = {}
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            operations.setdefault(operation["tags"][0], []).append((path, method, operation))
    tags = [tag["name"] for tag in document["tags"]]
    parts.append("<ul>" + "".join(f'<li><a href="#t{i}">{escape(t)}</a></li>' for i, t in enumerate(tags)) + "</ul>")
    for number, tag in enumerate(tags):
        parts.append(f'<h2 id="t{number}">{escape(tag)}</h2>')
        parts += [_operation(document, *row) for row in operations.get(tag, [])]
    return "".join(parts)


def _operation(document: dict[str, Any], path: str, method: str, operation: dict[str, Any]) -> str:
    vi, _, en = operation["summary"].partition(" / ")
    who = operation.get("x-motcua-roles", [])
    inside = [f"<p>{escape(', '.join(who))}</p>" if who else "<p>Công khai / public</p>"]
    rows = [
        (p["name"], p["in"], _kind(document, p["schema"]), p.get("required", False), p.get("description", ""))
        for p in (_resolve(document, parameter) for parameter in operation.get("parameters", []))
    ]
    if rows:
        inside.append("<h3>Tham số / Parameters</h3>" + _table(rows))
    for media, content in operation.get("requestBody", {}).get("content", {}).items():
        inside.append(f"<h3>Thân yêu cầu / Body <code>{escape(media)}</code></h3>")
        inside.append(_table(_fields(document, content.get("schema", {}), "", 0)))
    for status, answer in operation["responses"].items():
        if not status.startswith("2"):
            continue
        for media, content in answer.get("content", {}).items():
            inside.append(f"<h3>{status} <code>{escape(media)}</code></h3>")
            inside.append(_table(_fields(document, content.get("schema", {}), "", 0)))
    return (
        f'<details><summary><span class="m">{method.upper()}</span> <code>{escape(path)}</code><br>'
        f'{escape(vi)} <span class="en" lang="en">{escape(en)}</span></summary>{"".join(inside)}</details>'
    )


Row = tuple[str, str, str, bool, str]


def _table(rows: list[Row]) -> str:
    if not rows:
        return ""
    lines = "".join(
        f"<tr><td><code>{escape(name)}</code>{'*' if required else ''}</td>"
        f"<td>{escape(where + ' ' if where else '')}{escape(kind)}</td><td>{escape(text)}</td></tr>"
        for name, where, kind, required, text in rows
    )
    return f"<table>{lines}</table>"


def _resolve(document: dict[str, Any], schema: dict[str, Any]) -> dict[str, Any]:
    while "$ref" in schema:
        found: Any = document
        for part in schema["$ref"].removeprefix("#/").split("/"):
            found = found[part]
        schema = found
    return schema


def _fields(document: dict[str, Any], schema: dict[str, Any], prefix: str, depth: int) -> list[Row]:
    schema = _object(document, schema)
    rows: list[Row] = []
    for name, inner in schema.get("properties", {}).items():
        required = name in schema.get("required", [])
        text = _resolve(document, inner).get("description", "")
        rows.append((prefix + name, "", _kind(document, inner), required, text))
        if depth < _MOST_DEPTH:
            below = _resolve(document, inner)
            item = _object(document, below.get("items", below))
            mark = "[]." if "items" in below else "."
            rows += _fields(document, item, prefix + name + mark, depth + 1)
    return rows


def _object(document: dict[str, Any], schema: dict[str, Any]) -> dict[str, Any]:
    """The object inside a reference or an alternative with null."""
    schema = _resolve(document, schema)
    for option in schema.get("anyOf", schema.get("oneOf", [])):
        option = _resolve(document, option)
        if option.get("type") != "null":
            return option
    return schema


def _kind(document: dict[str, Any], schema: dict[str, Any]) -> str:
    schema = _resolve(document, schema)
    options = schema.get("anyOf", schema.get("oneOf"))
    if options:
        return " | ".join(_kind(document, option) for option in options)
    kinds = schema.get("type", "any")
    text = " | ".join(kinds) if isinstance(kinds, list) else str(kinds)
    if "items" in schema:
        text = text.replace("array", f"[{_kind(document, schema['items'])}]")
    if "enum" in schema:
        text += ": " + " · ".join(str(value) for value in schema["enum"])
    elif "format" in schema:
        text += f" ({schema['format']})"
    return text
