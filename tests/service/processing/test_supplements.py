"""Supplement requests after acceptance: clock and steps stand still, a block stops the act and nothing else."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from services.common.problems import Problem
from tests.service.intake.conftest import paper
from tests.support.bus import eventually

TEXT = "Chụp lại bản chụp cho rõ"


def ask(story: Any, **changes: Any) -> dict[str, Any]:
    answer: dict[str, Any] = story.do(
        story.specialist, "request_supplement", **({"text": TEXT, "components": ["ban-chup"]} | changes)
    )
    return answer


def answer_of(story: Any) -> list[dict[str, str]]:
    sha256 = "c" * 64
    return [{"component": "ban-chup", "file_id": "file-x", "sha256": sha256}]


@pytest.mark.req("GU-06", "GU-07", "PR-01")
def test_an_open_request_stops_steps_and_clock(accepted: Any, citizen: Any, room: Any) -> None:
    story = accepted()
    step = story.case()["current_step"]
    story.do(story.specialist, "start_step", step=step)
    # The slip is not signed: a violation, whose block comes back while the specialist works on. It stops the next slip
    # and makes nobody's command stale.
    asked = ask(story, file_id=story.specialist.upload("slip", paper("Phiếu yêu cầu")))
    assert (asked["state"], asked["clock"]["running"]) == ("SUPPLEMENT", False)
    slip = asked["supplements"][-1]
    assert (slip["round"], slip["verdict"], slip["components"]) == (1, "NO_SIGNATURE", ["ban-chup"])
    for command in ("finish_step", "start_step"):
        assert story.refused(story.specialist, command, step=step).rule == "PR-01"
    assert story.desk.refused("processing.release", code=story.code).status == 409
    assert citizen().refused("processing.slip", slip_id=slip["slip_id"]).status == 404
    seen = story.an.call("processing.slip", slip_id=slip["slip_id"])
    assert (seen["text"], seen["act"], seen["former"]) == (TEXT, "supplement", [])
    assert "officer_person" not in seen
    assert room("oversight").call("processing.slip", slip_id=slip["slip_id"])["officer_person"]

    foreign = [{**answer_of(story)[0], "component": "don"}]
    assert story.an.refused("processing.accept_amendment", code=story.code, components=foreign).rule == "GU-08"
    granted = story.an.do("processing.accept_amendment", code=story.code, components=answer_of(story))
    assert (granted["granted"], granted["slip_id"], granted["unanswered"]) == (True, slip["slip_id"], [])
    # intake may ask again under another key
    again = story.an.do("processing.accept_amendment", code=story.code, components=answer_of(story))
    assert again == granted
    resumed = story.case()
    assert (resumed["state"], resumed["clock"]["running"]) == ("WORKING", True)
    assert [i["kind"] for i in resumed["clock"]["intervals"]] == ["RUNNING", "STOPPED", "RUNNING"]
    assert resumed["clock"]["appointments"][-1]["before"] == asked["appointment"]
    story.do(story.specialist, "finish_step", step=step)


@pytest.mark.req("X-17")
def test_a_second_request_is_stored_with_its_round(accepted: Any, result_paper: Any) -> None:
    story = accepted()
    signed = story.specialist.upload("slip", result_paper("officer-specialist"))
    first = ask(story, file_id=signed)["supplements"][-1]
    assert first["verdict"] == "TOTAL_PASSED"
    story.an.do("processing.accept_amendment", code=story.code, components=answer_of(story))
    second = ask(story, failure_statement="Bản chụp vẫn mờ")["supplements"][-1]
    assert (second["round"], second["has_statement"], second["file_id"]) == (2, True, None)
    seen = story.specialist.call("processing.slip", slip_id=second["slip_id"])
    assert [former["slip_id"] for former in seen["former"]] == [first["slip_id"]]


@pytest.mark.req("GU-02", "GU-06")
def test_a_request_that_says_or_selects_nothing_leaves_nothing(accepted: Any) -> None:
    story = accepted()
    for wrong in ({"text": "  "}, {"components": []}, {"components": ["khong-co"]}):
        problem = story.refused(
            story.specialist, "request_supplement", **({"text": TEXT, "components": ["ban-chup"]} | wrong)
        )
        assert (problem.status, problem.rule) == (422, "GU-02")
    assert story.case()["supplements"] == []


def test_an_amendment_that_nobody_asked_for_is_refused(accepted: Any) -> None:
    story = accepted()
    assert story.an.refused("processing.accept_amendment", code=story.code, components=answer_of(story)).status == 409


@pytest.mark.req("MO-11", "MO-13")
def test_a_block_stops_the_next_request_and_nothing_else(accepted: Any, tell: Any) -> None:
    story = accepted()

    def block(name: str, act: str, expected: bool) -> None:
        tell(name, {"code": story.code, "act": act}, subject=story.code, source="oversight", queue="evt.processing")
        eventually(lambda: story.case()["supplement_blocked"] is expected, what=name)

    block("slips.blocked", "guidance", False)
    block("slips.blocked", "supplement", True)
    problem = story.refused(story.specialist, "request_supplement", text=TEXT, components=["ban-chup"])
    assert (problem.status, problem.rule) == (409, "MO-11")
    step = story.case()["current_step"]
    story.do(story.specialist, "start_step", step=step)
    story.do(story.specialist, "finish_step", step=step)
    block("slips.unblocked", "supplement", False)
    assert ask(story)["state"] == "SUPPLEMENT"


@pytest.mark.req("MO-11", "MO-13")
def test_of_a_block_and_its_removal_the_one_told_later_counts_in_either_order(accepted: Any, tell: Any) -> None:
    story = accepted()
    first = datetime.now(UTC)
    about: dict[str, Any] = {"subject": story.code, "source": "oversight", "queue": "evt.processing"}
    data = {"code": story.code, "act": "supplement"}
    tell("slips.blocked", data, recorded=first, **about)
    eventually(lambda: story.case()["supplement_blocked"], what="blocked")
    tell("slips.unblocked", data, recorded=first + timedelta(seconds=2), **about)
    eventually(lambda: not story.case()["supplement_blocked"], what="unblocked")
    tell("slips.blocked", data, recorded=first + timedelta(seconds=1), **about)
    tell("slips.blocked", data | {"act": "guidance"}, recorded=first + timedelta(seconds=9), **about)
    # Behind them in the queue: when it shows, they have been handled.
    other = accepted()
    tell("slips.blocked", {"code": other.code, "act": "supplement"}, **(about | {"subject": other.code}))
    eventually(lambda: other.case()["supplement_blocked"], what="the other's block")
    assert story.case()["supplement_blocked"] is False


def test_only_a_specialist_asks(accepted: Any) -> None:
    story = accepted()
    for who in (story.leader, story.desk, story.an):
        problem: Problem = story.refused(who, "request_supplement", text=TEXT, components=["ban-chup"])
        assert problem.status == 403
