"""`upload`: a PDF of 200 kB until 201 and durable, against the same bytes sent to a synced file; checks excluded."""

from __future__ import annotations

import itertools
import uuid

from bench.figures import IN_FLIGHT, Figure, alternating
from bench.http_load import drive
from bench.journey.baseline import UPLOADS, Baseline
from bench.journey.house import House, Shares, Tokens, authorized, citizens

SIZE = 200 * 1024
_numbers = itertools.count()


def measure(house: House, base: Baseline) -> list[Figure]:
    [citizen] = citizens(house, 1)
    tokens = Tokens(house.system)
    person = citizen.home()["account"]["person_id"]
    named = [tokens.citizen(person) for _ in range(IN_FLIGHT)]
    port = house.system.ports["gateway.http"]
    shares = Shares()

    def message(number: int) -> bytes:
        return authorized(
            "POST", "/uploads?purpose=component&filename=bench.pdf", named[number % IN_FLIGHT], paper(next(_numbers)),
            **{"Content-Type": "application/octet-stream", "Idempotency-Key": uuid.uuid4().hex},
        )  # fmt: skip

    drive(port, message, IN_FLIGHT, IN_FLIGHT).require(201)
    house.rest()

    def cost() -> float:
        before = _without_checks(house)
        drive(port, message, UPLOADS, IN_FLIGHT).require(201)
        after = _without_checks(house)
        house.rest()  # what follows (file.stored, its check) falls out of the figure, and out of the next round
        return shares.add(before, after, UPLOADS)

    body = paper(0)
    cost_of_upload, bare = alternating(cost, lambda: base.upload(body))
    return [Figure("upload", "µs CPU", cost_of_upload, bare, 4.0, str(shares))]


def _without_checks(house: House) -> dict[str, float]:
    return {name: seconds for name, seconds in house.cpu().items() if not name.startswith("signing")}


def paper(number: int) -> bytes:
    """A file of SIZE bytes that looks like a PDF at both ends, each with another content."""
    head = f"%PDF-1.7\n% {number} {uuid.uuid4().hex}\n".encode()
    tail = b"\n%%EOF\n"
    return head + b"x" * (SIZE - len(head) - len(tail)) + tail
