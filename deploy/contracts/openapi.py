"""OpenAPI 3.1 of the gateway, from its table of routes and the rooms' schemas."""

from __future__ import annotations

import re
from typing import Any

from deploy.contracts.rooms import Method, Room
from deploy.contracts.shapes import Document, Shapes
from services.common import permissions
from services.common.roles import HOLDERS
from services.gateway import help
from services.gateway.config import JSON_LIMIT, UPLOAD_LIMIT
from services.gateway.routes import API, ROUTES, TAGS, Audience, Kind, Route
from services.vault.content import MEDIA_TYPES

VERSION = "1.0.0"
_DESCRIPTION = (
    "Một Cửa là hệ thống một cửa điện tử: nộp hồ sơ một lần, theo dõi một mã, nhận kết quả có chữ ký số. "
    "/ Một Cửa is a one-stop system for administrative services: file once, follow one code, find the signed result."
    "\n\n"
    "Lỗi được trả theo RFC 9457 (application/problem+json), tiếng Việt trước, kèm mã quy định khi một quy định từ chối."
    " / Errors are RFC 9457 problems, Vietnamese first, naming the rule where a rule refuses."
    "\n\n"
    "Mỗi lệnh nộp, trả, thu tiền cần tiêu đề Idempotency-Key: cùng khóa và cùng nội dung thì cùng câu trả lời. / Every "
    "command that files, pays, issues or returns needs an Idempotency-Key: same key and body, same answer. A command "
    "written against an older `version` is refused (409)."
    "\n\n"
    "Danh sách chia trang bằng con trỏ: gửi lại `next_cursor` trong `cursor`; null là hết. / Lists are read in pages: "
    "send `next_cursor` back as `cursor`; null means the end."
)
_PROBLEMS = {
    "400": ("Malformed", "Không đọc được yêu cầu / The request cannot be read"),
    "401": ("Unauthorized", "Cần đăng nhập / Sign in first"),
    "403": ("Forbidden", "Không có quyền / Not allowed"),
    "404": ("NotFound", "Không tìm thấy / Not found"),
    "408": ("TooSlow", "Yêu cầu truyền quá chậm / The request takes too long"),
    "409": ("Conflict", "Trạng thái, phiên bản hoặc quy định từ chối / The state, the version or a rule refuses"),
    "413": ("TooLarge", "Quá lớn / Too large"),
    "414": ("AddressTooLong", "Địa chỉ quá dài / The address is too long"),
    "415": ("UnsupportedMediaType", "Kiểu nội dung không được chấp nhận / Content type not accepted"),
    "422": ("Invalid", "Dữ liệu chưa hợp lệ / The data is not valid"),
    "429": ("TooManyRequests", "Quá nhiều yêu cầu / Too many requests"),
    "431": ("HeadersTooLarge", "Tiêu đề yêu cầu quá dài / The headers are too long"),
    "503": ("Unavailable", "Tạm thời chưa phục vụ được / Temporarily unavailable"),
}
#: A file. OpenAPI 3.1 would have no schema at all here, but then generators leave the operation out.
_BYTES: Document = {"type": "string", "format": "binary"}
#: What the gateway answers itself, by the name of its shape.
_OWN = {Kind.CLOCK: "Clock", Kind.HELP: "Help"}
_PLACE = re.compile(r"\{(\w+)\}")


def build(rooms: list[Room]) -> Document:
    """The whole document. Raises KeyError where a route names a method or a parameter that no room has."""
    methods = {method.full: method for room in rooms for method in room.methods}
    shapes = Shapes()
    shapes.add("Problem", _problem())
    shapes.add("Clock", _clock())
    shapes.add("Help", help.schema())
    paths: dict[str, Document] = {}
    for route in ROUTES:
        operation = _operation(route, methods[route.rpc] if route.rpc else None, shapes)
        if route.also:
            _add_answer(operation, route, methods[route.also], shapes)
        paths.setdefault(route.pattern, {})[route.method.lower()] = operation
    return {
        "openapi": "3.1.0",
        "info": {"title": "Một Cửa – giao diện công khai / public interface", "version": VERSION,
                 "description": _DESCRIPTION},
        "servers": [{"url": "/", "description": "cùng địa chỉ / this address"}],
        "tags": [{"name": tag} for tag in TAGS],
        "paths": paths,
        "components": {
            "schemas": shapes.components(),
            "responses": {name: _problem_response(text, status) for status, (name, text) in _PROBLEMS.items()},
            "parameters": _common_parameters(),
            "headers": {
                "CorrelationId": {"schema": {"type": "string"}, "description": "mã theo dõi / id to ask about it"},
                "RetryAfter": {"schema": {"type": "integer"}, "description": "giây / seconds"},
            },
            "securitySchemes": {"session": {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"}},
        },
    }  # fmt: skip


def _operation(route: Route, method: Method | None, shapes: Shapes) -> Document:
    operation: Document = {
        "operationId": method.full if method else f"gateway.{route.kind.value}",
        "tags": [route.tag],
        "summary": f"{route.summary_vi} / {route.summary_en}",
        "parameters": _parameters(route, method, shapes),
        "responses": {},
        "security": [] if route.audience is Audience.PUBLIC else [{"session": []}],
    }
    if method and method.doc:
        operation["description"] = " ".join(method.doc.split())
    if method:
        people = permissions.roles_of(method.full) & (HOLDERS | {permissions.ANYBODY})
        operation["x-motcua-roles"] = sorted(people)
    body = _body(route, method, shapes)
    if body:
        operation["requestBody"] = body
    operation["responses"] = _responses(route, method, shapes)
    return operation


def _add_answer(operation: Document, route: Route, other: Method, shapes: Shapes) -> None:
    """What the room that is asked second answers, beside the first one's."""
    content = operation["responses"][str(route.status)]["content"]["application/json"]
    content["schema"] = {"anyOf": [content["schema"], _answer(route, other, shapes)]}


def _parameters(route: Route, method: Method | None, shapes: Shapes) -> list[Document]:
    properties: Document = shapes.whole(method.schema).get("properties", {}) if method else {}
    required = shapes.whole(method.schema).get("required", []) if method else []
    found: list[Document] = []
    for name in _PLACE.findall(route.path):
        found.append({"name": name, "in": "path", "required": True, "schema": _plain(properties[name])})
    for entry in route.query:
        name = entry.partition(":")[0]
        found.append({"name": name, "in": "query", "required": name in required, "schema": _plain(properties[name])})
    if route.kind is Kind.PROVIDER:
        found.append(
            {"name": "params", "in": "query", "required": True, "style": "form", "explode": True,
             "description": "vnp_… của cổng thanh toán / of the provider", "schema": properties["params"]}
        )  # fmt: skip
        return found
    if route.kind is Kind.RETURN_PAGE:
        found.append({"name": "vnp_ResponseCode", "in": "query", "required": False, "schema": {"type": "string"}})
        return found
    if route.kind is Kind.DOWNLOAD:
        found.append({"name": "Range", "in": "header", "required": False, "schema": {"type": "string"}})
    if route.kind not in _OWN:
        found.append({"$ref": "#/components/parameters/Channel"})
    if route.idempotent:
        found.append({"$ref": "#/components/parameters/IdempotencyKey"})
    elif route.kind is Kind.UPLOAD:
        found.append({"$ref": "#/components/parameters/OptionalKey"})
    found.append({"$ref": "#/components/parameters/CorrelationId"})
    return found


def _plain(shape: Document) -> Document:
    """A value in an address is text: it is never null, it is left out."""
    shape = dict(shape)
    if isinstance(shape.get("type"), list):
        kinds = [kind for kind in shape["type"] if kind != "null"]
        shape["type"] = kinds[0] if len(kinds) == 1 else kinds
    if "enum" in shape:
        shape["enum"] = [value for value in shape["enum"] if value is not None]
    if shape.get("default", 0) is None:
        del shape["default"]
    return shape


def _body(route: Route, method: Method | None, shapes: Shapes) -> Document | None:
    if route.kind is Kind.UPLOAD:
        return {
            "required": True,
            "description": f"Tối đa / at most {UPLOAD_LIMIT} bytes",
            "content": {"application/octet-stream": {"schema": _BYTES}},
        }
    if not route.has_body or method is None:
        return None
    taken = {*_PLACE.findall(route.path), *(q.partition(":")[0] for q in route.query), *route.hidden}
    shape = shapes.without(method.schema, taken)
    if shape is None:
        return None
    required = set(shapes.whole(method.schema).get("required", [])) - taken
    return {
        "required": bool(required),
        "description": f"Tối đa / at most {JSON_LIMIT} bytes",
        "content": {"application/json": {"schema": shape}},
    }


def _responses(route: Route, method: Method | None, shapes: Shapes) -> Document:
    headers: Document = {"X-Correlation-Id": {"$ref": "#/components/headers/CorrelationId"}}
    if route.location:
        headers["Location"] = {"schema": {"type": "string"}, "description": API + route.location}
    done: Document = {"description": "Được / Done", "headers": headers}
    responses: Document = {str(route.status): done}
    if route.kind is Kind.DOWNLOAD:
        for name in ("Content-Disposition", "ETag", "Accept-Ranges"):
            headers[name] = {"schema": {"type": "string"}}
        # a receipt is made here; any other file is of the kind that the vault found in it
        kinds = ["application/pdf"] if method and method.name == "receipt" else list(MEDIA_TYPES)
        done["content"] = {kind: {"schema": _BYTES} for kind in kinds}
        responses["206"] = {"description": "Một đoạn / A part", "content": {kind: {"schema": _BYTES} for kind in kinds}}
        responses["416"] = {"$ref": "#/components/responses/Invalid"}
    elif route.kind is Kind.RETURN_PAGE:
        done["content"] = {"text/html": {"schema": {"type": "string"}}}
    elif route.kind in _OWN:
        done["content"] = {"application/json": {"schema": {"$ref": f"#/components/schemas/{_OWN[route.kind]}"}}}
    elif method is not None:
        done["content"] = {"application/json": {"schema": _answer(route, method, shapes)}}
    for status, (name, _) in _PROBLEMS.items():
        if _may(route, method, status):
            responses[status] = {"$ref": f"#/components/responses/{name}"}
    return responses


def _answer(route: Route, method: Method, shapes: Shapes) -> Document:
    if method.answer is None:
        return {}
    if route.kind is Kind.UPLOAD:
        # the vault's own answer after the bytes are in, the same as what an earlier upload stored
        stored = method.answer().fields["stored"]
        return shapes.ref(type(stored.schema))  # type: ignore[attr-defined]
    return shapes.ref(method.answer, many=method.many)


def _may(route: Route, method: Method | None, status: str) -> bool:
    if status in ("401", "403"):
        # signing in says 403 to who may not: locked, not normalized, without a grant
        return route.audience is Audience.SIGNED_IN or route.rpc.startswith("identity.")
    if status in ("413", "415"):
        return route.has_body or route.kind is Kind.UPLOAD
    if status == "408":
        return route.has_body or route.kind in (Kind.UPLOAD, Kind.DOWNLOAD)
    if status == "409":
        return route.method == "POST"
    if status == "404":
        return "{" in route.path or route.method == "POST"
    if status == "503":
        return method is not None
    return True


def _problem() -> Document:
    text = {"type": "string"}
    return {
        "type": "object",
        "description": "RFC 9457",
        "required": ["type", "title", "title_vi", "title_en", "status"],
        "properties": {
            "type": text,
            "title": text,
            "title_vi": text,
            "title_en": text,
            "status": {"type": "integer", "minimum": 400, "maximum": 599},
            "detail": text,
            "instance": text,
            "rule": {"type": "string", "description": "mã quy định / id of the rule"},
            "citation": {"type": "string", "description": "căn cứ / its source"},
            "retry_after": {"type": "integer", "description": "giây / seconds"},
            "errors": {
                "type": "array",
                "items": {
                    "type": "object",
                    "required": ["field", "rule", "message_vi", "message_en"],
                    "properties": {
                        "field": text,
                        "rule": {"type": ["string", "null"]},
                        "message_vi": text,
                        "message_en": text,
                    },
                },
            },
        },
    }


def _clock() -> Document:
    return {
        "type": "object",
        "required": ["now", "offset", "rehearsal"],
        "properties": {
            "now": {"type": "string", "format": "date-time"},
            "offset": {"type": "number", "description": "giây so với giờ thật / seconds beside real time"},
            "rehearsal": {"type": "boolean"},
        },
    }


def _problem_response(text: str, status: str) -> Document:
    headers: Document = {"X-Correlation-Id": {"$ref": "#/components/headers/CorrelationId"}}
    if status in ("429", "503"):
        headers["Retry-After"] = {"$ref": "#/components/headers/RetryAfter"}
    return {
        "description": text,
        "headers": headers,
        "content": {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}},
    }


_HEX = "[0-9a-fA-F]"
_CORRELATION = f"^({_HEX}{{32}}|{_HEX}{{8}}(-{_HEX}{{4}}){{3}}-{_HEX}{{12}})$"


def _common_parameters() -> Document:
    key: Any = {"type": "string", "pattern": "^[A-Za-z0-9._-]{8,128}$"}
    return {
        "Channel": {
            "name": "X-Channel", "in": "header", "required": False,
            "description": "kênh nộp hồ sơ / the way in",
            "schema": {"type": "string", "enum": ["portal", "hue-s"], "default": "portal"},
        },
        "IdempotencyKey": {"name": "Idempotency-Key", "in": "header", "required": True, "schema": key},
        "OptionalKey": {
            "name": "Idempotency-Key", "in": "header", "required": False,
            "description": "cùng khóa thì cùng tệp / the same key names the same file", "schema": key,
        },
        "CorrelationId": {
            "name": "X-Correlation-Id", "in": "header", "required": False,
            "description": "UUID hoặc 32 chữ số hex, có ít nhất một chữ cái; giá trị khác bị thay bằng mã mới / "
            "a UUID or its 32 hex digits, at least one of them a letter; anything else is replaced by a new id",
            "schema": {"type": "string", "pattern": _CORRELATION},
        },
    }  # fmt: skip
