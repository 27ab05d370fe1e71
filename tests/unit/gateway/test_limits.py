"""Token buckets: bursts, refills, strict kinds, neighbours, memory."""

from __future__ import annotations

import re

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from deploy.contracts import rooms
from services.common import wire
from services.common.actors import Signer
from services.common.problems import Problem
from services.gateway import limits
from services.gateway.limits import ADDRESS, Buckets, Near, neighbourhood
from services.gateway.routes import API, ROUTES, Audience, Limit
from tests.unit.gateway.asgi import ask
from tests.unit.gateway.conftest import House


class Clock:
    now = 100.0

    def __call__(self) -> float:
        return self.now


def used_up(take) -> int:
    """How often it could be taken before the refusal, which says when to come back."""
    taken: list[int] = []

    def all_of_it() -> None:
        for number in range(10_000):
            take()
            taken.append(number)

    with pytest.raises(Problem) as refused:
        all_of_it()
    assert refused.value.status == 429
    assert (refused.value.retry_after or 0) >= 1
    return len(taken)


def test_a_burst_then_a_pause():
    clock = Clock()
    buckets = Buckets(1, clock)
    rate = ADDRESS[Limit.SIGN_IN]
    assert used_up(lambda: buckets.check_address("a", Limit.SIGN_IN)) == rate.burst
    clock.now += 10
    assert used_up(lambda: buckets.check_address("a", Limit.SIGN_IN)) == int(10 * rate.per_second)


def test_waiting_as_long_as_told_is_enough():
    clock = Clock()
    buckets = Buckets(1, clock)
    used_up(lambda: buckets.check_address("a", Limit.CODE))
    with pytest.raises(Problem) as refused:
        buckets.check_address("a", Limit.CODE)
    clock.now += refused.value.retry_after
    buckets.check_address("a", Limit.CODE)


def test_addresses_and_actors_do_not_take_from_each_other():
    buckets = Buckets(1, Clock())
    used_up(lambda: buckets.check_address("a", Limit.LOOKUP))
    buckets.check_address("b", Limit.LOOKUP)
    buckets.check_actor("a", Limit.GENERAL)


def test_codes_by_sms_are_few_for_one_account():
    buckets = Buckets(1, Clock())
    assert used_up(lambda: buckets.check_actor("acc", Limit.CODE)) == limits.ACTOR_CODE.burst


def test_the_factor_multiplies_and_nought_switches_off():
    double = Buckets(2, Clock())
    assert used_up(lambda: double.check_address("a", Limit.CODE)) == 2 * ADDRESS[Limit.CODE].burst
    free = Buckets(0, Clock())
    for _ in range(5000):
        free.check_address("a", Limit.CODE)


def test_one_subscriber_is_one_neighbourhood():
    assert neighbourhood("2001:db8:1:2::1") == neighbourhood("2001:db8:1:2:ffff::9") == "2001:db8:1:2::"
    assert neighbourhood("2001:db8:1:3::1") != neighbourhood("2001:db8:1:2::1")
    assert neighbourhood("::ffff:192.0.2.7") == "192.0.2.7"
    assert neighbourhood("192.0.2.7") == "192.0.2.7"


def test_memory_is_bounded_and_the_latest_are_kept():
    clock = Clock()
    buckets = Buckets(1, clock)
    for number in range(limits.MOST_BUCKETS + 10):
        clock.now += 0.001
        buckets.check_actor(str(number), Limit.GENERAL)
    assert len(buckets._kept) <= limits.MOST_BUCKETS
    assert ("actor", str(limits.MOST_BUCKETS + 9)) in buckets._kept


def test_over_http(make_house):
    house = make_house(rate=1)
    house.bus.answers["intake.lookup"] = {"code": "x"}
    for _ in range(int(ADDRESS[Limit.LOOKUP].burst)):
        assert ask(house.app, "GET", "/api/v1/lookups/x").status == 200
    answer = ask(house.app, "GET", "/api/v1/lookups/x")
    assert answer.status == 429
    assert int(answer.headers["retry-after"]) >= 1
    assert ask(house.app, "GET", "/tra-cuu/x").status == 429
    assert ask(house.app, "GET", "/api/v1/lookups/x", client="192.0.2.2").status == 200


def test_a_neighbourhood_is_named_alike_by_every_replica_and_says_no_address():
    key = Ed25519PrivateKey.generate()
    one, other = (Near(Signer("gateway", "gateway-1", key)) for _ in range(2))
    assert one("2001:db8:1:2::1") == other("2001:db8:1:2:ffff::9") != one("2001:db8:1:3::1")
    assert one("198.51.100.7") != one("198.51.100.8")
    assert "198.51" not in one("198.51.100.7")
    assert Near(Signer("gateway", "gateway-1", Ed25519PrivateKey.generate()))("198.51.100.7") != one("198.51.100.7")


@pytest.mark.parametrize("route", [r for r in ROUTES if r.limit in (Limit.SIGN_IN, Limit.CODE)], ids=lambda r: r.path)
def test_where_something_is_guessed_the_room_hears_from_where(route):
    house = House()
    house.bus.answers[route.rpc] = {}
    path = API + re.sub(r"\{[^}]*\}", "x1", route.path)
    headers = house.signed_in(**{"Idempotency-Key": "a-key-of-this-test"})
    ask(house.app, route.method, path, headers={**headers, "Content-Type": "application/json"}, body=b"{}")
    assert len(house.bus.calls[0][2][wire.H_NEAR]) == 32
    ask(house.app, "GET", API + "/account", headers=headers)
    assert wire.H_NEAR not in house.bus.calls[1][2]


@pytest.mark.req("SE-04", "X-23")
def test_wherever_something_is_guessed_or_sent_a_strict_bucket_stands():
    """Of every command of identity that nobody must sign in for, and of every one that takes a password or a code."""
    methods = {method.full: method for room in rooms.load() for method in room.methods if room.name == "identity"}
    guessing = {
        route.path
        for route in ROUTES
        if route.rpc in methods
        and route.method == "POST"
        and (route.audience is Audience.PUBLIC or {"password", "code"} & set(methods[route.rpc].schema().fields))
    }
    assert {"/sessions", "/account/recovery/confirmation", "/account/normalization"} <= guessing
    loose = {r.path for r in ROUTES if r.path in guessing and r.method == "POST" and r.limit is Limit.GENERAL}
    assert loose == set()
    asks_a_code = {"identity.register", "identity.request_recovery", "identity.request_normalization_code"}
    assert {r.limit for r in ROUTES if r.rpc in asks_a_code} == {Limit.CODE}
