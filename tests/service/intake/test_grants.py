"""Intake ends between what processing granted and its own commit, and nobody asks again: the event is enough."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.service.intake.conftest import paper
from tests.service.processing.conftest import Story, accepted, result_paper
from tests.support.bus import eventually

__all__ = ["accepted", "result_paper"]


@pytest.fixture
def timer_due(bus: Any, tokens: Any, business_now: Any) -> Callable[[], None]:
    """Moves the clock past the next run of intake's timer, which comes every fifteen seconds of business time."""

    def move() -> None:
        to = business_now() + timedelta(seconds=20)
        bus.call("oversight.move_clock", tokens.operator(), to=to.isoformat())

    return move


def finished(database: Any, told: Any, code: str, event: str, timer_due: Callable[[], None]) -> dict[str, Any]:
    """Waits for the noted grant, lets its time of grace be over, and returns the one event that was told."""
    progress = database["intake"]["progress"]
    eventually(lambda: progress.find_one({"_id": code})["grants"], what="the grant noted")
    grants = progress.find_one({"_id": code})["grants"]
    assert len(grants) == 1
    long_ago = datetime.now(UTC) - timedelta(minutes=5)
    progress.update_one({"_id": code}, {"$set": {"grants.0.recorded": long_ago}})
    timer_due()

    def found() -> list[dict[str, Any]]:
        return [row for row in told(code) if row["type"] == f"vn.motcua.{event}.v1"]

    eventually(found, within=40, what=event)
    assert progress.find_one({"_id": code})["grants"] == []
    assert len(found()) == 1
    data: dict[str, Any] = found()[0]["data"]
    return data


@pytest.mark.req("X-19")
def test_a_granted_withdrawal(accepted: Any, database: Any, told: Any, timer_due: Any) -> None:
    story: Story = accepted()
    story.an.do("processing.withdraw", code=story.code)  # as intake's command does, which then dies
    data = finished(database, told, story.code, "dossier.withdrawn", timer_due)
    dossier = story.an.call("intake.dossier", code=story.code)
    assert (dossier["status"], dossier["status_code"], data["stage"]) == ("withdrawn", 7, "processing")
    assert dossier["withdrawn_at"] == data["at"]


@pytest.mark.req("X-19", "GU-08")
def test_a_granted_amendment(accepted: Any, database: Any, told: Any, timer_due: Any) -> None:
    story: Story = accepted()
    story.do(story.specialist, "request_supplement", text="Bổ sung bản chụp", components=["ban-chup"])
    slip = eventually(lambda: story.an.call("intake.dossier", code=story.code)["slips"], what="slip")[0]
    file_id = story.an.upload("component", paper())
    sha256 = eventually(lambda: database["vault"]["files"].find_one({"_id": file_id}), what="file")["sha256"]
    given = [{"component": "ban-chup", "file_id": file_id, "sha256": sha256}]
    story.an.do("processing.accept_amendment", code=story.code, components=given)
    data = finished(database, told, story.code, "dossier.amended", timer_due)
    assert (data["components"], data["slip_id"], data["dossier_version"]) == (given, slip["slip_id"], 2)
    dossier = story.an.call("intake.dossier", code=story.code)
    assert (dossier["status"], dossier["dossier_version"]) == ("accepted", 2)
    assert [row["sha256"] for row in dossier["components"] if row["component"] == "ban-chup"] == [sha256]
    log = story.an.call("intake.history", code=story.code)["items"]
    assert (log[-1]["who"], log[-1]["component"], log[-1]["sha256"]) == (story.an.subject, "ban-chup", sha256)


@pytest.mark.req("X-19", "RT-04")
def test_a_released_result(accepted: Any, database: Any, told: Any, result_paper: Any, timer_due: Any) -> None:
    story: Story = accepted()
    story.pay()
    story.work_all_steps()
    story.attach(result_paper())
    released = story.desk.do("processing.release", code=story.code)
    data = finished(database, told, story.code, "dossier.returned", timer_due)
    wanted = {name: released["result"][name] for name in ("file_id", "sha256", "report_id")}
    assert (data["result"], data["officer"]) == (wanted, story.desk.subject)
    dossier = story.an.call("intake.dossier", code=story.code)
    assert (dossier["status"], dossier["result"]["name"]) == ("returned", "Bản sao có xác nhận")


def test_what_a_command_carried_out_itself_is_told_once(
    accepted: Any, database: Any, told: Any, timer_due: Any
) -> None:
    story: Story = accepted()
    dossier = story.an.call("intake.dossier", code=story.code)
    story.an.do("intake.withdraw", key=uuid.uuid4().hex, code=story.code, version=dossier["version"])
    progress, rows = database["intake"]["progress"], database["intake"]["inbox"]
    eventually(
        lambda: rows.find_one({"name": "case.withdrawn", "_id": _event_id(database, story.code)}), what="its event"
    )
    long_ago = datetime.now(UTC) - timedelta(minutes=5)
    progress.update_many({"_id": story.code, "grants.0": {"$exists": True}}, {"$set": {"grants.0.recorded": long_ago}})
    timer_due()
    eventually(lambda: not progress.find_one({"_id": story.code})["grants"], within=40, what="nothing left to do")
    eventually(lambda: told(story.code)[2:], what="told")
    assert [row["type"] for row in told(story.code)].count("vn.motcua.dossier.withdrawn.v1") == 1


def _event_id(database: Any, code: str) -> str:
    row = database["processing"]["told"].find_one({"aggregateid": code, "type": "vn.motcua.case.withdrawn.v1"})
    return str(row["id"]) if row else ""
