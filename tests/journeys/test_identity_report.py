"""Báo cáo số: counts of accounts that follow what happens, by state, unit and day."""

from __future__ import annotations

from typing import Any

import pytest

from deploy.demo.people import Citizen, refused
from services.identity.figures import COUNTED
from tests.journeys.scenes import somebody


def report(officer: Any, **query: Any) -> dict[str, Any]:
    answer: dict[str, Any] = officer.client.get("/reports/accounts", **query)
    return answer


def changes(before: dict[str, int], after: dict[str, int]) -> dict[str, int]:
    return {
        name: after[name] - before[name]
        for name in after
        if isinstance(after[name], int) and after[name] != before[name]
    }


@pytest.mark.req("ID-09")
def test_each_registration_normalization_and_lock_changes_the_figures_by_one(world, ioc):
    start = report(ioc)
    citizen, rival = Citizen(world, somebody()), Citizen(world, somebody())
    citizen.enter()
    registered = report(ioc)
    assert changes(start["totals"], registered["totals"]) == {"total": 1, "pending": 1}
    rival.enter()
    person = citizen.person
    claim = {"full_name": "Sai Tên", "id_number": person.personal_number, "issue_date": person.issue_date.isoformat()}
    assert refused(lambda: rival.normalize(rival.normalization(**claim))).rule == "ID-16"
    both = report(ioc)
    assert changes(registered["totals"], both["totals"]) == {"total": 1, "pending": 1}, "a refusal changes nothing"
    citizen.normalize()
    done = report(ioc)
    assert changes(both["totals"], done["totals"]) == {"pending": -2, "normalized": 1, "locked": 1}
    assert done["totals"]["total"] == sum(done["totals"][state] for state in COUNTED)
    [today] = [day for day in done["days"] if day["day"] == world.now().date().isoformat()]
    [earlier] = [day for day in start["days"] if day["day"] == today["day"]] or [dict.fromkeys(today, 0)]
    assert changes(earlier, today) == {"registered": 2, "normalized": 1, "locked": 1}


@pytest.mark.req("ID-09")
def test_the_figures_of_a_unit_are_those_of_who_lives_there(world, ioc):
    everywhere = report(ioc)
    named = {row["unit"]: row for row in everywhere["units"]}
    assert len(named) > 2, "pending accounts, and people of several communes"
    assert all(sum(row[state] for row in named.values()) == everywhere["totals"][state] for state in COUNTED)
    unit = next(name for name in named if name)
    assert report(ioc, unit=unit)["totals"] == {k: v for k, v in named[unit].items() if k != "unit"}
    assert report(ioc, unit="999.99.99.H57")["totals"]["total"] == 0


@pytest.mark.req("ID-09", "RO-05")
def test_who_may_not_watch_does_not_see_them(world, ioc, desk, officer, resident):
    for nobody in (desk.client, resident.client, officer("officer-specialist").client):
        assert nobody.refused("GET", "/reports/accounts").status == 403
    assert world.anybody.refused("GET", "/reports/accounts").status == 401
    control = officer("officer-centre")
    assert report(control)["unit"] == control.unit
    refusal = refused(lambda: report(control, unit="000.05.07.H57"))
    assert (refusal.status, refusal.rule) == (403, "RO-05")
    refusal = refused(lambda: report(ioc, since="2024-03-11", until="2024-03-01"))
    assert (refusal.status, [e["field"] for e in refusal.problem["errors"]]) == (422, ["until"])
