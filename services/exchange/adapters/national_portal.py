"""The national portal over HTTP: session login, `TraCuuHoSo`, `DongBoHoSoMC`, `CapNhatTienDoHoSoMC`.

Standard library only. One session is shared by all senders and made anew when the portal no longer knows it.
"""

from __future__ import annotations

import http.client
import json
import threading
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from services.exchange.messages import dossiers_envelope, progress_envelope, succeeded

TIMEOUT = 5.0  # seconds
BeforeCall = Callable[[], None]
# The address is given exactly; a proxy of the machine is not asked.
_opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
NO_SESSION = "05"
SERVICE_LOOKUP = "TraCuuHoSo"


def _nothing() -> None:
    """Before a call that needs nothing done before it."""


class PortalError(Exception):
    """The portal did not take a message; `why` is a short word without a person's data: timeout, unreachable,
    http <status>, error <code>, unreadable."""

    def __init__(self, why: str) -> None:
        super().__init__(why)
        self.why = why


@dataclass(frozen=True)
class Account:
    """Our account at the portal."""

    agency: str
    username: str
    password: str


class NationalPortal:
    """`url` is the portal's base address.

    A message may take several calls (a lost session is made anew): `before_call` runs before each of them, and what
    it raises ends the message.
    """

    def __init__(self, url: str, account: Account) -> None:
        self._url = url.rstrip("/")
        self._account = account
        self._session = ""
        self._turn = threading.Lock()

    def knows(self, code: str, *, before_call: BeforeCall = _nothing) -> bool:
        """Whether the portal has this dossier. Raises PortalError."""
        reply = self._call(before_call, lambda session: {
            "session": session, "madonvi": self._account.agency, "service": SERVICE_LOOKUP, "data": [{"MaHoSo": code}],
        })  # fmt: skip
        return bool(reply.get("data"))

    def send_record(self, record: Mapping[str, Any], *, updating: bool, before_call: BeforeCall = _nothing) -> None:
        """DongBoHoSoMC. Raises PortalError."""
        self._call(
            before_call,
            lambda session: dossiers_envelope(session, self._account.agency, [record], updating=updating),
        )

    def send_step(self, record: Mapping[str, Any], *, before_call: BeforeCall = _nothing) -> None:
        """CapNhatTienDoHoSoMC. Raises PortalError."""
        self._call(before_call, lambda session: progress_envelope(session, self._account.agency, [record]))

    def _call(self, before_call: BeforeCall, envelope: Any) -> dict[str, Any]:
        session = self._login(before_call)
        before_call()
        reply = self._post("/apiCongDVCQG/mapi/g", envelope(session))
        if str(reply.get("error_code")) == NO_SESSION:
            session = self._login(before_call, anew=True)
            before_call()
            reply = self._post("/apiCongDVCQG/mapi/g", envelope(session))
        if not succeeded(reply):
            raise PortalError(f"error {str(reply.get('error_code'))[:20]}")
        return reply

    def _login(self, before_call: BeforeCall, *, anew: bool = False) -> str:
        with self._turn:
            if anew or not self._session:
                before_call()
                reply = self._post(
                    "/apiCongDVCQG/mapi/login",
                    {"username": self._account.username, "password": self._account.password},
                )
                if not succeeded(reply) or not reply.get("session"):
                    raise PortalError("login refused")
                self._session = str(reply["session"])
            return self._session

    def _post(self, path: str, document: Mapping[str, Any]) -> dict[str, Any]:
        if not self._url:
            raise PortalError("unreachable")
        request = urllib.request.Request(
            self._url + path, json.dumps(document).encode(), {"Content-Type": "application/json"}, method="POST"
        )
        try:
            with _opener.open(request, timeout=TIMEOUT) as answer:
                reply = json.loads(answer.read())
        except urllib.error.HTTPError as exc:
            exc.close()
            raise PortalError(f"http {exc.code}") from None
        except TimeoutError:
            raise PortalError("timeout") from None
        except (OSError, http.client.HTTPException):
            raise PortalError("unreachable") from None
        except (ValueError, RecursionError):  # not JSON, or nested deeper than can be read
            raise PortalError("unreadable") from None
        if not isinstance(reply, dict):
            raise PortalError("unreadable")
        return reply
