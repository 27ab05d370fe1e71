"""`upload`: a PDF of 200 kB until 201 and durable, against the same bytes sent to a synced file; checks excluded."""

from __future__ import annotations

import itertools
import uuid

from bench.figures import IN_FLIGHT, ROUNDS, Figure, alternating
from bench.http_load import drive
from bench.journey.baseline import UPLOADS, Baseline
from bench.journey.house import House, Tokens, authorized, citizens

SIZE = 200 * 1024
_numbers = itertools.count()


def measure(house: House, base: Baseline) -> list[Figure]:
    [citizen] = citizens(house, 1)
    tokens = Tokens(house.system)
    person = citizen.home()["account"]["person_id"]
    named = [tokens.citizen(person) for _ in range(IN_FLIGHT)]
    port = house.system.ports["gateway.http"]
    shares: dict[str, float] = {}

    def message(number: int) -> bytes:
        return authorized(
            "POST", "/uploads?purpose=component&filename=bench.pdf", named[number % IN_FLIGHT], paper(next(_numbers)),
            **{"Content-Type": "application/octet-stream", "Idempotency-Key": uuid.uuid4().hex},
        )  # fmt: skip

    drive(port, message, IN_FLIGHT, IN_FLIGHT).require(201)
    house.rest()

    def cost() -> float:
        before = house.cpu()
        drive(port, message, UPLOADS, IN_FLIGHT).require(201)
        after = house.cpu()
        house.rest()  # what follows (file.stored, its check) falls out of the figure, and out of the next round
        for name in after:
            shares[name] = shares.get(name, 0.0) + (after[name] - before[name]) / UPLOADS / ROUNDS * 1e6
        return (sum(after.values()) - sum(before.values()) - _checks(before, after)) / UPLOADS * 1e6

    body = paper(0)
    cost_of_upload, bare = alternating(ROUNDS, cost, lambda: base.upload(body))
    note = ", ".join(f"{name} {share:.0f}" for name, share in sorted(shares.items(), key=lambda pair: -pair[1])[:7])
    return [Figure("upload", "µs CPU", cost_of_upload, bare, 4.0, note)]


def _checks(before: dict[str, float], after: dict[str, float]) -> float:
    return sum(after[name] - before[name] for name in after if name.startswith("signing"))


def paper(number: int) -> bytes:
    """A file of SIZE bytes that looks like a PDF at both ends, each with another content."""
    head = f"%PDF-1.7\n% {number} {uuid.uuid4().hex}\n".encode()
    tail = b"\n%%EOF\n"
    return head + b"x" * (SIZE - len(head) - len(tail)) + tail
