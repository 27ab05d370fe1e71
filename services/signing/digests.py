"""Digests over one file: what stands before a signature is hashed once, for the signature and for the file."""

from __future__ import annotations

import hashlib
from typing import Any

_OTHERS = frozenset({"sha384", "sha512", "sha3_256", "sha3_384", "sha3_512"})


class Digests:
    """Remembers how far it has come with SHA-256, which nearly all signatures use."""

    def __init__(self, data: bytes) -> None:
        self._data = memoryview(data)
        self._upto: dict[int, Any] = {0: hashlib.sha256()}

    def around(self, name: str, start: int, stop: int, end: int) -> bytes | None:
        """The digest over data[:start] and data[stop:end]; None for a hash that is not known here."""
        if name == "sha256":
            digest = self._up_to(start).copy()
        elif name in _OTHERS:
            digest = hashlib.new(name, self._data[:start])
        else:
            return None
        digest.update(self._data[stop:end])
        return bytes(digest.digest())

    def whole(self) -> str:
        """The SHA-256 of the file, in hexadecimal."""
        return str(self._up_to(len(self._data)).hexdigest())

    def _up_to(self, place: int) -> Any:
        known = max(at for at in self._upto if at <= place)
        digest = self._upto[known].copy()
        digest.update(self._data[known:place])
        self._upto[place] = digest
        return digest
