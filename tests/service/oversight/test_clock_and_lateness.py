"""The business clock of the whole system, and the intake clocks that run on it."""

from __future__ import annotations

import subprocess
import sys
from datetime import datetime, timedelta
from typing import Any

import pymongo
import pytest

from deploy.local.paths import ROOT
from services.common.calendar import local
from tests.support.bus import Bus, eventually
from tests.support.watchers import UNIT, Story, Watchers


def move(line: Bus, watchers: Watchers, to: datetime) -> dict[str, Any]:
    return line.call("oversight.move_clock", watchers.tokens.operator(), to=to.isoformat())  # type: ignore[no-any-return]


def next_weekday(after: datetime, weekday: int, hour: int, minute: int) -> datetime:
    day = local(after)
    day += timedelta(days=(weekday - day.weekday()) % 7 or 7)
    return day.replace(hour=hour, minute=minute, second=0, microsecond=0)


def timer_ran(data: pymongo.MongoClient, after: datetime) -> None:
    """Waits until the lateness timer has looked at or after a business instant, and has ended its look."""

    def looked() -> bool:
        row = data["oversight"]["timers"].find_one({"_id": "flag_late"})
        return row is not None and row["next_at"] >= after + timedelta(seconds=30)

    eventually(looked, what="the timer's look")


def late_events(data: pymongo.MongoClient, code: str) -> list[dict[str, Any]]:
    rows = data["oversight"]["ledger"].find({"body.type": "vn.motcua.intake.late.v1", "body.subject": code})
    return [row["body"]["data"] for row in rows]


@pytest.mark.req("IN-01", "IN-02")
def test_an_unanswered_filing_is_late_from_the_minute_after_and_told_once(
    story: Story, line: Bus, watchers: Watchers, data: pymongo.MongoClient
) -> None:
    friday = next_weekday(story.clock(), 4, 16, 30)
    due = (friday + timedelta(days=3)).replace(hour=8, minute=0)
    move(line, watchers, friday)
    event = story.filed(at=friday)
    control = Story(watchers, line)
    control.filed(at=friday)
    answered = control.accepted(at=due)  # at the due instant: in time
    eventually(lambda: data["oversight"]["ledger"].find_one({"body.id": event}), what="filing entered")
    eventually(lambda: data["oversight"]["ledger"].find_one({"body.id": answered}), what="answer entered")
    move(line, watchers, due - timedelta(minutes=1))
    timer_ran(data, due - timedelta(minutes=1))
    assert not late_events(data, story.code)
    move(line, watchers, due + timedelta(minutes=1))
    (told,) = eventually(lambda: late_events(data, story.code), what="intake.late")
    assert (told["code"], told["unit"]) == (story.code, UNIT)
    assert datetime.fromisoformat(told["due"]) == due
    timer_ran(data, due + timedelta(minutes=1))
    move(line, watchers, due + timedelta(minutes=10))
    timer_ran(data, due + timedelta(minutes=10))
    assert len(late_events(data, story.code)) == 1
    assert not late_events(data, control.code)
    items = line.call("oversight.late", watchers.tokens.person("desk_officer", UNIT), unit=UNIT, limit=100)["items"]
    mine = {item["code"]: item for item in items}
    assert mine[story.code]["minutes_late"] >= 10
    assert control.code not in mine
    foreign = watchers.tokens.person("desk_officer", "000.05.08.H57")
    assert line.refused("oversight.late", foreign, unit=UNIT).status == 403
    assert story.code not in str(line.call("oversight.late", foreign))


@pytest.mark.req("IN-01")
def test_a_late_answer_is_late_even_where_no_timer_saw_the_clock_run(
    story: Story, line: Bus, watchers: Watchers, data: pymongo.MongoClient
) -> None:
    filed = story.clock() - timedelta(days=7)
    monday = next_weekday(filed, 0, 9, 0)
    story.accepted(at=monday + timedelta(minutes=61), sequence=2)  # overtakes its filing
    story.filed(at=monday, sequence=1)
    (told,) = eventually(lambda: late_events(data, story.code), what="intake.late")
    assert datetime.fromisoformat(told["started"]) == monday


@pytest.mark.req("X-15")
def test_the_clock_moves_forward_only_and_only_the_operator_moves_it(
    line: Bus, watchers: Watchers, story: Story
) -> None:
    before = story.clock()
    refused = line.refused(
        "oversight.move_clock", watchers.tokens.operator(), to=(before - timedelta(hours=1)).isoformat()
    )
    assert (refused.status, refused.rule) == (409, "X-15")
    for token in (watchers.tokens.person("ioc"), watchers.tokens.person("leader", UNIT), None):
        refused = line.refused("oversight.move_clock", token, to=(before + timedelta(days=1)).isoformat())
        assert refused.status in (401, 403)
    assert story.clock() - before < timedelta(minutes=1)


@pytest.mark.req("X-15")
def test_the_operators_command_waits_until_every_process_has_followed(watchers: Watchers, story: Story) -> None:
    to = local(story.clock()) + timedelta(hours=2)
    done = command(watchers, "clock", "set", to.replace(tzinfo=None).isoformat(timespec="seconds"))
    assert done.returncode == 0, done.stdout + done.stderr
    assert "7 tiến trình" in done.stdout, "three rooms of ours and four played ones"
    for room in ("exchange", "postal"):
        port = watchers.system.process(room).health_port
        offset = offset_of(port)
        assert abs(offset - offset_of(watchers.system.process("oversight").health_port)) < 0.001
    assert command(watchers, "clock", "show").stdout.startswith(to.strftime("%Y-%m-%d %H:"))
    back = command(watchers, "clock", "set", "2024-03-01T08:00")
    assert back.returncode == 1
    assert "X-15" in back.stderr
    assert command(watchers, "clock", "set", "yesterday").returncode == 2


def test_a_restarted_process_takes_up_the_clock(watchers: Watchers, line: Bus, story: Story) -> None:
    move(line, watchers, story.clock() + timedelta(hours=1))
    watchers.system.kill("exchange")
    watchers.system.wait_ready("exchange")
    assert offset_of(watchers.system.process("exchange").health_port) == pytest.approx(
        offset_of(watchers.system.process("oversight").health_port), abs=0.001
    )


def offset_of(port: int) -> float:
    import urllib.request

    with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=5) as answer:
        for text in answer.read().decode().splitlines():
            if text.startswith("motcua_clock_offset_seconds "):
                return float(text.split()[1])
    raise AssertionError("no clock metric")


def command(watchers: Watchers, name: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    """An operator's command as ./motcua runs it."""
    return subprocess.run(
        [sys.executable, "-W", "ignore", "-m", f"deploy.operate.{name}", *arguments],
        cwd=ROOT, env=watchers.system.env("operator"), capture_output=True, text=True, timeout=60,
    )  # fmt: skip


def test_a_stranger_cannot_move_the_clock_by_the_fan_out(line: Bus, watchers: Watchers, story: Story) -> None:
    """Only oversight's signature is believed, whoever may publish."""
    from services.common.actors import Signer
    from services.common.bus.control import control_message

    before = offset_of(watchers.system.process("postal").health_port)
    keys = watchers.system.state.secrets / "keys"
    forged = control_message(
        Signer.load("operator", "operator-1", keys / "operator-1.pem"), "clock.moved", {"offset": before + 9999}
    )
    line.publish(forged.exchange, "", forged.body)
    marker = story.filed()
    eventually(lambda: line.call("oversight.ledger", watchers.tokens.operator(), code=story.code)["items"], what=marker)
    assert offset_of(watchers.system.process("postal").health_port) == before


def test_moves_are_kept_over_a_restart_of_the_owner(watchers: Watchers, line: Bus, story: Story) -> None:
    moved = move(line, watchers, story.clock() + timedelta(minutes=30))
    watchers.system.kill("oversight")
    watchers.system.wait_ready("oversight")
    again = line.call("oversight.clock", watchers.tokens.operator())
    assert again["offset"] == pytest.approx(moved["offset"], abs=0.001)
    assert again["rehearsal"] is True


@pytest.mark.req("IN-01")
def test_the_list_of_the_late_is_paged_on_an_index(
    story: Story, line: Bus, watchers: Watchers, data: pymongo.MongoClient
) -> None:
    stories = [story, Story(watchers, line), Story(watchers, line)]
    monday = next_weekday(story.clock() - timedelta(days=7), 0, 9, 0)
    for each in stories:
        each.filed(at=monday)
        each.accepted(at=monday + timedelta(minutes=61))
    eventually(lambda: all(late_events(data, each.code) for each in stories), what="all late")
    for token in (watchers.tokens.person("ioc"), watchers.tokens.person("desk_officer", UNIT)):
        seen: list[str] = []
        cursor: str | None = None
        while True:
            page = line.call("oversight.late", token, limit=1, cursor=cursor)
            seen += [item["code"] for item in page["items"]]
            cursor = page["next_cursor"]
            if cursor is None:
                break
        assert seen == sorted(seen)
        assert {each.code for each in stories} <= set(seen)
    after = {"intake_late": True, "_id": {"$gt": story.code}}
    mine = {"$in": [UNIT, "000.05.08.H57"]}
    for where in (after, after | {"unit": UNIT}, after | {"$or": [{"unit": mine}, {"desk": mine}]}):
        plan = data["oversight"].command(
            "explain", {"find": "dossiers", "filter": where, "sort": {"_id": 1}, "limit": 2}
        )["queryPlanner"]["winningPlan"]
        assert "COLLSCAN" not in str(plan), where
        assert "'SORT'" not in str(plan), where
        assert "late" in str(plan), where
