"""Cursors of lists: where a page ended, as an opaque text. A list is read in the order of a few fields, the last of
which tells rows apart; the next page is what lies beyond the fields' values of the last row shown."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from functools import reduce
from typing import Any

import orjson
from bson import ObjectId
from bson.errors import InvalidId

from services.common import problems
from services.common.store import Store

Document = dict[str, Any]
#: Fields in the list's order, each with the type of its values.
Order = Mapping[str, type]


def beyond(cursor: str | None, order: Order, *, newest_first: bool = False) -> Document:
    """The part of a query that finds what comes after a cursor; empty without one. Raises Problem 422."""
    if not cursor:
        return {}
    names, values = list(order), _read(cursor, list(order.values()))
    step = "$lt" if newest_first else "$gt"
    ways = []
    for place, name in enumerate(names):
        ways.append({**dict(zip(names[:place], values[:place], strict=True)), name: {step: values[place]}})
    return ways[0] if len(ways) == 1 else {"$or": ways}


def page(rows: Sequence[Document], limit: int, order: Order) -> tuple[list[Document], str | None]:
    """What is shown of up to `limit` + 1 rows, and the cursor of the next page, None on the last."""
    shown = list(rows[:limit])
    return shown, write(*(_value(shown[-1], name) for name in order)) if len(rows) > limit else None


def read(
    store: Store,
    collection: str,
    query: Document,
    order: Order,
    cursor: str | None,
    limit: int,
    *,
    newest_first: bool = False,
    **options: Any,
) -> tuple[list[Document], str | None]:
    """A page of what a query finds, in the list's order, and the cursor of the next. Raises Problem 422.

    `options` are the store's own, as a projection.
    """
    after = beyond(cursor, order, newest_first=newest_first)
    step = -1 if newest_first else 1
    where = {"$and": [query, after]} if after else query
    rows = store.find(collection, where, sort=[(name, step) for name in order], limit=limit + 1, **options)
    return page(list(rows), limit, order)


def write(*values: Any) -> str:
    """A cursor of values: texts, aware datetimes, ObjectIds."""
    plain = [value.isoformat() if isinstance(value, datetime) else str(value) for value in values]
    return base64.urlsafe_b64encode(orjson.dumps(plain)).decode().rstrip("=")


def _value(row: Document, path: str) -> Any:
    return reduce(lambda inner, name: inner[name], path.split("."), row)


def _read(cursor: str, kinds: Sequence[type]) -> list[Any]:
    try:
        parts = orjson.loads(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
        if not isinstance(parts, list) or len(parts) != len(kinds) or not all(isinstance(part, str) for part in parts):
            raise ValueError(cursor)
        return [_READERS[kind](part) for part, kind in zip(parts, kinds, strict=True)]
    except (ValueError, TypeError, OverflowError, binascii.Error, InvalidId):
        raise problems.invalid(
            problems.field_error("cursor", "Con trỏ trang không hợp lệ", "Not a cursor of this list")
        ) from None


def _moment(text: str) -> datetime:
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        raise ValueError("a datetime without a zone has no meaning here")
    return moment.astimezone(UTC)


_READERS: dict[type, Any] = {str: str, datetime: _moment, ObjectId: ObjectId}
