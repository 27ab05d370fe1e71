"""Problems: what a caller is told when a request is refused (RFC 9457, `application/problem+json`).

The same object is raised inside a room, travels over RPC as the exception's data (`to_dict` / `from_dict`) and is
rendered by the gateway. Text is Vietnamese first with English beside it; no text may hold personal data, because
problems are logged and kept with idempotency keys.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, TypedDict

from services.common.rules import rule

#: Members of RFC 9457 and of ours; `extra` may not shadow them.
_RESERVED = frozenset(
    {
        "type",
        "title",
        "title_vi",
        "title_en",
        "status",
        "detail",
        "instance",
        "rule",
        "citation",
        "errors",
        "retry_after",
    }
)


#: The rule that a field breaks which is of the wrong type or size, missing, or unknown.
CHECKED_INPUT = "SE-01"


class FieldError(TypedDict):
    """One field at fault: dotted path of the field, id of the rule that it breaks, message twice."""

    field: str
    rule: str
    message_vi: str
    message_en: str


@rule("SE-01", title="Mọi dữ liệu nhập được kiểm tra; mỗi trường sai được nêu tên", cites="QĐ 08/2025/QĐ-UBND Đ21.1")
def field_error(field: str, message_vi: str, message_en: str, rule: str | None = None) -> FieldError:
    """Build one entry of a problem's `errors`; `rule` is that of the checking of input where no other is named."""
    return {"field": field, "rule": rule or CHECKED_INPUT, "message_vi": message_vi, "message_en": message_en}


class Problem(Exception):
    """A refusal that a caller may see.

    `type` is a URN or a path such as "/problems/invalid"; `status` an HTTP error status (400–599); `rule` the id of
    the legal rule that refuses and `citation` its source; `retry_after` seconds; `extra` further members of the
    document.
    """

    def __init__(
        self,
        type: str,
        title_vi: str,
        title_en: str,
        status: int,
        *,
        detail: str | None = None,
        rule: str | None = None,
        citation: str | None = None,
        errors: Iterable[FieldError] = (),
        retry_after: int | None = None,
        instance: str | None = None,
        extra: Mapping[str, Any] | None = None,
    ) -> None:
        if not 400 <= status <= 599:
            raise ValueError(f"a problem has an HTTP error status, not {status}")
        if retry_after is not None and retry_after < 0:
            raise ValueError("retry_after is a number of seconds from now")
        clash = _RESERVED.intersection(extra or ())
        if clash:
            raise ValueError(f"extra may not replace {sorted(clash)}")
        super().__init__(f"{status} {type}: {title_en}")
        self.type = type
        self.title_vi = title_vi
        self.title_en = title_en
        self.status = status
        self.detail = detail
        self.rule = rule
        self.citation = citation
        self.errors: list[FieldError] = [
            field_error(error["field"], error["message_vi"], error["message_en"], error.get("rule")) for error in errors
        ]
        self.retry_after = retry_after
        self.instance = instance
        self.extra: dict[str, Any] = dict(extra or {})

    @property
    def title(self) -> str:
        """Vietnamese and English title in one line."""
        return f"{self.title_vi} / {self.title_en}"

    def to_dict(self) -> dict[str, Any]:
        """The JSON document; optional members that have no value are left out."""
        document: dict[str, Any] = {
            "type": self.type,
            "title": self.title,
            "title_vi": self.title_vi,
            "title_en": self.title_en,
            "status": self.status,
        }
        optional = {
            "detail": self.detail,
            "instance": self.instance,
            "rule": self.rule,
            "citation": self.citation,
            "retry_after": self.retry_after,
        }
        document.update({name: value for name, value in optional.items() if value is not None})
        if self.errors:
            document["errors"] = [dict(error) for error in self.errors]
        document.update(self.extra)
        return document

    @classmethod
    def from_dict(cls, document: Mapping[str, Any]) -> Problem:
        """Rebuild a problem from `to_dict`'s document. Raises KeyError or ValueError for anything else."""
        return cls(
            document["type"],
            document["title_vi"],
            document["title_en"],
            int(document["status"]),
            detail=document.get("detail"),
            rule=document.get("rule"),
            citation=document.get("citation"),
            errors=document.get("errors", ()),
            retry_after=document.get("retry_after"),
            instance=document.get("instance"),
            extra={name: value for name, value in document.items() if name not in _RESERVED},
        )

    def __reduce__(self) -> tuple[Any, ...]:
        # Exception's own pickling would call the constructor with the message alone.
        return Problem.from_dict, (self.to_dict(),)


def invalid(
    *errors: FieldError, detail: str | None = None, rule: str | None = None, citation: str | None = None
) -> Problem:
    """422: fields of a readable request are at fault. Without `rule`, the one of law that all fields name is taken."""
    named = {error["rule"] for error in errors}
    if rule is None and len(named) == 1 and named != {CHECKED_INPUT}:
        rule = named.pop()
    return Problem(
        "/problems/invalid",
        "Dữ liệu chưa hợp lệ",
        "The data is not valid",
        422,
        detail=detail,
        rule=rule,
        citation=citation,
        errors=errors,
    )


def malformed(detail: str | None = None) -> Problem:
    """400: the request cannot be read at all (broken JSON, wrong encoding)."""
    return Problem("/problems/malformed", "Không đọc được yêu cầu", "The request cannot be read", 400, detail=detail)


def unauthorized(detail: str | None = None) -> Problem:
    """401: nobody is signed in, or the proof of who acts is missing, wrong or expired."""
    return Problem("/problems/unauthorized", "Cần đăng nhập", "Sign in first", 401, detail=detail)


def forbidden(detail: str | None = None, *, rule: str | None = None, citation: str | None = None) -> Problem:
    """403: the actor is known and may not do this, here, to this."""
    return Problem(
        "/problems/forbidden",
        "Không có quyền thực hiện",
        "You may not do this",
        403,
        detail=detail,
        rule=rule,
        citation=citation,
    )


def not_found(detail: str | None = None) -> Problem:
    """404: there is no such thing, or none that the actor may know of."""
    return Problem("/problems/not-found", "Không tìm thấy", "Not found", 404, detail=detail)


def conflict(
    title_vi: str = "Trạng thái hiện tại không cho phép",
    title_en: str = "The present state does not allow this",
    *,
    detail: str | None = None,
    rule: str | None = None,
    citation: str | None = None,
    errors: Iterable[FieldError] = (),
    extra: Mapping[str, Any] | None = None,
) -> Problem:
    """409: the state of the thing, or a rule about it, refuses the command."""
    return Problem(
        "/problems/conflict",
        title_vi,
        title_en,
        409,
        detail=detail,
        rule=rule,
        citation=citation,
        errors=errors,
        extra=extra,
    )


def stale_version(expected: int, actual: int) -> Problem:
    """409: the caller wrote against version `expected`, the stored one is `actual`; nothing is merged."""
    return Problem(
        "/problems/stale-version",
        "Dữ liệu đã được người khác cập nhật",
        "Someone else has updated this meanwhile",
        409,
        extra={"expected_version": expected, "actual_version": actual},
    )


def too_large(limit: int) -> Problem:
    """413: the body exceeds `limit` bytes."""
    return Problem("/problems/too-large", "Dữ liệu quá lớn", "The body is too large", 413, extra={"limit_bytes": limit})


def too_many(retry_after: int) -> Problem:
    """429: refused to protect the system; `retry_after` in seconds."""
    return Problem(
        "/problems/too-many-requests", "Quá nhiều yêu cầu", "Too many requests", 429, retry_after=retry_after
    )


def unavailable(
    retry_after: int = 5, detail: str | None = None, *, rule: str | None = None, citation: str | None = None
) -> Problem:
    """503: a part of the system, or an outside system, does not answer now; `retry_after` in seconds. `rule`: what
    forbids to go on without it."""
    return Problem(
        "/problems/unavailable",
        "Hệ thống tạm thời chưa phục vụ được",
        "Temporarily unavailable",
        503,
        detail=detail,
        rule=rule,
        citation=citation,
        retry_after=retry_after,
    )


def idempotency_missing() -> Problem:
    """400: this command needs an `Idempotency-Key` header."""
    return Problem(
        "/problems/idempotency-key-missing",
        "Thiếu tiêu đề Idempotency-Key",
        "The Idempotency-Key header is missing",
        400,
        detail="send Idempotency-Key: 8 to 128 of A-Z a-z 0-9 . _ -, a new one for each command, "
        "the same one when you repeat it",
    )


def idempotency_mismatch() -> Problem:
    """422: the key was used before with another body."""
    return Problem(
        "/problems/idempotency-key-reused",
        "Idempotency-Key đã dùng cho nội dung khác",
        "The Idempotency-Key was used with another body",
        422,
    )


def still_running(retry_after: int = 1) -> Problem:
    """409: the first request with this key has not ended; `retry_after` in seconds."""
    return Problem(
        "/problems/still-running",
        "Yêu cầu trước với khóa này đang được xử lý",
        "The first request with this key is still running",
        409,
        retry_after=retry_after,
    )


def internal() -> Problem:
    """500 without any detail: the cause stands in the log only, under the correlation id."""
    return Problem("/problems/internal", "Lỗi hệ thống", "Internal error", 500)
