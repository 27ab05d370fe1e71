"""`read`: a dossier read by its owner through the gateway: token check, permission check, database read."""

from __future__ import annotations

from bench.figures import IN_FLIGHT, Figure, alternating
from bench.http_load import drive
from bench.journey.baseline import Baseline
from bench.journey.house import BIRTH, House, Shares, Tokens, authorized, checked_papers, citizens

READS = 2000
ACTORS = 64


def measure(house: House, base: Baseline) -> list[Figure]:
    [citizen] = citizens(house, 1)
    code = citizen.file(BIRTH, checked_papers(house, citizen))["code"]
    tokens = Tokens(house.system)
    person = citizen.home()["account"]["person_id"]
    messages = [authorized("GET", f"/dossiers/{code}", tokens.citizen(person)) for _ in range(ACTORS)]
    port = house.system.ports["gateway.http"]
    house.rest()
    drive(port, lambda n: messages[n % ACTORS], 300, IN_FLIGHT).require(200)

    shares = Shares()

    def cost() -> float:
        before = house.cpu()
        drive(port, lambda n: messages[n % ACTORS], READS, IN_FLIGHT).require(200)
        return shares.add(before, house.cpu(), READS)

    cost_of_read, both = alternating(cost, base.both)
    return [Figure("read", "µs CPU", cost_of_read, both, 3.0, str(shares))]
