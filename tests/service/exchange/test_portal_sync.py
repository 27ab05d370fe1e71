"""Statuses reach the simulated national portal in order, once, whatever happens to the portal or to us."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pymongo
import pytest

from services.common.problems import Problem
from services.exchange.messages import stamp
from tests.support.bus import Bus, eventually
from tests.support.watchers import UNIT, Story, Watchers

PERSON = {"full_name": "Nguyễn Thị An", "id_number": "046190000123", "phone": "0914000123"}


@pytest.fixture(autouse=True)
def portal(watchers: Watchers) -> None:
    watchers.identity.answers["person"] = lambda asked: PERSON | {"person_id": asked["person_id"]}
    watchers.intake.answers["procedure"] = lambda asked: {"code": asked["code"], "name_vi": "Cấp bản sao có xác nhận"}
    watchers.http("national-simulator", "/control", {"down": False, "refuse": 0})


def seen(watchers: Watchers, code: str) -> dict[str, Any]:
    return watchers.http("national-simulator", f"/dossiers/{code}")[1]


def codes(watchers: Watchers, code: str) -> list[int]:
    return seen(watchers, code)["codes"]  # type: ignore[no-any-return]


def until(watchers: Watchers, code: str, wanted: list[int], within: float = 25.0) -> dict[str, Any]:
    eventually(lambda: codes(watchers, code) == wanted, within=within, what=f"{wanted}, not {codes(watchers, code)}")
    return seen(watchers, code)


def whole_life(story: Story) -> None:
    """The main job: filed, accepted, a fee, two steps, a signed result, returned."""
    story.filed(fee={"mode": "thu_sau", "amount": 20000, "items": []})
    story.accepted()
    story.tell("case.opened", "processing", steps=["tham-dinh", "ky-phat-hanh"])
    order = f"order-{story.code}"
    story.line.tell("payment.ordered", {"code": story.code}, subject=order, source="payment", sequence=1)
    story.line.tell("payment.settled", {"code": story.code}, subject=order, source="payment", sequence=2)
    story.line.tell("receipt.issued", {"code": story.code}, subject=order, source="payment", sequence=3)


@pytest.mark.req("SY-02")
def test_every_status_goes_out_in_order_with_its_record(story: Story, watchers: Watchers, line: Bus) -> None:
    whole_life(story)
    until(watchers, story.code, [1, 2, 4, 6, 4])
    story.tell("step.finished", "processing", step="tham-dinh", next="ky-phat-hanh")
    story.tell("result.ready", "processing", sha256="2" * 64, report_id="rep", file_id="f")
    story.returned()
    found = until(watchers, story.code, [1, 2, 4, 6, 4, 9, 10])
    record = found["record"]
    assert (record["MaHoSo"], record["MaTTHC"], record["TrangThaiHoSo"]) == (story.code, "9.000001", "10")
    assert (record["ChuHoSo"], record["SoDinhDanh"]) == (PERSON["full_name"], PERSON["id_number"])
    assert record["NgayNopHoSo"] == stamp(story.now)
    assert record["NgayHenTra"] == stamp(story.now + timedelta(days=3))
    assert (record["HinhThucTra"], record["KenhThucHien"]) == ("1", "2")
    assert [step["TrangThai"] for step in found["steps"]] == ["1", "2", "4", "6", "4", "9", "10"]
    desk = watchers.tokens.person("desk_officer", UNIT)
    state = eventually(lambda: _all_delivered(line, desk, story.code), what="state")
    assert [status["status"] for status in state["statuses"]] == [1, 2, 4, 6, 4, 9, 10]
    assert state["waiting"] == []
    foreign = watchers.tokens.person("desk_officer", "000.05.08.H57")
    assert line.refused("exchange.state", foreign, code=story.code).status == 403
    assert line.refused("exchange.state", desk, code="no-such-code").status == 404


def _all_delivered(line: Bus, token: str, code: str) -> dict[str, Any] | None:
    state = line.call("exchange.state", token, code=code)
    return state if all(status["delivered_at"] for status in state["statuses"]) else None


@pytest.mark.req("SY-02")
def test_no_person_is_kept_in_the_room(story: Story, watchers: Watchers, data: pymongo.MongoClient) -> None:
    story.filed()
    until(watchers, story.code, [1])
    for name in data["exchange"].list_collection_names():
        for row in data["exchange"][name].find({}):
            assert PERSON["full_name"] not in str(row), name
            assert PERSON["id_number"] not in str(row), name


@pytest.mark.req("SY-02")
def test_events_of_other_rooms_that_come_first_wait(story: Story, watchers: Watchers, line: Bus) -> None:
    story.tell("result.ready", "processing", sequence=2, sha256="2" * 64, report_id="rep", file_id="f")
    story.tell("case.opened", "processing", sequence=1, steps=[])
    ioc = watchers.tokens.person("ioc")

    def waits() -> bool:
        problem_or_state = _state(line, ioc, story.code)
        return problem_or_state is not None and len(problem_or_state["waiting"]) == 2

    eventually(waits, what="both wait")
    story.accepted(sequence=2)
    story.filed(sequence=1)
    until(watchers, story.code, [1, 2, 4, 9])
    state = _state(line, ioc, story.code)
    assert state is not None
    assert state["waiting"] == []
    assert state["overdue"] is False


def _state(line: Bus, token: str, code: str) -> dict[str, Any] | None:
    """The room's state; None while it has not heard of the dossier."""
    try:
        return line.call("exchange.state", token, code=code)  # type: ignore[no-any-return]
    except Problem as problem:
        if problem.status == 404:
            return None
        raise


@pytest.mark.req("SY-02")
def test_a_portal_that_is_down_gets_everything_later_in_order(story: Story, watchers: Watchers, line: Bus) -> None:
    """It refuses, is away, and refuses again: pauses double, so a refusal before costs less than a second one after."""
    watchers.http("national-simulator", "/control", {"refuse": 1})
    story.filed()
    story.accepted()
    story.tell("case.opened", "processing", steps=[])
    ioc = watchers.tokens.person("ioc")
    eventually(lambda: (found := _state(line, ioc, story.code)) and found["attempts"], what="refused")
    watchers.http("national-simulator", "/control", {"down": True})
    state = eventually(
        lambda: (found := _state(line, ioc, story.code)) and found["attempts"] >= 2 and found, what="attempts"
    )
    assert state["last_error"] == "http 503"
    assert codes(watchers, story.code) == []
    watchers.http("national-simulator", "/control", {"down": False, "refuse": 1, "forget_sessions": True})
    until(watchers, story.code, [1, 2, 4], within=40)


@pytest.mark.req("SY-02")
def test_a_dossier_waits_for_facts_from_a_room_that_is_away(story: Story, watchers: Watchers) -> None:
    watchers.identity.away = True
    story.filed()
    eventually(lambda: any(method == "person" for method, _ in watchers.identity.asked), what="asked")
    assert codes(watchers, story.code) == []
    watchers.identity.away = False
    assert until(watchers, story.code, [1])["record"]["ChuHoSo"] == PERSON["full_name"]


@pytest.mark.req("SY-02")
def test_a_kill_in_the_middle_loses_and_doubles_nothing(
    story: Story, watchers: Watchers, line: Bus, data: pymongo.MongoClient
) -> None:
    watchers.http("national-simulator", "/control", {"down": True})
    stories = [story, *(Story(watchers, line) for _ in range(5))]
    for each in stories:
        whole_life(each)
    eventually(lambda: data["exchange"]["deliveries"].count_documents({}) >= 6, what="deliveries")
    watchers.http("national-simulator", "/control", {"down": False})
    eventually(lambda: any(codes(watchers, each.code) for each in stories), what="the first one")
    watchers.system.kill("exchange")
    # what was in hand at the kill is leased to nobody's use for 15 s of the database's time: as if they had passed
    data["exchange"]["deliveries"].update_many({}, {"$set": {"lease_until": datetime(2000, 1, 1, tzinfo=UTC)}})
    watchers.system.wait_ready("exchange")
    for each in stories:
        until(watchers, each.code, [1, 2, 4, 6, 4], within=40)
        eventually(lambda code=each.code: data["exchange"]["deliveries"].find_one({"_id": code}) is None, what="empty")
        told = data["oversight"]["ledger"].find(
            {"body.type": "vn.motcua.exchange.delivered.v1", "body.subject": each.code}
        )
        eventually(lambda rows=told: len(list(rows.clone())) == 5, what="five told once each")


@pytest.mark.req("SY-02")
def test_an_answer_waits_for_the_request_that_it_answers(story: Story, watchers: Watchers) -> None:
    story.filed()
    story.accepted()
    story.tell("case.opened", "processing", steps=[])
    story.tell("dossier.amended", stage="processing", slip_id="s-1", dossier_version=2)
    until(watchers, story.code, [1, 2, 4])
    story.tell("supplement.requested", "processing", slip_id="s-1")
    until(watchers, story.code, [1, 2, 4, 5, 4])


def test_dossiers_follow_their_owner_to_the_id_that_identity_keeps(
    story: Story, watchers: Watchers, line: Bus, data: pymongo.MongoClient
) -> None:
    story.filed()
    until(watchers, story.code, [1])
    line.tell(
        "account.normalized",
        {"account_id": "a", "person_id": "per-new-" + story.code, "former_person_id": story.owner},
        subject="a-" + story.code, source="identity",
    )  # fmt: skip
    eventually(lambda: data["exchange"]["syncs"].find_one({"owner": "per-new-" + story.code}), what="linked")
