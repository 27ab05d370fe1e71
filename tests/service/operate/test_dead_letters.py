"""`motcua dead-letters` on a real broker: listing changes nothing, a replay neither loses nor loops."""

from __future__ import annotations

import contextlib
import json
import uuid

import pika
import pytest
from pika.exceptions import ChannelClosedByBroker

from deploy.operate import dead_letters
from services.common import wire
from services.common.queues import PARTNER_DEAD
from services.postal.partner import queue_declarations
from tests.support.bus import eventually

ROOM = "oversight"
DEAD = wire.dead_queue(ROOM)


@pytest.fixture
def url(stores, keeper, line) -> str:
    for room in wire.ROOMS:  # other tests of this broker leave theirs
        channel = line.connection.channel()
        with contextlib.suppress(ChannelClosedByBroker):  # a room that never ran has no queue
            channel.queue_purge(wire.dead_queue(room))
            channel.close()
    return stores.amqp_url("operator")


@pytest.fixture
def run(url, capsys):
    def command(*arguments: str) -> tuple[int, str, str]:
        status = dead_letters.main(list(arguments), url)
        printed = capsys.readouterr()
        return status, printed.out, printed.err

    return command


def bury(line, thing: str) -> str:
    """One dead letter made by the room itself: data that its schema refuses."""
    event_id = line.tell(
        "thing.made", {"thing": thing}, subject=thing, source=ROOM, queue=wire.event_queue(ROOM)
    )  # fmt: skip
    eventually(lambda: line.depth(DEAD) > 0, what="a dead letter")
    return event_id


def put_dead(line, event: dict[str, object] | bytes, queue: str = DEAD, **headers: object) -> None:
    """A dead letter written straight into the queue, as a room leaves it, by one who is believed."""
    body = event if isinstance(event, bytes) else json.dumps(event).encode()
    given = {wire.H_REASON: "handler: ValueError after 2 attempts", wire.H_ATTEMPT: 2, wire.H_FAULTS: 3,
             wire.H_FIRST_FAILED: "2026-11-22T03:00:00+00:00", **headers}  # fmt: skip
    line.channel.confirm_delivery()
    line.channel.basic_publish(
        "",
        queue,
        body,
        pika.BasicProperties(user_id="operator", delivery_mode=2, headers=given, message_id="m1", type="t1"),
    )


def given_back(line, letters: int) -> None:
    """Waits until so many lie there again: what was looked at comes back soon after the channel is closed."""
    eventually(lambda: line.depth(DEAD) == letters, what=f"{letters} letters")


def mended(thing: str) -> dict[str, object]:
    """An event that the room can handle now."""
    return {
        "specversion": "1.0", "id": uuid.uuid4().hex, "source": f"/motcua/{ROOM}", "type": "vn.motcua.thing.made.v1",
        "time": "2026-11-22T03:00:00Z", "recordedtime": "2026-11-22T03:00:00Z", "subject": thing,
        "aggregateid": thing, "sequence": 1, "correlationid": "c", "causationid": "c", "actorid": "service:test",
        "datacontenttype": "application/json", "data": {"thing": thing, "number": 1},
    }  # fmt: skip


def test_list_shows_what_the_room_wrote_and_takes_nothing_away(run, line):
    thing = uuid.uuid4().hex
    event_id = bury(line, thing)
    for _ in range(3):
        status, printed, _ = run("list", "--json")
        assert status == 0
        [row] = json.loads(printed)
        assert row["room"] == ROOM
        assert row["id"] == event_id
        assert row["type"] == "vn.motcua.thing.made.v1"
        assert row["subject"] == thing
        assert row["reason"].startswith("schema")
        assert row["first_failed"]
    eventually(lambda: line.depth(DEAD) == 1, what="still one")
    assert event_id in run("list")[1]


def test_list_of_nothing_and_of_a_room_that_never_ran(run):
    assert run("list") == (0, "no dead letters\n", "")
    assert run("list", "--room", "postal")[1] == "no dead letters\n"


def test_show_prints_headers_and_body(run, line):
    event = mended(uuid.uuid4().hex)
    put_dead(line, event)
    status, printed, _ = run("show", str(event["id"]))
    assert status == 0
    assert "handler: ValueError after 2 attempts" in printed
    assert '"number": 1' in printed
    assert line.depth(DEAD) == 1
    assert run("show", "unknown")[0] == 1


def test_what_is_no_event_has_a_name_too(run, line):
    put_dead(line, b"{broken")
    [row] = json.loads(run("list", "--json")[1])
    assert row["id"].startswith("sha256:")
    status, printed, _ = run("show", row["id"])
    assert status == 0
    assert "{broken" in printed


def nested(levels: int) -> bytes:
    return b'{"id":"deep","type":"t","subject":"s","data":' + b'{"a":' * levels + b"1" + b"}" * levels + b"}"


def test_what_no_reader_can_read_stands_in_nobodys_way(run, line):
    """Nested without end or too deep to print, half a pair of UTF-16, other types where texts and counts belong."""
    good = mended(uuid.uuid4().hex)
    put_dead(line, b'{"a":' * 5_000)
    put_dead(line, b"[" * 100_000)
    put_dead(line, nested(300))
    put_dead(line, nested(30_000))
    put_dead(line, b'{"id":"half","type":"\\ud800","subject":["x"],"data":{"a":"\\ud800"}}')
    put_dead(line, {"id": "odd", "type": {"a": 1}, "subject": 7, "data": 1e400}, **{wire.H_ATTEMPT: "many"})
    put_dead(line, good)
    status, printed, _ = run("list", "--json")
    rows = json.loads(printed)
    assert (status, len(rows)) == (0, 7)
    assert rows[-1]["id"] == good["id"]
    assert [row["id"] for row in rows[4:6]] == ["half", "odd"]
    assert run("list")[0] == 0
    for row in rows:
        status, printed, _ = run("show", row["id"])
        assert status == 0
    status, printed, _ = run("replay", "--all", "--room", ROOM)
    assert (status, "7 replayed" in printed) == (0, True)
    eventually(lambda: line.depth(DEAD) == 6, what="all but the good one dead again")


def test_replay_of_one_has_its_effect_and_leaves_the_others(run, line, data):
    first, second = mended(uuid.uuid4().hex), mended(uuid.uuid4().hex)
    put_dead(line, first)
    put_dead(line, second)
    assert run("replay", str(second["id"]))[0] == 0
    eventually(lambda: data[ROOM]["effects"].find_one({"_id": second["subject"]}), what="effect after replay")
    eventually(lambda: line.depth(DEAD) == 1, what="the other")
    assert [row["id"] for row in json.loads(run("list", "--json")[1])] == [first["id"]]
    assert data[ROOM]["effects"].find_one({"_id": first["subject"]}) is None
    assert run("replay", str(second["id"]))[0] == 1


@pytest.mark.parametrize("user", ["exchange", None])
def test_what_another_room_put_there_is_named_and_not_sent(run, line, stores, data, user):
    """Every room may write into every queue through the default exchange; a replay would make it believed."""
    invented, own = mended(uuid.uuid4().hex), mended(uuid.uuid4().hex)
    connection = pika.BlockingConnection(pika.URLParameters(stores.amqp_url("exchange")))
    channel = connection.channel()
    channel.confirm_delivery()
    headers = {wire.H_REASON: "handler: AutoReconnect after 8 attempts", wire.H_ATTEMPT: 8}
    channel.basic_publish(
        "", DEAD, json.dumps(invented).encode(), pika.BasicProperties(user_id=user, delivery_mode=2, headers=headers)
    )
    connection.close()
    put_dead(line, own)
    assert [row["by"] for row in json.loads(run("list", "--json")[1])] == [user or "", "operator"]
    given_back(line, 2)
    assert f"published by {user or 'nobody'}" in run("list")[1]
    for lying, arguments in ((2, ["--all", "--room", ROOM]), (1, [str(invented["id"])])):
        given_back(line, lying)
        status, _, complaint = run("replay", *arguments)
        assert status == 1
        assert f"not replayed to {ROOM}: {invented['id']}" in complaint
    eventually(lambda: data[ROOM]["effects"].find_one({"_id": own["subject"]}), what="effect of the other")
    given_back(line, 1)
    assert [row["id"] for row in json.loads(run("list", "--json")[1])] == [invented["id"]]
    assert data[ROOM]["effects"].find_one({"_id": invented["subject"]}) is None
    given_back(line, 1)
    status, printed, _ = run("drop", str(invented["id"]), "--room", ROOM)
    assert (status, str(invented["id"]) in printed) == (0, True)
    given_back(line, 0)
    assert run("drop", str(invented["id"]), "--room", ROOM)[0] == 1


def test_what_the_room_held_to_be_forged_is_sent_by_its_id_only(run, line, data):
    event = mended(uuid.uuid4().hex)
    put_dead(line, event, **{wire.H_REASON: "forged: thing.made was published by nobody, not by oversight"})
    status, printed, complaint = run("replay", "--all", "--room", ROOM)
    assert (status, "0 replayed, 1 left" in printed, "forged" in complaint) == (1, True, True)
    given_back(line, 1)
    assert run("replay", str(event["id"]))[0] == 0
    eventually(lambda: data[ROOM]["effects"].find_one({"_id": event["subject"]}), what="effect of the replay by id")


def test_replay_gives_a_fresh_count_of_attempts(run, line):
    event = mended(f"poison-{uuid.uuid4().hex}")
    put_dead(line, event)
    assert run("replay", str(event["id"]))[0] == 0

    def again():
        rows = json.loads(run("list", "--json")[1])
        return rows[0] if rows else None

    row = eventually(again, within=30, every=0.5, what="dead again after its own attempts")
    assert (
        row["attempts"] == 2
    )  # the schedule that these tests give: with its old count of faults it would die at the first
    assert row["first_failed"] > "2026-11-22T03:00:00+00:00"


def test_replay_all_ends_even_where_letters_die_again_at_once(run, line):
    for _ in range(5):
        put_dead(line, b"{broken")
    status, printed, _ = run("replay", "--all", "--room", ROOM)
    assert status == 0
    assert "5 replayed" in printed
    eventually(lambda: line.depth(DEAD) == 5, what="all dead again")


def test_a_replay_that_the_broker_refuses_loses_nothing(run, line, monkeypatch):
    event = mended(uuid.uuid4().hex)
    put_dead(line, event)
    monkeypatch.setattr(wire, "event_queue", lambda room: "nobody.has.this.queue")
    status, _, complaint = run("replay", "--all")
    assert status == 1
    assert "did not take it" in complaint
    eventually(lambda: line.depth(DEAD) == 1, what="still there")


def test_messages_of_the_partner_are_listed_but_not_replayed(run, stores):
    connection = pika.BlockingConnection(pika.URLParameters(stores.amqp_url("operator", "partner")))
    channel = connection.channel()
    declared = dict(queue_declarations())[PARTNER_DEAD]
    channel.queue_declare(PARTNER_DEAD, durable=True, arguments=declared)
    channel.confirm_delivery()
    kept = {"message_id": "M-1", "order_number": "000.05.07.H57-240311-0001", "sha256": "0" * 64}
    headers = {wire.H_REASON: "schema", wire.H_FIRST_FAILED: "2026-11-22T03:00:00+00:00"}
    channel.basic_publish("", PARTNER_DEAD, json.dumps(kept).encode(), pika.BasicProperties(headers=headers))
    try:
        [row] = json.loads(run("list", "--json", "--room", "partner")[1])
        assert (row["id"], row["subject"], row["reason"]) == ("M-1", "000.05.07.H57-240311-0001", "schema")
        for room in (["--room", "partner"], []):
            status, _, complaint = run("replay", "M-1", *room)
            assert status == 1
            assert "send it again" in complaint
    finally:
        channel.queue_purge(PARTNER_DEAD)
        connection.close()


def test_an_id_means_every_letter_of_it_unless_a_room_is_named(run, line):
    """What is no event is named by its content, so copies of it in two rooms have one id."""
    other, body = "postal", f"no event {uuid.uuid4().hex}".encode()
    mine, others = wire.event_queue(other), wire.dead_queue(other)
    line.channel.queue_purge(mine)
    try:
        for queue in (DEAD, others, others):
            put_dead(line, body, queue)
        rows = json.loads(run("list", "--json")[1])
        assert len(rows) == 3
        [id] = {row["id"] for row in rows}
        given_back(line, 1)
        eventually(lambda: line.depth(others) == 2, what="both are back")
        status, printed, _ = run("replay", id, "--room", other)
        assert (status, printed.count("replayed to postal"), printed.count("replayed to")) == (0, 2, 2)
        eventually(lambda: (line.depth(mine), line.depth(others), line.depth(DEAD)) == (2, 0, 1), what="that room's")
        put_dead(line, body, others)
        status, printed, _ = run("replay", id)
        assert (status, printed.count("replayed to postal"), printed.count(f"replayed to {ROOM}")) == (0, 1, 1)
        eventually(lambda: (line.depth(mine), line.depth(others), line.depth(DEAD)) == (3, 0, 1), what="dead again")
    finally:
        for queue in (mine, others):
            line.channel.queue_purge(queue)


@pytest.mark.parametrize("arguments", [[], ["x", "--all"], ["--all", "x"], ["--all", "--room", ROOM, "x"]])
def test_a_replay_takes_one_id_or_all_and_never_both(arguments, capsys):
    with pytest.raises(SystemExit) as refused:
        dead_letters.main(["replay", *arguments], "amqp://nobody.is.asked")
    assert refused.value.code == 2
    assert "one ID" in (said := capsys.readouterr().err)
    assert ("not both" in said) == bool(arguments)


def test_a_look_for_one_letter_keeps_no_other(url, line):
    """Two hundred thousand may lie there: they go by one at a time."""
    wanted = mended(uuid.uuid4().hex)
    for event in (mended("a"), wanted, mended("b")):
        put_dead(line, event)
    letters = dead_letters.DeadLetters(url)
    try:
        passing = letters.look((ROOM,))
        assert next(passing).event["subject"] == "a"  # the first is given before the others are taken
        passing.close()
        assert [letter.id for letter in letters.find(str(wanted["id"]), (ROOM,))] == [wanted["id"]]
        given_back(line, 3)
        [(sent, stays)] = letters.replay((ROOM,), str(wanted["id"]))
        assert (sent.id, stays) == (wanted["id"], None)
    finally:
        letters.close()
    eventually(lambda: line.depth(DEAD) == 2, what="the others lie there")
