"""A case on its way: steps in order, by those who may, with every answer kept."""

from __future__ import annotations

import uuid
from datetime import datetime, timedelta
from typing import Any

import pytest

from services.common.calendar_data import shipped_calendars
from services.common.problems import Problem
from tests.service.intake.conftest import OTHER_UNIT
from tests.support.bus import eventually


@pytest.mark.req("PR-01", "PR-06")
def test_steps_are_taken_in_the_approved_order_and_logged(accepted: Any, database: Any) -> None:
    story = accepted()
    first, second = (step["step"] for step in story.case()["steps"])
    assert story.refused(story.specialist, "start_step", step=second).rule == "PR-01"
    assert story.refused(story.specialist, "finish_step", step=first).rule == "PR-01"
    story.do(story.specialist, "start_step", step=first)
    assert story.refused(story.specialist, "start_step", step=second).rule == "PR-01"
    story.do(story.specialist, "finish_step", step=first, note="Hồ sơ hợp lệ")
    story.do(story.specialist, "start_step", step=second)
    done = story.do(story.specialist, "finish_step", step=second)
    assert (done["state"], done["current_step"]) == ("FINISHED", None)
    assert [line["what"] for line in done["log"]] == ["open", *["start_step", "finish_step"] * 2]
    assert {line["actor"] for line in done["log"][1:]} == {story.specialist.subject}
    told = database["processing"]["told"]
    eventually(lambda: told.count_documents({"aggregateid": story.code}) >= 5, what="told")
    rows = list(told.find({"aggregateid": story.code}).sort("sequence", 1))
    assert [row["sequence"] for row in rows] == list(range(1, len(rows) + 1))


def test_only_the_units_own_specialist_works_on_it(accepted: Any, officer: Any, citizen: Any) -> None:
    story = accepted()
    step = story.case()["current_step"]
    for who, status in (
        (officer("specialist", OTHER_UNIT), 403),
        (officer("leader", OTHER_UNIT), 403),
        (story.leader, 403),  # the step names a specialist
        (story.desk, 403),
        (story.an, 403),
    ):
        assert story.refused(who, "start_step", step=step).status == status
    assert officer("specialist", OTHER_UNIT).refused("processing.case", code=story.code).status == 403
    assert citizen().refused("processing.case", code=story.code).status == 404
    assert story.an.refused("processing.case", code="000.05.07.H57-240311-9999").status == 404
    assert story.case()["state"] == "WAITING"


def test_the_owner_sees_her_case_without_the_offices_inside(accepted: Any) -> None:
    story = accepted()
    story.do(story.specialist, "start_step", step=story.case()["current_step"])
    seen = story.case(story.an)
    assert (seen["state"], seen["log"], seen["results"], seen["result"]) == ("WORKING", [], [], None)
    assert seen["appointment"] == story.dossier["appointment"]


def test_a_stale_version_and_a_repeated_key_do_nothing_twice(accepted: Any) -> None:
    story = accepted()
    case = story.case()
    key = uuid.uuid4().hex
    given = {"code": story.code, "version": case["version"], "step": case["current_step"]}
    first = story.specialist.do("processing.start_step", key=key, **given)
    assert story.specialist.do("processing.start_step", key=key, **given) == first
    assert story.case()["version"] == first["version"] == case["version"] + 1
    problem = story.specialist.refused("processing.finish_step", **given)
    assert (problem.status, problem.type) == (409, "/problems/stale-version")
    other = story.specialist.refused("processing.start_step", key=key, **{**given, "step": "khac"})
    assert other.status == 422
    with pytest.raises(Problem) as refused:
        story.specialist.call("processing.start_step", **given)
    assert refused.value.status == 400


def test_bad_input_is_refused_field_by_field(accepted: Any) -> None:
    story = accepted()
    for wrong in (
        {"step": 7},
        {"step": ""},
        {"version": "một"},
        {"unknown": True},
        {"step": None},
        {"note": "\x00"},
        {"code": "0" * 65},
    ):
        given = {"code": story.code, "version": 1, "step": "tham-dinh"} | wrong
        problem = story.specialist.refused("processing.finish_step", **given)
        assert (problem.status, [error["field"] for error in problem.errors]) == (422, list(wrong))
    assert story.case()["version"] == 1


def test_the_worklist_pages_by_appointment(accepted: Any, officer: Any) -> None:
    stories = [accepted() for _ in range(3)]
    specialist = stories[0].specialist
    seen: list[dict[str, Any]] = []
    cursor = None
    while True:
        page = specialist.call("processing.worklist", unit="000.05.07.H57", limit=2, cursor=cursor)
        assert len(page["items"]) <= 2
        seen += page["items"]
        cursor = page["next_cursor"]
        if cursor is None:
            break
    codes = [item["code"] for item in seen]
    assert len(set(codes)) == len(codes)
    assert {story.code for story in stories} <= set(codes)
    appointments = [datetime.fromisoformat(item["appointment"]) for item in seen]
    assert appointments == sorted(appointments)
    mine = next(item for item in seen if item["code"] == stories[0].code)
    assert (mine["step"], mine["late"]) == ("tham-dinh", False)
    assert specialist.refused("processing.worklist", unit=OTHER_UNIT).status == 403
    assert specialist.refused("processing.worklist", unit="000.05.07.H57", cursor="khong phai").status == 422


@pytest.mark.req("PR-07")
def test_the_leader_apologises_once_and_both_dates_stay(accepted: Any) -> None:
    story = accepted()
    before = story.case()["appointment"]
    day = datetime.fromisoformat(before) + timedelta(days=1)
    new = shipped_calendars()["hue-centres"].next_opening(day).isoformat()
    moved = story.do(story.leader, "reschedule", new_appointment=new, reason="Cần xác minh thêm")
    assert (moved["original_appointment"], moved["clock"]["appointments"][-1]["before"]) == (before, before)
    assert datetime.fromisoformat(moved["appointment"]) == datetime.fromisoformat(new)
    again = story.refused(story.leader, "reschedule", new_appointment=new, reason="Lần hai")
    assert (again.status, again.rule) == (409, "PR-07")
    assert story.refused(story.specialist, "reschedule", new_appointment=new, reason="x").status == 403


def test_the_leader_stops_a_case_and_nothing_follows(accepted: Any) -> None:
    story = accepted()
    stopped = story.do(story.leader, "stop", reason="Không đủ điều kiện")
    assert (stopped["state"], stopped["clock"]["running"], stopped["allowed"]) == ("STOPPED", False, [])
    assert story.refused(story.specialist, "start_step", step="tham-dinh").status == 409
    assert story.an.refused("processing.withdraw", code=story.code).status == 409


@pytest.mark.req("X-19")
def test_a_withdrawal_is_the_owners_and_granted_again(accepted: Any, citizen: Any) -> None:
    story = accepted()
    assert citizen().refused("processing.withdraw", code=story.code).status == 404
    first = story.an.do("processing.withdraw", code=story.code)
    assert first["granted"] is True
    assert story.an.do("processing.withdraw", code=story.code) == first
    assert story.case()["state"] == "WITHDRAWN"


def test_a_normalized_person_finds_her_case(accepted: Any, tokens: Any, bus: Any, tell: Any) -> None:
    story = accepted()
    now = f"per-{uuid.uuid4().hex[:12]}"
    tell(
        "account.normalized",
        {"account_id": story.an.subject, "person_id": now, "former_person_id": story.an.person_id},
        subject=story.an.subject, source="identity", queue="evt.processing",
    )  # fmt: skip
    token = tokens.person("citizen", subject=story.an.subject, person_id=now)

    def found() -> bool:
        try:
            return bool(bus.call("processing.case", token, code=story.code)["code"] == story.code)
        except Problem as problem:
            return problem.status != 404

    eventually(found, what="the case under the new person id")
    assert bus.call("processing.case", token, code=story.code)["code"] == story.code
    # A session from before still stands for her, as it does at intake; a stranger's does not.
    assert story.an.call("processing.case", code=story.code)["code"] == story.code
    assert bus.refused("processing.case", tokens.person("citizen"), code=story.code).status == 404
