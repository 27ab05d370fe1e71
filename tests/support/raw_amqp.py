"""What pika does not send: header values and properties as bytes that no client would write."""

from __future__ import annotations

import struct
from collections.abc import Mapping
from typing import Any

import pika
from pika.spec import Basic


class Properties(pika.BasicProperties):
    """Properties whose table of headers is given ready-made: the bytes after its length."""

    def __init__(self, table: bytes, **properties: Any) -> None:
        super().__init__(headers={}, **properties)
        self._table = table

    def encode(self) -> list[bytes]:
        whole = b"".join(super().encode())
        # flags, then properties in their order: content type and encoding come before the headers
        marker = whole.index(b"\x00\x00\x00\x00", 2)
        return [whole[:marker], struct.pack(">I", len(self._table)), self._table, whole[marker + 4 :]]


def field(name: bytes, kind: bytes, value: bytes) -> bytes:
    """One field of a table: short name, kind, value as it is."""
    return bytes([len(name)]) + name + kind + value


def long_string(value: bytes) -> bytes:
    return struct.pack(">I", len(value)) + value


#: Tables that a broker passes on and a careless client falls over.
TABLES: Mapping[str, bytes] = {
    "text that is no UTF-8": field(b"x-foreign", b"S", long_string(b"\xff\xfe\x00\x80")),
    "name that is no UTF-8": field(b"\xff\xfe", b"S", long_string(b"x")),
    "time in another aeon": field(b"x-when", b"T", struct.pack(">Q", 2**63 - 1)),
    "decimal of 200 digits": field(b"x-sum", b"D", bytes([200]) + struct.pack(">i", 1)),
}

__all__ = ["TABLES", "Basic", "Properties", "field", "long_string"]
