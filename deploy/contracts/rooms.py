"""What each room answers, tells and listens to, read off its service class. Nothing is started."""

from __future__ import annotations

import importlib
from dataclasses import dataclass
from typing import Any

from marshmallow import Schema

from services.common import wire
from services.common.bus.entrypoints import CommandEntrypoint, EventEntrypoint, TimerEntrypoint

_ENTRYPOINTS = "nameko_entrypoints"  # nameko.extensions.ENTRYPOINT_EXTENSIONS_ATTR


@dataclass(frozen=True)
class Method:
    """One RPC method. `answer` is None where any JSON comes back."""

    room: str
    name: str
    schema: type[Schema]
    answer: type[Schema] | None
    idempotent: bool
    many: bool
    doc: str

    @property
    def full(self) -> str:
        return f"{self.room}.{self.name}"


@dataclass(frozen=True)
class Listener:
    """One handler of one event (`*`: of every event)."""

    room: str
    event: str
    schema: type[Schema]
    ordered: bool


@dataclass(frozen=True)
class Room:
    """One room's contract."""

    name: str
    methods: tuple[Method, ...]
    tells: dict[str, type[Schema]]
    listens: tuple[Listener, ...]
    timers: tuple[tuple[str, float], ...]
    reacts: tuple[str, ...] = ()
    """Events on which a room acts inside its handler of all events."""


def load() -> list[Room]:
    """All rooms in the order of `wire.ROOMS`. Raises ImportError where one is missing."""
    return [_room(name) for name in wire.ROOMS]


def teller_of(rooms: list[Room]) -> dict[str, Room]:
    """Event name to the room that tells it. Raises ValueError where two rooms claim one event."""
    found: dict[str, Room] = {}
    for room in rooms:
        for event in room.tells:
            if event in found:
                raise ValueError(f"{event} is told by {found[event].name} and {room.name}")
            found[event] = room
    return found


def _room(name: str) -> Room:
    module = importlib.import_module(f"services.{name}.service")
    service = next(
        value
        for value in vars(module).values()
        if isinstance(value, type) and getattr(value, "name", None) == name and value.__name__.endswith("Service")
    )
    methods: list[Method] = []
    listens: list[Listener] = []
    timers: list[tuple[str, float]] = []
    for attribute in sorted(dir(service)):
        function = getattr(service, attribute)
        for entry in getattr(function, _ENTRYPOINTS, ()):
            if isinstance(entry, CommandEntrypoint):
                doc = (function.__doc__ or "").strip()
                methods.append(Method(name, attribute, entry.schema, entry.answer, entry.idempotent, entry.many, doc))
            elif isinstance(entry, EventEntrypoint):
                listens.append(Listener(name, entry.name, entry.schema, entry.ordered))
            elif isinstance(entry, TimerEntrypoint):
                timers.append((attribute, entry.seconds))
    spec: Any = module.SPEC
    return Room(
        name=name,
        methods=tuple(sorted(methods, key=lambda method: method.name)),
        tells=dict(sorted(spec.events.items())),
        listens=tuple(sorted(listens, key=lambda listener: listener.event)),
        timers=tuple(sorted(timers)),
        reacts=_reactions(name, listens),
    )


def _reactions(name: str, listens: list[Listener]) -> tuple[str, ...]:
    """Oversight takes every event in one handler; what it does beside writing the ledger stands in its own table."""
    if not any(listener.event == "*" for listener in listens):
        return ()
    return tuple(sorted(importlib.import_module(f"services.{name}.reactions").REACTIONS))
