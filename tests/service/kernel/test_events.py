"""Events: order, repetition, poison, dead letters, replay, and the outbox as the truth."""

from __future__ import annotations

import uuid
from datetime import UTC, datetime

import orjson
import pytest

from services.common import wire
from tests.support.bus import eventually

QUEUE = wire.event_queue("oversight")
DEAD = wire.dead_queue("oversight")


def made(line, thing: str, number: int, **more):
    return line.tell(
        "thing.made", {"thing": thing, "number": number}, subject=thing, source="oversight", sequence=number,
        queue=QUEUE, **more,
    )  # fmt: skip


def effects(data, thing):
    return data["oversight"]["effects"].find_one({"_id": thing})


def dead_with(line, event_id):
    """Takes dead letters off until the one with this id (or raw text) is found."""
    while (got := line.get(DEAD)) is not None:
        headers, content, _ = got
        if event_id is None or (isinstance(content, dict) and content.get("id") == event_id):
            return headers, content
    return None


def test_a_repeated_event_has_its_effect_once(keeper, line, data):
    thing = uuid.uuid4().hex
    event_id = uuid.uuid4().hex
    for _ in range(5):
        made(line, thing, 1, event_id=event_id)
    made(line, thing, 2)
    eventually(lambda: (e := effects(data, thing)) and e["numbers"] == [1, 2], what="second effect")
    assert effects(data, thing)["count"] == 2


def test_events_that_overtake_wait_for_their_turn(keeper, line, data):
    thing = uuid.uuid4().hex
    for number in (3, 5, 2, 4):
        made(line, thing, number)
    eventually(lambda: data["oversight"]["inbox_parked"].count_documents({"event.subject": thing}) == 4, what="parked")
    assert effects(data, thing) is None
    made(line, thing, 1)
    eventually(lambda: (e := effects(data, thing)) and e["numbers"] == [1, 2, 3, 4, 5], what="all five in order")
    assert data["oversight"]["inbox_parked"].count_documents({"event.subject": thing}) == 0


def test_a_copy_that_parked_too_late_does_not_stay(keeper, line, data):
    thing = uuid.uuid4().hex
    made(line, thing, 1)
    second = made(line, thing, 2)
    eventually(lambda: (e := effects(data, thing)) and e["count"] == 2, what="both")
    # as a second copy leaves it that had looked before the first event came, and parks after the second's effect
    event = {"specversion": "1.0", "id": second}
    row = {"_id": second, "stream": f"/motcua/oversight/{thing}", "sequence": 2, "event": event}
    data["oversight"]["inbox_parked"].insert_one({**row, "parked_at": datetime.now(UTC)})
    made(line, thing, 3)
    eventually(lambda: (e := effects(data, thing)) and e["numbers"] == [1, 2, 3], what="the stream goes on")
    eventually(lambda: data["oversight"]["inbox_parked"].find_one({"_id": second}) is None, what="nothing parked")


def test_old_sequence_is_dropped(keeper, line, data):
    thing = uuid.uuid4().hex
    made(line, thing, 1)
    made(line, thing, 2)
    eventually(lambda: (e := effects(data, thing)) and e["count"] == 2, what="both")
    made(line, thing, 1)  # another id, a sequence long past
    made(line, thing, 3)
    eventually(lambda: (e := effects(data, thing)) and e["numbers"] == [1, 2, 3], what="third")


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b"{not json", "unreadable"),
        (b"[]", "unreadable"),
        (orjson.dumps({"specversion": "1.0", "id": "x"}), "unreadable"),
    ],
)
def test_unreadable_messages_are_dead_with_their_reason(keeper, line, body, reason):
    line.publish("", QUEUE, body)
    headers, _ = eventually(lambda: dead_with(line, None), what="dead letter")
    assert headers[wire.H_REASON].startswith(reason)


def test_wrong_data_is_dead_and_names_the_field(keeper, line):
    event_id = line.tell("thing.made", {"thing": "a"}, subject=uuid.uuid4().hex, source="oversight", queue=QUEUE)
    headers, _ = eventually(lambda: dead_with(line, event_id), what="dead letter")
    assert headers[wire.H_REASON].startswith("schema")
    assert "number" in headers[wire.H_REASON]


def test_an_event_of_nobody_is_dead(keeper, line):
    event_id = line.tell("other.thing", {}, subject="s", source="oversight", queue=QUEUE)
    headers, _ = eventually(lambda: dead_with(line, event_id), what="dead letter")
    assert headers[wire.H_REASON].startswith("unknown")


def test_a_failing_handler_is_retried_then_dead_and_can_be_replayed(keeper, line, data):
    thing = f"poison-{uuid.uuid4().hex}"
    event_id = made(line, thing, 1)
    headers, content = eventually(lambda: dead_with(line, event_id), within=30, every=0.5, what="dead letter")
    assert headers[wire.H_ATTEMPT] == 2  # the schedule that these tests give: 1 s, 1 s
    assert headers[wire.H_REASON].startswith("handler: ValueError")
    assert effects(data, thing) is None
    # mended meanwhile: the same event, replayed as the operator does it, has its effect now
    content["data"]["thing"] = content["data"]["thing"].replace("poison", "mended")
    line.publish("", QUEUE, orjson.dumps(content))
    eventually(lambda: effects(data, content["data"]["thing"]), what="effect after replay")


def test_what_was_told_stays_and_rebuilds_a_consumer(keeper, line, operator, data):
    thing = f"told-{uuid.uuid4().hex}"
    line.call("oversight.make", operator, key=uuid.uuid4().hex, thing=thing)
    eventually(lambda: effects(data, thing), what="effect")
    told = data["oversight"]["told"].find_one({"subject": thing})
    assert told["type"] == "vn.motcua.thing.made.v1"
    assert "outbox_mark" not in eventually(
        lambda: (t := data["oversight"]["things"].find_one({"_id": thing})) and "outbox_mark" not in t and t,
        what="sent",
    )
    # the consumer forgets everything; the retained events build it again
    for name in ("effects", "inbox", "inbox_positions", "inbox_parked"):
        data["oversight"][name].delete_many({})
    expected = data["oversight"]["told"].count_documents({})
    assert line.call("oversight.replay", operator, to="oversight")["bindings"] == ["thing.*"]
    eventually(lambda: effects(data, thing), what="effect again")
    eventually(lambda: data["oversight"]["inbox"].count_documents({}) >= expected, what="all handled")


def test_events_published_while_the_consumer_is_away_are_not_lost(keeper, line, operator, data):
    thing = f"away-{uuid.uuid4().hex}"
    keeper.end()
    made(line, thing, 1)
    keeper.start()
    eventually(lambda: effects(data, thing), what="effect after restart")


def test_a_parked_event_that_fails_is_the_one_that_is_buried(keeper, line, data):
    thing = uuid.uuid4().hex
    second = line.tell(
        "thing.made", {"thing": thing}, subject=thing, source="oversight", sequence=2, queue=QUEUE
    )  # without its number
    eventually(lambda: data["oversight"]["inbox_parked"].find_one({"_id": second}), what="parked")
    first = made(line, thing, 1)
    headers, content = eventually(lambda: dead_with(line, second), what="dead letter of the second")
    assert headers[wire.H_REASON].startswith("schema")
    assert content["id"] == second != first
    assert effects(data, thing)["numbers"] == [1]
    eventually(
        lambda: not data["oversight"]["inbox_parked"].count_documents({"event.subject": thing}), what="not parked"
    )
    # mended and replayed, the stream goes on
    content["data"]["number"] = 2
    line.publish("", QUEUE, orjson.dumps(content))
    made(line, thing, 3)
    eventually(lambda: (e := effects(data, thing)) and e["numbers"] == [1, 2, 3], what="the stream again")


def test_a_replay_tells_a_room_only_what_it_listens_to(keeper, line, operator, data):
    told = data["oversight"]["told"]
    stranger = uuid.uuid4().hex
    sample = told.find_one({})
    told.insert_one(sample | {"_id": stranger, "id": stranger, "type": "vn.motcua.other.thing.v1"})
    try:
        line.call("oversight.replay", operator, to="oversight")
        thing = f"after-{uuid.uuid4().hex}"
        line.call("oversight.make", operator, key=uuid.uuid4().hex, thing=thing)
        eventually(lambda: effects(data, thing), what="the queue is worked off")
        assert dead_with(line, stranger) is None
    finally:
        told.delete_one({"_id": stranger})
