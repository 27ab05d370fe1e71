"""The desk's working hour on the working calendar. Comes last: it moves the clock of the journeys' system forward."""

from __future__ import annotations

from datetime import datetime

import pytest

from deploy.demo.audit import as_operator
from deploy.demo.client import eventually
from deploy.demo.people import BIRTH, Officer, refused
from deploy.demo.story import moment
from deploy.demo.world import World
from deploy.operate import clock
from services.common.calendar import VIETNAM
from services.common.problems import Problem
from tests.journeys.scenes import Scenes


def set_clock(world: World, text: str) -> None:
    """Moves business time of the whole system forward to a local time; everybody follows."""
    to = datetime.fromisoformat(text).replace(tzinfo=VIETNAM)
    with as_operator(world.system) as operator:
        assert clock.move(operator, to) == 0
    eventually(lambda: world.now() >= to, what=f"{text} at the gateway")


def is_late(officer: Officer, code: str) -> bool:
    return any(row["code"] == code for row in officer.client.get("/late", limit=100)["items"])


def told(officer: Officer, code: str) -> set[str]:
    return {entry["body"]["type"] for entry in officer.client.get("/ledger", code=code, limit=100)["items"]}


@pytest.fixture(scope="module")
def friday(scenes: Scenes, world: World) -> tuple[str, str]:
    """Two dossiers filed on a Friday at 16:30, while the desk is open until 17:00; the second is answered in time."""
    scenes.papers(scenes.citizen, BIRTH)
    set_clock(world, "2024-03-15T16:30:00")
    codes = scenes.filed(BIRTH), scenes.filed(BIRTH)
    scenes.desk.on_dossier(codes[1], "acceptance")
    return codes


@pytest.mark.req("IN-01", "IN-02")
def test_filed_on_friday_at_half_past_four_it_is_due_on_monday_at_eight(friday, resident):
    due = moment(resident.dossier(friday[0])["intake_due"])
    assert f"{due:%Y-%m-%d %H:%M}" == "2024-03-18 08:00"


@pytest.mark.req("IN-01")
def test_one_minute_before_it_is_not_late_and_one_minute_after_it_is(friday, world, desk, ioc, officer):
    open_code, answered = friday
    # The answer is known to oversight before two days pass in a moment.
    eventually(lambda: "vn.motcua.dossier.accepted.v1" in told(ioc, answered), what="the answer in the ledger")
    set_clock(world, "2024-03-18T07:59:00")
    # Filed some seconds after half past four: a minute and these seconds are left, and the clock runs on.
    assert desk.dossier(open_code)["minutes_left"] in (0, 1)
    assert not is_late(ioc, open_code) and not desk.dossier(open_code)["intake_late"]
    set_clock(world, "2024-03-18T08:01:00")
    eventually(lambda: is_late(ioc, open_code), what="flagged as late by the timer")
    assert desk.dossier(open_code)["intake_late"] is True
    row = next(row for row in desk.queue() if row["code"] == open_code)
    assert row["late"] and row["minutes_left"] < 0
    # Control: the one that was answered in its hour is late for nobody.
    assert not is_late(ioc, answered) and not desk.dossier(answered)["intake_late"]
    assert refused(lambda: scenes_late_of_other(officer, desk)).status == 403


def scenes_late_of_other(officer, desk: Officer) -> object:
    """An officer of another desk asks for this desk's late dossiers."""
    return officer("officer-desk-a-ngo").client.get("/late", unit=desk.unit)


@pytest.mark.req("IN-02")
@pytest.mark.parametrize(
    ("filed", "due"),
    [
        ("2024-03-18T11:00:00", "2024-03-18 13:30"),  # over lunch
        ("2024-03-18T12:10:00", "2024-03-18 14:00"),  # at lunch
        ("2024-03-18T17:05:00", "2024-03-19 08:30"),  # at night
        ("2024-03-23T10:00:00", "2024-03-25 08:30"),  # on a Saturday
        ("2024-04-17T16:40:00", "2024-04-19 08:10"),  # on the eve of a holiday
    ],
)
def test_the_hour_leaves_out_lunch_nights_weekends_and_holidays(scenes: Scenes, world, resident, filed, due):
    set_clock(world, filed)
    code = resident.file(BIRTH, scenes.papers(resident, BIRTH))["code"]
    dossier = resident.dossier(code)
    promised, at = moment(dossier["intake_due"]), moment(dossier["filed_at"])
    # The clock runs on while the request travels: only whole minutes are compared, and it must still be the minute.
    assert f"{at:%Y-%m-%dT%H:%M}" == filed[:16]
    assert f"{promised:%Y-%m-%d %H:%M}" == due


@pytest.mark.req("IN-01")
def test_the_clock_does_not_go_back(world):
    before = world.now()
    with as_operator(world.system) as operator, pytest.raises(Problem, match="forward only"):
        operator.call("oversight.move_clock", to="2024-03-11T09:00:00+07:00")
    assert world.now() >= before
