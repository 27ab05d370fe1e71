"""Places for calls: in all, per room, and per method as its answers come in good time or late."""

from __future__ import annotations

import pytest
from prometheus_client import REGISTRY

from services.common.problems import Problem
from services.gateway.admission import GOOD_TIME, LATEST_RETRY, Admission
from services.gateway.config import LEAST_CALLS_OF_METHOD, MOST_CALLS, MOST_CALLS_OF_ROOM

FILE, READ = "intake.file", "intake.dossier"


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def admission(clock) -> Admission:
    return Admission(clock)


def take(admission: Admission, method: str, count: int) -> None:
    for _ in range(count):
        admission.begin(method)


def answer(admission: Admission, clock: Clock, method: str, seconds: float, count: int = 1) -> None:
    """`count` calls beside those in hand, each answered after `seconds`."""
    for _ in range(count):
        admission.begin(method)
        clock.now += seconds
        admission.end(method, seconds)


def refused(admission: Admission, method: str) -> bool:
    try:
        admission.check(method)
    except Problem:
        return True
    return False


def test_each_refusal_is_counted_under_its_room(admission):
    before = {room: counted(room) for room in ("intake", "processing")}
    take(admission, FILE, MOST_CALLS_OF_ROOM)
    assert counted("intake") == before["intake"]
    assert refused(admission, FILE) and refused(admission, READ) and not refused(admission, "processing.case")
    assert {room: counted(room) - number for room, number in before.items()} == {"intake": 2, "processing": 0}


def counted(room: str) -> float:
    found = REGISTRY.get_sample_value("motcua_calls_refused_total", {"called": room})
    assert found is not None, "not there before the first refusal"
    return found


def test_who_is_refused_is_told_when_to_come_back_at_different_moments(admission):
    take(admission, FILE, MOST_CALLS_OF_ROOM)
    told = set()
    for _ in range(200):
        with pytest.raises(Problem) as full:
            admission.check(FILE)
        assert full.value.status == 503
        told.add(full.value.retry_after)
    assert told == set(range(1, LATEST_RETRY + 1))


def test_a_room_has_so_many_places_and_the_others_keep_theirs(admission):
    take(admission, FILE, MOST_CALLS_OF_ROOM)
    assert refused(admission, READ)
    assert not refused(admission, "identity.sign_in")
    with pytest.raises(Problem):
        admission.begin(FILE)
    assert admission.in_hand == MOST_CALLS_OF_ROOM
    admission.end(FILE, 0.1)
    assert not refused(admission, READ)


def test_all_together_have_so_many(admission):
    for number in range(MOST_CALLS // MOST_CALLS_OF_ROOM):
        take(admission, f"room{number}.method", MOST_CALLS_OF_ROOM)
    assert refused(admission, "another.method")


def test_late_answers_take_places_from_their_method_alone(admission, clock):
    answer(admission, clock, FILE, GOOD_TIME + 0.1)
    assert admission.limit(FILE) == 44
    take(admission, FILE, 44)
    assert refused(admission, FILE)
    assert not refused(admission, READ)
    assert admission.limit(READ) == MOST_CALLS_OF_ROOM


def test_what_was_late_together_cuts_once_and_never_below_the_least(admission, clock):
    take(admission, FILE, 40)
    for _ in range(40):
        admission.end(FILE, GOOD_TIME + 5)
    assert admission.limit(FILE) == 44
    for _ in range(6):
        answer(admission, clock, FILE, GOOD_TIME + 5)
    assert admission.limit(FILE) == LEAST_CALLS_OF_METHOD


def test_answers_in_good_time_give_the_places_back(admission, clock):
    answer(admission, clock, FILE, 10.0)
    low = admission.limit(FILE)
    answer(admission, clock, FILE, 0.05, count=low + 1)
    assert admission.limit(FILE) == low + 1
    answer(admission, clock, FILE, 0.05, count=3000)
    assert admission.limit(FILE) == MOST_CALLS_OF_ROOM
