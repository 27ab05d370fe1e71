"""Rate limits: token buckets per address and per actor, in memory of this process.

Strict where a request costs an SMS, tries a password or a code, or asks about a code of somebody else. Several replicas
each keep their own buckets: the limit of the whole is the sum, which is what scaling out means.
"""

from __future__ import annotations

import hashlib
import hmac
import ipaddress
import math
import time
from collections.abc import Callable
from dataclasses import dataclass

from services.common import problems
from services.common.actors import Signer
from services.gateway.routes import Limit

MOST_BUCKETS = 50_000


@dataclass(frozen=True)
class Rate:
    """`burst` requests at once, then `per_second`."""

    burst: float
    per_second: float


#: per address
ADDRESS: dict[Limit, Rate] = {
    Limit.GENERAL: Rate(300, 100),
    Limit.SIGN_IN: Rate(40, 0.5),
    Limit.CODE: Rate(30, 0.2),
    Limit.LOOKUP: Rate(30, 0.5),
}
#: per actor
ACTOR = Rate(120, 20)
ACTOR_CODE = Rate(5, 1 / 60)


class Buckets:
    """`factor` multiplies every rate; 0 means no limit. `clock` answers monotonic seconds."""

    def __init__(self, factor: float = 1.0, clock: Callable[[], float] = time.monotonic) -> None:
        self._factor = factor
        self._now = clock
        self._kept: dict[tuple[str, str], tuple[float, float]] = {}

    def check_address(self, address: str, limit: Limit) -> None:
        """Takes a token of the address. Raises Problem 429."""
        near = neighbourhood(address)
        self._take(("general", near), ADDRESS[Limit.GENERAL])
        if limit is not Limit.GENERAL:
            self._take((limit.value, near), ADDRESS[limit])

    def check_actor(self, subject: str, limit: Limit) -> None:
        """Takes a token of a signed-in actor. Raises Problem 429."""
        self._take(("actor", subject), ACTOR)
        if limit is Limit.CODE:
            self._take(("actor-code", subject), ACTOR_CODE)

    def _take(self, key: tuple[str, str], rate: Rate) -> None:
        if self._factor == 0:
            return
        burst, per_second = max(1.0, rate.burst * self._factor), rate.per_second * self._factor
        now = self._now()
        tokens, at = self._kept.get(key, (burst, now))
        tokens = min(burst, tokens + (now - at) * per_second)
        if tokens < 1:
            self._kept[key] = (tokens, now)
            raise problems.too_many(retry_after=max(1, math.ceil((1 - tokens) / per_second)))
        if key not in self._kept and len(self._kept) >= MOST_BUCKETS:
            self._forget_oldest()
        self._kept[key] = (tokens - 1, now)

    def _forget_oldest(self) -> None:
        """Drops the half that was used least recently: those are the fullest."""
        oldest = sorted(self._kept, key=lambda key: self._kept[key][1])
        for key in oldest[: MOST_BUCKETS // 2]:
            del self._kept[key]


def neighbourhood(address: str) -> str:
    """An IPv4 address as it is, an IPv6 address as its /64, which one subscriber owns."""
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return address
    if parsed.version == 4:
        return address
    if parsed.ipv4_mapped is not None:
        return str(parsed.ipv4_mapped)
    return str(ipaddress.ip_network((address, 64), strict=False).network_address)


class Near:
    """Names a neighbourhood to the room that counts tries, without saying the address: a digest under a key that only
    gateways have. It derives from their signing key, so that all replicas say the same."""

    def __init__(self, signer: Signer) -> None:
        # Ed25519 signs the same message always alike, and nobody else can.
        self._key = hashlib.sha256(signer.sign_bytes(b"motcua neighbourhood v1")).digest()

    def __call__(self, address: str) -> str:
        return hmac.new(self._key, neighbourhood(address).encode(), hashlib.sha256).hexdigest()[:32]
