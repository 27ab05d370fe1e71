"""Asks certificate authorities for their lists and answers: at the very address given, and nowhere else.

No redirects, no proxies, a bound on bytes and on time as a whole: whoever answers may be slow, wrong or hostile.
"""

from __future__ import annotations

import time
import urllib.error
import urllib.request
from typing import Any

LARGEST = 64 * 1024 * 1024  # bytes of a list; a million revoked certificates fit
LARGEST_ANSWER = 256 * 1024
SECONDS = 60.0  # for one list as a whole
_SILENCE = 10.0  # seconds without a byte
_BLOCK = 256 * 1024


class Unreachable(Exception):
    """Nothing usable came; `why` is away, status, slow or large."""

    def __init__(self, why: str) -> None:
        super().__init__(why)
        self.why = why


class _NoRedirects(urllib.request.HTTPRedirectHandler):
    """The allowed address is the only one that is asked."""

    def redirect_request(self, *_: Any) -> None:
        return None


_opener = urllib.request.build_opener(urllib.request.ProxyHandler({}), _NoRedirects)


def fetch_list(address: str, *, seconds: float = SECONDS, largest: int = LARGEST) -> bytes:
    """The bytes of a list. Raises Unreachable."""
    return _asked(urllib.request.Request(address), seconds, largest)


def ask_status(address: str, question: bytes, *, seconds: float = SECONDS) -> bytes:
    """A responder's answer to an OCSP question. Raises Unreachable."""
    headers = {"Content-Type": "application/ocsp-request"}
    return _asked(urllib.request.Request(address, question, headers), seconds, LARGEST_ANSWER)


def _asked(request: urllib.request.Request, seconds: float, largest: int) -> bytes:
    ends = time.monotonic() + seconds
    try:
        with _opener.open(request, timeout=min(_SILENCE, seconds)) as response:
            if response.status != 200:
                raise Unreachable("status")
            data = bytearray()
            while block := response.read1(_BLOCK):
                data += block
                if len(data) > largest:
                    raise Unreachable("large")
                if time.monotonic() > ends:
                    raise Unreachable("slow")
            return bytes(data)
    except urllib.error.HTTPError as error:
        error.close()
        raise Unreachable("status") from None
    except TimeoutError:
        raise Unreachable("slow") from None
    except (urllib.error.URLError, OSError, ValueError) as error:
        slow = isinstance(getattr(error, "reason", None), TimeoutError)
        raise Unreachable("slow" if slow else "away") from None
