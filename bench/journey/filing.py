"""`file`: a dossier filed with files that were checked before, until every room has done what follows from it."""

from __future__ import annotations

import itertools
import uuid

import orjson

from bench.figures import IN_FLIGHT, Figure, alternating
from bench.http_load import Load, drive
from bench.journey.baseline import Baseline
from bench.journey.house import BIRTH, House, Shares, authorized, checked_papers, citizens
from deploy.demo.people import Citizen

FILINGS = 160
_keys = itertools.count()


def measure(house: House, base: Baseline) -> list[Figure]:
    people = citizens(house, IN_FLIGHT)
    bodies = [orjson.dumps(person.dossier_body(BIRTH, checked_papers(house, person))) for person in people]
    shares = Shares()
    _file(house, people, bodies, IN_FLIGHT)
    house.rest()

    def cost() -> float:
        before = house.cpu()
        _file(house, people, bodies, FILINGS).require(201)
        house.rest()
        after = house.cpu()
        house.settled()
        return shares.add(before, after, FILINGS)

    cost_of_filing, both = alternating(cost, base.both)
    return [Figure("file", "µs CPU", cost_of_filing, both, 20.0, str(shares))]


def _file(house: House, people: list[Citizen], bodies: list[bytes], count: int) -> Load:
    def message(number: int) -> bytes:
        place = number % len(people)
        return authorized(
            "POST", "/dossiers", str(people[place].client.token), bodies[place],
            **{"Content-Type": "application/json", "Idempotency-Key": uuid.uuid4().hex},
        )  # fmt: skip

    return drive(house.system.ports["gateway.http"], message, count, IN_FLIGHT)
