"""The SMS gateway: `POST /send {to, text, reference}`; the same reference is sent once, however often it is asked."""

from __future__ import annotations

import http.client
from urllib.parse import urlsplit

import orjson

TIMEOUT = 3.0  # seconds for the connection, and again for each read
LARGEST_ANSWER = 16 * 1024  # bytes


class SmsUnavailable(Exception):
    """The gateway could not be reached or did not take the message now; trying again may help."""


class SmsRefused(Exception):
    """The gateway will never take this message (bad number, bad text)."""


class Sms:
    """Client of one gateway address. Neither number nor text is logged or stored."""

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        self._host = parts.hostname or ""
        self._port = parts.port
        self._secure = parts.scheme == "https"
        self._path = parts.path.rstrip("/") + "/send"

    def send(self, to: str, text: str, reference: str) -> None:
        """Hands one message over. Raises SmsUnavailable or SmsRefused."""
        if not self._host:
            raise SmsUnavailable("no address of the SMS gateway")
        kind = http.client.HTTPSConnection if self._secure else http.client.HTTPConnection
        connection = kind(self._host, self._port, timeout=TIMEOUT)
        body = orjson.dumps({"to": to, "text": text, "reference": reference})
        try:
            connection.request("POST", self._path, body, {"Content-Type": "application/json"})
            response = connection.getresponse()
            response.read(LARGEST_ANSWER)
        except (OSError, http.client.HTTPException) as exc:
            raise SmsUnavailable(type(exc).__name__) from None
        finally:
            connection.close()
        if response.status in (400, 404, 413, 422):
            raise SmsRefused(str(response.status))
        if response.status not in (200, 201, 202):
            raise SmsUnavailable(str(response.status))
