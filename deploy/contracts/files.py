"""The generated files: what they hold now, and writing them."""

from __future__ import annotations

from pathlib import Path

import orjson

from deploy.contracts import asyncapi, examples, openapi, picture, roles, rooms

ROOT = Path(__file__).resolve().parents[2]
EXAMPLES = ROOT / "contracts" / "examples"


def generated() -> dict[Path, bytes]:
    """Path to content of every generated file, as the program says it now."""
    loaded = rooms.load()
    return {
        ROOT / "contracts" / "openapi.json": _json(openapi.build(loaded)),
        ROOT / "contracts" / "asyncapi.json": _json(asyncapi.build(loaded)),
        ROOT / "docs" / "rooms-and-events.svg": picture.svg(loaded).encode(),
        ROOT / "docs" / "operations" / "roles.md": roles.markdown().encode(),
        ROOT / "docs" / "rooms-and-events.md": picture.markdown(loaded).encode(),
    }


def write(contents: dict[Path, bytes]) -> list[Path]:
    """Writes what differs, and examples of new events; returns what was written."""
    written = []
    for path, content in contents.items():
        if not path.exists() or path.read_bytes() != content:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
            written.append(path)
    return [*written, *examples.write_missing(rooms.load(), EXAMPLES)]


def _json(document: object) -> bytes:
    return orjson.dumps(document, option=orjson.OPT_INDENT_2) + b"\n"
