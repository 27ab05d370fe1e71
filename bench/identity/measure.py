"""`identity`: sign-ins, token checks and normalizations, against a bare Argon2 verification and bare HTTP.

A sign-in's floor is one Argon2id verification with the same parameters and one HTTP round trip; a normalization's are
two HTTP round trips, the caller's and the one to the population simulator, which answers at once.
"""

from __future__ import annotations

import itertools
import time
import uuid
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from statistics import median

import orjson
from argon2 import PasswordHasher

from bench import figures
from bench.figures import IN_FLIGHT, Figure, alternating
from bench.http_load import Load, drive, request
from bench.journey.baseline import Baseline
from bench.journey.house import BIRTH, House, Shares, Tokens, authorized, checked_papers, citizens
from deploy.demo.client import API
from deploy.demo.people import Citizen
from services.common.actors import Verifier

SIGN_INS = 64  # a round; the gateway lets forty through from one address at once
NORMALIZATIONS = 16  # a round
READS = 1000
CHECKS = 2000
USES = 10  # of one token: what a page or two asks within its ten minutes
CORES = 2  # workers of identity's pool
_JSON = {"Content-Type": "application/json", "X-Channel": "portal"}


def measure(house: House, base: Baseline) -> list[Figure]:
    people = citizens(house, 8)
    return [*_sign_in(house, base, people), *_token_check(house, people[0]), *_normalization(house, base)]


# --- signing in -------------------------------------------------------------------------------------------------------


def _sign_in(house: House, base: Baseline, people: list[Citizen]) -> list[Figure]:
    bodies = [
        orjson.dumps({"phone": one.phone.number, "password": one.password, "channel": "portal"}) for one in people
    ]

    def sign_in(count: int) -> Load:
        return drive(
            house.system.ports["gateway.http"],
            lambda n: request("POST", f"{API}/sessions", _JSON, bodies[n % len(bodies)]),
            count,
            IN_FLIGHT,
        )

    sign_in(IN_FLIGHT).require(201)
    house.rest()
    house.look()  # the hashing workers run now
    shares, rates = Shares(), []

    def cost() -> float:
        before, started = house.cpu(), time.monotonic()
        sign_in(SIGN_INS).require(201)
        rates.append(SIGN_INS / (time.monotonic() - started))
        house.rest()
        return shares.add(before, house.cpu(), SIGN_INS)

    hasher = PasswordHasher(time_cost=2, memory_cost=19 * 1024, parallelism=1)
    kept = hasher.hash("bench")
    bare_rates = []

    def bare() -> float:
        with ProcessPoolExecutor(CORES) as pool:
            list(pool.map(_verify, [kept] * CORES))  # started
            began = time.monotonic()
            list(pool.map(_verify, [kept] * SIGN_INS, chunksize=4))
            bare_rates.append(SIGN_INS / (time.monotonic() - began))
        began = time.process_time()
        for _ in range(20):
            hasher.verify(kept, "bench")
        return (time.process_time() - began) / 20 * 1e6 + base.hello()

    cost_of_one, floor = alternating(cost, bare)
    return [
        Figure("sign_in", "µs CPU", cost_of_one, floor, note=str(shares)),
        Figure("sign_in_rate", "1/s", median(rates), median(bare_rates), note=f"bare Argon2 in {CORES} processes"),
    ]


def _verify(kept: str) -> bool:
    return PasswordHasher(time_cost=2, memory_cost=19 * 1024, parallelism=1).verify(kept, "bench")


# --- the gateway's token check ----------------------------------------------------------------------------------------


def _token_check(house: House, citizen: Citizen) -> list[Figure]:
    code = citizen.file(BIRTH, checked_papers(house, citizen))["code"]
    person = citizen.home()["account"]["person_id"]
    tokens = Tokens(house.system)
    messages = [authorized("GET", f"/dossiers/{code}", tokens.citizen(person)) for _ in range(64)]
    house.rest()

    def read() -> float:
        before = house.cpu()
        drive(house.system.ports["gateway.http"], lambda n: messages[n % 64], READS, IN_FLIGHT).require(200)
        return (sum(house.cpu().values()) - sum(before.values())) / READS * 1e6

    fresh = [tokens.citizen(person) for _ in range(CHECKS // USES)]

    def check(uses: int) -> float:
        verifier = Verifier.load(house.system.state.public_keys)
        began = time.process_time()
        for token in fresh:
            for _ in range(uses):
                verifier.verify(token)
        return (time.process_time() - began) / len(fresh) / uses * 1e6

    reading, first, used = alternating(read, lambda: check(1), lambda: check(USES))
    return [
        Figure("token_check", "µs CPU", used, reading, 0.02, f"each token used {USES} times; baseline: a read"),
        Figure("token_check_first", "µs CPU", first, reading, note="a token's first use alone"),
        Figure("token_check_rate", "1/s", 1e6 / used, note="on one core"),
    ]


# --- normalizing ------------------------------------------------------------------------------------------------------


def _normalization(house: House, base: Baseline) -> list[Figure]:
    people = iter(_claimants(house, NORMALIZATIONS * (figures.ROUNDS + 1)))
    shares, rates = Shares(), []

    def normalize() -> None:
        forms = list(itertools.islice(people, NORMALIZATIONS))

        def message(number: int) -> bytes:
            citizen, form = forms[number]
            named = {"Content-Type": "application/json", "Idempotency-Key": uuid.uuid4().hex}
            return authorized("POST", "/account/normalization", str(citizen.client.token), form, **named)

        started = time.monotonic()
        drive(house.system.ports["gateway.http"], message, NORMALIZATIONS, IN_FLIGHT).require(200)
        rates.append(NORMALIZATIONS / (time.monotonic() - started))
        house.rest()

    normalize()
    rates.clear()
    house.look()

    def cost() -> float:
        before = house.cpu()
        normalize()
        return shares.add(before, house.cpu(), NORMALIZATIONS)

    cost_of_one, floor = alternating(cost, lambda: 2 * base.hello())
    return [
        Figure("normalization", "µs CPU", cost_of_one, floor, note=str(shares)),
        Figure("normalization_rate", "1/s", median(rates)),
    ]


def _claimants(house: House, number: int) -> list[tuple[Citizen, bytes]]:
    """Registered citizens, each with the form filled and its code."""
    found = citizens(house, number)
    with ThreadPoolExecutor(4) as pool:
        forms = list(pool.map(lambda citizen: orjson.dumps(citizen.normalization()), found))
    return list(zip(found, forms, strict=True))
