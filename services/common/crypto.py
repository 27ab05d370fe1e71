"""Encryption of personal fields and their blind index, under a room's own data key.

AES-256-GCM for what must be read back, HMAC-SHA256 for what must be found again. Both keys derive from the
room's data key, so no room can read or look up what another stored.
"""

from __future__ import annotations

import base64
import hmac
import os
from hashlib import sha256
from pathlib import Path

from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF


class DataKey:
    """Seals and opens short texts, and makes their blind index."""

    def __init__(self, secret: bytes, room: str) -> None:
        if len(secret) < 32:
            raise ValueError("a data key has at least 32 bytes")
        self._aead = AESGCM(_derive(secret, f"{room}/seal"))
        self._index_key = _derive(secret, f"{room}/index")

    @classmethod
    def load(cls, path: Path, room: str) -> DataKey:
        return cls(base64.b64decode(path.read_text().strip()), room)

    def seal(self, text: str, context: str) -> str:
        """Encrypts text; `context` (collection and field) is bound to it, so a value cannot be moved elsewhere."""
        nonce = os.urandom(12)
        return "v1:" + base64.b64encode(nonce + self._aead.encrypt(nonce, text.encode(), context.encode())).decode()

    def open(self, sealed: str, context: str) -> str:
        """Decrypts. Raises cryptography.exceptions.InvalidTag for another context or key."""
        version, _, body = sealed.partition(":")
        if version != "v1":
            raise ValueError("unknown version of a sealed value")
        raw = base64.b64decode(body)
        return self._aead.decrypt(raw[:12], raw[12:], context.encode()).decode()

    def blind(self, text: str, context: str) -> str:
        """A keyed digest by which an encrypted value can be looked up."""
        return hmac.new(self._index_key, f"{context}\x00{text}".encode(), sha256).hexdigest()


def _derive(secret: bytes, info: str) -> bytes:
    return HKDF(algorithm=SHA256(), length=32, salt=None, info=f"motcua/{info}".encode()).derive(secret)
