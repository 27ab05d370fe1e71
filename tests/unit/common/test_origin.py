"""Whom a room believes that told an event: the broker's word for who published it, never the event's own."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest

from services.common import wire
from services.common.bus.origin import OPERATOR, Origin, objection
from services.common.envelope import Event
from services.common.queues import EVENTS_EXCHANGE, TELLS, teller_of
from tests.unit.oversight.test_chain import event

REFUSED = event(name="dossier.refused")


def of(
    told: Event, user: str, *, key: str | None = None, exchange: str = EVENTS_EXCHANGE, room: str = "payment"
) -> Any:
    return objection(told, Origin(exchange, key or told.name, user), room)


def test_every_room_is_believed_of_its_own_events_and_of_nobody_elses() -> None:
    for room, keys in TELLS.items():
        for key in keys.split():
            told = event(name=key.replace("*", "something"), source=f"/motcua/{room}")
            assert teller_of(told.name) == room
            assert of(told, room) is None
            for other in {*wire.ROOMS, "partner", "gateway", ""} - {room}:
                assert of(told, other) is not None
                assert of(dataclasses.replace(told, source=f"/motcua/{other}"), other) is not None


@pytest.mark.req("PR-06")
def test_an_event_under_another_events_name_is_not_believed() -> None:
    said = of(REFUSED, "intake", key="dossier.filed")
    assert said == "dossier.refused was told under another name"
    assert of(REFUSED, "payment", key="payment.settled") is not None


def test_past_the_exchange_of_events_a_room_believes_itself_and_the_operator_too() -> None:
    queue = wire.event_queue("payment")
    for user in ("intake", "payment", OPERATOR):  # told again by its room, put off by a retry, replayed
        assert of(REFUSED, user, key=queue, exchange="") is None
    for user in ("processing", "exchange", ""):
        assert of(REFUSED, user, key=queue, exchange="") is not None
    assert of(REFUSED, "payment") is not None, "what a room puts off never comes through the exchange of events"


def test_what_is_said_of_it_holds_nothing_that_a_stranger_chose() -> None:
    assert of(REFUSED, "Nguyễn Thị An 0914000123") == "dossier.refused was published by nobody, not by intake"
