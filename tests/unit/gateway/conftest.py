"""The gateway's application with a bus that answers from a table, keys of its own, and no socket."""

from __future__ import annotations

import time
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from services.common import problems, wire
from services.common.actors import Signer, Verifier
from services.common.clock import BusinessClock
from services.common.problems import Problem
from services.gateway import app
from services.gateway.api import Api
from services.gateway.following import Follower
from services.gateway.limits import Buckets, Near
from services.gateway.pages import Pages


class FakeBus:
    """Answers calls from `answers`; keeps what it was asked."""

    def __init__(self) -> None:
        self.answers: dict[str, Any] = {}
        self.calls: list[tuple[str, dict[str, Any], dict[str, str], bool]] = []

    def check(self, method: str) -> None:
        """There is always room for one more call."""

    async def call(
        self, method: str, kwargs: dict[str, Any], headers: dict[str, str], timeout: float, *, repeatable: bool = False
    ) -> Any:
        assert timeout > 0
        wire.encode_call(kwargs)
        self.calls.append((method, kwargs, headers, repeatable))
        answer = self.answers.get(method, problems.not_found())
        if isinstance(answer, Problem):
            raise answer
        return answer


class FakeTransfers:
    def check_upload(self, caller: str, scope: Any) -> None:
        return None


class House:
    """The application and what it stands on."""

    def __init__(self, *, rate: float = 0, origins: tuple[str, ...] = (), https: bool = False) -> None:
        self.keys = {name: Ed25519PrivateKey.generate() for name in ("identity-1", "intake-1", "operator-1")}
        self.verifier = Verifier({kid: key.public_key() for kid, key in self.keys.items()})
        self.bus = FakeBus()
        signer = Signer("intake", "intake-1", self.keys["intake-1"])
        self.follower = Follower(self.verifier, signer, BusinessClock(3600.0, rehearsal=True))
        self.follower._sessions.set()
        api = Api(self.bus, self.follower, self.verifier, Buckets(rate), Near(signer), FakeTransfers())  # type: ignore[arg-type]
        self.app = app.build(api, Pages(), origins, https=https)

    def token(self, kid: str = "identity-1", **claims: Any) -> str:
        issuer = kid.rsplit("-", 1)[0]
        body = {"sub": "acc-1", "pid": "per-1", "grants": [["citizen", "*"]], "sid": "ses-1", **claims}
        return Signer(issuer, kid, self.keys[kid]).sign(body, 60)

    def signed_in(self, **more: str) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.token()}", **more}


@pytest.fixture
def house() -> House:
    return House()


@pytest.fixture
def make_house():
    return House


@pytest.fixture
def soon() -> float:
    return time.time() + 60
