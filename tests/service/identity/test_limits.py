"""Limits hold for requests at once: the slot is taken before a code is sent and before a password is looked at."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from deploy.local.system import System
from services.common.problems import Problem
from services.common.store import Store
from services.identity import codes, throttles
from services.identity import store as rows
from tests.support.bus import Bus
from tests.support.people import Citizen, Phones, citizen, somebody

AT_ONCE = 30


def at_once(system: System, method: str, **kwargs: Any) -> Counter[int]:
    """Statuses of so many equal requests at the same moment; 200 for an answer."""
    found: list[int] = []
    start = threading.Barrier(AT_ONCE)

    def run() -> None:
        line = Bus(system.amqp_url("operator"))
        try:
            start.wait(timeout=30)
            line.call(method, timeout=30.0, **kwargs)
            found.append(200)
        except Problem as problem:
            found.append(problem.status)
        finally:
            line.close()

    threads = [threading.Thread(target=run) for _ in range(AT_ONCE)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=60)
    assert len(found) == AT_ONCE
    return Counter(found)


def test_of_thirty_requests_at_once_five_codes_go_out(bus: Bus, system: System) -> None:
    person = Citizen(bus, Phones(system), somebody())
    assert at_once(system, "identity.register", **person.registration()) == {200: 5, 429: 25}
    assert len(person.phones.messages(person.phone)) == 5


def test_of_thirty_wrong_passwords_at_once_ten_are_looked_at(bus: Bus, system: System) -> None:
    person = citizen(bus, system)
    assert at_once(system, "identity.sign_in", phone=person.phone, password="wrong password") == {401: 10, 429: 20}
    assert bus.refused("identity.sign_in", phone=person.phone, password=person.password).status == 429


# --- the slots themselves --------------------------------------------------------------------------------------------

NOW = datetime(2024, 3, 11, 2, 0, tzinfo=UTC)


@pytest.fixture
def store(stores: System) -> Iterator[Store]:
    found = Store(stores.mongo_url("identity"), application="test")
    found.prepare(rows.INDEXES, rows.AGGREGATES, 30)
    found.collection("throttles").delete_many({})
    yield found
    found.close()


def take(store: Store, at: datetime, near: str = "home", most: int = 2) -> list[datetime]:
    return throttles.take_sending(store, "recovery", "blind", near, at, codes.WINDOW, most)


def test_a_sending_is_free_again_when_the_window_has_passed(store: Store) -> None:
    assert take(store, NOW) == []
    assert take(store, NOW + timedelta(minutes=5)) == []
    assert take(store, NOW + timedelta(minutes=10)) == [NOW, NOW + timedelta(minutes=5)]
    assert take(store, NOW + codes.WINDOW) == []
    assert len(take(store, NOW + codes.WINDOW)) == 2


@pytest.mark.req("SE-04")
def test_who_uses_up_codes_elsewhere_leaves_the_owner_hers(store: Store) -> None:
    throttles.forget_attempts(store, "phone/blind", "home")  # she has signed in from there
    for place in ("a", "b"):
        assert take(store, NOW, place) == take(store, NOW, place) == []
        assert len(take(store, NOW, place)) == 2
    assert len(take(store, NOW, "c")) == 4, "all strangers together"
    assert take(store, NOW) == take(store, NOW) == []
    assert len(take(store, NOW)) == 2, "her own place has its limit, too"


def attempt(store: Store, near: str = "home") -> int:
    return throttles.take_attempt(store, "phone/blind", near)[0]


def test_a_right_password_ends_the_count_and_a_fault_gives_the_try_back(store: Store) -> None:
    for _ in range(throttles.MOST_WRONG):
        assert attempt(store) == 0
    assert 0 < attempt(store) <= 900
    throttles.forget_attempts(store, "phone/blind", "home")
    for _ in range(2 * throttles.MOST_WRONG):
        wait, tried = throttles.take_attempt(store, "phone/blind", "home")
        assert wait == 0
        throttles.give_back(store, "phone/blind", tried)


def test_a_window_of_tries_begins_anew(store: Store) -> None:
    for _ in range(throttles.MOST_WRONG + 5):
        attempt(store)
    store.collection("throttles").update_one({"_id": "phone/blind"}, {"$set": {"purge_at": datetime.now(UTC)}})
    assert attempt(store) == 0


@pytest.mark.req("SE-04")
def test_guesses_from_many_places_meet_one_ceiling_and_the_owner_at_home_does_not(store: Store) -> None:
    throttles.forget_attempts(store, "phone/blind", "home")
    places = throttles.MOST_WRONG_TOGETHER // throttles.MOST_WRONG
    for place in range(places):
        for _ in range(throttles.MOST_WRONG):
            assert attempt(store, f"place {place}") == 0
        assert attempt(store, f"place {place}") > 0, "its own limit"
    assert attempt(store, "one more place") > 0, "that of all together"
    assert attempt(store) == 0
    throttles.forget_attempts(store, "phone/blind", "home")
    assert attempt(store, "one more place") > 0, "her signing in gives strangers no new tries"
    for _ in range(throttles.MOST_WRONG):
        assert attempt(store) == 0
    assert attempt(store) > 0, "her own place has its limit, too"
    assert throttles.take_attempt(store, "phone/another", "one more place")[0] == 0


def test_a_row_of_the_previous_release_counts_nothing_and_harms_nothing(store: Store) -> None:
    row = {"tried": 11, "purge_at": datetime.now(UTC) + timedelta(minutes=5)}
    store.collection("throttles").insert_many(
        [{"_id": "phone/blind", **row}, {"_id": "code/recovery/blind", "sent": [NOW, NOW], **row}]
    )
    assert attempt(store) == 0
    assert take(store, NOW) == []
