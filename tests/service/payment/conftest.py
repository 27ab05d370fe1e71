"""An accepted dossier with its fee ordered, the provider's own door, and the people around it."""

from __future__ import annotations

import json
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest

from deploy.local.system import System
from services.common.problems import Problem
from tests.service.intake.conftest import Citizen, Somebody, citizen, officer, room
from tests.support.bus import Bus, eventually

__all__ = ["citizen", "officer", "ordered", "provider", "room"]


@dataclass
class Ordered:
    """A dossier whose fee was ordered at acceptance."""

    code: str
    order_id: str
    an: Citizen
    desk: Somebody

    def order(self, who: Somebody | None = None) -> dict[str, Any]:
        found: list[dict[str, Any]] = (who or self.an).call("payment.orders", code=self.code)["items"]
        assert len(found) == 1
        return found[0]


@pytest.fixture
def ordered(citizen: Any, officer: Any) -> Callable[[], Ordered]:
    """`ordered()`: somebody's accepted dossier with its order."""

    def make() -> Ordered:
        an, desk = citizen(), officer()
        code = an.file()["code"]
        desk.do("intake.accept", code=code, version=1, note="Đã đối chiếu bản giấy")

        def order() -> Any:
            try:
                return desk.call("payment.orders", code=code)["items"]
            except Problem as problem:
                return problem.status != 404 and []

        return Ordered(code, eventually(order, what="order")[0]["order_id"], an, desk)

    return make


@dataclass
class Door:
    """The provider simulator over HTTP, and payment's own entrance for its messages."""

    url: str
    bus: Bus

    def pay(self, page: str, outcome: str = "success", **more: Any) -> dict[str, Any]:
        """Pays by a payment page; nothing is sent to the callback unless asked."""
        body = {"url": page, "outcome": outcome, "send": False, **more}
        request = urllib.request.Request(
            f"{self.url}/pay", json.dumps(body).encode(), {"Content-Type": "application/json"}
        )
        with urllib.request.urlopen(request, timeout=15) as response:
            answer: dict[str, Any] = json.loads(response.read())
        return answer

    def message(self, page: str, outcome: str = "success", **more: Any) -> dict[str, str]:
        """The signed parameters of the provider's message about a payment."""
        params: dict[str, str] = self.pay(page, outcome, **more)["message"]
        return params

    def send(self, params: dict[str, str]) -> str:
        """Gives a message to payment as the gateway would; its RspCode."""
        return str(self.bus.call("payment.provider_message", params=params)["RspCode"])


@pytest.fixture
def provider(system: System, bus: Bus) -> Door:
    return Door(f"http://127.0.0.1:{system.process('provider-simulator').http_port}", bus)
