"""Answers as ASGI messages: JSON, problems, pages."""

from __future__ import annotations

from typing import Any

import orjson

from services.common.problems import Problem

Headers = list[tuple[bytes, bytes]]
JSON = b"application/json"
PROBLEM = b"application/problem+json"
HTML = b"text/html; charset=utf-8"


async def send_bytes(send: Any, status: int, body: bytes, content_type: bytes, headers: Headers | None = None) -> None:
    """A whole answer at once."""
    await send(
        {
            "type": "http.response.start",
            "status": status,
            "headers": [
                (b"content-type", content_type),
                (b"content-length", str(len(body)).encode()),
                *(headers or []),
            ],
        }
    )
    await send({"type": "http.response.body", "body": body})


async def send_json(send: Any, status: int, answer: Any, headers: Headers | None = None) -> None:
    await send_bytes(send, status, orjson.dumps(answer), JSON, headers)


def problem_parts(problem: Problem) -> tuple[bytes, Headers]:
    """Body and headers of a problem document."""
    headers: Headers = []
    if problem.retry_after is not None:
        headers.append((b"retry-after", str(problem.retry_after).encode()))
    if problem.status == 401:
        headers.append((b"www-authenticate", b"Bearer"))
    if problem.status == 405 and isinstance(problem.extra.get("allow"), list):
        headers.append((b"allow", ", ".join(problem.extra["allow"]).encode()))
    return orjson.dumps(problem.to_dict()), headers


async def send_problem(send: Any, problem: Problem) -> None:
    body, headers = problem_parts(problem)
    await send_bytes(send, problem.status, body, PROBLEM, headers)


def method_not_allowed(allowed: list[str]) -> Problem:
    """405: the path is known, with other methods."""
    return Problem(
        "/problems/method-not-allowed",
        "Phương thức không được dùng ở đây",
        "The method is not allowed here",
        405,
        extra={"allow": allowed},
    )


def unsupported_media_type(wanted: str) -> Problem:
    """415: the body is of another kind than the route takes."""
    return Problem(
        "/problems/unsupported-media-type",
        "Kiểu nội dung không được chấp nhận",
        "The content type is not accepted",
        415,
        detail=wanted,
    )


def too_slow() -> Problem:
    """408: the request did not arrive in time."""
    return Problem("/problems/too-slow", "Yêu cầu truyền quá chậm", "The request takes too long", 408)


def too_long(status: int) -> Problem:
    """414 for the address, 431 for the headers."""
    if status == 414:
        return Problem("/problems/address-too-long", "Địa chỉ quá dài", "The address is too long", 414)
    return Problem("/problems/headers-too-large", "Tiêu đề yêu cầu quá dài", "The headers are too long", 431)
