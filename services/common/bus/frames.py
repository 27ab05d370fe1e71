"""What a careless sender puts around a message must not end our connection.

amqp reads a message's properties in the greenlet that reads the connection: text that is no UTF-8, or a date past what
the machine can tell, raises there. The connection would be lost, everything in hand come again, and the same message
with it, until the broker gives up on it and on its neighbours (x-delivery-limit). Here such properties read as none:
the message then goes the way of any other that cannot be read. Header names that are no text are left out.
"""

from __future__ import annotations

from typing import Any

from amqp.basic_message import Message

from services.common import logs

_read = Message._load_properties


def _load_properties(self: Any, class_id: int, buf: bytes, offset: int) -> int:
    try:
        end: int = _read(self, class_id, buf, offset)
    except Exception as exc:
        logs.warning("properties_unreadable", fault=type(exc).__name__)
        self.properties = {}
        return offset
    headers = self.properties.get("application_headers")
    if headers and not all(isinstance(name, str) for name in headers):
        self.properties["application_headers"] = {n: value for n, value in headers.items() if isinstance(n, str)}
    return end


def tolerate() -> None:
    """From now on, for every connection of this process."""
    Message._load_properties = _load_properties
