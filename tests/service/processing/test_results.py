"""Results: attached in turn, refused by rule, released once."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from threading import Barrier
from typing import Any

import pytest

from deploy.rehearsal import papers
from services.common.problems import Problem
from tests.service.intake.conftest import OTHER_UNIT, paper
from tests.support.bus import Bus, eventually


@pytest.mark.req("RT-01", "RT-02", "SG-03", "SG-04", "X-22", "RT-10")
def test_only_the_agencys_valid_signature_leaves_the_house(accepted: Any, result_paper: Any, database: Any) -> None:
    story = accepted()
    assert story.refused(story.specialist, "attach_result", file_id="x", name="y").rule == "PR-01"
    story.work_all_steps()
    assert story.desk.refused("processing.release", code=story.code).rule == "RT-01"
    good = result_paper()
    forged = [
        (result_paper(None), "SG-04", "NO_SIGNATURE"),
        (papers.tampered(good), "SG-04", "TOTAL_FAILED"),
        (papers.wrapped(good), "SG-04", "TOTAL_FAILED"),
        (papers.appended(good, "update"), "SG-04", "TOTAL_FAILED"),
        (result_paper("agency-revoked"), "SG-04", "TOTAL_FAILED"),
        (result_paper("foreign-quang-thai"), "X-22", "INDETERMINATE"),
        (result_paper("agency-other"), "SG-03", "TOTAL_PASSED"),
        (result_paper("officer-specialist"), "SG-03", "TOTAL_PASSED"),
    ]
    for number, (data, rule, verdict) in enumerate(forged, start=1):
        attached = story.attach(data)
        assert (attached["result"]["round"], attached["result"]["standing"]) == (number, "chua_hop_le")
        problem = story.desk.refused("processing.release", code=story.code)
        assert (problem.status, problem.rule, problem.extra["verdict"]) == (409, rule, verdict)
    attached = story.attach(good)
    assert (attached["result"]["standing"], len(attached["results"])) == ("hop_le", len(forged) + 1)
    assert attached["result"]["ready_at"] is not None
    assert story.desk.refused("processing.release", code=story.code).rule == "RT-10"
    story.pay()
    released = story.desk.do("processing.release", code=story.code)
    assert released["granted"] is True
    assert released["result"]["sha256"] == attached["result"]["sha256"]
    # asked again under another key, by whoever lost the answer
    assert story.desk.do("processing.release", code=story.code) == released
    case = story.case()
    assert case["state"] == "RELEASED"
    checks = [line for line in case["log"] if line["what"] == "check_result"]
    assert [line["rule"] for line in checks] == ["RT-01", *[rule for _, rule, _ in forged], "RT-10", None]
    assert {line["actor"] for line in checks} == {story.desk.subject}
    assert [line["granted"] for line in checks] == [False] * (len(forged) + 2) + [True]
    assert story.refused(story.specialist, "attach_result", file_id="x", name="y").status == 409
    told = database["processing"]["told"]
    eventually(lambda: told.find_one({"aggregateid": story.code, "type": {"$regex": "result.released"}}), what="told")
    names = [row["type"] for row in told.find({"aggregateid": story.code})]
    assert sum("result.ready" in name for name in names) == 1


@pytest.mark.req("SG-03")
def test_a_result_is_ready_when_the_last_step_ends(accepted: Any, result_paper: Any) -> None:
    story = accepted()
    first, last = (step["step"] for step in story.case()["steps"])
    story.do(story.specialist, "start_step", step=first)
    story.do(story.specialist, "finish_step", step=first)
    story.do(story.specialist, "start_step", step=last)
    attached = story.attach(result_paper())
    assert (attached["result"]["standing"], attached["result"]["ready_at"]) == ("hop_le", None)
    assert story.desk.refused("processing.release", code=story.code).rule == "PR-01"
    assert story.do(story.specialist, "finish_step", step=last)["result"]["ready_at"] is not None


@pytest.mark.req("RT-03")
def test_the_desk_asks_for_a_signed_result_and_no_appointment_moves(
    accepted: Any, result_paper: Any, officer: Any
) -> None:
    story = accepted()
    story.work_all_steps()
    story.attach(result_paper(None))
    before = story.case()["appointment"]
    asked = story.desk.do("processing.ask_signed_result", code=story.code)
    assert (len(asked["asked_signed_at"]), asked["appointment"]) == (1, before)
    assert officer(unit=OTHER_UNIT).refused("processing.ask_signed_result", code=story.code).status == 403
    story.attach(result_paper())
    assert story.desk.refused("processing.ask_signed_result", code=story.code).rule == "RT-03"


def test_a_result_is_a_file_that_its_officer_uploaded_as_one(accepted: Any, officer: Any, result_paper: Any) -> None:
    story = accepted()
    story.work_all_steps()
    foreign = officer("specialist").upload("result", paper())
    for file_id in ("khong-co", foreign, story.specialist.upload("slip", paper())):
        problem = story.refused(story.specialist, "attach_result", file_id=file_id, name="Bản sao")
        assert (problem.status, problem.errors[0]["field"]) == (422, "file_id")
    assert story.case()["results"] == []


@pytest.mark.req("RT-04", "KO-04")
def test_a_result_belongs_to_one_dossier_whoever_attaches_it_first(accepted: Any, result_paper: Any) -> None:
    """One citizen's result never goes into another one's store: not the file, nor its bytes uploaded anew."""
    first, second = accepted(), accepted()
    for story in (first, second):
        story.work_all_steps()
    data = result_paper()
    file_id = first.specialist.upload("result", data)
    first.do(first.specialist, "attach_result", file_id=file_id, name="Bản sao")
    again = second.specialist.upload("result", data)
    for who, given in ((first.specialist, file_id), (second.specialist, again)):
        problem = second.refused(who, "attach_result", file_id=given, name="Bản sao")
        assert (problem.status, problem.rule) == (409, "RT-04")
    assert second.case()["results"] == []
    # In its own dossier it may come again, in a next round.
    assert first.attach(data)["result"]["round"] == 2


@pytest.mark.req("RT-04", "KO-04")
def test_of_two_dossiers_at_once_one_gets_the_paper(accepted: Any, result_paper: Any, system: Any) -> None:
    stories = [accepted(), accepted()]
    for story in stories:
        story.work_all_steps()
    data = result_paper()
    ids = [story.specialist.upload("result", data) for story in stories]
    versions = [story.case()["version"] for story in stories]
    start = Barrier(2)

    def attach(place: int) -> Any:
        line = Bus(system.amqp_url("operator"))
        try:
            specialist = replace(stories[place].specialist, bus=line)
            start.wait(timeout=10)
            return specialist.do(
                "processing.attach_result", code=stories[place].code, version=versions[place], file_id=ids[place],
                name="Bản sao",
            )  # fmt: skip
        except Problem as problem:
            return problem
        finally:
            line.close()

    with ThreadPoolExecutor(2) as pool:
        outcomes = list(pool.map(attach, (0, 1)))
    lost = [outcome for outcome in outcomes if isinstance(outcome, Problem)]
    assert [(problem.status, problem.rule) for problem in lost] == [(409, "RT-04")]
    assert sorted(len(story.case()["results"]) for story in stories) == [0, 1]


def test_only_the_dossiers_desk_releases(accepted: Any, officer: Any) -> None:
    story = accepted()
    for who, status in ((officer(unit=OTHER_UNIT), 403), (story.specialist, 403), (story.an, 403)):
        assert who.refused("processing.release", code=story.code).status == status


@pytest.mark.req("X-19")
def test_the_desk_returns_through_intake_what_processing_grants(accepted: Any, result_paper: Any) -> None:
    story = accepted()
    story.work_all_steps()
    story.attach(result_paper())
    story.pay()
    version = story.desk.call("intake.dossier", code=story.code)["version"]
    returned = story.desk.do("intake.return_result", code=story.code, version=version)
    assert returned["status_code"] == 10
    assert story.case(story.an)["result"]["sha256"] == story.case()["result"]["sha256"]
