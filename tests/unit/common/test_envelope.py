"""Events on the wire: CloudEvents out, anything in, and a name for what is wrong with it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.common import envelope
from services.common.envelope import EnvelopeError, Event

NOW = datetime(2024, 3, 11, 2, 0, tzinfo=UTC)
EVENT = Event(
    id="e1", source="/motcua/intake", name="dossier.filed", version=1, time=NOW, recorded=NOW,
    subject="000.05.07.H57-240311-0001", aggregate_id="000.05.07.H57-240311-0001", sequence=1, correlation_id="c1",
    causation_id="k1", actor_id="acc-1", data={"procedure": "9.000001"},
)  # fmt: skip


def test_an_event_survives_the_wire():
    assert envelope.decode(EVENT.encode()) == EVENT
    assert EVENT.type == "vn.motcua.dossier.filed.v1"
    assert EVENT.room == "intake"


def test_it_is_a_cloudevent_in_utc():
    local = Event(**{**EVENT.__dict__, "time": NOW.astimezone(timezone(timedelta(hours=7)))})
    document = orjson.loads(local.encode())
    assert document["specversion"] == "1.0"
    assert document["time"] == "2024-03-11T02:00:00.000Z"
    # CloudEvents: attribute names are lower-case letters and digits
    assert all(name.isalnum() and name.islower() for name in document)


def test_attributes_of_a_later_version_are_ignored():
    assert envelope.from_dict({**EVENT.to_dict(), "traceparent": "00-x", "partitionkey": 5}) == EVENT


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"specversion": "0.3"}, "specversion"),
        ({"id": ""}, "id"),
        ({"id": 5}, "id"),
        ({"source": None}, "source"),
        ({"type": "vn.motcua.dossier.filed"}, "type"),
        ({"type": "vn.motcua.dossier.filed.v0"}, "type"),
        ({"type": "com.example.thing.v1"}, "type"),
        ({"sequence": 0}, "sequence"),
        ({"sequence": True}, "sequence"),
        ({"sequence": "1"}, "sequence"),
        ({"time": "yesterday"}, "time"),
        ({"time": "2024-03-11T09:00:00"}, "time"),
        ({"recordedtime": None}, "recordedtime"),
        ({"data": []}, "data"),
        ({"actorid": ""}, "actorid"),
    ],
)
def test_what_is_wrong_is_named(change, named):
    with pytest.raises(EnvelopeError, match=named):
        envelope.from_dict({**EVENT.to_dict(), **change})


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b"null", b"1", b'"text"', b"\xff\xfe", b"{}"])
def test_what_is_no_event_is_refused(body):
    with pytest.raises(EnvelopeError):
        envelope.decode(body)


@given(st.binary(max_size=200))
def test_no_bytes_make_it_fall_over(body):
    try:
        envelope.decode(body)
    except EnvelopeError:
        return
    raise AssertionError("random bytes made an event")


def test_ids_are_not_given_twice():
    assert len({envelope.new_event_id() for _ in range(1000)}) == 1000
