"""Base schemas: what comes in is checked to the last field, what goes out is shaped by the same classes.

Commands refuse unknown fields, events ignore them (old versions stay readable). `unknown` is set on the class,
where the OpenAPI generator can see it. Instances are kept and reused: making one costs five times a load.
"""

from __future__ import annotations

import functools
import unicodedata
from typing import Any

from marshmallow import EXCLUDE, RAISE, Schema, ValidationError, fields

from services.common import problems, wording
from services.common.problems import FieldError, Problem


class StrictSchema(Schema):
    """A whole number that is read is one. By itself marshmallow makes 1 of 1.5 and of "1", which no document says."""

    def on_bind_field(self, field_name: str, field_obj: fields.Field) -> None:
        inner = field_obj.inner if isinstance(field_obj, fields.List) else field_obj
        if isinstance(inner, fields.Integer):
            inner.strict = True


class CommandSchema(StrictSchema):
    """Input of a command or query: unknown fields are refused."""

    class Meta:
        unknown = RAISE


class EventSchema(StrictSchema):
    """Data of an event: unknown fields are ignored by who reads it."""

    class Meta:
        unknown = EXCLUDE


class AnswerSchema(StrictSchema):
    """Output of a command or query; documents the answer and shapes it."""

    class Meta:
        unknown = EXCLUDE


class Text(fields.String):
    """A line or paragraph that a person wrote, in NFC, without control characters but line breaks and tabs.

    One of which nothing can be seen is an empty one, whatever it is made of; what can be seen must have a letter or a
    digit among it, but for `words=False`, for what another system wrote.
    """

    def __init__(self, *, words: bool = True, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self._words = words

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> str:
        text = super()._deserialize(value, attr, data, **kwargs)
        if any(unicodedata.category(c) in ("Cc", "Cs") and c not in "\n\r\t" for c in text):
            raise ValidationError("Có ký tự không hợp lệ / Contains invalid characters.")
        if wording.is_blank(text):
            return ""
        if self._words and not wording.has_words(text):
            raise ValidationError("Phải có chữ hoặc số / Must have letters or digits.")
        return unicodedata.normalize("NFC", text)


class Moment(fields.AwareDateTime):
    """An ISO 8601 time with its zone, kept in UTC."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(format="iso", **kwargs)


@functools.cache
def instance(schema: type[Schema]) -> Schema:
    """The one instance of a schema that the process keeps."""
    return schema()


def load(schema: type[Schema], data: Any, *, rule: str | None = None) -> dict[str, Any]:
    """Checks and reads `data`. Raises Problem 422 naming every field at fault."""
    if not isinstance(data, dict):
        raise problems.invalid(_fault("", "Phải là một đối tượng / Must be an object.", rule))
    try:
        loaded: dict[str, Any] = instance(schema).load(data)
    except ValidationError as err:
        raise invalid_from(err, rule=rule) from None
    return loaded


def invalid_from(err: ValidationError, *, rule: str | None = None) -> Problem:
    """A marshmallow error as a problem with one entry a field."""
    messages = err.messages if isinstance(err.messages, dict) else {"": err.messages}
    return problems.invalid(*(_fault(path, text, rule) for path, text in _flatten(messages, "")))


def _flatten(messages: Any, path: str) -> list[tuple[str, str]]:
    if isinstance(messages, dict):
        rows: list[tuple[str, str]] = []
        for key, inner in messages.items():
            name = "" if key == "_schema" else str(key)
            rows += _flatten(inner, f"{path}.{name}".strip("."))
        return rows
    return [(path, str(text)) for text in (messages if isinstance(messages, list) else [messages])]


_VIETNAMESE = {
    "Missing data for required field.": "Thiếu trường bắt buộc.",
    "Unknown field.": "Trường không được biết đến.",
    "Field may not be null.": "Trường không được để trống.",
    "Not a valid string.": "Không phải chuỗi ký tự hợp lệ.",
    "Not a valid integer.": "Không phải số nguyên hợp lệ.",
    "Not a valid number.": "Không phải số hợp lệ.",
    "Not a valid boolean.": "Không phải giá trị đúng/sai hợp lệ.",
    "Not a valid list.": "Không phải danh sách hợp lệ.",
    "Not a valid date.": "Không phải ngày hợp lệ.",
    "Not a valid datetime.": "Không phải thời điểm hợp lệ.",
    "Invalid input type.": "Sai kiểu dữ liệu.",
}


def _fault(field: str, text: str, rule: str | None) -> FieldError:
    vi, _, en = text.partition(" / ")
    if not en:
        vi, en = _VIETNAMESE.get(text, "Giá trị không hợp lệ."), text
    return problems.field_error(field, vi, en, rule)
