"""Look-ups of many greenlets in one query."""

from __future__ import annotations

import eventlet

from services.common.batched import Batched


def _all(calls: list) -> list:
    pool = eventlet.GreenPool()
    return [thread.wait() for thread in [pool.spawn(call) for call in calls]]


def test_what_is_asked_at_the_same_time_is_one_query_and_each_gets_its_own():
    queries: list[list[int]] = []

    def fetch(keys: list[int]) -> list[int]:
        queries.append(keys)
        return [key * 10 for key in keys]

    look = Batched(fetch)
    assert _all([lambda key=key: look.get(key) for key in (1, 2, 2, 3)]) == [10, 20, 20, 30]
    assert queries == [[1, 2, 2, 3]]


def test_what_comes_while_a_query_is_under_way_goes_into_the_next():
    queries: list[list[int]] = []

    def fetch(keys: list[int]) -> list[int]:
        queries.append(keys)
        eventlet.sleep(0.01)
        return keys

    look = Batched(fetch)

    def late(key: int) -> int:
        eventlet.sleep(0.002)
        return look.get(key)

    assert _all([lambda: look.get(1), lambda: late(2), lambda: late(3)]) == [1, 2, 3]
    assert queries == [[1], [2, 3]]


def test_a_fault_reaches_everybody_of_its_query_and_nobody_after():
    faults = iter([True, False])

    def fetch(keys: list[int]) -> list[int]:
        if next(faults):
            raise ConnectionError("away")
        return keys

    look = Batched(fetch)

    def ask(key: int) -> object:
        try:
            return look.get(key)
        except ConnectionError as exc:
            return str(exc)

    assert _all([lambda: ask(1), lambda: ask(2)]) == ["away", "away"]
    assert ask(3) == 3
