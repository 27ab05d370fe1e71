"""Reading a request: headers of ours, parameters, the JSON body. Everything that cannot be read is a 4xx problem."""

from __future__ import annotations

import asyncio
import re
from typing import Any
from urllib.parse import parse_qsl

import orjson

from services.common import problems, wire
from services.gateway.answers import too_long, too_slow, unsupported_media_type
from services.gateway.config import HEAD_LIMIT, JSON_LIMIT, JSON_SECONDS
from services.gateway.routes import Route

CHANNELS = ("portal", "hue-s")
#: A UUID, or its 32 digits; with a letter among them, so that no number of a person fits.
_CORRELATION = re.compile(
    r"(?=.*[a-f])(?:[0-9a-f]{32}|[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12})", re.IGNORECASE
)
_KEY = re.compile(r"[A-Za-z0-9._-]{8,128}")
_PATH_VALUE = re.compile(r"[^\x00-\x1f\x7f]{1,200}")
_WHOLE = re.compile(r"-?[0-9]{1,15}")
_BOOLEANS = {"true": True, "false": False}
MOST_PARAMETERS = 64


class ClientGone(Exception):
    """The client has gone away; nobody waits for an answer."""


def header(scope: Any, name: bytes) -> str:
    """The first header of this name, empty where it is missing."""
    for key, value in scope["headers"]:
        if key == name:
            return str(value.decode("latin-1")).strip()
    return ""


def check_head(scope: Any) -> None:
    """Raises Problem 414 or 431 where the request line or the headers are too long. (The protocol's own limit is for
    what comes in pieces and never ends.)"""
    if len(scope["raw_path"]) + len(scope["query_string"]) > HEAD_LIMIT // 2:
        raise too_long(414)
    if sum(len(name) + len(value) + 4 for name, value in scope["headers"]) > HEAD_LIMIT:
        raise too_long(431)


def correlation_id(scope: Any) -> str:
    """The caller's id where it is a UUID, else a new one: it is kept for ever, in logs, events and the ledger, so
    nothing that could say something of a person is taken over."""
    given = header(scope, b"x-correlation-id")
    return given if _CORRELATION.fullmatch(given) else wire.new_id()


def channel(scope: Any) -> str:
    """The way in that X-Channel names; the portal without it. Raises Problem 400."""
    given = header(scope, b"x-channel") or "portal"
    if given not in CHANNELS:
        raise problems.malformed(f"X-Channel is one of {', '.join(CHANNELS)}")
    return given


def command_key(scope: Any, *, required: bool) -> str:
    """The Idempotency-Key. Raises Problem 400 where a required one is missing, or one is not well formed."""
    given = header(scope, b"idempotency-key").strip('"')
    if not given and not required:
        return ""
    if not given:
        raise problems.idempotency_missing()
    if not _KEY.fullmatch(given):
        raise problems.malformed("Idempotency-Key has 8 to 128 letters, digits, dots, dashes or underscores")
    return given


def bearer(scope: Any) -> str:
    """The access token. Raises Problem 401 where there is none."""
    kind, _, token = header(scope, b"authorization").partition(" ")
    if kind.lower() != "bearer" or not token.strip():
        raise problems.unauthorized()
    return token.strip()


def path_parameters(scope: Any) -> dict[str, Any]:
    """The values in the path. Raises Problem 404 for what can be no id at all."""
    found: dict[str, Any] = dict(scope.get("path_params", {}))
    if not all(_PATH_VALUE.fullmatch(str(value)) for value in found.values()):
        raise problems.not_found()
    return found


def query_pairs(scope: Any) -> list[tuple[str, str]]:
    """The query, decoded. Raises Problem 400."""
    try:
        text = scope["query_string"].decode("ascii")
        return parse_qsl(text, keep_blank_values=True, errors="strict", max_num_fields=MOST_PARAMETERS)
    except ValueError:  # also UnicodeDecodeError
        raise problems.malformed("the query cannot be read") from None


def query_parameters(scope: Any, allowed: tuple[str, ...]) -> dict[str, Any]:
    """The query's values as the table types them. Raises Problem 400 or 422."""
    kinds = dict(name.partition(":")[::2] for name in allowed)
    found: dict[str, Any] = {}
    errors = []
    for name, value in query_pairs(scope):
        if name not in kinds:
            errors.append(problems.field_error(_shown(name), "Tham số không được biết đến.", "Unknown parameter."))
        elif name in found:
            errors.append(problems.field_error(name, "Tham số lặp lại.", "Given more than once."))
        elif kinds[name] == "int":
            if _WHOLE.fullmatch(value):
                found[name] = int(value)
            else:
                errors.append(problems.field_error(name, "Không phải số nguyên hợp lệ.", "Not a valid integer."))
        elif kinds[name] == "bool":
            if value in _BOOLEANS:
                found[name] = _BOOLEANS[value]
            else:
                errors.append(problems.field_error(name, "Phải là true hoặc false.", "Must be true or false."))
        else:
            found[name] = value
    if errors:
        raise problems.invalid(*errors)
    return found


def _shown(name: str) -> str:
    return name if re.fullmatch(r"[A-Za-z0-9_.-]{1,40}", name) else "?"


async def json_body(scope: Any, receive: Any) -> dict[str, Any]:
    """The JSON object of the body; no body reads as an empty object. Raises Problem 400, 408, 413 or 415."""
    length = header(scope, b"content-length")
    if length.isdigit() and int(length) > JSON_LIMIT:
        raise problems.too_large(JSON_LIMIT)
    kind, _, parameters = header(scope, b"content-type").partition(";")
    if header(scope, b"content-encoding").lower() not in ("", "identity"):
        raise unsupported_media_type("send the body as it is, without Content-Encoding")
    empty = length in ("", "0") and not header(scope, b"transfer-encoding")
    if not empty and kind.strip().lower() != "application/json":
        raise unsupported_media_type("send Content-Type: application/json")
    if "charset" in parameters.lower() and "utf-8" not in parameters.lower():
        raise unsupported_media_type("send Content-Type: application/json, in UTF-8")
    body = await _read(receive)
    if not body:
        return {}
    try:
        document = orjson.loads(body)
    except orjson.JSONDecodeError:
        raise problems.malformed("the body is not JSON in UTF-8") from None
    if not isinstance(document, dict):
        raise problems.malformed("the body is not a JSON object")
    return document


async def _read(receive: Any) -> bytes:
    body = bytearray()
    try:
        async with asyncio.timeout(JSON_SECONDS):
            while True:
                message = await receive()
                if message["type"] == "http.disconnect":
                    raise ClientGone
                body += message.get("body", b"")
                if len(body) > JSON_LIMIT:
                    raise problems.too_large(JSON_LIMIT)
                if not message.get("more_body", False):
                    return bytes(body)
    except TimeoutError:
        raise too_slow() from None


async def arguments(route: Route, scope: Any, receive: Any) -> dict[str, Any]:
    """What the room's method is called with. Raises Problem."""
    found = path_parameters(scope)
    query = query_parameters(scope, route.query)
    body = await json_body(scope, receive) if route.has_body else {}
    for name in body:
        if name in found or name in query:
            raise problems.invalid(
                problems.field_error(name, "Đã có trong đường dẫn.", "Given in the address already.")
            )
        if name in route.hidden:
            raise problems.invalid(problems.field_error(name, "Trường không được biết đến.", "Unknown field."))
    said = header(scope, b"x-channel")
    told = body.get("channel")
    if said and isinstance(told, str) and told != said:  # two stories of where one is: neither is taken
        raise problems.invalid(
            problems.field_error("channel", "Khác với X-Channel.", "Differs from X-Channel.", "IN-20")
        )
    kwargs = {**found, **query, **body}
    try:
        wire.encode_call(kwargs)
    except (orjson.JSONEncodeError, RecursionError):
        raise problems.malformed("the body is nested too deeply") from None
    return kwargs
