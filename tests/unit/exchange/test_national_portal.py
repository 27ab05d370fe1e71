"""The client of the national portal: what runs before each call, and what it may stop."""

from __future__ import annotations

import io
from collections.abc import Mapping
from typing import Any

import pytest

from services.exchange.adapters import national_portal
from services.exchange.adapters.national_portal import NO_SESSION, Account, NationalPortal, PortalError


class Lost(Exception):
    pass


@pytest.fixture
def portal(monkeypatch: pytest.MonkeyPatch) -> NationalPortal:
    found = NationalPortal("http://127.0.0.1:1", Account("a", "u", "p"))
    found.said = []  # type: ignore[attr-defined]

    def post(path: str, document: Mapping[str, Any]) -> dict[str, Any]:
        found.said.append(path.rsplit("/", 1)[-1])  # type: ignore[attr-defined]
        if path.endswith("login"):
            return {"error_code": "0", "session": f"s{len(found.said)}"}  # type: ignore[attr-defined]
        return {"error_code": NO_SESSION if document["session"] == "s1" else "0", "data": []}

    monkeypatch.setattr(found, "_post", post)
    monkeypatch.setattr(national_portal, "succeeded", lambda reply: reply["error_code"] == "0")
    return found


def test_the_lease_is_renewed_before_every_single_call(portal: NationalPortal) -> None:
    calls: list[int] = []
    portal.send_step({}, before_call=lambda: calls.append(len(portal.said)))  # type: ignore[attr-defined]
    assert portal.said == ["login", "g", "login", "g"]  # type: ignore[attr-defined]
    assert calls == [0, 1, 2, 3]


def test_a_sender_that_lost_its_lease_says_nothing_more(portal: NationalPortal) -> None:
    def before() -> None:
        if portal.said:  # type: ignore[attr-defined]
            raise Lost

    with pytest.raises(Lost):
        portal.send_step({}, before_call=before)
    assert portal.said == ["login"]  # type: ignore[attr-defined]


@pytest.mark.parametrize("body", [b'{"a":' * 50_000, b"[" * 900 + b"]" * 900, b"{", b"\xff", b""])
def test_an_answer_that_cannot_be_read_is_the_portals_fault(body: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(national_portal._opener, "open", lambda *_, **__: io.BytesIO(body))
    with pytest.raises(PortalError, match="unreadable"):
        NationalPortal("http://127.0.0.1:1", Account("a", "u", "p")).send_step({}, before_call=lambda: None)
