"""The ledger in a running system: every event once, signed heads outside, and an auditor who finds every change."""

from __future__ import annotations

import json
import shutil
import uuid
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pika
import pymongo
import pytest
from pika.exceptions import ChannelClosedByBroker

from deploy.operate import ledger as auditor
from deploy.operate.ledger import Keys, run_verify
from services.common import wire
from services.common.actors import Signer
from services.oversight.heads import HeadsFile
from services.oversight.ledger import GENESIS, Entry, append, entry_hash
from tests.service.oversight.test_clock_and_lateness import command
from tests.support.bus import Bus, eventually
from tests.support.watchers import Story, Watchers, real_now, wait_ledger

Ledger = pymongo.collection.Collection


@pytest.mark.req("PR-06")
def test_every_event_is_entered_once_with_both_times_and_no_person(
    story: Story, line: Bus, watchers: Watchers, data: pymongo.MongoClient
) -> None:
    event = story.filed(receiver="Nguyễn Thị An", phone="0914000123", amount=1.5)
    body = wait_ledger(data, event)["body"]
    assert (body["subject"], body["sequence"], body["source"]) == (story.code, 1, "/motcua/intake")
    assert body["time"] < "2025" < body["told_at"], "business time and real time"
    assert (body["data"]["receiver"], body["data"]["phone"]) == ("withheld", "withheld")
    assert body["data"]["amount"] == "1.5"
    line.tell(  # the broker may bring it twice
        "dossier.filed", {"code": story.code}, subject=story.code, source="intake", event_id=event
    )
    after = line.tell("notice.delivered", {"code": story.code}, subject=story.code, source="notifier")
    wait_ledger(data, after)
    assert data["oversight"]["ledger"].count_documents({"body.id": event}) == 1
    items = line.call("oversight.ledger", watchers.tokens.person("ioc"), code=story.code)["items"]
    entered = [item["body"]["id"] for item in items]
    assert [each for each in entered if each in (event, after)] == [event, after]  # others told of it meanwhile
    assert line.refused("oversight.ledger", watchers.tokens.person("desk_officer", "x")).status == 403


@pytest.mark.req("PR-06")
def test_the_ledger_of_a_running_system_verifies(watchers: Watchers, story: Story, data: pymongo.MongoClient) -> None:
    wait_ledger(data, story.filed())
    done = command(watchers, "ledger", "verify")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "The ledger is intact" in done.stdout


@pytest.mark.req("PR-06")
def test_a_kill_between_commit_and_head_is_made_good_at_the_next_start(
    watchers: Watchers, story: Story, data: pymongo.MongoClient
) -> None:
    wait_ledger(data, story.filed())
    eventually(lambda: command(watchers, "ledger", "verify").returncode == 0, what="at rest")
    watchers.system.hold("oversight")
    heads = watchers.system.state.ledger_heads / "heads.jsonl"
    lines = heads.read_bytes().splitlines(keepends=True)
    heads.write_bytes(b"".join(lines[:-1]) + lines[-1][:40])  # the last head is torn
    watchers.system.release("oversight")
    watchers.system.wait_ready("oversight")
    kept = [json.loads(text) for text in heads.read_bytes().splitlines()]
    assert json.loads(lines[-1])["sequence"] in [head["sequence"] for head in kept]
    assert command(watchers, "ledger", "verify").returncode == 0


@pytest.mark.req("PR-06")
def test_a_ledger_that_lacks_an_event_that_was_told_is_not_called_complete(
    watchers: Watchers, story: Story, data: pymongo.MongoClient, capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    monkeypatch.setattr(auditor, "ENTERED_WITHIN", 1.0)
    wait_ledger(data, story.filed())
    heads, keys = watchers.system.state.ledger_heads, Keys(watchers.system.state.public_keys)
    eventually(lambda: run_verify(data["oversight"], heads, keys, data) == 0, what="complete")
    lost = f"lost-{story.code}"
    data["postal"]["told"].insert_one({"_id": lost, "told_at": real_now()})
    try:
        capsys.readouterr()
        assert run_verify(data["oversight"], heads, keys, data) == 1
        out = capsys.readouterr().out
        assert "NOT COMPLETE" in out
        assert lost in out
    finally:
        data["postal"]["told"].delete_one({"_id": lost})
    assert run_verify(data["oversight"], heads, keys, data) == 0


# --- a room that speaks in another's name -----------------------------------------------------------------------------


@pytest.mark.req("PR-06")
def test_a_room_cannot_tell_in_another_rooms_name(
    watchers: Watchers, story: Story, line: Bus, data: pymongo.MongoClient
) -> None:
    """Payment tells that intake refused a dossier: under its own key, past the exchange, through a queue of its own
    that dead-letters under intake's key; and in intake's very name, which the broker refuses."""
    genuine = wait_ledger(data, story.filed())["body"]
    body = json.loads(json.dumps(data["oversight"]["ledger"].find_one({"body.id": genuine["id"]})["body"]["data"]))
    connection = pika.BlockingConnection(pika.URLParameters(watchers.system.amqp_url("payment")))
    channel = connection.channel()
    channel.confirm_delivery()
    detour = f"evt.payment.{uuid.uuid4().hex}"
    arguments = {
        "x-message-ttl": 0, "x-dead-letter-exchange": wire.EVENTS_EXCHANGE,
        "x-dead-letter-routing-key": "dossier.refused",
    }  # fmt: skip
    channel.queue_declare(detour, exclusive=True, arguments=arguments)
    ways = {
        "its own key": (wire.EVENTS_EXCHANGE, "payment.settled"),
        "past the exchange": ("", wire.event_queue("oversight")),
        "a detour": ("", detour),
    }  # fmt: skip
    forged: dict[str, str] = {}
    for user in (None, "payment"):
        for way, (exchange, key) in ways.items():
            event = refusal(story, body)
            forged[event["id"]] = f"{way}, {user}"
            properties = pika.BasicProperties(delivery_mode=2, user_id=user)
            channel.basic_publish(exchange, key, json.dumps(event).encode(), properties, mandatory=True)
    properties, last = (
        pika.BasicProperties(delivery_mode=2, user_id="intake"),
        json.dumps(refusal(story, body)).encode(),
    )
    with pytest.raises(ChannelClosedByBroker) as refused:
        channel.basic_publish("", wire.event_queue("oversight"), last, properties)
    assert refused.value.reply_code == 406
    connection.close()
    dead: dict[str, str] = {}

    def all_dead() -> bool:
        while (letter := line.get(wire.dead_queue("oversight"))) is not None:
            headers, content, _ = letter
            dead[content["id"]] = headers[wire.H_REASON]
        return forged.keys() <= dead.keys()

    eventually(all_dead, what="dead letters")
    assert {forged[id]: dead[id].partition(":")[0] for id in forged} == dict.fromkeys(forged.values(), "forged")
    assert data["oversight"]["ledger"].count_documents({"body.id": {"$in": list(forged)}}) == 0
    seen = line.call("oversight.recognition", watchers.tokens.person("ioc"), code=story.code)
    assert seen["recognition"] == "PENDING"


def refusal(story: Story, about: dict[str, Any]) -> dict[str, Any]:
    """dossier.refused as intake would tell it next."""
    made = uuid.uuid4().hex
    return {
        "specversion": "1.0", "id": made, "source": "/motcua/intake", "type": "vn.motcua.dossier.refused.v1",
        "time": "2024-03-11T02:00:00Z", "recordedtime": "2024-03-11T02:00:00Z", "subject": story.code,
        "aggregateid": story.code, "sequence": 2, "correlationid": made, "causationid": made, "actorid": "acc-desk",
        "datacontenttype": "application/json", "data": about,
    }  # fmt: skip


# --- attacks, on a copy ----------------------------------------------------------------------------------------------


def recompute(ledger: Ledger, start: int) -> None:
    """What an editor does who knows the algorithm: every hash from `start` on is made to fit again."""
    before = ledger.find_one({"_id": start - 1})
    previous = before["hash"] if before else GENESIS
    for row in list(ledger.find({"_id": {"$gte": start}}).sort("_id", 1)):
        digest = entry_hash(row["sequence"], previous, row["body"])
        ledger.update_one({"_id": row["_id"]}, {"$set": {"previous": previous, "hash": digest}})
        previous = digest


def change(ledger: Ledger) -> None:
    ledger.update_one({"_id": 3}, {"$set": {"body.data.unit": "000.05.08.H57"}})


def change_and_recompute(ledger: Ledger) -> None:
    change(ledger)
    recompute(ledger, 3)


def delete(ledger: Ledger) -> None:
    ledger.delete_one({"_id": 3})


def delete_and_recompute(ledger: Ledger) -> None:
    delete(ledger)
    for row in list(ledger.find({"_id": {"$gt": 3}}).sort("_id", 1)):
        ledger.delete_one({"_id": row["_id"]})
        ledger.insert_one(row | {"_id": row["_id"] - 1, "sequence": row["sequence"] - 1})
    recompute(ledger, 3)


def reorder(ledger: Ledger) -> None:
    third, fourth = ledger.find_one({"_id": 3}), ledger.find_one({"_id": 4})
    assert third is not None
    assert fourth is not None
    ledger.replace_one({"_id": 3}, fourth | {"_id": 3})
    ledger.replace_one({"_id": 4}, third | {"_id": 4})


def swap_bodies_and_recompute(ledger: Ledger) -> None:
    third, fourth = ledger.find_one({"_id": 3}), ledger.find_one({"_id": 4})
    assert third is not None
    assert fourth is not None
    ledger.update_one({"_id": 3}, {"$set": {"body": fourth["body"]}})
    ledger.update_one({"_id": 4}, {"$set": {"body": third["body"]}})
    recompute(ledger, 3)


def cut_off(ledger: Ledger) -> None:
    last = ledger.find_one(sort=[("_id", -1)])
    assert last is not None
    ledger.delete_many({"_id": {"$gt": last["_id"] - 2}})


def forge_an_end(ledger: Ledger) -> None:
    last = ledger.find_one(sort=[("_id", -1)])
    assert last is not None
    number = last["_id"] + 1
    digest = entry_hash(number, last["hash"], last["body"])
    ledger.insert_one(last | {"_id": number, "sequence": number, "previous": last["hash"], "hash": digest})


def strip_a_row(ledger: Ledger) -> None:
    ledger.update_one({"_id": 3}, {"$unset": {"hash": "", "body": ""}})


@pytest.mark.req("PR-06")
@pytest.mark.parametrize(("attack", "words"), [
    (change, "entry 3 was changed"),
    (change_and_recompute, "was rewritten"),
    (delete, "entry 3 was deleted"),
    (delete_and_recompute, "was rewritten"),
    (reorder, "reordered"),
    (swap_bodies_and_recompute, "was rewritten"),
    (cut_off, "cut off"),
    (forge_an_end, "was not entered by oversight"),
    (strip_a_row, "entry 3 was changed"),
])  # fmt: skip
def test_the_auditor_finds_what_an_editor_of_the_database_did(
    watchers: Watchers, story: Story, data: pymongo.MongoClient, tmp_path: Path, capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch, attack: Callable[[Ledger], None], words: str,
) -> None:  # fmt: skip
    monkeypatch.setattr(auditor, "ANCHOR_WITHIN", 1.0)
    for _ in range(5):
        last = story.tell("notice.delivered", "notifier")
    wait_ledger(data, last)
    copy = copied(watchers, data, tmp_path)
    keys = Keys(watchers.system.state.public_keys)
    assert run_verify(copy, tmp_path, keys) == 0, capsys.readouterr().out
    attack(copy["ledger"])
    assert run_verify(copy, tmp_path, keys) == 1
    assert words in capsys.readouterr().out


@pytest.mark.req("PR-06")
def test_heads_signed_by_anybody_else_or_lost_are_found(
    watchers: Watchers, story: Story, data: pymongo.MongoClient, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    wait_ledger(data, story.filed())
    copy = copied(watchers, data, tmp_path)
    keys = Keys(watchers.system.state.public_keys)
    heads = tmp_path / "heads.jsonl"
    whole = heads.read_text()
    heads.write_text("")
    assert run_verify(copy, tmp_path, keys) == 1
    assert "no valid signed head" in capsys.readouterr().out
    forged = [json.loads(text) | {"signature": "00" * 64} for text in whole.splitlines()[:1]]
    heads.write_text("\n".join(json.dumps(head) for head in forged) + "\n" + whole + "nonsense\n")
    assert run_verify(copy, tmp_path, keys) == 1
    out = capsys.readouterr().out
    assert "signature is not valid" in out
    assert "1 lines of the heads' file are unreadable" in out


@pytest.mark.req("PR-06")
def test_two_events_at_one_place_of_an_aggregate_are_named(
    watchers: Watchers, story: Story, data: pymongo.MongoClient, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Entered, sealed and signed as any other: only its number is another event's of the same room and dossier."""
    first = wait_ledger(data, story.tell("notice.delivered", "notifier"))
    copy = copied(watchers, data, tmp_path)
    keys = Keys(watchers.system.state.public_keys)
    signer = Signer.load("oversight", "oversight-1", watchers.system.state.secrets / "keys" / "oversight-1.pem")
    heads = HeadsFile(tmp_path, signer.kid, signer.sign_bytes)
    for change in ({"sequence": 2}, {"source": "/motcua/postal"}, {"aggregate_id": "another"}, {}):
        last = Entry.from_dict(copy["ledger"].find_one(sort=[("_id", -1)]))
        second = append(last, first["body"] | {"id": uuid.uuid4().hex} | change, signer.kid, signer.sign_bytes)
        copy["ledger"].insert_one({"_id": second.sequence, **second.to_dict()})
        heads.append(second)
        capsys.readouterr()
        assert run_verify(copy, tmp_path, keys) == (0 if change else 1)
    out = capsys.readouterr().out
    assert "EVENTS CLAIM ONE PLACE" in out
    assert f"entries {first['_id']}, {second.sequence} bear the same number: /motcua/notifier {story.code} 1" in out


def copied(watchers: Watchers, data: pymongo.MongoClient, to: Path) -> Any:
    """The ledger at rest and its heads, where they may be spoiled."""
    heads = watchers.system.state.ledger_heads
    keys = Keys(watchers.system.state.public_keys)
    eventually(lambda: run_verify(data["oversight"], heads, keys) == 0, what="at rest")
    data.drop_database("spoiled")
    rows = list(data["oversight"]["ledger"].find({}, sort=[("_id", 1)]))
    data["spoiled"]["ledger"].insert_many(rows)
    shutil.copy(heads / "heads.jsonl", to / "heads.jsonl")
    if len(rows) < len((to / "heads.jsonl").read_bytes().splitlines()):
        return copied(watchers, data, to)  # an entry came in between
    return data["spoiled"]


@pytest.mark.req("ST-04")
def test_recognition_and_figures_are_those_of_the_ledger_alone(
    story: Story, line: Bus, watchers: Watchers, data: pymongo.MongoClient
) -> None:
    control, assisted = Story(watchers, line), Story(watchers, line)
    story.filed()
    story.slip(file=False)
    story.tell("dossier.amended", stage="before_acceptance", at=story.now + timedelta(minutes=2))
    story.accepted(at=story.now + timedelta(minutes=5))
    story.tell("result.ready", "processing", sha256="2" * 64, report_id="rep", file_id="f")
    story.returned()
    control.filed()
    control.accepted()
    assisted.filed(mode="OFFICER_ASSISTED")
    wait_ledger(data, assisted.accepted())
    ioc = watchers.tokens.person("ioc")
    eventually(lambda: line.call("oversight.recognition", ioc, code=story.code)["recognition"] == "ONLINE", what="seen")
    seen = {each.code: line.call("oversight.recognition", ioc, code=each.code) for each in (control, assisted)}
    assert (seen[control.code]["recognition"], seen[control.code]["rule_set"]) == ("PENDING", "2024")
    assert seen[assisted.code]["recognition"] == "NOT"
    control.tell("case.stopped", "processing")
    eventually(lambda: line.call("oversight.recognition", ioc, code=control.code)["recognition"] == "NOT", what="NOT")
    eventually(lambda: data["oversight"]["ledger"].find_one({"body.type": "vn.motcua.slip.violated.v1",
                                                             "body.subject": story.code}), what="verdict")  # fmt: skip
    eventually(lambda: command(watchers, "ledger", "figures").returncode == 0, what="agreement")
    figures = line.call("oversight.figures", ioc)
    assert figures["total"]["online"] >= 1
    assert figures["total"]["filed"] == data["oversight"]["dossiers"].count_documents({"filed_at": {"$ne": None}})
    data["oversight"]["dossiers"].update_one({"_id": control.code}, {"$set": {"signed_result": True}})
    differing = command(watchers, "ledger", "figures")
    data["oversight"]["dossiers"].update_one({"_id": control.code}, {"$set": {"signed_result": False}})
    assert differing.returncode == 1, "an edited document shows"
    stranger = watchers.tokens.person("control_officer", "000.05.08.H57")
    assert line.refused("oversight.recognition", stranger, code=story.code).status == 403
    assert line.call("oversight.figures", stranger)["total"]["filed"] == 0
