"""Look-ups of many greenlets made as one query: what is asked for while one is under way goes into the next."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Generic, TypeVar

import eventlet
from eventlet.event import Event

Key = TypeVar("Key")
Value = TypeVar("Value")

MOST = 200  # keys in one query, where nothing else is said


class Batched(Generic[Key, Value]):
    """`fetch` answers for a list of keys (which may repeat) with the list of their values, in the same order."""

    def __init__(self, fetch: Callable[[list[Key]], list[Value]], most: int = MOST) -> None:
        self._fetch = fetch
        self._most = most
        self._waiting: list[tuple[Key, Event]] = []
        self._running = False

    def get(self, key: Key) -> Value:
        """The value of one key. Raises what `fetch` raised."""
        return self.get_all([key])[0]

    def get_all(self, keys: Iterable[Key]) -> list[Value]:
        """The values of some keys, in their order. Raises what `fetch` raised."""
        asked = [(key, Event()) for key in keys]
        self._waiting.extend(asked)
        if asked and not self._running:
            self._running = True
            eventlet.spawn_n(self._run)
        return [done.wait() for _, done in asked]

    def _run(self) -> None:
        try:
            while self._waiting:
                batch, self._waiting = self._waiting[: self._most], self._waiting[self._most :]
                try:
                    values = self._fetch([key for key, _ in batch])
                except Exception as exc:
                    for _, done in batch:
                        done.send_exception(exc)
                else:
                    for (_, done), value in zip(batch, values, strict=True):
                        done.send(value)
        finally:
            self._running = False
